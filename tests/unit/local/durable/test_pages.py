"""What is read out of single pages, checked against what SQLite reads."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.durable.care.pages import Pages
from infra.local.durable.schema import SCHEMA

NUMBERS = st.integers(-(2**63), 2**63 - 1)
KEYS = st.binary(max_size=80)
SIZES = st.one_of(st.integers(0, 600), st.integers(900, 1100), st.integers(3900, 4200), st.integers(0, 60_000))
ROWS = st.lists(st.tuples(st.integers(0, 300), KEYS, KEYS, SIZES), max_size=60)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, Path]]:
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=OFF")  # Debian's SQLite would overwrite what the search must pass over
        connection.executescript(SCHEMA)
        yield connection, tmp_path / "state.db"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, after=ROWS, events=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=20), cut=st.booleans())
def test_pages_give_the_rows_that_sqlite_gives(database, before, after, events, cut) -> None:
    connection, path = database
    for table in ("item", "object_body", "log_event"):
        connection.execute(f"DELETE FROM {table}")
    for number, (t, h, r, size) in enumerate(before + after):
        content = (number % 251 + 1).to_bytes(1, "big") * size
        connection.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?)", (t, h, r, content))
        connection.execute("INSERT INTO object_body (content) VALUES (?)", (content,))
        if number == len(before):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the rest stays in the log
    connection.executemany("INSERT OR REPLACE INTO log_event VALUES (?, ?, ?, x'01')", events)
    if cut:
        connection.execute("DELETE FROM item WHERE t % 2 = 0")
        connection.execute("DELETE FROM object_body WHERE id % 3 = 0")
    found = list(Pages(path).records())
    items = {columns for row_id, columns in found if row_id is None and is_item(columns)}
    bodies = {(row_id, columns[1]) for row_id, columns in found if row_id is not None and is_body(columns)}
    told = {
        columns for row_id, columns in found if row_id is None and list(map(type, columns)) == [int, int, int, bytes]
    }
    assert items == set(connection.execute("SELECT t, h, r, content FROM item"))
    assert bodies == set(connection.execute("SELECT id, content FROM object_body"))
    assert told == set(connection.execute("SELECT s, at, n, content FROM log_event"))


def is_item(columns: tuple[object, ...]) -> bool:
    return list(map(type, columns)) == [int, bytes, bytes, bytes]


def is_event(columns: tuple[object, ...]) -> bool:
    return list(map(type, columns)) == [int, int, int, bytes]


def is_body(columns: tuple[object, ...]) -> bool:
    return list(map(type, columns)) == [type(None), bytes]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_makes_more_than_wrong_rows(tmp_path_factory, data) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "INSERT INTO item VALUES (1, ?, x'', ?)", [(b"%d" % n, bytes(n * 40)) for n in range(200)]
        )
        connection.commit()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 30))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    for row_id, columns in Pages(path).records():
        assert row_id is None or isinstance(row_id, int)
        assert isinstance(columns, tuple)
