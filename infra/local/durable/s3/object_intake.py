"""The body that a request to S3 brings, got ready before its turn: received, or copied from another object.

Whatever takes long is done here, while others write: a large body goes to its file, a copy is read and written again
under a key of its own. That the source of a copy is still the same is seen to in the turn.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import parse_qs, unquote

from moto.s3.exceptions import NoSuchUpload, PreconditionFailed, S3ClientError

from infra.local.checksums import CHECKSUMS, Checksums
from infra.local.durable.s3.bodies import INLINE_BYTES, Bodies
from infra.local.durable.s3.object_bodies import Body, BodyRow
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import protection_of, version_place
from infra.local.durable.s3.object_units import Unit
from infra.local.durable.s3.uploads import checksum_header
from infra.local.http import LocalRequest, StagedBody

_CHUNKED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
BRINGING_A_BODY = frozenset({"PutObject", "UploadPart"})
COPYING = frozenset({"CopyObject", "UploadPartCopy"})
PARTS = frozenset({"UploadPart", "UploadPartCopy"})

_COPIED_RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)
_COPY_IF = "x-amz-copy-source-if-"


@dataclass(frozen=True, slots=True)
class S3Address:
    """What a request is about. `query` has the first value of each parameter."""

    bucket: str
    key: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, request: LocalRequest) -> "S3Address":
        """Raises S3ClientError for a path that names nothing, or could be taken for another one."""
        bucket, _, key = request.path.removeprefix("/").partition("/")
        if "%" in bucket:
            raise S3ClientError("InvalidBucketName", "The specified bucket is not valid.")
        try:
            key = unquote(key, errors="strict")
        except UnicodeDecodeError:
            raise S3ClientError("InvalidURI", "Couldn't parse the specified URI: the key is not UTF-8.") from None
        query = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        return cls(bucket, key, query)


@dataclass(frozen=True, slots=True)
class Given:
    """What a request brings into its turn. `staged` has the file of a large body; `source` is what it is a copy of.

    `checksum_algorithm` is that of a copy, where it is another than the source's.
    """

    body: Body | None = None
    staged: StagedBody | None = None
    source: tuple[str, str, int, BodyRow] | None = None
    checksum_algorithm: str | None = None


NOTHING = Given()


def identity_of(version: StoredKey) -> tuple[str, str, int, BodyRow]:
    """What is the same for as long as a version's body is."""
    assert version.bucket_name is not None
    assert version.n is not None
    assert isinstance(version.body, BodyRow)
    return version.bucket_name, version.name, version.n, version.body


class Intake:
    """Gets the bodies of requests ready. A `unit` is one to read with, inside the store's `reading()`."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def received(self, request: LocalRequest, asked: set[str], *, in_a_file: bool) -> Given:
        """The body of a PutObject or UploadPart, with these checksums of it. Raises WriteRefusedError, DamagedError."""
        staged = request.staged
        if staged is None:
            return self._kept((request.body,), asked, in_a_file=in_a_file)
        checksums = {name: value for name, value in staged.checksums.items() if name != "content-md5"}
        if missing := asked - checksums.keys():
            taken = Checksums(missing)
            for chunk in self._bodies.read(staged.stored):
                taken.update(chunk)
            checksums |= taken.values()
        return Given(Body(staged.stored.size, staged.md5, pieces=(staged.stored,), checksums=checksums), staged)

    def source(self, request: LocalRequest, unit: Unit) -> StoredKey | None:
        """The version that a copy is to be made of; None where there is none, which moto tells better."""
        source, _, query = request.headers.get("x-amz-copy-source", "").partition("?")
        bucket, _, key = unquote(source).lstrip("/").partition("/")
        version_id = parse_qs(query).get("versionId", [None])[0]
        versions = unit.key(bucket, key)
        found = versions.newest() if version_id is None else versions.with_id(version_id)
        return found if isinstance(found, StoredKey) else None

    def copied(
        self, request: LocalRequest, operation: str, address: S3Address, unit: Unit, source: StoredKey
    ) -> "Copying":
        """The source, opened; reading it needs no turn. Raises S3ClientError and DamagedError."""
        _check_copy_conditions(request.headers, source)
        start, end = 0, source.contentsize
        algorithm = request.headers.get("x-amz-checksum-algorithm")
        if operation == "UploadPartCopy":
            start, end = _copied_range(request.headers.get("x-amz-copy-source-range"), source.contentsize)
            asked = _checksum_of_upload(address, unit)
        else:
            if algorithm is None and source.checksum_type == "COMPOSITE":
                algorithm = source.checksum_algorithm  # the parts that it was composed of are gone in the copy
            asked = {checksum_header(algorithm)} & CHECKSUMS.keys() if algorithm else set()
            if algorithm and not asked:
                raise S3ClientError("InvalidRequest", "Checksum algorithm provided is unsupported.")
        assert isinstance(source.body, BodyRow)
        chunks = unit.bodies.read(source.body, protection_of(source), version_place(source), start, end)
        given = Given(source=identity_of(source), checksum_algorithm=algorithm)
        return Copying(given, chunks, asked, operation in PARTS)

    def copy(self, copying: "Copying") -> Given:
        """Carries a copy out. Raises WriteRefusedError and DamagedError."""
        kept = self._kept(copying.chunks, copying.checksums, in_a_file=copying.in_a_file)
        return replace(copying.given, body=kept.body, staged=kept.staged)

    def _kept(self, chunks: Iterable[bytes], checksums: set[str], *, in_a_file: bool) -> Given:
        """A body in memory, or in a file when it is large or `in_a_file`."""
        taken = Checksums(checksums)
        start = bytearray()
        remaining = iter(chunks)
        for chunk in remaining:
            taken.update(chunk)
            start += chunk
            if len(start) > INLINE_BYTES:
                break
        else:
            if not in_a_file:
                md5 = hashlib.md5(start, usedforsecurity=False).hexdigest()
                return Given(Body(len(start), md5, bytes(start), checksums=taken.values()))
        with self._bodies.writer() as writer:
            writer.write(start)
            for chunk in remaining:
                taken.update(chunk)
                writer.write(chunk)
            stored = writer.finish()
        body = Body(stored.size, writer.md5, pieces=(stored,), checksums=taken.values())
        return Given(body, StagedBody(stored, writer.md5, body.checksums))


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy that is about to be made: of these bytes, with these checksums."""

    given: Given
    chunks: Iterable[bytes]
    checksums: set[str]
    in_a_file: bool


