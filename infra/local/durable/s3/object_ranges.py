"""Which bytes of an object a GET or HEAD asks for: its Range header, as S3 reads it."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?P<first>[0-9]*)-(?P<last>[0-9]*)", re.ASCII)


class UnsatisfiableRangeError(Exception):
    """The range begins behind the end of the object."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes [start, end) of an object of `size` bytes."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def asked_range(header: str, size: int) -> ByteRange | None:
    """What a Range header asks for; None for the whole object, which is also the answer to what S3 does not read.

    S3 knows one range of bytes; several, other units and ranges that end before they begin count as none. Raises
    UnsatisfiableRangeError.
    """
    matched = _RANGE.fullmatch(header.strip())
    if matched is None or not (matched["first"] or matched["last"]):
        return None
    if not matched["first"]:
        length = int(matched["last"])
        if length == 0:
            raise UnsatisfiableRangeError
        if size == 0:
            return None
        return ByteRange(max(0, size - length), size, size)
    first = int(matched["first"])
    last = min(int(matched["last"]), size - 1) if matched["last"] else size - 1
    if matched["last"] and int(matched["last"]) < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError
    return ByteRange(first, last + 1, size)


def part_range(number: int, sizes: tuple[int, ...]) -> ByteRange:
    """Where a part of an object is that was uploaded in parts of these sizes. Raises UnsatisfiableRangeError."""
    if not 1 <= number <= len(sizes):
        raise UnsatisfiableRangeError
    start = sum(sizes[: number - 1])
    return ByteRange(start, start + sizes[number - 1], sum(sizes))
