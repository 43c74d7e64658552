"""A body on its way in: in memory while it is small, in an encrypted file as soon as it is not."""

import hashlib
from typing import Self

from infra.local.durable.s3.bodies import INLINE_BYTES, Bodies, BodyWriter, Bytes, StoredBody
from infra.local.http import BodyTooLargeError


class Spool:
    """Takes a body of at most `limit` bytes. Without `bodies` all of it stays in memory.

    At the end of its `with` nothing is left of a body that was not finished.
    """

    def __init__(self, limit: int, bodies: Bodies | None = None) -> None:
        self._limit = limit
        self._bodies = bodies
        self._memory = bytearray()
        self._writer: BodyWriter | None = None
        self.size = 0

    @property
    def md5(self) -> str:
        """Of what was taken so far, in hexadecimal."""
        if self._writer is not None:
            return self._writer.md5
        return hashlib.md5(self._memory, usedforsecurity=False).hexdigest()

    def write(self, piece: Bytes) -> None:
        """Add to the body. Raises BodyTooLargeError, and WriteRefusedError when the disk does not take it."""
        self.size += len(piece)
        if self.size > self._limit:
            raise BodyTooLargeError(self._limit)
        if self._writer is None and (self._bodies is None or self.size <= INLINE_BYTES):
            self._memory += piece
            return
        if self._writer is None:
            assert self._bodies is not None
            self._writer = self._bodies.writer()
            self._writer.write(self._memory)
            self._memory.clear()
        self._writer.write(piece)

    def finish(self) -> bytes | StoredBody:
        """The body itself, or where it is on the disk. Raises WriteRefusedError."""
        return bytes(self._memory) if self._writer is None else self._writer.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.abort()
