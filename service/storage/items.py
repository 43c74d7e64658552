"""Resources to items of the metadata table, and back: keys and attributes, in pairs.

What conditions look at is an attribute of its own; what is only ever read as a whole (parameters, tags, facts of the
music) is one JSON text, which reads faster than nested attributes and keeps every number exactly as it was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from service.resources import Audio, Composition, InputSource, ModelType, Revision, Status
from service.storage.table import Item, Key


@dataclass(frozen=True)
class StoredComposition:
    """A composition with what its item keeps besides.

    `newest` is a copy of its newest revision but for the edits, so that reading a composition is one request.
    `input_stored` becomes true when its input is in the bucket; before that nothing can be composed. `deleting` is
    for ever: such a composition is gone for everyone but the one who finishes the deletion. `attempts` counts the
    restarts after a crash. `token` is the sort key of the idempotency token that it was created with.
    """

    composition: Composition
    newest: Revision | None = None
    audio_count: int = 0
    input_stored: bool = False
    deleting: bool = False
    attempts: int = 0
    token: str | None = None


@dataclass(frozen=True)
class Token:
    """An idempotency token: which resource a request with this token and these parameters made."""

    account: str
    operation: str
    token: str
    digest: str  # of the request's parameters
    resource_id: str
    expires: datetime

    @property
    def name(self) -> str:
        """Its sort key."""
        return f"{self.operation}#{self.token}"


@dataclass(frozen=True)
class Announcement:
    """The announcement of an object that is about to be written (see service.storage.unfinished)."""

    account: str
    composition_id: str
    id: str
    object_key: str
    since: datetime


# Keys ---------------------------------------------------------------------------------------------------------------


def compositions_of(account: str) -> str:
    return f"{account}#composition"


def children_of(account: str, composition_id: str) -> str:
    return f"{account}#composition#{composition_id}"


def composition_key(account: str, composition_id: str) -> Key:
    return _key(compositions_of(account), composition_id)


def revision_key(account: str, composition_id: str, number: int) -> Key:
    return _key(children_of(account, composition_id), f"revision#{number:05d}")


def audio_key(account: str, composition_id: str, audio_id: str) -> Key:
    return _key(children_of(account, composition_id), f"audio#{audio_id}")


def announcement_key(announcement: Announcement) -> Key:
    return _key(children_of(announcement.account, announcement.composition_id), f"announcement#{announcement.id}")


def token_key(account: str, operation: str, token: str) -> Key:
    return token_key_named(account, f"{operation}#{token}")


def token_key_named(account: str, name: str) -> Key:
    return _key(f"{account}#token", name)


def count_key(account: str) -> Key:
    return _key(f"{account}#count", "composition")


def coupon_key(serial: str) -> Key:
    return _key(f"coupon#{serial}", "coupon")


def secret_key(name: str) -> Key:
    return _key("secret", name)


def _key(partition: str, sort: str) -> Key:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


# Attributes ---------------------------------------------------------------------------------------------------------


def text(value: str) -> Mapping[str, str]:
    return {"S": value}


def number(value: int) -> Mapping[str, str]:
    return {"N": str(value)}


def moment(value: datetime) -> Mapping[str, str]:
    """A time as text that sorts as time does: always UTC, always with microseconds."""
    return {"S": value.astimezone(UTC).isoformat(timespec="microseconds")}


def document(value: Any) -> Mapping[str, str]:
    return {"S": json.dumps(value, separators=(",", ":"), ensure_ascii=False)}


def read_moment(attribute: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(attribute["S"])


def _optional_text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


# Compositions -------------------------------------------------------------------------------------------------------


def composition_item(stored: StoredComposition) -> dict[str, Any]:
    composition = stored.composition
    item: dict[str, Any] = {
        **composition_key(composition.account, composition.id),
        "region": text(composition.region),
        "name": text(composition.name),
        "status": text(composition.status),
        "createdAt": moment(composition.created),
        "updatedAt": moment(composition.updated),
        "modelId": text(composition.model_id),
        "modelType": text(composition.model_type),
        "inputSource": text(composition.input_source),
        "inputKey": text(composition.input_key),
        "parameters": document(dict(composition.parameters)),
        "owner": text(composition.owner),
        "locked": document(composition.locked),
        "tags": document(dict(composition.tags)),
        "revision": number(composition.revision),
        "version": number(composition.version),
        "audioCount": number(stored.audio_count),
        "inputStored": {"BOOL": stored.input_stored},
        "attempts": number(stored.attempts),
    }
    optional = {
        "statusReason": composition.status_reason,
        "sampleMelodyId": composition.sample_melody_id,
        "parentId": composition.parent_id,
        "token": stored.token,
    }
    item |= {name: text(value) for name, value in optional.items() if value is not None}
    if stored.newest is not None:
        item["newest"] = newest_document(stored.newest)
    if stored.deleting:
        item["deleting"] = {"BOOL": True}
    return item


def read_composition(item: Item) -> StoredComposition:
    account = item["pk"]["S"].partition("#")[0]
    locked = json.loads(item["locked"]["S"])
    composition = Composition(
        account=account,
        region=item["region"]["S"],
        id=item["sk"]["S"],
        name=item["name"]["S"],
        status=Status(item["status"]["S"]),
        created=read_moment(item["createdAt"]),
        updated=read_moment(item["updatedAt"]),
        model_id=item["modelId"]["S"],
        model_type=ModelType(item["modelType"]["S"]),
        input_source=InputSource(item["inputSource"]["S"]),
        input_key=item["inputKey"]["S"],
        parameters=json.loads(item["parameters"]["S"]),
        owner=item["owner"]["S"],
        status_reason=_optional_text(item, "statusReason"),
        sample_melody_id=_optional_text(item, "sampleMelodyId"),
        parent_id=_optional_text(item, "parentId"),
        locked=tuple((start, pitch) for start, pitch in locked),
        tags=json.loads(item["tags"]["S"]),
        revision=int(item["revision"]["N"]),
        version=int(item["version"]["N"]),
    )
    return StoredComposition(
        composition=composition,
        newest=read_revision_document(item["newest"]) if "newest" in item else None,
        audio_count=int(item["audioCount"]["N"]),
        input_stored=item["inputStored"]["BOOL"],
        deleting="deleting" in item,
        attempts=int(item["attempts"]["N"]),
        token=_optional_text(item, "token"),
    )


# Revisions ----------------------------------------------------------------------------------------------------------


def revision_document(revision: Revision) -> Mapping[str, str]:
    return document(
        {
            "number": revision.number,
            "created": moment(revision.created)["S"],
            "midiKey": revision.midi_key,
            "facts": dict(revision.facts),
            "edits": [dict(edit) for edit in revision.edits],
        }
    )


def newest_document(revision: Revision) -> Mapping[str, str]:
    """The copy of the newest revision beside the composition: without its edits, of which there may be many."""
    return revision_document(replace(revision, edits=()))


def read_revision_document(attribute: Mapping[str, str]) -> Revision:
    value = json.loads(attribute["S"])
    return Revision(
        number=value["number"],
        created=datetime.fromisoformat(value["created"]),
        midi_key=value["midiKey"],
        facts=value["facts"],
        edits=tuple(value["edits"]),
    )


def revision_item(account: str, composition_id: str, revision: Revision) -> Item:
    return {**revision_key(account, composition_id, revision.number), "revision": revision_document(revision)}


def read_revision(item: Item) -> Revision:
    return read_revision_document(item["revision"])


# Audio --------------------------------------------------------------------------------------------------------------


def audio_item(audio: Audio) -> dict[str, Any]:
    item: dict[str, Any] = {
        **audio_key(audio.account, audio.composition_id, audio.id),
        "region": text(audio.region),
        "revision": number(audio.revision),
        "format": text(audio.format),
        "status": text(audio.status),
        "createdAt": moment(audio.created),
        "key": text(audio.key),
        "attempts": number(0),
    }
    return item | audio_outcome(audio)


def audio_outcome(audio: Audio) -> dict[str, Any]:
    """The attributes that are only known when the rendering is over."""
    outcome: dict[str, Any] = {}
    if audio.status_reason is not None:
        outcome["statusReason"] = text(audio.status_reason)
    if audio.sound_font is not None:
        outcome["soundFont"] = text(audio.sound_font)
    if audio.seconds is not None:
        outcome["seconds"] = {"N": repr(audio.seconds)}
    if audio.size is not None:
        outcome["size"] = number(audio.size)
    return outcome


def read_audio(item: Item) -> Audio:
    account, _, composition_id = item["pk"]["S"].split("#")
    return Audio(
        account=account,
        region=item["region"]["S"],
        id=item["sk"]["S"].partition("#")[2],
        composition_id=composition_id,
        revision=int(item["revision"]["N"]),
        format=item["format"]["S"],
        status=Status(item["status"]["S"]),
        created=read_moment(item["createdAt"]),
        key=item["key"]["S"],
        status_reason=_optional_text(item, "statusReason"),
        sound_font=_optional_text(item, "soundFont"),
        seconds=float(item["seconds"]["N"]) if "seconds" in item else None,
        size=int(item["size"]["N"]) if "size" in item else None,
    )


# Idempotency tokens and announcements -------------------------------------------------------------------------------


def token_item(token: Token) -> Item:
    return {
        **token_key_named(token.account, token.name),
        "digest": text(token.digest),
        "resourceId": text(token.resource_id),
        "expires": number(int(token.expires.timestamp())),
    }


def read_token(item: Item) -> Token:
    operation, _, token = item["sk"]["S"].partition("#")
    return Token(
        account=item["pk"]["S"].partition("#")[0],
        operation=operation,
        token=token,
        digest=item["digest"]["S"],
        resource_id=item["resourceId"]["S"],
        expires=datetime.fromtimestamp(int(item["expires"]["N"]), UTC),
    )


def read_announcement(item: Item) -> Announcement:
    account, _, composition_id = item["pk"]["S"].split("#")
    return Announcement(
        account=account,
        composition_id=composition_id,
        id=item["sk"]["S"].partition("#")[2],
        object_key=item["objectKey"]["S"],
        since=read_moment(item["since"]),
    )
