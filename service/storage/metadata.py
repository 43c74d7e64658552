"""What the service knows of its resources, in one DynamoDB table (declared in infra/storage.yaml).

| question | answered by |
|---|---|
| one composition, with its newest revision | GetItem `ACCOUNT#composition`, `ID` |
| an account's compositions, newest first, page by page | Query `ACCOUNT#composition`, backwards: ids sort by time |
| an earlier revision of a composition | GetItem `ACCOUNT#composition#ID`, `revision#NNNNN` |
| one rendering; all renderings of a composition | GetItem, Query `ACCOUNT#composition#ID`, `audio#AUDIO` |
| which objects are being written for a composition | Query `ACCOUNT#composition#ID`, `announcement#ANNOUNCEMENT` |
| what did a request with this token make | GetItem `ACCOUNT#token`, `OPERATION#TOKEN`; expires by TTL |
| how many compositions has an account | GetItem `ACCOUNT#count`, `composition` |
| whose is the keyboard with this serial number | GetItem `coupon#SERIAL`, `coupon` |
| the secret that page tokens are sealed with | GetItem `secret`, NAME |
| what may a crash have left half done | Query index `unfinished`: KIND, oldest first (service.storage.unfinished) |

No question needs a scan. Writers never overwrite each other: every write says in its condition what it believes, and
where two items must change together a transaction does it. A composition that is being deleted (`deleting`) takes no
further change of any kind, which is what lets its objects and children be removed in peace.

This file holds compositions, revisions and idempotency tokens; audio.py holds renderings, registers.py coupons and
secrets.
"""

from datetime import datetime
from typing import Any

from service.errors import ServiceQuotaExceededException
from service.resources import Composition, Revision, Status
from service.storage.items import (
    Announcement,
    StoredComposition,
    Token,
    announcement_key,
    composition_item,
    composition_key,
    compositions_of,
    count_key,
    document,
    moment,
    newest_document,
    number,
    read_composition,
    read_revision,
    read_token,
    revision_item,
    revision_key,
    text,
    token_item,
    token_key,
    token_key_named,
)
from service.storage.table import ABSENT, PRESENT, UNCONDITIONAL, Delete, Put, Refused, Table, Update
from service.storage.unfinished import COMPOSING, DELETING, announcement_item, unfinished_attributes

ALIVE = "attribute_not_exists(#deleting)"
COMPOSITION_LIVES = f"{PRESENT} AND {ALIVE}"
STATUS_IS = "#status = :status"
REVISION_IS = "#revision = :revision"
VERSION_IS = "#version = :version"
ABSENT_OR_EXPIRED = f"{ABSENT} OR #expires <= :now"
BELOW_LIMIT = f"{ABSENT} OR #count < :limit"


class TokenTaken(Exception):
    """An idempotency token has been used before."""


class CompositionGone(Exception):
    """The composition has been deleted, or is being deleted."""


