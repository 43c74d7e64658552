"""A new database out of a damaged one: every row that can still be read, each proved by the seal of its value.

A table is read through SQLite, from both of its ends as far as that goes. For one that SQLite does not read to the
end, the pages themselves are searched as well (pages.py).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.durable.care.data_keys import PURPOSES
from infra.local.durable.care.pages import Pages
from infra.local.durable.care.sealed_tables import SEALED, SealedTable
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.keyring import ROWS, MasterKey, Sealer
from infra.local.durable.s3.object_bodies import files_place
from infra.local.durable.schema import APPLICATION_ID, FORMAT, SCHEMA
from infra.local.platform_calls import PRIVATE_FILE_MODE, sync_file

# Tables whose rows nothing proves, with the columns by which they are walked. The first two are made again of others.
# The others tell the names of what is lost, and their rows are known by the types of their columns.
_UNPROVED: dict[str, tuple[tuple[str, ...], tuple[type, ...] | None]] = {
    "item_table": (("id",), None),
    "body_file": (("name",), None),
    "item_index": (("t", "i", "ih", "ir", "h", "r"), (int, str, bytes, bytes, bytes, bytes)),
    "lost_object": (("rowid",), (str, bytes, int, str)),
}

_INDEX_BY_ITEM = (int, bytes, bytes, str, bytes, bytes)  # t, h, r, i, ih, ir: the index of item_index has all of it


@dataclass(slots=True)
class Salvaged:
    """How many rows were saved, through SQLite and out of pages that it no longer reads; what was not read whole."""

    read: int = 0
    found: int = 0
    unreadable: tuple[str, ...] = ()

    def __str__(self) -> str:
        saved = f"{self.read + self.found:,} rows can be saved, {self.found:,} of them only out of single pages"
        return f"{saved}; not read whole: {', '.join(self.unreadable)}" if self.unreadable else saved


def salvage(database: Path, target: Path, master: MasterKey) -> Salvaged:
    """Write what can be read of `database` to the new file `target`. Raises StoreError where the keys are lost."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE))
    source = _Source(database)
    keys = source.data_keys(master)
    told = Salvaged()
    with closing(source), closing(sqlite3.connect(target, isolation_level=None)) as into:
        into.executescript(f"BEGIN;{SCHEMA}")
        into.executemany("INSERT INTO data_key VALUES (?, ?)", keys.items())
        rows = Sealer(master.unwrap(keys[ROWS], ROWS))
        for table in SEALED.values():
            _save_sealed(source, into, table, rows, told)
        _save_bodies(source, into, rows, told)
        for name, (order, types) in _UNPROVED.items():
            _save_unproved(source, into, name, order, types)
        _keep_numbers(into)
        into.execute(f"PRAGMA application_id={APPLICATION_ID}")
        into.execute(f"PRAGMA user_version={FORMAT}")
        into.execute("COMMIT")
        into.execute("PRAGMA journal_mode=WAL")
    with target.open("rb+") as file:
        sync_file(file.fileno())
    told.unreadable = tuple(sorted(source.unreadable))
    return told


