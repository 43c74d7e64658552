"""DynamoDB's items as rows: which of them there are, in which order, and what is in them. Knows nothing of moto.

Keys are order-preserving bytes (key_bytes.py); `r` is empty in a table without range key. A value is bytes, sealed for
the table and key of its row. Everything happens in the turn of the store that the calling thread is in.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache

from infra.local.durable.store import Store

ITEM = ("h", "r")
INDEX = ("ih", "ir", "h", "r")


@dataclass(frozen=True, slots=True)
class Entry:
    """An item's place in an index: where it has no range key of its own, `ir` is what its items are ordered by."""

    index: str
    ih: bytes
    ir: bytes


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range of keys: values of the first so many columns behind the hash key."""

    keys: tuple[bytes, ...]
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Which items, of the table or of one index, in the order of their keys or against it.

    With `hash_key` the bounds begin at the range key, without it (a scan) at the hash key.
    """

    index: str | None = None
    hash_key: bytes | None = None
    low: Bound | None = None
    high: Bound | None = None
    forward: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """An item as it is stored."""

    h: bytes
    r: bytes
    sealed: bytes


class ItemRows:
    """The items of all tables in one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def create_table(self) -> int:
        """Room for a new table's items; its number."""
        number = self.store.connection.execute("INSERT INTO item_table DEFAULT VALUES").lastrowid
        assert number is not None
        return number

    def drop_table(self, table: int) -> None:
        """Every item of the table."""
        for rows, column in (("item", "t"), ("item_index", "t"), ("item_table", "id")):
            self.store.connection.execute(f"DELETE FROM {rows} WHERE {column} = ?", (table,))

    def count(self, table: int) -> int:
        """How many items the table has."""
        found = self.store.connection.execute("SELECT items FROM item_table WHERE id = ?", (table,)).fetchone()
        return found[0] if found else 0

    def get(self, table: int, h: bytes, r: bytes) -> bytes | None:
        """The value under a key, or None. Raises DamagedError."""
        found = self.store.connection.execute(
            "SELECT content FROM item WHERE t = ? AND h = ? AND r = ?", (table, h, r)
        ).fetchone()
        return None if found is None else self.store.rows.open(found[0], item_place(table, h, r))

    def has(self, table: int, h: bytes, r: bytes) -> bool:
        """Whether there is an item under the key."""
        found = self.store.connection.execute("SELECT 1 FROM item WHERE t = ? AND h = ? AND r = ?", (table, h, r))
        return found.fetchone() is not None

    def put(self, table: int, h: bytes, r: bytes, value: bytes, entries: frozenset[Entry] | None) -> None:
        """The item under its key, in place of the one that was there.

        `entries` are all of its places in indexes; None in a table that has no index.
        """
        connection = self.store.connection
        sealed = self.store.rows.seal(value, item_place(table, h, r))
        changed = connection.execute(
            "UPDATE item SET content = ? WHERE t = ? AND h = ? AND r = ?", (sealed, table, h, r)
        )
        if not changed.rowcount:
            connection.execute("INSERT INTO item VALUES (?, ?, ?, ?)", (table, h, r, sealed))
            connection.execute("UPDATE item_table SET items = items + 1 WHERE id = ?", (table,))
        if entries is not None:
            self._place_in_indexes(table, h, r, entries)

    def delete(self, table: int, h: bytes, r: bytes) -> None:
        """The item under a key, where there is one."""
        connection = self.store.connection
        if connection.execute("DELETE FROM item WHERE t = ? AND h = ? AND r = ?", (table, h, r)).rowcount:
            connection.execute("UPDATE item_table SET items = items - 1 WHERE id = ?", (table,))
            connection.execute("DELETE FROM item_index WHERE t = ? AND h = ? AND r = ?", (table, h, r))

    def walk(self, table: int, span: Span) -> Generator[Row]:
        """The items of the span, read as they are asked for. Close it where it is not read to its end."""
        bounds = [(operator, bound) for operator, bound in ((">", span.low), ("<", span.high)) if bound is not None]
        statement = _walk_statement(
            span.index is not None,
            span.hash_key is not None,
            tuple((operator + "=" * bound.inclusive, len(bound.keys)) for operator, bound in bounds),
            span.forward,
        )
        fixed = [key for key in (span.index, span.hash_key) if key is not None]
        found = self.store.connection.execute(statement, (table, *fixed, *(key for _, b in bounds for key in b.keys)))
        try:
            for h, r, sealed in found:
                yield Row(h, r, sealed)
        finally:
            found.close()  # a statement that is not done keeps its snapshot, and the log behind it, for ever

    def value_of(self, table: int, row: Row) -> bytes:
        """What is in a row. Raises DamagedError."""
        return self.store.rows.open(row.sealed, item_place(table, row.h, row.r))

    def fill_index(self, table: int, places: Iterable[tuple[bytes, bytes, Entry]]) -> None:
        """Items' places in a new index, each with the key of its item."""
        self.store.connection.executemany(
            "INSERT INTO item_index VALUES (?, ?, ?, ?, ?, ?)",
            ((table, entry.index, entry.ih, entry.ir, h, r) for h, r, entry in places),
        )

    def drop_index(self, table: int, index: str) -> None:
        """Every place in the index."""
        self.store.connection.execute("DELETE FROM item_index WHERE t = ? AND i = ?", (table, index))

    def _place_in_indexes(self, table: int, h: bytes, r: bytes, entries: frozenset[Entry]) -> None:
        connection = self.store.connection
        found = connection.execute("SELECT i, ih, ir FROM item_index WHERE t = ? AND h = ? AND r = ?", (table, h, r))
        before = {Entry(*row) for row in found.fetchall()}
        for entry in before - entries:
            connection.execute(
                "DELETE FROM item_index WHERE t = ? AND i = ? AND ih = ? AND ir = ? AND h = ? AND r = ?",
                (table, entry.index, entry.ih, entry.ir, h, r),
            )
        self.fill_index(table, ((h, r, entry) for entry in entries - before))


def item_place(table: int, h: bytes, r: bytes) -> bytes:
    """What a value is sealed for: `h` with its length, so that no two keys make the same bytes."""
    return b"item" + table.to_bytes(8, "big") + len(h).to_bytes(4, "big") + h + r


@lru_cache
def _walk_statement(of_index: bool, one_hash_key: bool, bounds: tuple[tuple[str, int], ...], forward: bool) -> str:
    """`bounds` are operators, each with the number of its columns."""
    columns = [f"x.{column}" for column in (INDEX if of_index else ITEM)]
    # Columns that are fixed stay out of the row values: with them SQLite would read what lies before the page, too.
    ordered = columns[1:] if one_hash_key else columns
    conditions = ["x.t = ?", *(["x.i = ?"] if of_index else []), *([f"{columns[0]} = ?"] if one_hash_key else [])]
    for operator, width in bounds:
        conditions.append(f"({', '.join(ordered[:width])}) {operator} ({', '.join('?' * width)})")
    # CROSS JOIN keeps the order in which the two are read.
    source = "item_index x CROSS JOIN item y ON y.t = x.t AND y.h = x.h AND y.r = x.r" if of_index else "item x"
    order = ", ".join(column + ("" if forward else " DESC") for column in ordered)
    content = "y.content" if of_index else "x.content"
    return f"SELECT x.h, x.r, {content} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order}"
