"""Renderings of compositions in the metadata table (its questions and keys: service.storage.metadata)."""

from datetime import datetime
from typing import Any

from service.errors import ServiceQuotaExceededException
from service.resources import Audio, Status
from service.storage.items import (
    Announcement,
    Token,
    announcement_key,
    audio_item,
    audio_key,
    audio_outcome,
    children_of,
    composition_key,
    number,
    read_audio,
    text,
    token_key_named,
)
from service.storage.metadata import COMPOSITION_LIVES, STATUS_IS, CompositionGone, TokenTaken, claim
from service.storage.table import PRESENT, Check, Delete, Put, Refused, Table, Update
from service.storage.unfinished import RENDERING, unfinished_attributes

BELOW_LIMIT = "#audioCount < :limit"


class AudioMetadata:
    def __init__(self, table: Table) -> None:
        self._table = table

    def audio(self, account: str, composition_id: str, audio_id: str) -> Audio | None:
        item = self._table.get(audio_key(account, composition_id, audio_id))
        return None if item is None else read_audio(item)

    def audios_of(self, account: str, composition_id: str) -> list[Audio]:
        """All renderings of a composition, oldest first."""
        items = self._table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :audio)",
            ExpressionAttributeValues={":pk": text(children_of(account, composition_id)), ":audio": text("audio#")},
            ConsistentRead=True,
        )
        return [read_audio(item) for item in items]

    def create(self, audio: Audio, token: Token | None, *, limit: int, now: datetime) -> None:
        """Stores a new rendering IN_PROGRESS.

        Raises TokenTaken when the token was used before, CompositionGone when there is nothing to render any more,
        ServiceQuotaExceededException beyond `limit` renderings of the composition.
        """
        writes: dict[str, Any] = {
            "audio": Put(audio_item(audio) | unfinished_attributes(RENDERING, now)),
            "composition": Update(
                composition_key(audio.account, audio.composition_id),
                set={},
                add={"audioCount": 1},
                conditions=(COMPOSITION_LIVES, BELOW_LIMIT),
                values={"limit": number(limit)},
            ),
        }
        if token is not None:
            writes["token"] = claim(token, now)
        try:
            self._table.transact(**writes)
        except Refused as refused:
            if "token" in refused.writes:
                raise TokenTaken from None
            if "composition" in refused.writes and self._lives(audio):
                raise ServiceQuotaExceededException(
                    f"A composition may have at most {limit} audio renderings."
                ) from None
            if "composition" in refused.writes:
                raise CompositionGone from None
            raise

    def complete(self, announcement: Announcement, audio: Audio) -> bool:
        """Stores the outcome of a rendering. False when it is no longer IN_PROGRESS or its composition is gone."""
        try:
            self._table.transact(
                announcement=Delete(announcement_key(announcement)),
                audio=Update(
                    audio_key(audio.account, audio.composition_id, audio.id),
                    set={"status": text(Status.COMPLETED), "key": text(audio.key), **audio_outcome(audio)},
                    remove=("unfinished", "since"),
                    conditions=(PRESENT, STATUS_IS),
                    values={"status": text(Status.IN_PROGRESS)},
                ),
                composition=Check(composition_key(audio.account, audio.composition_id), COMPOSITION_LIVES),
            )
        except Refused:
            return False
        return True

    def fail(self, account: str, composition_id: str, audio_id: str, reason: str) -> bool:
        """Makes a rendering FAILED. False when it is no longer IN_PROGRESS."""
        return self._table.update(
            Update(
                audio_key(account, composition_id, audio_id),
                set={"status": text(Status.FAILED), "statusReason": text(reason)},
                remove=("unfinished", "since"),
                conditions=(PRESENT, STATUS_IS),
                values={"status": text(Status.IN_PROGRESS)},
            )
        )

    def withdraw(self, audio: Audio, token: Token | None) -> None:
        """Undoes `create` for a rendering that could not be asked for."""
        writes: dict[str, Any] = {
            "audio": Delete(audio_key(audio.account, audio.composition_id, audio.id)),
            "composition": Update(
                composition_key(audio.account, audio.composition_id),
                set={},
                add={"audioCount": -1},
                conditions=(PRESENT,),
            ),
        }
        if token is not None:
            writes["token"] = Delete(token_key_named(token.account, token.name))
        try:
            self._table.transact(**writes)
        except Refused:
            return  # the composition, and with it the rendering, was deleted meanwhile

    def _lives(self, audio: Audio) -> bool:
        item = self._table.get(composition_key(audio.account, audio.composition_id))
        return item is not None and "deleting" not in item
