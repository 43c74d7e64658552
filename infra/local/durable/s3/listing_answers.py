"""S3's answers to listings, from the index: ListObjects, ListObjectsV2, ListObjectVersions, ListMultipartUploads.

moto reads a whole bucket for a page of it, and several of its pages are not S3's (common prefixes that do not count,
markers that skip a version). So these four are answered here, in S3's own XML.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.core.utils import iso_8601_datetime_without_milliseconds_s3
from moto.s3.exceptions import S3ClientError
from moto.s3.models import OWNER, FakeDeleteMarker

from infra.local.durable.s3.listings import ANY_N, Row, Selection, newest_page, upload_page, version_page
from infra.local.durable.s3.object_intake import S3Address
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import object_place
from infra.local.durable.s3.object_units import Unit, Version
from infra.local.http import LocalResponse

_MOST_ENTRIES = 1000
_OWNER = ("Owner", (("ID", OWNER), ("DisplayName", "webfile")))
_INITIATOR = ("Initiator", (("ID", OWNER), ("DisplayName", "webfile")))
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"

Element = tuple[str, Any]  # a name, with text, elements, or None for no element at all


def _objects(address: S3Address, unit: Unit) -> LocalResponse:
    asked, read = _Asked(address), _Reading(unit, address)
    page = newest_page(unit.store.connection, asked.selection(asked.text("marker")), read.is_marker)
    contents = [_content(asked, read(row), owner=True) for row in page.entries if isinstance(row, Row)]
    last = _name_of(page.entries[-1]) if page.is_truncated else None
    return _answer(
        "ListBucketResult",
        ("Name", address.bucket),
        ("Prefix", asked.encoded(asked.text("prefix"))),
        ("Marker", asked.encoded(asked.text("marker"))),
        # S3 tells where to go on only with a delimiter: else it is the last key.
        ("NextMarker", asked.encoded(last) if last is not None and asked.delimiter else None),
        *asked.echo(),
        ("IsTruncated", page.is_truncated),
        *contents,
        *asked.common_prefixes(page.entries),
    )


def _objects_v2(address: S3Address, unit: Unit) -> LocalResponse:
    asked, read = _Asked(address), _Reading(unit, address)
    token = address.query.get("continuation-token")
    start_after = asked.text("start-after")
    after = start_after if token is None else _read_token(token)
    page = newest_page(unit.store.connection, asked.selection(after), read.is_marker)
    owner = asked.text("fetch-owner") == "true"
    contents = [_content(asked, read(row), owner=owner) for row in page.entries if isinstance(row, Row)]
    return _answer(
        "ListBucketResult",
        ("Name", address.bucket),
        ("Prefix", asked.encoded(asked.text("prefix"))),
        ("StartAfter", asked.encoded(start_after) if start_after else None),
        ("ContinuationToken", token),
        ("NextContinuationToken", _token(_name_of(page.entries[-1])) if page.is_truncated else None),
        ("KeyCount", len(page.entries)),
        *asked.echo(),
        ("IsTruncated", page.is_truncated),
        *contents,
        *asked.common_prefixes(page.entries),
    )


def _versions(address: S3Address, unit: Unit) -> LocalResponse:
    asked, read = _Asked(address), _Reading(unit, address)
    marker, id_marker = asked.text("key-marker"), asked.text("version-id-marker")
    older_than = _n_of_version(unit, address.bucket, marker, id_marker) if id_marker else None
    page = version_page(unit.store.connection, asked.selection(marker), older_than)
    found = [(read(row), row) for row in page.entries if isinstance(row, Row)]
    next_key = next_id = None
    if page.is_truncated:
        next_key = _name_of(last := page.entries[-1])
        next_id = read(last).version_id if isinstance(last, Row) else None
    return _answer(
        "ListVersionsResult",
        ("Name", address.bucket),
        ("Prefix", asked.encoded(asked.text("prefix"))),
        ("KeyMarker", asked.encoded(marker)),
        ("VersionIdMarker", id_marker),
        ("NextKeyMarker", None if next_key is None else asked.encoded(next_key)),
        ("NextVersionIdMarker", next_id),
        *asked.echo(),
        ("IsTruncated", page.is_truncated),
        *(_version(asked, version, row) for version, row in found),
        *asked.common_prefixes(page.entries),
    )


def _uploads(address: S3Address, unit: Unit) -> LocalResponse:
    asked = _Asked(address, limit="max-uploads")
    marker, id_marker = asked.text("key-marker"), asked.text("upload-id-marker")
    page = upload_page(unit.store.connection, asked.selection(marker), (id_marker or None) if marker else None)
    uploads = []
    for row in page.entries:
        if not isinstance(row, bytes):
            upload = unit.uploads.read(address.bucket, row.id, row.key, row.content)
            members = (
                ("Key", asked.encoded(upload.key_name)),
                ("UploadId", upload.id),
                _INITIATOR,
                _OWNER,
                ("StorageClass", upload.storage),
                ("Initiated", f"{upload.initiated[:19]}.000Z"),
                ("ChecksumAlgorithm", upload.checksum_algorithm),
                ("ChecksumType", upload.metadata.get("x-amz-checksum-type")),
            )
            uploads.append(("Upload", members))
    last = page.entries[-1] if page.is_truncated else None
    return _answer(
        "ListMultipartUploadsResult",
        ("Bucket", address.bucket),
        ("KeyMarker", asked.encoded(marker)),
        ("UploadIdMarker", id_marker),
        ("NextKeyMarker", None if last is None else asked.encoded(_name_of(last))),
        ("NextUploadIdMarker", None if last is None or isinstance(last, bytes) else last.id),
        ("Prefix", asked.encoded(asked.text("prefix"))),
        *asked.echo(limit="MaxUploads"),
        ("IsTruncated", page.is_truncated),
        *uploads,
        *asked.common_prefixes(page.entries),
    )


# What answers each operation; all want the store's `reading()` around them, and raise S3ClientError.
LISTINGS: Mapping[str, Callable[[S3Address, Unit], LocalResponse]] = {
    "ListMultipartUploads": _uploads,
    "ListObjectVersions": _versions,
    "ListObjects": _objects,
    "ListObjectsV2": _objects_v2,
}


class _Asked:
    """The parameters that all listings have."""

    def __init__(self, address: S3Address, limit: str = "max-keys") -> None:
        self._address = address
        self.delimiter = self.text("delimiter")
        self._encoding = address.query.get("encoding-type")
        if self._encoding not in (None, "url"):
            raise S3ClientError("InvalidArgument", "Invalid Encoding Method specified in Request")
        text = address.query.get(limit, str(_MOST_ENTRIES))
        if not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise S3ClientError("InvalidArgument", f"Argument {limit} must be an integer between 0 and 2147483647")
        self.limit = min(int(text), _MOST_ENTRIES)

    def text(self, name: str) -> str:
        return self._address.query.get(name, "")

    def selection(self, after: str) -> Selection:
        prefix = self.text("prefix").encode()
        return Selection(self._address.bucket, prefix, self.delimiter.encode(), after.encode(), self.limit)

    def encoded(self, name: str) -> str:
        """A name as the client wants to read it: XML cannot hold every character that a key may have."""
        return quote(name) if self._encoding else name

    def echo(self, limit: str = "MaxKeys") -> list[Element]:
        delimiter = self.encoded(self.delimiter) if self.delimiter else None
        return [("Delimiter", delimiter), (limit, self.limit), ("EncodingType", self._encoding)]

    def common_prefixes(self, entries: Iterable[Any]) -> list[Element]:
        prefixes = [entry.decode() for entry in entries if isinstance(entry, bytes)]
        return [("CommonPrefixes", (("Prefix", self.encoded(prefix)),)) for prefix in prefixes]


class _Reading:
    """Opens the rows of a page, each once."""

    def __init__(self, unit: Unit, address: S3Address) -> None:
        self._unit = unit
        self._bucket = address.bucket
        self._opened: dict[tuple[bytes, int], Version] = {}

    def __call__(self, row: Row) -> Version:
        place = (row.key, row.n)
        if place not in self._opened:
            content = self._unit.store.rows.open(row.content, object_place(self._bucket, row.key, row.n))
            self._opened[place] = self._unit.rows.read_version(self._bucket, row.key, row.n, content)
        return self._opened[place]

    def is_marker(self, row: Row) -> bool:
        return isinstance(self(row), FakeDeleteMarker)


def _content(asked: _Asked, version: Version, *, owner: bool) -> Element:
    assert isinstance(version, StoredKey)
    members: list[Element] = [
        ("Key", asked.encoded(version.name)),
        ("LastModified", _time(version)),
        ("ETag", version.etag),
        ("ChecksumAlgorithm", version.checksum_algorithm or None),
        ("ChecksumType", version.checksum_type if version.checksum_algorithm else None),
        ("Size", version.contentsize),
        ("StorageClass", version.storage_class),
    ]
    return "Contents", [*members, _OWNER] if owner else members


def _version(asked: _Asked, version: Version, row: Row) -> Element:
    members: list[Element] = [
        ("Key", asked.encoded(version.name)),
        ("VersionId", version.version_id),
        ("IsLatest", row.is_newest),
        ("LastModified", _time(version)),
        _OWNER,
    ]
    if isinstance(version, FakeDeleteMarker):
        return "DeleteMarker", members
    about_the_body: list[Element] = [
        ("ETag", version.etag),
        ("Size", version.contentsize),
        ("StorageClass", version.storage_class),
    ]
    return "Version", members + about_the_body


def _n_of_version(unit: Unit, bucket: str, key: str, version_id: str) -> int:
    """The place of the version that the last page ended with.

    It may be gone, as it is for whoever deletes page by page: then the key is listed from its newest version on.
    """
    return unit.key(bucket, key).n_of(version_id) or ANY_N


def _name_of(entry: Any) -> str:
    return entry.decode() if isinstance(entry, bytes) else entry.key.decode()


def _time(version: Version) -> str:
    return iso_8601_datetime_without_milliseconds_s3(version.last_modified) or ""


def _token(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode("ascii")


def _read_token(token: str) -> str:
    try:
        if token:
            return urlsafe_b64decode(token.encode("ascii")).decode()
    except (Base64Error, UnicodeError):
        pass
    raise S3ClientError("InvalidArgument", "The continuation token provided is incorrect")


def _answer(root: str, *elements: Element) -> LocalResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_XMLNS}">{_xml(elements)}</{root}>'
    return LocalResponse(200, (("content-type", "application/xml"),), body.encode())


def _xml(content: Any) -> str:
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, str | int):
        return escape(str(content), {"\r": "&#13;"})
    return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in content if inner is not None)
