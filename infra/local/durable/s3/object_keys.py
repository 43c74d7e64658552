"""moto's keys and uploads with nothing behind them: their facts come out of rows, their bodies stay where they are.

moto passes a body around as bytes and hands it out again. Here these are always empty, and of a class that tells what
is meant: a KeyHandle is the body of a stored version (what a GET answers, what a copy is made of), a CompletedHandle
what an upload in parts has become. This is the one place where moto's bytes and our bodies are tied together; the body
of a request itself is in its unit (object_units.py), and moto sees an empty one.

Tags are of the version that they are on: moto's tagger, which keeps those of buckets, is told of a version by a
VersionArn and finds its tags there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from moto.s3.models import FakeKey, FakeMultipart
from moto.utilities.tagging_service import TaggingService

from infra.local.durable.s3.object_bodies import Body, BodyRow


class KeyHandle(bytes):
    """The body of a version, on its way through moto."""

    key: "StoredKey"


class CompletedHandle(bytes):
    """What an upload in parts has become, on its way through moto."""

    completed: "Completed"


class VersionArn(str):
    """moto's name for a version of an object, which knows the version."""

    key: "StoredKey"


@dataclass(frozen=True, slots=True)
class Origin:
    """The upload in parts that an object came from: its id, and how large each part is.

    It stands where moto has the upload itself, of which it only asks the id.
    """

    id: str
    sizes: tuple[int, ...]

    def dispose(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Completed:
    """What an upload became: the object's body, its entity tag, and its checksum as moto tells it."""

    body: Body
    origin: Origin
    etag: str
    checksum: tuple[str, str, int] | None  # type, value, number of parts


class StoredKey(FakeKey):
    """A version of an object. `n` is its place among the versions, None before it is stored."""

    n: int | None
    body: Body | BodyRow
    tags: dict[str, str]
    multipart: Origin | None  # type: ignore[assignment]

    @classmethod
    def make(cls, key: FakeKey, body: Body, etag: str | None = None) -> "StoredKey":
        """Turns a key that moto has just made, with an empty body, into one that has this body."""
        key._value_buffer.close()
        del key._value_buffer, key.lock
        key.__class__ = cls
        assert isinstance(key, StoredKey)
        key.n = None
        key.body = body
        key.tags = {}
        key.contentsize = body.size
        key._etag = etag or body.md5
        return key

    @property
    def value(self) -> bytes:
        handle = KeyHandle()
        handle.key = self
        return handle

    @property
    def arn(self) -> str:
        arn = VersionArn(super().arn)
        arn.key = self
        return arn

    def dispose(self, garbage: bool = False) -> None:
        """There is nothing to close."""


class StoredUpload(FakeMultipart):
    """An upload in parts. Its parts stay in their rows, and `put_together` makes an object of them."""

    bucket_name: str
    initiated: str  # ISO 8601
    put_together: Any  # (upload, the parts that are asked for) -> Completed

    @property
    def checksum_algorithm(self) -> str | None:
        algorithm: str | None = self.metadata.get("x-amz-checksum-algorithm")
        return algorithm

    def complete(self, body: Iterator[tuple[int, str]]) -> tuple[bytes, str, tuple[str, str, int] | None]:
        handle = CompletedHandle()
        handle.completed = self.put_together(self, body)
        return handle, handle.completed.etag, handle.completed.checksum

    def dispose(self) -> None:
        """There is nothing to close."""


class VersionTags(TaggingService):
    """moto's tagger: keeps the tags of buckets, and leaves those of versions where they are."""

    def get_tag_dict_for_resource(self, arn: str) -> dict[str, str]:
        if isinstance(arn, VersionArn):
            return dict(arn.key.tags)
        return super().get_tag_dict_for_resource(arn)

    def list_tags_for_resource(self, arn: str) -> dict[str, list[dict[str, str]]]:
        if isinstance(arn, VersionArn):
            return {"Tags": [{"Key": name, "Value": value} for name, value in arn.key.tags.items()]}
        return super().list_tags_for_resource(arn)

    def has_tags(self, arn: str) -> bool:
        return bool(arn.key.tags) if isinstance(arn, VersionArn) else super().has_tags(arn)

    def delete_all_tags_for_resource(self, arn: str) -> None:
        if isinstance(arn, VersionArn):
            arn.key.tags = {}
        else:
            super().delete_all_tags_for_resource(arn)

    def tag_resource(self, arn: str, tags: Sequence[dict[str, str]] | None) -> None:
        if isinstance(arn, VersionArn):
            arn.key.tags |= {tag["Key"]: tag["Value"] for tag in tags or ()}
        else:
            super().tag_resource(arn, None if tags is None else list(tags))
