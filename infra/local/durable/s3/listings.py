"""Pages of a bucket's objects, versions and uploads, read off the index: a page costs what is on it, not the bucket.

Names that share what comes before a delimiter are one entry, their common prefix; the scan leaps over the rest of
them. All names are compared as UTF-8, as S3 orders them. A page begins after an entry of this kind too: after a common
prefix comes what is behind all names in it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_OLDER_VERSIONS_READ = 8  # before the scan leaps to the next key
ANY_N = 1 << 62  # above that of every version


class Named(Protocol):
    """An entry that stands for itself."""

    @property
    def key(self) -> bytes: ...


Entry = TypeVar("Entry", bound=Named)


@dataclass(frozen=True, slots=True)
class Row:
    """A version in a listing."""

    key: bytes
    n: int
    content: bytes  # sealed
    is_newest: bool


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An upload in a listing."""

    key: bytes
    id: str
    content: bytes  # sealed


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """Entries in order: bytes are a common prefix."""

    entries: tuple[Entry | bytes, ...]
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """Which names a listing is about; `after` is the name (or common prefix) that the page begins behind."""

    bucket: str
    prefix: bytes = b""
    delimiter: bytes = b""
    after: bytes = b""
    limit: int = 1000

    def common_prefix(self, name: bytes) -> bytes | None:
        """What stands for this name in the listing, when it does not stand for itself."""
        if not self.delimiter or not name.startswith(self.prefix):
            return None
        at = name.find(self.delimiter, len(self.prefix))
        return None if at < 0 else name[: at + len(self.delimiter)]

    def first(self) -> bytes:
        """The least name that may be on the page."""
        if self.after < self.prefix:
            return self.prefix
        if not self.after:
            return b""
        rolled = self.common_prefix(self.after)
        return behind(rolled) if rolled else self.after + b"\0"


def behind(prefix: bytes) -> bytes:
    """The least string that is greater than all that begin with `prefix`, which is UTF-8: it has no byte 0xFF."""
    return prefix[:-1] + bytes((prefix[-1] + 1,)) if prefix else b"\xff"


def newest_page(connection: sqlite3.Connection, selection: Selection, is_marker: Callable[[Row], bool]) -> Page[Row]:
    """The objects that are there: the newest version of each key, unless it is a delete marker."""

    def scan(start: bytes) -> Iterator[Row]:
        rows = _versions(connection, selection, start, every=False)
        return (row for row in rows if row.is_newest and not is_marker(row))

    return _page(selection, [], scan)


def version_page(connection: sqlite3.Connection, selection: Selection, older_than: int | None) -> Page[Row]:
    """Every version and delete marker, the newest of a key first.

    `older_than`: the page begins in the key `selection.after`, with its versions below this n.
    """
    begun = [] if older_than is None else _older_versions(connection, selection, older_than)
    return _page(selection, begun, lambda start: _versions(connection, selection, start, every=True))


def upload_page(connection: sqlite3.Connection, selection: Selection, after_id: str | None) -> Page[UploadRow]:
    """The uploads in flight, by key and id. `after_id`: the page begins in the middle of the key `selection.after`."""
    begun = [] if after_id is None else _later_uploads(connection, selection, after_id)

    def scan(start: bytes) -> Iterator[UploadRow]:
        rows = connection.execute(
            "SELECT k, id, content FROM upload WHERE b = ? AND k >= ? AND k < ? ORDER BY k, id",
            (selection.bucket, start, behind(selection.prefix)),
        )
        return (UploadRow(*row) for row in rows)

    return _page(selection, begun, scan)


def _page(selection: Selection, begun: list[Entry], scan_from: Callable[[bytes], Iterator[Entry]]) -> Page[Entry]:
    """A page that begins with `begun`, and goes on with what the scan finds."""
    entries: list[Entry | bytes] = [*begun]
    scan = scan_from(selection.first())
    while len(entries) <= selection.limit:
        row = next(scan, None)
        if row is None:
            break
        rolled = selection.common_prefix(row.key)
        entries.append(rolled or row)
        if rolled:
            scan = scan_from(behind(rolled))
    limit = selection.limit
    return Page(tuple(entries[:limit]), 0 < limit < len(entries))


def _versions(connection: sqlite3.Connection, selection: Selection, start: bytes, *, every: bool) -> Iterator[Row]:
    """The versions of all keys from `start` on; without `every`, only as many older ones as are cheaper than a leap."""
    end = behind(selection.prefix)
    while True:
        key, skipped = None, 0
        for found, n, content in connection.execute(
            "SELECT k, n, content FROM object WHERE b = ? AND k >= ? AND k < ? ORDER BY k, n DESC",
            (selection.bucket, start, end),
        ):
            skipped = skipped + 1 if found == key else 0
            if skipped > _OLDER_VERSIONS_READ and not every:
                start = found + b"\0"
                break
            yield Row(found, n, content, found != key)
            key = found
        else:
            return


def _older_versions(connection: sqlite3.Connection, selection: Selection, older_than: int) -> list[Row]:
    place = (selection.bucket, selection.after)
    (newest,) = connection.execute("SELECT max(n) FROM object WHERE b = ? AND k = ?", place).fetchone()
    rows = connection.execute(
        "SELECT k, n, content FROM object WHERE b = ? AND k = ? AND n < ? ORDER BY n DESC LIMIT ?",
        (*place, older_than, selection.limit + 1),
    )
    return [Row(key, n, content, n == newest) for key, n, content in rows]


def _later_uploads(connection: sqlite3.Connection, selection: Selection, after_id: str) -> list[UploadRow]:
    rows = connection.execute(
        "SELECT k, id, content FROM upload WHERE b = ? AND k = ? AND id > ? ORDER BY id LIMIT ?",
        (selection.bucket, selection.after, after_id, selection.limit + 1),
    )
    return [UploadRow(*row) for row in rows]
