"""The encrypted form of a file that is written once, from front to back, and read in any ranges.

    MAGIC  SEGMENT … SEGMENT  LAST-SEGMENT

A segment is 256 KiB of plain text under AES-256-GCM, followed by its tag; the last holds what is left, and is empty
only where the whole file is. The key is random and belongs to this file alone, so that nonces may be counted: a
segment's nonce is its index (11 bytes, big-endian) and a byte that is 1 for the last segment and 0 for all others. The
magic is the associated data of each.

So a changed byte, a segment in another's place or out of another file, a file that was cut or one that was added to
all fail to open (the STREAM construction: Hoang, Reyhanitabar, Rogaway and Vizár, 2015), and a range is read by opening
the segments that it touches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.durable.errors import DamagedError

MAGIC = b"CHORALE\x01"  # the last byte is the version of this form
SEGMENT_BYTES = 256 * 1024  # of plain text; from here on larger segments are not faster

_TAG_BYTES = 16
_SEALED_BYTES = SEGMENT_BYTES + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class Span:
    """Where a piece of a range lies: a segment in the file, and the part of its plain text that is asked for."""

    index: int
    offset: int  # in the file
    sealed_bytes: int
    start: int  # in the segment's plain text
    end: int
    last: bool


def sealed_size(size: int) -> int:
    """How long the file of `size` bytes of plain text is."""
    return len(MAGIC) + size + _segments(size) * _TAG_BYTES


def spans(size: int, start: int, end: int) -> Iterator[Span]:
    """The pieces of the range [start, end) of a plain text of `size` bytes, in order; none for an empty range."""
    count = _segments(size)
    for index in range(start // SEGMENT_BYTES, -(-end // SEGMENT_BYTES) if end > start else 0):
        first = index * SEGMENT_BYTES
        length = min(SEGMENT_BYTES, size - first)
        yield Span(
            index,
            len(MAGIC) + index * _SEALED_BYTES,
            length + _TAG_BYTES,
            max(0, start - first),
            min(length, end - first),
            index == count - 1,
        )


class SegmentCipher:
    """Seals and opens the segments of one file."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, index: int, plain: bytes | bytearray | memoryview, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(index, last), plain, MAGIC)

    def open(self, index: int, sealed: bytes, *, last: bool) -> bytes:
        """The plain text of a segment. Raises DamagedError for one that is not what was sealed here."""
        try:
            return self._cipher.decrypt(_nonce(index, last), sealed, MAGIC)
        except (InvalidTag, ValueError):
            raise DamagedError(f"segment {index} is damaged") from None


def _segments(size: int) -> int:
    return max(1, -(-size // SEGMENT_BYTES))


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11) + bytes((last,))
