import sqlite3

from infra.local.durable.care.sealed_tables import OTHERS, SEALED
from infra.local.durable.schema import SCHEMA


def tables() -> dict[str, list[tuple[str, int]]]:
    """Each table of the schema with its columns and their places in the primary key."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [(row[1], row[5]) for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}


def test_every_table_is_proved_by_its_seal_or_in_another_way_that_is_said() -> None:
    assert tables().keys() == SEALED.keys() | OTHERS.keys()
    assert not SEALED.keys() & OTHERS.keys()


def test_sealed_tables_have_the_columns_of_the_schema() -> None:
    found = tables()
    for table in SEALED.values():
        assert table.columns == tuple(column for column, _ in found[table.name])
        keyed = sorted((place, column) for column, place in found[table.name] if place)
        assert table.key == tuple(column for _, column in keyed)
        # What is read out of single pages has its key first, as SQLite keeps it.
        assert table.columns[: len(table.key)] == table.key


def test_no_two_rows_share_a_place() -> None:
    rows = {
        "state": [("a",), ("b",)],
        "item": [(1, b"a", b"b"), (1, b"ab", b""), (1, b"", b"ab"), (2, b"a", b"b")],
        "transaction_token": [("a",), ("ab",)],
        "object": [("b", b"k", 1), ("b", b"k", 11), ("b", b"k1", 1), ("bk", b"", 1)],
        "upload": [("b", "u"), ("bu", "")],
        "upload_part": [("b", "u", 1), ("b", "u1", 1), ("b", "u", 11)],
        "log_stream": [(1,), (11,)],
        "log_event": [(1, 2, 3), (12, 3, 3), (1, 23, 3)],
    }
    places = [table.place(*key) for name, table in SEALED.items() for key in rows[name]]
    assert len(set(places)) == len(places)