def without_chunks(request: LocalRequest) -> LocalRequest:
    """The request with its body as it is to be stored.

    The gateway has taken bodies out of their chunks; a client in this process hands its own over as it would be sent.
    """
    if request.headers.get("x-amz-content-sha256") != _CHUNKED or request.staged is not None:
        return request
    content, trailer = _decoded(request.body)
    headers = {**request.headers, **trailer, "content-length": str(len(content))}
    del headers["x-amz-content-sha256"]
    encodings = [name.strip() for name in headers.pop("content-encoding", "").split(",")]
    if remaining := [name for name in encodings if name not in ("", "aws-chunked")]:
        headers["content-encoding"] = ",".join(remaining)
    return replace(request, body=content, headers=headers)


def _decoded(chunked: bytes) -> tuple[bytes, dict[str, str]]:
    """The content of unsigned chunks, and the headers in their trailer."""
    content = bytearray()
    at = 0
    while True:
        line_end = chunked.index(b"\r\n", at)
        length = int(chunked[at:line_end].partition(b";")[0], 16)
        at = line_end + 2
        if length == 0:
            break
        content += memoryview(chunked)[at : at + length]
        at += length + 2
    lines = chunked[at:].decode("latin-1").splitlines()
    pairs = (line.partition(":") for line in lines if line)
    return bytes(content), {name.strip().lower(): value.strip() for name, _, value in pairs}


def check_upload_is_of_key(address: S3Address, unit: Unit) -> None:
    """An upload is addressed by its key and its id: whoever may write another key has no part in it."""
    upload = unit.uploads.find(address.bucket, address.query["uploadId"])
    if upload is not None and upload.key_name != address.key:
        raise NoSuchUpload(upload_id=upload.id)


def checksums_asked(request: LocalRequest, address: S3Address, unit: Unit) -> set[str]:
    """The checksums of its body that a request tells or asks for, by the names of their headers.

    For a part, that is also what the checksum of the whole will be put together of.
    """
    algorithm = request.headers.get("x-amz-sdk-checksum-algorithm", "")
    names = CHECKSUMS.keys() - {"content-md5"}
    return (names & {checksum_header(algorithm), *request.headers}) | _checksum_of_upload(address, unit)


def _checksum_of_upload(address: S3Address, unit: Unit) -> set[str]:
    upload = unit.uploads.find(address.bucket, address.query.get("uploadId", ""))
    if upload is None or upload.checksum_algorithm is None:
        return set()
    return {checksum_header(upload.checksum_algorithm)} & CHECKSUMS.keys()


def _copied_range(header: str | None, size: int) -> tuple[int, int]:
    if header is None:
        return 0, size
    matched = _COPIED_RANGE.fullmatch(header)
    if matched is None or int(matched[1]) > int(matched[2]):
        message = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy"
        )
        raise S3ClientError("InvalidArgument", message)
    if int(matched[2]) >= size:
        raise S3ClientError("InvalidArgument", f"Range specified is not valid for source object of size: {size}")
    return int(matched[1]), int(matched[2]) + 1


def _check_copy_conditions(headers: Mapping[str, str], source: StoredKey) -> None:
    etag = source.etag.strip('"')
    modified = source.last_modified.replace(microsecond=0)
    wanted = headers.get(f"{_COPY_IF}match")
    if wanted is not None and wanted.strip('"') != etag:
        _fail("x-amz-copy-source-If-Match")
    # A tag that matches outweighs the time, as on AWS.
    unmodified = _time(headers.get(f"{_COPY_IF}unmodified-since"))
    if wanted is None and unmodified is not None and modified > unmodified:
        _fail("x-amz-copy-source-If-Unmodified-Since")
    unwanted = headers.get(f"{_COPY_IF}none-match")
    if unwanted is not None and unwanted.strip('"') == etag:
        _fail("x-amz-copy-source-If-None-Match")
    since = _time(headers.get(f"{_COPY_IF}modified-since"))
    if unwanted is None and since is not None and modified <= since:
        _fail("x-amz-copy-source-If-Modified-Since")


def _fail(condition: str) -> NoReturn:
    raise PreconditionFailed(failed_condition=condition)


def _time(header: str | None) -> datetime | None:
    """A time in a header, as naive UTC like moto's; None for none, and for what cannot be read."""
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(header or "").replace(tzinfo=None)
    return None
