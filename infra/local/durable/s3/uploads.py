"""Uploads in parts that are in flight: a row for each, and one for each part, whose body is in a file.

Completing an upload copies nothing: the files of its parts become those of the object.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import anycrc
from moto.core.utils import iso_8601_datetime_without_milliseconds_s3, utcnow
from moto.s3.exceptions import EntityTooSmall, InvalidPart, InvalidPartOrder, MalformedXML, S3ClientError
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from infra.local.checksums import Checksums
from infra.local.durable.s3.bodies import StoredBody
from infra.local.durable.s3.object_bodies import Body, ObjectBodies
from infra.local.durable.s3.object_encryption import Place
from infra.local.durable.s3.object_keys import Completed, FakeMultipart, Origin, StoredUpload
from infra.local.durable.s3.object_rows import Rows, part_place, protection_of, upload_place
from infra.local.durable.store import Store

MOST_PARTS = 10_000

# The checksums of parts that can be put together to that of the whole.
_CRCS = {"CRC32": "CRC32", "CRC32C": "CRC32C", "CRC64NVME": "CRC64-NVME"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is stored; under the names that moto has for its members."""

    name: int
    size: int
    md5: str
    checksums: dict[str, str]
    modified: str  # ISO 8601
    file: str
    wrapped: bytes = field(repr=False)

    @property
    def etag(self) -> str:
        return f'"{self.md5}"'

    @property
    def last_modified_ISO8601(self) -> str:  # noqa: N802
        return iso_8601_datetime_without_milliseconds_s3(datetime.fromisoformat(self.modified)) or ""