class _Source:
    """The damaged database, read through SQLite where that is possible and by its pages where it is not."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._pages: Pages | None = None
        self.unreadable: set[str] = set()  # tables that SQLite did not read to the end
        self._connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._connection.text_factory = _text

    def close(self) -> None:
        self._connection.close()

    def rows(self, table: str, order: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        """The rows that SQLite reads, from the first on, and when it cannot go on from the last."""
        forward = ", ".join(order)
        backward = ", ".join(f"{column} DESC" for column in order)
        for ordering in (forward, backward):
            try:
                yield from self._connection.execute(f"SELECT * FROM {table} ORDER BY {ordering}")
                return
            except sqlite3.DatabaseError:
                self.unreadable.add(table)

    def pages(self) -> Pages:
        if self._pages is None:
            self._pages = Pages(self._database)
        return self._pages

    def data_keys(self, master: MasterKey) -> dict[str, bytes]:
        """The wrapped data keys by purpose. Raises StoreError."""
        found = [row for row in self.rows("data_key", ("purpose",)) if _unwraps(master, row)]
        if len(found) < len(PURPOSES):
            found += [columns for _, columns in self.pages().records() if _unwraps(master, columns)]
        keys = dict(found)
        if keys.keys() != set(PURPOSES):
            raise StoreError(
                f"its data keys cannot be read with the master key {master.path}, and without them nothing in it; "
                "restore a backup"
            )
        return keys


def _save_sealed(source: _Source, into: sqlite3.Connection, table: SealedTable, rows: Sealer, told: Salvaged) -> None:
    for row in source.rows(table.name, table.key):
        told.read += _insert(into, table.name, row)  # proved or not: what is damaged shall be told by its name
    if table.name in source.unreadable:
        for row_id, columns in source.pages().records():
            row = columns if row_id is None else (row_id, *columns[1:])
            if len(row) == len(table.columns) and _proves(rows, table, row):
                told.found += _insert(into, table.name, row)


def _save_bodies(source: _Source, into: sqlite3.Connection, rows: Sealer, told: Salvaged) -> None:
    """Rows of object_body. Small bodies are sealed under the keys of their objects, which are asked later."""
    for row in source.rows("object_body", ("id",)):
        told.read += _insert(into, "object_body", row)
    if "object_body" in source.unreadable:
        likely = [
            (row_id, columns[1])
            for row_id, columns in source.pages().records()
            if row_id is not None
            and tuple(map(type, columns)) == (type(None), bytes)
            and not _proves(rows, SEALED["log_stream"], (row_id, columns[1]))
        ]
        for row in sorted(likely, key=lambda row: not _opens(rows, row[1], files_place(row[0]))):
            told.found += _insert(into, "object_body", row)


def _save_unproved(
    source: _Source, into: sqlite3.Connection, table: str, order: tuple[str, ...], types: tuple[type, ...] | None
) -> None:
    for row in source.rows(table, order):
        _insert(into, table, row)
    if types is not None and table in source.unreadable:
        for _, columns in source.pages().records():
            if tuple(map(type, columns)) == types:
                _insert(into, table, columns)
            elif table == "item_index" and tuple(map(type, columns)) == _INDEX_BY_ITEM:
                _insert(into, table, (columns[0], *columns[3:], *columns[1:3]))


def _keep_numbers(into: sqlite3.Connection) -> None:
    """The number of a table is never given again, as far as it is known which there were."""
    highest = into.execute("SELECT max(t) FROM (SELECT t FROM item UNION ALL SELECT id FROM item_table)").fetchone()[0]
    if highest is not None:
        into.execute("DELETE FROM sqlite_sequence WHERE name = 'item_table'")
        into.execute("INSERT INTO sqlite_sequence VALUES ('item_table', ?)", (highest,))


def _insert(into: sqlite3.Connection, table: str, row: tuple[Any, ...]) -> int:
    """How many rows this added: none where the key is there already, or the row fits no table."""
    with suppress(sqlite3.Error, OverflowError, UnicodeError):
        return into.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row).rowcount
    return 0


def _unwraps(master: MasterKey, row: tuple[Any, ...]) -> bool:
    if len(row) != 2 or row[0] not in PURPOSES or not isinstance(row[1], bytes):
        return False
    with suppress(StoreError):
        master.unwrap(row[1], row[0])
        return True
    return False


def _proves(rows: Sealer, table: SealedTable, row: tuple[Any, ...]) -> bool:
    try:
        return _opens(rows, row[-1], table.place_of(row))
    except (TypeError, AttributeError, OverflowError, ValueError):
        return False  # the columns are not of the kinds that this table has


def _opens(rows: Sealer, sealed: Any, place: bytes) -> bool:
    with suppress(DamagedError, TypeError):
        rows.open(sealed, place)
        return True
    return False


def _text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
