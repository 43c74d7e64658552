"""Items as rows: their order, their places in indexes, their count, and what a walk reads."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.durable import schema
from infra.local.durable.dynamodb.item_rows import Bound, Entry, ItemRows, Row, Span, _walk_statement
from infra.local.durable.errors import DamagedError
from infra.local.durable.keyring import MasterKey
from infra.local.durable.store import Store

NO_ENTRIES: frozenset[Entry] = frozenset()


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[ItemRows]:
    store = Store(tmp_path, MasterKey.create(tmp_path / "master.key"))
    yield ItemRows(store)
    store.close()


@pytest.fixture
def table(rows: ItemRows) -> int:
    with rows.store.writing():
        return rows.create_table()


def put(rows: ItemRows, table: int, *keys: tuple[bytes, bytes]) -> None:
    with rows.store.writing():
        for h, r in keys:
            rows.put(table, h, r, h + r, None)


def walk(rows: ItemRows, table: int, span: Span) -> list[tuple[bytes, bytes]]:
    with rows.store.reading(), closing(rows.walk(table, span)) as found:
        return [(row.h, row.r) for row in found]


def test_a_value_is_read_as_it_was_put(rows: ItemRows, table: int) -> None:
    put(rows, table, (b"a", b"1"), (b"a", b""))
    with rows.store.reading():
        assert rows.get(table, b"a", b"1") == b"a1"
        assert rows.get(table, b"a", b"2") is None
        assert rows.has(table, b"a", b"")


def test_items_are_counted(rows: ItemRows, table: int) -> None:
    put(rows, table, (b"a", b"1"), (b"a", b"2"), (b"a", b"2"))
    with rows.store.writing():
        rows.delete(table, b"a", b"1")
        rows.delete(table, b"a", b"never")
    with rows.store.reading():
        assert rows.count(table) == 1


def test_a_number_is_given_to_one_table_only(rows: ItemRows, table: int) -> None:
    put(rows, table, (b"a", b""))
    with rows.store.writing():
        rows.drop_table(table)
        assert rows.create_table() > table
    with rows.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM item").fetchone() == (0,)


def test_an_item_leaves_an_index_when_its_place_changes(rows: ItemRows, table: int) -> None:
    with rows.store.writing():
        rows.put(table, b"a", b"", b"1", frozenset({Entry("i", b"x", b""), Entry("j", b"x", b"")}))
        rows.put(table, b"a", b"", b"2", frozenset({Entry("i", b"y", b"")}))
    with rows.store.reading() as connection:
        assert connection.execute("SELECT i, ih FROM item_index").fetchall() == [("i", b"y")]
    with rows.store.writing() as connection:
        rows.delete(table, b"a", b"")
        assert connection.execute("SELECT i, ih FROM item_index").fetchall() == []


keys = st.binary(max_size=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.sets(st.tuples(st.sampled_from([b"", b"h", b"h\x00", b"i"]), keys), max_size=12), keys, keys, st.booleans())
def test_a_walk_finds_what_lies_between_its_bounds(
    rows: ItemRows, found: set[tuple[bytes, bytes]], low: bytes, high: bytes, forward: bool
) -> None:
    with rows.store.writing():
        table = rows.create_table()
    put(rows, table, *found)
    span = Span(None, b"h", Bound((low,), inclusive=True), Bound((high,), inclusive=False), forward)
    expected = sorted(key for key in found if key[0] == b"h" and low <= key[1] < high)
    assert walk(rows, table, span) == (expected if forward else expected[::-1])
    behind = Span(low=Bound((b"h", low), inclusive=False))
    assert walk(rows, table, behind) == sorted(key for key in found if key > (b"h", low))


def test_a_walk_that_is_left_early_keeps_no_snapshot(rows: ItemRows, table: int) -> None:
    put(rows, table, *((b"a", bytes([n])) for n in range(200)))
    with rows.store.reading(), closing(rows.walk(table, Span())) as found:
        next(found)
    put(rows, table, (b"b", b""))
    with rows.store.reading():
        assert rows.has(table, b"b", b"")


def test_a_value_does_not_open_under_another_key(rows: ItemRows, table: int) -> None:
    put(rows, table, (b"a", b"1"), (b"b", b"1"))
    with rows.store.writing() as connection:
        connection.execute("UPDATE item SET content = (SELECT content FROM item WHERE h = ?)", (b"a",))
    with rows.store.reading(), pytest.raises(DamagedError):
        rows.get(table, b"b", b"1")


def test_a_place_tells_where_the_hash_key_ends(rows: ItemRows, table: int) -> None:
    put(rows, table, (b"ab", b"c"))
    with rows.store.writing() as connection:
        connection.execute("UPDATE item SET h = ?, r = ?", (b"a", b"bc"))
    with rows.store.reading(), pytest.raises(DamagedError):
        rows.value_of(table, next(iter_rows(rows, table)))


def iter_rows(rows: ItemRows, table: int) -> Iterator[Row]:
    yield from rows.walk(table, Span())


@pytest.mark.parametrize("of_index", [False, True])
@pytest.mark.parametrize("one_hash_key", [False, True])
@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("widths", [(), (1,), (1, 1), ("all",), ("all", 1)])
def test_a_walk_reads_what_it_answers_and_sorts_nothing(
    of_index: bool, one_hash_key: bool, forward: bool, widths: tuple[int | str, ...]
) -> None:
    columns = (4 if of_index else 2) - one_hash_key
    bounds = tuple(
        (operator, columns if width == "all" else int(width)) for operator, width in zip("><", widths, strict=False)
    )
    statement = _walk_statement(of_index, one_hash_key, bounds, forward)
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.SCHEMA)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [b""] * statement.count("?")).fetchall()
    steps = [step for *_, step in plan]
    assert all(step.startswith("SEARCH ") and "USING PRIMARY KEY" in step for step in steps), steps
    if one_hash_key:
        assert ("ih=?" if of_index else "h=?") in steps[0]
    if widths:
        assert ">" in steps[0] or "<" in steps[0]
