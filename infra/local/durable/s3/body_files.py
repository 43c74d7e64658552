"""One body, one encrypted file: written once, read in any range. The form of the file is in segments.py."""

import errno
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from infra.local.durable.errors import DamagedError, DiskFullError, WriteRefusedError
from infra.local.durable.keyring import KEY_BYTES
from infra.local.durable.s3.segments import MAGIC, SEGMENT_BYTES, SegmentCipher, Span, sealed_size, spans
from infra.local.platform_calls import PRIVATE_FILE_MODE, sync_file, sync_folder

SCRATCH_SUFFIX = ".new"

_NAME = re.compile(r"[0-9a-f]{32}")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A body that is on the disk: the name of its file, its size in bytes, and the key that opens it."""

    name: str
    size: int
    data_key: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """What may be told in the clear: all but the data key, which its keeper wraps."""
        return {"name": self.name, "size": self.size}

    @classmethod
    def from_json(cls, members: Mapping[str, Any], data_key: bytes) -> "StoredBody":
        return cls(members["name"], members["size"], data_key)


def is_body_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


class BodyWriter:
    """A body being written. What is not finished is aborted at the end of the `with`, and leaves nothing.

    Its methods may be called from different threads; `write` and `finish` raise WriteRefusedError (DiskFullError for
    want of room), after which the writer is aborted.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / secrets.token_hex(16)
        self._scratch = self._path.with_name(self._path.name + SCRATCH_SUFFIX)
        self._key = secrets.token_bytes(KEY_BYTES)
        self._cipher = SegmentCipher(self._key)
        self._segment = memoryview(bytearray(SEGMENT_BYTES))
        self._filled = 0
        self._index = 0
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._busy = threading.Lock()
        self._file: BinaryIO | None = None
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._scratch, flags, PRIVATE_FILE_MODE), "wb")
            self._file.write(MAGIC)
        except OSError as error:
            self.abort()
            raise _refusal(error) from error

    @property
    def size(self) -> int:
        """How many bytes were written so far."""
        return self._size

    @property
    def md5(self) -> str:
        """The MD5 of what was written so far, in hexadecimal: S3's entity tag."""
        return self._md5.hexdigest()

    def write(self, chunk: Bytes) -> None:
        """Add to the body."""
        with self._busy, self._refusing() as file:
            self._md5.update(chunk)
            self._size += len(chunk)
            rest = memoryview(chunk)
            while rest:
                if self._filled == SEGMENT_BYTES:  # more follows, so that this is not the last
                    self._seal(file, last=False)
                taken = rest[: SEGMENT_BYTES - self._filled]
                self._segment[self._filled : self._filled + len(taken)] = taken
                self._filled += len(taken)
                rest = rest[len(taken) :]

    def finish(self) -> StoredBody:
        """Have the whole body on the disk, under its own name."""
        with self._busy, self._refusing() as file:
            self._seal(file, last=True)
            file.flush()
            sync_file(file.fileno())
            file.close()
            self._scratch.rename(self._path)
            sync_folder(self._path.parent)
            self._file = None
        return StoredBody(self._path.name, self._size, self._key)

    def abort(self) -> None:
        """Forget the body, unless it is finished. May be called more than once."""
        with self._busy:
            self._discard()

    def __enter__(self) -> "BodyWriter":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.abort()

    def _seal(self, file: BinaryIO, *, last: bool) -> None:
        file.write(self._cipher.seal(self._index, self._segment[: self._filled], last=last))
        self._index += 1
        self._filled = 0

    @contextmanager
    def _refusing(self) -> Iterator[BinaryIO]:
        if self._file is None:
            raise WriteRefusedError("the body was given up before")
        try:
            yield self._file
        except OSError as error:
            self._discard()
            raise _refusal(error) from error

    def _discard(self) -> None:
        if self._file is None:
            return
        with suppress(OSError):  # what is left in its buffer finds no room either
            self._file.close()
        self._file = None
        for path in (self._scratch, self._path):
            path.unlink(missing_ok=True)


class BodyReader(Iterator[bytes]):
    """The range [start, end) of a body in several pieces, segment by segment. Closes itself at the end.

    Iterating raises DamagedError where the disk holds something else than was written.
    """

    def __init__(
        self,
        folder: Path,
        pieces: Sequence[StoredBody],
        start: int,
        end: int,
        on_close: Callable[[], None],
    ) -> None:
        """Raises DamagedError, naming the file, when one is missing or has another size than it should.

        `on_close` is called once, when nothing is read any more.
        """
        self.length = end - start
        self._folder = folder
        self._on_close = on_close
        self._file: BinaryIO | None = None
        self._closed = False
        self._spans = _spans_of(pieces, start, end)
        self._current: StoredBody | None = None
        try:
            for piece in pieces:
                self._check(piece)
        except BaseException:
            self.close()
            raise

    def __next__(self) -> bytes:
        if self._closed:
            raise StopIteration
        try:
            body, span = next(self._spans)
            return self._open(body, span)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop reading. May be called more than once, but not while another thread reads."""
        if not self._closed:
            self._closed = True
            if self._file is not None:
                self._file.close()
            self._on_close()

    def __del__(self) -> None:
        self.close()

    def _open(self, body: StoredBody, span: Span) -> bytes:
        if body is not self._current:
            self._turn_to(body)
        assert self._file is not None
        path = self._folder / body.name
        try:
            sealed = os.pread(self._file.fileno(), span.sealed_bytes, span.offset)
            plain = self._cipher.open(span.index, sealed, last=span.last)
        except OSError as error:
            raise DamagedError(f"{path} cannot be read: {error.strerror}") from error
        except DamagedError as error:
            raise DamagedError(f"{path}: {error}") from None
        return plain if span.end - span.start == len(plain) else plain[span.start : span.end]

    def _turn_to(self, body: StoredBody) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        path = self._folder / body.name
        try:
            self._file = path.open("rb", buffering=0)
            magic = os.pread(self._file.fileno(), len(MAGIC), 0)
        except OSError as error:
            raise DamagedError(f"{path} cannot be read: {error.strerror}") from error
        if magic != MAGIC:
            raise DamagedError(f"{path} does not begin as a body does")
        self._cipher = SegmentCipher(body.data_key)
        self._current = body

    def _check(self, body: StoredBody) -> None:
        path = self._folder / body.name
        try:
            found = path.stat().st_size
        except OSError as error:
            raise DamagedError(f"{path} cannot be read: {error.strerror}") from error
        if found != sealed_size(body.size):
            raise DamagedError(f"{path} has {found} bytes instead of {sealed_size(body.size)}")


def _spans_of(pieces: Sequence[StoredBody], start: int, end: int) -> Iterator[tuple[StoredBody, Span]]:
    position = 0
    for body in pieces:
        begins, ends = max(start - position, 0), min(end - position, body.size)
        if begins < ends:
            for span in spans(body.size, begins, ends):
                yield body, span
        position += body.size


def _refusal(error: OSError) -> WriteRefusedError:
    if error.errno in _NO_ROOM:
        return DiskFullError(f"there is no room on the disk ({error.strerror})")
    return WriteRefusedError(f"a body could not be written ({error.strerror})")
