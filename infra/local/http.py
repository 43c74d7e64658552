"""One HTTP request and its answer as plain values: between the gateway, our own clients and the services behind.

The body of a large upload is in its file before the service sees the request (`staged`), and that of a large download
is read while it is sent (`stream`): neither is ever in memory whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from infra.local.durable.s3.body_files import StoredBody


class BodyTooLargeError(Exception):
    """The body is longer than `limit`, the bytes that a request of its kind may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body has more than {limit} bytes")
        self.limit = limit


class StagedBody:
    """A body that was received, proven and written to its file before its request is answered.

    `md5` is in hexadecimal; `checksums` are those that its sender took or asked for, in base64 by the name of their
    header. Whoever keeps the body says so by `adopt()`; the file of one that nobody adopted is removed.
    """

    __slots__ = ("_adopted", "checksums", "md5", "stored")

    def __init__(self, stored: StoredBody, md5: str, checksums: Mapping[str, str]) -> None:
        self.stored = stored
        self.md5 = md5
        self.checksums = checksums
        self._adopted = False

    @property
    def adopted(self) -> bool:
        """Whether a row refers to the file, or may: a write that failed with the disk may still have reached it."""
        return self._adopted

    def adopt(self) -> None:
        """The file is kept, by whoever calls this."""
        self._adopted = True

    def disown(self) -> None:
        """The file is not kept after all: what referred to it was surely taken back."""
        self._adopted = False


class BodyStream(Iterator[bytes]):
    """A body that is read while it is sent: `length` bytes in the pieces of `chunks`, which is closed at the end."""

    __slots__ = ("_chunks", "length")

    def __init__(self, length: int, chunks: Iterator[bytes]) -> None:
        self.length = length
        self._chunks = chunks

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop reading. May be called more than once, but not while another thread reads."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A parsed request: `path` and `query` as they came, percent-encoded; header names in lower case.

    `body` is empty when the body is `staged`.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    staged: StagedBody | None = None


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """An answer: header names in lower case, a name may come twice. `body` is empty when there is a `stream`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stream: BodyStream | None = None
