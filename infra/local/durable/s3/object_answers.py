"""What moto answered to a GET or HEAD of an object, with the body that is meant, or the range of it that is asked for.

moto is asked for the whole object: it is not told of Range and partNumber, which would have it cut an empty body.
"""

from collections.abc import Iterable
from dataclasses import replace
from email.utils import parsedate_to_datetime

from infra.local.durable.s3.object_bodies import BodyRow
from infra.local.durable.s3.object_intake import S3Address
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_ranges import ByteRange, UnsatisfiableRangeError, asked_range, part_range
from infra.local.durable.s3.object_rows import protection_of, version_place
from infra.local.durable.s3.object_units import Unit
from infra.local.http import BodyStream, LocalRequest, LocalResponse
from infra.local.protocol_errors import error_response

OF_AN_OBJECT = frozenset({"GetObject", "HeadObject"})

_OURS_TO_READ = frozenset({"range", "if-range"})
_PART = "partNumber="


def without_range(request: LocalRequest) -> LocalRequest:
    """The request for the whole object."""
    headers = {name: value for name, value in request.headers.items() if name not in _OURS_TO_READ}
    query = "&".join(pair for pair in request.query.split("&") if not pair.startswith(_PART))
    return replace(request, headers=headers, query=query)


def with_body(
    request: LocalRequest, address: S3Address, answer: LocalResponse, version: StoredKey, unit: Unit
) -> LocalResponse:
    """The answer to `request`, of which `answer` tells the whole object. Raises S3ClientError and DamagedError."""
    size = version.contentsize
    sizes = version.multipart.sizes if version.multipart else (size,)
    try:
        asked = _asked(request, address, version, sizes)
    except UnsatisfiableRangeError:
        return _unsatisfiable(request, address, size)
    start, end = (asked.start, asked.end) if asked else (0, size)
    headers = _without(answer.headers, ("content-length", "content-range"))
    status = answer.status
    if asked:
        status = 206
        headers.append(("content-range", asked.content_range))
        if asked.end - asked.start < size:  # a checksum is of the whole
            headers = [(name, value) for name, value in headers if not name.startswith("x-amz-checksum-")]
    if "partNumber" in address.query and version.multipart:
        headers.append(("x-amz-mp-parts-count", str(len(sizes))))
    headers.append(("content-length", str(end - start)))
    if request.method == "HEAD":
        return LocalResponse(status, tuple(headers), b"")
    assert isinstance(version.body, BodyRow)
    chunks = unit.bodies.read(version.body, protection_of(version), version_place(version), start, end)
    return LocalResponse(status, tuple(headers), b"", BodyStream(end - start, chunks))


def _asked(request: LocalRequest, address: S3Address, version: StoredKey, sizes: tuple[int, ...]) -> ByteRange | None:
    number = address.query.get("partNumber")
    if number is not None:
        if not (number.isascii() and number.isdigit()):
            raise UnsatisfiableRangeError
        return part_range(int(number), tuple(sizes))
    header = request.headers.get("range")
    if not header or not _is_of_this_version(request.headers.get("if-range"), version):
        return None
    return asked_range(header, version.contentsize)


def _is_of_this_version(if_range: str | None, version: StoredKey) -> bool:
    """Whether the version is the one that the client has a part of: If-Range names its tag, or its time."""
    if if_range is None:
        return True
    if if_range.startswith('"'):
        return if_range == version.etag
    try:
        return parsedate_to_datetime(if_range).replace(tzinfo=None) == version.last_modified.replace(microsecond=0)
    except (TypeError, ValueError):
        return False


def _unsatisfiable(request: LocalRequest, address: S3Address, size: int) -> LocalResponse:
    if "partNumber" in address.query:
        message = "The requested partnumber is not satisfiable"
        return error_response("s3", 416, "InvalidPartNumber", message, details={"ActualPartCount": "1"})
    details = {"RangeRequested": request.headers["range"], "ActualObjectSize": str(size)}
    return error_response("s3", 416, "InvalidRange", "The requested range is not satisfiable", details=details)


def _without(headers: Iterable[tuple[str, str]], names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name not in names]
