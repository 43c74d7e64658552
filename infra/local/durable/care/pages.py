"""The rows in the pages of a database that SQLite can no longer read, found without its trees.

Every page that is in use and looks like one with rows is taken for itself (https://sqlite.org/fileformat2.html): the
newest version that was committed, out of the file or its write-ahead log. Which table a row belongs to, its page does
not say; whoever asks knows by the seal of its value.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.durable.wal import examine_log

Record = tuple[int | None, tuple[Any, ...]]  # the row's number where it has one, and its columns

_MAGIC = b"SQLite format 3\0"
_USUAL_PAGE = 4096
_LOG_HEADER = 32
_FRAME_HEADER = 24
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Pages:
    """The pages of a database file with its log."""

    def __init__(self, database: Path) -> None:
        self._file = _mapped(database)
        log = database.with_name(f"{database.name}-wal")
        self._log = log.read_bytes() if log.exists() else b""
        self._size = self._page_size()
        self._newest = self._committed(examine_log(log).frames)
        self._count = max([-(-len(self._file) // self._size), *self._newest])

    def records(self) -> Iterator[Record]:
        """Every row of every page in use. What is too damaged to be a row is passed over."""
        free = self._free_pages()
        for number in range(1, self._count + 1):
            if number not in free:
                yield from self._records_of(number)

    def _page_size(self) -> int:
        if self._file[:16] == _MAGIC:
            size = int.from_bytes(self._file[16:18], "big")
            size = 65536 if size == 1 else size
            if size in {1 << bits for bits in range(9, 17)}:
                return size
        return _USUAL_PAGE

    def _committed(self, frames: int) -> dict[int, int]:
        """Where in the log the newest committed version of a page is, by the page's number."""
        newest: dict[int, int] = {}
        open_: dict[int, int] = {}
        for index in range(frames):
            offset = _LOG_HEADER + index * (_FRAME_HEADER + self._size)
            number, commit = struct.unpack_from(">2I", self._log, offset)
            open_[number] = offset + _FRAME_HEADER
            if commit:
                newest |= open_
                open_.clear()
        return newest

    def _page(self, number: int) -> bytes:
        if number in self._newest:
            return self._log[self._newest[number] : self._newest[number] + self._size]
        return self._file[(number - 1) * self._size : number * self._size]

    def _free_pages(self) -> set[int]:
        """Pages that hold what was deleted, as far as the list of them can be read."""
        free: set[int] = set()
        trunk = int.from_bytes(self._page(1)[32:36], "big")
        while 0 < trunk <= self._count and trunk not in free:
            free.add(trunk)
            page = self._page(trunk)
            listed = int.from_bytes(page[4:8], "big")
            if listed > self._size // 4:
                break
            free.update(struct.unpack_from(f">{listed}I", page, 8) if len(page) >= 8 + 4 * listed else ())
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _records_of(self, number: int) -> Iterator[Record]:
        page = self._page(number)
        start = 100 if number == 1 else 0
        if len(page) < self._size or page[start] not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
            return
        kind = page[start]
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + (12 if kind == _INDEX_INTERIOR else 8)
        for index in range(min(cells, (self._size - first) // 2)):
            offset = int.from_bytes(page[first + 2 * index : first + 2 * index + 2], "big")
            try:
                yield self._record(page, offset, kind)
            except (IndexError, ValueError, UnicodeDecodeError, struct.error):
                continue

    def _record(self, page: bytes, offset: int, kind: int) -> Record:
        if kind == _INDEX_INTERIOR:
            offset += 4  # the page with what comes before
        size, offset = _varint(page, offset)
        row_id = None
        if kind == _TABLE_LEAF:
            row_id, offset = _varint(page, offset)
        return row_id, _columns(self._payload(page, offset, size, kind))

    def _payload(self, page: bytes, offset: int, size: int, kind: int) -> bytes:
        """All of a row, the part of it on pages of its own included."""
        if size > len(self._file) + len(self._log):
            raise ValueError("the row is larger than the file")
        most = self._size - 35 if kind == _TABLE_LEAF else (self._size - 12) * 64 // 255 - 23
        if size <= most:
            return page[offset : offset + size]
        least = (self._size - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._size - 4)
        local = local if local <= most else least
        parts = [page[offset : offset + local]]
        left, next_ = size - local, int.from_bytes(page[offset + local : offset + local + 4], "big")
        while left > 0:
            if not 0 < next_ <= self._count:
                raise ValueError("the rest of the row is not there")
            overflow = self._page(next_)
            parts.append(overflow[4 : 4 + left])
            left -= self._size - 4
            next_ = int.from_bytes(overflow[:4], "big")
        return b"".join(parts)


def _mapped(path: Path) -> bytes | mmap.mmap:
    """A file's content, which may be larger than memory."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def _varint(content: bytes, offset: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for index in range(8):
        byte = content[offset + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + index + 1
    return value << 8 | content[offset + 8], offset + 9


def _columns(payload: bytes) -> tuple[Any, ...]:
    end, offset = _varint(payload, 0)
    kinds = []
    while offset < end:
        kind, offset = _varint(payload, offset)
        kinds.append(kind)
    columns: list[Any] = []
    for kind in kinds:
        value, offset = _value(payload, offset, kind)
        columns.append(value)
    if offset != len(payload):
        raise ValueError("the row has another length than its columns")
    return tuple(columns)


def _value(payload: bytes, offset: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, offset
    if kind in (8, 9):
        return kind - 8, offset
    if kind in _INTEGER_BYTES:
        end = offset + _INTEGER_BYTES[kind]
        return int.from_bytes(payload[offset:end], "big", signed=True), end
    if kind < 12:
        raise ValueError("no column of ours is of this kind")
    end = offset + (kind - 12) // 2
    content = payload[offset:end]
    return (content.decode() if kind % 2 else content), end
