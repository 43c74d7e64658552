"""What a crash may leave half done, and how it is found again.

An object in S3 and an item in DynamoDB cannot change together. So every object is written in three steps:

    announce   an announcement item names the object's key; refused when the composition is gone or being deleted
    put        the object is stored under that key, which no other writer ever uses
    commit     ONE transaction removes the announcement and makes the metadata point at the object

A writer whose commit is refused deletes its object, then its announcement. A writer that dies leaves its announcement,
and as the announcement and the reference never exist together, the sweep may delete the object of any announcement old
enough to be nobody's: there is no object without metadata and no metadata without its object, wherever the writer died.

Items that wait for something carry `unfinished` (what for) and `since`, and so stand in the sparse index
`unfinished`: compositions being composed, renderings being made, compositions being deleted, announcements.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from service.resources import Audio
from service.storage.items import (
    Announcement,
    StoredComposition,
    announcement_key,
    composition_key,
    moment,
    read_announcement,
    read_audio,
    read_composition,
    text,
)
from service.storage.table import PRESENT, Check, Item, Key, Put, Refused, Table, Update

INDEX = "unfinished"

COMPOSING = "composing"
RENDERING = "rendering"
DELETING = "deleting"
ANNOUNCEMENT = "announcement"

STILL_WAITS = "#unfinished = :kind"


def unfinished_attributes(kind: str, since: datetime) -> dict[str, Any]:
    return {"unfinished": text(kind), "since": moment(since)}


def announcement_item(announcement: Announcement) -> Item:
    return {
        **announcement_key(announcement),
        "objectKey": text(announcement.object_key),
        **unfinished_attributes(ANNOUNCEMENT, announcement.since),
    }


class Unfinished:
    def __init__(self, table: Table) -> None:
        self._table = table

    def announce(self, announcement: Announcement) -> bool:
        """False when the composition is gone or being deleted: then nothing may be written for it."""
        lives = Check(
            composition_key(announcement.account, announcement.composition_id),
            f"{PRESENT} AND attribute_not_exists(#deleting)",
        )
        try:
            self._table.transact(announcement=Put(announcement_item(announcement)), composition=lives)
        except Refused:
            return False
        return True

    def withdraw(self, announcement: Announcement) -> None:
        """Ends an announcement whose object is deleted."""
        self._table.delete(announcement_key(announcement))

    def announcements(self, until: datetime) -> Iterator[Announcement]:
        return map(read_announcement, self._waiting(ANNOUNCEMENT, until))

    def deletions(self, until: datetime) -> Iterator[StoredComposition]:
        return map(read_composition, self._waiting(DELETING, until))

    def compositions(self, until: datetime) -> Iterator[StoredComposition]:
        return map(read_composition, self._waiting(COMPOSING, until))

    def renderings(self, until: datetime) -> Iterator[tuple[Audio, int]]:
        """Each with how often it has been restarted."""
        return ((read_audio(item), int(item["attempts"]["N"])) for item in self._waiting(RENDERING, until))

    def restart(self, key: Key, kind: str, now: datetime) -> bool:
        """Counts one more attempt from now on. False when it is no longer waiting."""
        return self._table.update(
            Update(
                key,
                set={"since": moment(now)},
                add={"attempts": 1},
                conditions=(STILL_WAITS,),
                values={"kind": text(kind)},
            )
        )

    def _waiting(self, kind: str, until: datetime) -> Iterator[Item]:
        """The items that wait since `until` or longer, oldest first; read anew, as an index may lag behind."""
        waiting = self._table.query(
            IndexName=INDEX,
            KeyConditionExpression="#unfinished = :kind AND #since <= :until",
            ExpressionAttributeNames={"#unfinished": "unfinished", "#since": "since"},
            ExpressionAttributeValues={":kind": text(kind), ":until": moment(until)},
        )
        for entry in list(waiting):
            item = self._table.get({"pk": entry["pk"], "sk": entry["sk"]})
            if item is not None and item.get("unfinished") == text(kind):
                yield item