class Metadata:
    def __init__(self, table: Table) -> None:
        self._table = table

    # Reading

    def composition(self, account: str, composition_id: str) -> StoredComposition | None:
        """The composition, also one that is being deleted."""
        item = self._table.get(composition_key(account, composition_id))
        return None if item is None else read_composition(item)

    def list_compositions(self, account: str, limit: int, after: str | None) -> tuple[list[Composition], str | None]:
        """At most `limit` compositions, newest first, and the id to go on after, or None at the end."""
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": ALIVE,
            "ExpressionAttributeNames": {"#deleting": "deleting"},
            "ExpressionAttributeValues": {":pk": text(compositions_of(account))},
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": limit + 1,
        }
        if after is not None:
            arguments["ExclusiveStartKey"] = composition_key(account, after)
        found = []
        for item in self._table.query(**arguments):
            found.append(read_composition(item).composition)
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
        return found, None

    def revision(self, account: str, composition_id: str, number: int) -> Revision | None:
        item = self._table.get(revision_key(account, composition_id, number))
        return None if item is None else read_revision(item)

    def token(self, account: str, operation: str, token: str) -> Token | None:
        item = self._table.get(token_key(account, operation, token))
        return None if item is None else read_token(item)

    # Creating

    def create_composition(
        self, composition: Composition, announcement: Announcement, token: Token | None, *, limit: int, now: datetime
    ) -> None:
        """Stores a new composition IN_PROGRESS, and announces its input in the same breath.

        Raises TokenTaken when the token was used before, ServiceQuotaExceededException beyond `limit` compositions.
        """
        stored = StoredComposition(composition, token=token.name if token else None)
        item = composition_item(stored) | unfinished_attributes(COMPOSING, now)
        writes: dict[str, Any] = {
            "composition": Put(item),
            "count": Update(
                count_key(composition.account),
                set={},
                add={"count": 1},
                conditions=(BELOW_LIMIT,),
                values={"limit": number(limit)},
            ),
            "announcement": Put(announcement_item(announcement)),
        }
        if token is not None:
            writes["token"] = claim(token, now)
        try:
            self._table.transact(**writes)
        except Refused as refused:
            if "token" in refused.writes:
                raise TokenTaken from None
            if "count" in refused.writes:
                raise ServiceQuotaExceededException(f"An account may keep at most {limit} compositions.") from None
            raise

    def input_stored(self, announcement: Announcement) -> bool:
        """Ends the announcement of the input. False when the composition has been deleted meanwhile."""
        return self._commit(
            announcement,
            composition=Update(
                composition_key(announcement.account, announcement.composition_id),
                set={"inputStored": {"BOOL": True}},
                conditions=(COMPOSITION_LIVES,),
            ),
        )

    def complete_composition(self, announcement: Announcement, revision: Revision) -> bool:
        """Makes the composition COMPLETED with its first revision. False when it is no longer IN_PROGRESS."""
        account, composition_id = announcement.account, announcement.composition_id
        return self._commit(
            announcement,
            composition=Update(
                composition_key(account, composition_id),
                set={
                    "status": text(Status.COMPLETED),
                    "updatedAt": moment(revision.created),
                    "revision": number(revision.number),
                    "newest": newest_document(revision),
                },
                remove=("unfinished", "since"),
                add={"version": 1},
                conditions=(COMPOSITION_LIVES, STATUS_IS),
                values={"status": text(Status.IN_PROGRESS)},
            ),
            revision=Put(revision_item(account, composition_id, revision)),
        )

    def fail_composition(self, account: str, composition_id: str, reason: str, now: datetime) -> bool:
        """Makes the composition FAILED. False when it is no longer IN_PROGRESS."""
        return self._table.update(
            Update(
                composition_key(account, composition_id),
                set={"status": text(Status.FAILED), "statusReason": text(reason), "updatedAt": moment(now)},
                remove=("unfinished", "since"),
                add={"version": 1},
                conditions=(COMPOSITION_LIVES, STATUS_IS),
                values={"status": text(Status.IN_PROGRESS)},
            )
        )

    # Changing

    def add_revision(self, announcement: Announcement, revision: Revision, name: str | None) -> bool:
        """Makes `revision` the newest. False when the revision before it is no longer the newest, or all is gone."""
        account, composition_id = announcement.account, announcement.composition_id
        changes = {
            "updatedAt": moment(revision.created),
            "revision": number(revision.number),
            "newest": newest_document(revision),
        }
        if name is not None:
            changes["name"] = text(name)
        return self._commit(
            announcement,
            composition=Update(
                composition_key(account, composition_id),
                set=changes,
                add={"version": 1},
                conditions=(COMPOSITION_LIVES, REVISION_IS),
                values={"revision": number(revision.number - 1)},
            ),
            revision=Put(revision_item(account, composition_id, revision)),
        )

    def rename(
        self, account: str, composition_id: str, name: str, expected_revision: int | None, now: datetime
    ) -> bool:
        """False when the composition is gone or its newest revision is not the expected one."""
        expected = expected_revision is not None
        return self._table.update(
            Update(
                composition_key(account, composition_id),
                set={"name": text(name), "updatedAt": moment(now)},
                add={"version": 1},
                conditions=(COMPOSITION_LIVES, REVISION_IS) if expected else (COMPOSITION_LIVES,),
                values={"revision": number(expected_revision or 0)} if expected else None,
            )
        )

    def replace_tags(self, account: str, composition_id: str, tags: dict[str, str], version: int) -> bool:
        """False when the composition is gone or has changed since `version`."""
        return self._table.update(
            Update(
                composition_key(account, composition_id),
                set={"tags": document(tags)},
                add={"version": 1},
                conditions=(COMPOSITION_LIVES, VERSION_IS),
                values={"version": number(version)},
            )
        )

    # Deleting: first the mark, then (service.storage.cleanup) objects and children, at last the item itself

    def begin_deletion(self, account: str, composition_id: str, now: datetime, free_token: str | None = None) -> bool:
        """Marks the composition as being deleted, also when it is so already. False when there is none.

        `free_token` (`OPERATION#TOKEN`) is forgotten with it, for a creation that came to nothing: the same request
        may then be made again.
        """
        mark = Update(
            composition_key(account, composition_id),
            set={"deleting": {"BOOL": True}, **unfinished_attributes(DELETING, now)},
            conditions=(PRESENT,),
        )
        if free_token is None:
            return self._table.update(mark)
        try:
            self._table.transact(composition=mark, token=Delete(token_key_named(account, free_token), UNCONDITIONAL))
        except Refused:
            return False
        return True

    def delete_children(self, account: str, composition_id: str) -> None:
        """Removes revisions and renderings. Announcements stay: each is ended by its writer, or by the sweep."""
        partition = revision_key(account, composition_id, 0)["pk"]
        keys = [
            {"pk": item["pk"], "sk": item["sk"]}
            for item in self._table.query(
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": partition},
                ProjectionExpression="pk, sk",
                ConsistentRead=True,
            )
        ]
        self._table.delete_all([key for key in keys if not key["sk"]["S"].startswith("announcement#")])

    def remove_composition(self, account: str, composition_id: str) -> None:
        """The last step of a deletion. Nothing happens when someone else was quicker."""
        try:
            self._table.transact(
                composition=Delete(composition_key(account, composition_id)),
                count=Update(count_key(account), set={}, add={"count": -1}, conditions=(PRESENT,)),
            )
        except Refused:
            return

    def _commit(self, announcement: Announcement, **writes: Any) -> bool:
        try:
            self._table.transact(announcement=Delete(announcement_key(announcement)), **writes)
        except Refused:
            return False
        return True


def claim(token: Token, now: datetime) -> Put:
    """The write that takes an idempotency token, unless it is taken and has not expired."""
    return Put(token_item(token), condition=ABSENT_OR_EXPIRED, values={"now": number(int(now.timestamp()))})