class Uploads:
    """The uploads in flight; methods that change something want the store's `writing()` around them."""

    def __init__(self, store: Store, rows: Rows, bodies: ObjectBodies) -> None:
        self._store = store
        self._rows = rows
        self._bodies = bodies

    def find(self, bucket: str, upload_id: str) -> StoredUpload | None:
        """The upload with this id."""
        found = self._store.connection.execute(
            "SELECT k, content FROM upload WHERE b = ? AND id = ?", (bucket, upload_id)
        ).fetchone()
        return self.read(bucket, upload_id, *found) if found else None

    def read(self, bucket: str, upload_id: str, key: bytes, sealed: bytes) -> StoredUpload:
        """The upload in a row."""
        content = self._store.rows.open(sealed, upload_place(bucket, upload_id))
        upload = self._rows.read_upload(bucket, upload_id, key, content)
        upload.put_together = self.complete
        return upload

    def add(self, bucket: str, upload: FakeMultipart) -> None:
        """Store an upload that moto has just begun."""
        upload.__class__ = StoredUpload
        assert isinstance(upload, StoredUpload)
        upload.bucket_name = bucket
        upload.initiated = utcnow().isoformat()
        sealed = self._store.rows.seal(self._rows.write_upload(upload), upload_place(bucket, upload.id))
        self._store.connection.execute(
            "INSERT INTO upload (b, id, k, content) VALUES (?, ?, ?, ?)",
            (bucket, upload.id, upload.key_name.encode(), sealed),
        )

    def remove(self, bucket: str, upload_id: str) -> list[str]:
        """Forget an upload and its parts; the files that nobody needs any more when this is on the disk."""
        names = [part.file for part in self.parts(bucket, upload_id)]
        self._bodies.forget_files(names)
        for table in ("upload_part", "upload"):
            self._store.connection.execute(f"DELETE FROM {table} WHERE b = ? AND id = ?", (bucket, upload_id))
        return names

    def remove_all(self, bucket: str) -> list[str]:
        """Forget every upload to a bucket."""
        found = self._store.connection.execute("SELECT id FROM upload WHERE b = ?", (bucket,)).fetchall()
        return [name for (upload_id,) in found for name in self.remove(bucket, upload_id)]

    def put_part(self, upload: StoredUpload, number: int, body: Body) -> list[str]:
        """Store a part, in place of an earlier one; the files that nobody needs any more."""
        if not 1 <= number <= MOST_PARTS:
            message = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
            raise S3ClientError("InvalidArgument", message)
        bucket = upload.bucket_name
        replaced = [part.file for part in self.parts(bucket, upload.id, number, number)]
        self._bodies.forget_files(replaced)
        (file,) = body.pieces
        wrapped = self._bodies.encryption.wrap(file.data_key, protection_of(upload), _place(upload, number))
        part = {
            "size": body.size,
            "md5": body.md5,
            "checksums": dict(body.checksums),
            "modified": utcnow().isoformat(),
            "file": file.name,
            "wrapped": b64encode(wrapped).decode(),
        }
        sealed = self._store.rows.seal(json.dumps(part).encode(), part_place(bucket, upload.id, number))
        self._store.connection.execute(
            "INSERT OR REPLACE INTO upload_part (b, id, n, content) VALUES (?, ?, ?, ?)",
            (bucket, upload.id, number, sealed),
        )
        self._bodies.list_files(body.pieces)
        return replaced

    def parts(
        self, bucket: str, upload_id: str, first: int = 1, last: int = MOST_PARTS, limit: int = MOST_PARTS
    ) -> list[Part]:
        """The parts with the numbers from `first` to `last`, in order, as many as `limit`."""
        rows = self._store.connection.execute(
            "SELECT n, content FROM upload_part WHERE b = ? AND id = ? AND n BETWEEN ? AND ? ORDER BY n LIMIT ?",
            (bucket, upload_id, first, last, limit),
        )
        parts = []
        for n, sealed in rows:
            content = json.loads(self._store.rows.open(sealed, part_place(bucket, upload_id, n)))
            parts.append(Part(n, **content | {"wrapped": b64decode(content["wrapped"])}))
        return parts

    def complete(self, upload: StoredUpload, asked: Iterator[tuple[int, str]]) -> Completed:
        """Put an object together of the parts that are asked for, told by number and entity tag.

        Raises S3ClientError. The upload's rows stay.
        """
        stored = {part.name: part for part in self.parts(upload.bucket_name, upload.id)}
        parts: list[Part] = []
        for number, etag in asked:
            if parts and number <= parts[-1].name:
                raise InvalidPartOrder
            part = stored.get(number)
            if part is None or part.md5 != etag.replace('"', ""):
                raise InvalidPart
            if parts and parts[-1].size < S3_UPLOAD_PART_MIN_SIZE:
                raise EntityTooSmall
            parts.append(part)
        if not parts:
            raise MalformedXML
        protection = protection_of(upload)
        pieces = tuple(
            StoredBody(
                part.file,
                part.size,
                self._bodies.encryption.unwrap(part.wrapped, protection, _place(upload, part.name)),
            )
            for part in parts
        )
        md5 = hashlib.md5(b"".join(bytes.fromhex(part.md5) for part in parts), usedforsecurity=False).hexdigest()
        body = Body(sum(part.size for part in parts), md5, pieces=pieces)
        origin = Origin(upload.id, tuple(part.size for part in parts))
        return Completed(body, origin, f"{md5}-{len(parts)}", _checksum(upload, parts))


def _place(upload: StoredUpload, number: int) -> Place:
    return Place("part", upload.bucket_name, upload.id, number)


def checksum_header(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


def checksum_kind(algorithm: str, asked: str | None) -> str:
    """COMPOSITE, a checksum of checksums, or FULL_OBJECT, that of the whole body. Raises S3ClientError."""
    kind = asked or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if (kind == "FULL_OBJECT" and algorithm not in _CRCS) or (kind == "COMPOSITE" and algorithm == "CRC64NVME"):
        message = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise S3ClientError("InvalidRequest", message)
    return kind


def _checksum(upload: StoredUpload, parts: Sequence[Part]) -> tuple[str, str, int] | None:
    """The checksum of the object, out of those of its parts."""
    algorithm = upload.checksum_algorithm
    if algorithm is None:
        return None
    kind = checksum_kind(algorithm, upload.metadata.get("x-amz-checksum-type"))
    header = checksum_header(algorithm)
    values = [b64decode(part.checksums[header]) for part in parts]
    if kind == "COMPOSITE":
        taken = Checksums([header])
        taken.update(b"".join(values))
        return kind, taken.values()[header], len(parts)
    model: Any = anycrc.Model(_CRCS[algorithm])
    combined = int.from_bytes(values[0])
    for part, value in zip(parts[1:], values[1:], strict=True):
        combined = model.combine(combined, int.from_bytes(value), part.size)
    return kind, b64encode(combined.to_bytes(len(values[0]))).decode(), 1
