"""Whether every sealed value opens, and whether items, their indexes and their counts agree."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from infra.local.durable.care.definitions import Definitions, TableDefinition
from infra.local.durable.care.findings import Findings, Statement, damage, note
from infra.local.durable.care.read_store import ReadStore
from infra.local.durable.care.sealed_tables import SEALED, SealedTable
from infra.local.durable.errors import DamagedError

WHOLE_SERVICES = {
    "cloudformation": "all stacks",
    "dynamodb": "the definitions of all tables, and with them the way to their items",
    "iam": "all users, groups, roles and policies",
    "kms": "all keys, and everything that is encrypted under them",
    "logs": "all log groups, and with them the way to their events",
    "s3": "all buckets, and with them the way to their objects",
    "sts": "what was noted of sessions; the sessions themselves go on",
}


def check_sealed_rows(store: ReadStore, definitions: Definitions | None, table: SealedTable) -> Findings:
    """Every row of one table, but for items, which `check_items` looks at."""
    for row in _rows(store.connection, table):
        if _opened(store, table, row) is None:
            subject, lost = _told(table, row, definitions)
            yield damage(
                subject, f"its value is damaged; lost is {lost}", "remove it", [removal(table, table.key_of(row))]
            )


def check_items(store: ReadStore, definitions: Definitions | None) -> Findings:
    """Every item, with its places in the indexes of its table, and the count of each table's items."""
    table = SEALED["item"]
    counts: dict[int, int] = {}
    wrong_places: dict[int, list[Statement]] = {}
    for row in _rows(store.connection, table):
        number, h, r, _ = row
        value = _opened(store, table, row)
        definition = definitions.tables.get(number) if definitions else None
        fault, entries = _judged(value, (h, r), definition)
        if fault is None:
            counts[number] = counts.get(number, 0) + 1
            if entries is not None:
                wrong_places.setdefault(number, []).extend(_corrections(store.connection, (number, h, r), entries))
        else:
            place = (number, h, r)
            statements = [removal(table, place), ("DELETE FROM item_index WHERE t = ? AND h = ? AND r = ?", place)]
            yield damage(item_name(number, h, r, definition), f"{fault}; lost is the item", "remove it", statements)
    yield from _lost_items(store.connection, definitions)
    yield from _index_findings(wrong_places, definitions)
    yield from _count_findings(store.connection, counts, definitions)


def check_streams(store: ReadStore, definitions: Definitions) -> Findings:
    """Log streams and tables that are defined, and have no row to count in."""
    rows = {number for (number,) in store.connection.execute("SELECT s FROM log_stream")}
    for number, name in sorted(definitions.streams.items()):
        if number not in rows:
            figures = json.dumps({"events": _most(store.connection, number)}).encode()
            sealed = store.rows.seal(figures, SEALED["log_stream"].place(number))
            yield damage(
                f"log stream {name}",
                "the row with its figures is missing; lost is how many bytes it has stored",
                "make the row again",
                [("INSERT INTO log_stream (s, content) VALUES (?, ?)", (number, sealed))],
            )
    unknown = store.connection.execute("SELECT s, count(*) FROM log_event GROUP BY s").fetchall()
    for number, events in unknown:
        if number not in definitions.streams and number in rows:
            yield note(f"log stream number {number}", f"no log group has it; its {events:,} events stay where they are")
        elif number not in definitions.streams:
            yield damage(
                f"log stream number {number}",
                f"no log group has it, and its {events:,} events would appear in the next stream of that number",
                "remove them",
                [("DELETE FROM log_event WHERE s = ?", (number,))],
            )


def item_name(number: int, h: bytes, r: bytes, definition: TableDefinition | None) -> str:
    """An item as a person may know it."""
    table = definition.name if definition else f"number {number}"
    key = " ".join(part.decode("utf-8", "backslashreplace") for part in (h, r) if part)
    return f"table {table}, item {key!r}"


def removal(table: SealedTable, key: tuple[Any, ...]) -> Statement:
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{column} = ?' for column in table.key)}", key


def _rows(connection: sqlite3.Connection, table: SealedTable) -> Iterator[tuple[Any, ...]]:
    return connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.key)}")


def _opened(store: ReadStore, table: SealedTable, row: tuple[Any, ...]) -> bytes | None:
    try:
        return store.rows.open(row[-1], table.place_of(row))
    except (DamagedError, TypeError, AttributeError, OverflowError, ValueError):  # a column may hold anything by now
        return None


def _told(table: SealedTable, row: tuple[Any, ...], definitions: Definitions | None) -> tuple[str, str]:
    """Where a row is, and what is lost with it, as a person may know them."""
    key = table.key_of(row)
    match table.name:
        case "state":
            return f"service {key[0]}", WHOLE_SERVICES.get(key[0], "its whole state")
        case "transaction_token":
            return (
                f"transaction {key[0]}",
                "that it was carried out: sent again within ten minutes, it would be once more",
            )
        case "object":
            name = f"{key[0]}/{text_of(key[1])}"
            return f"object {name}", f"version {key[2]} of it"
        case "upload":
            return f"upload {key[1]} to {key[0]}/{text_of(row[2])}", "the upload with its parts"
        case "upload_part":
            return f"upload {key[1]} to the bucket {key[0]}", f"its part {key[2]}"
        case "log_event":
            name = definitions.streams.get(key[0], "") if definitions else ""
            return f"log stream {name or f'number {key[0]}'}", f"the event number {key[2]} at {key[1]} ms"
    name = definitions.streams.get(key[0], "") if definitions else ""
    return f"log stream {name or f'number {key[0]}'}", "its figures"


def text_of(key: Any) -> str:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else repr(key)


def _judged(
    value: bytes | None, key: tuple[bytes, bytes], definition: TableDefinition | None
) -> tuple[str | None, Any]:
    """What is wrong with an item, and its places in the indexes where they are known."""
    if value is None:
        return "its value is damaged", None
    if definition is None:
        return None, None
    try:
        own_key, entries = definition.places(value)
    except Exception:
        return "its value is no item of the table", None
    return ("it lies under another key than its own", None) if own_key != key else (None, entries)


def _corrections(connection: sqlite3.Connection, key: tuple[int, bytes, bytes], wanted: Any) -> Iterator[Statement]:
    number, h, r = key
    found = set(connection.execute("SELECT i, ih, ir FROM item_index WHERE t = ? AND h = ? AND r = ?", key).fetchall())
    expected = {(entry.index, entry.ih, entry.ir) for entry in wanted}
    for place in sorted(found - expected):
        yield (
            "DELETE FROM item_index WHERE t = ? AND i = ? AND ih = ? AND ir = ? AND h = ? AND r = ?",
            (number, *place, h, r),
        )
    for place in sorted(expected - found):
        yield "INSERT INTO item_index VALUES (?, ?, ?, ?, ?, ?)", (number, *place, h, r)


def _lost_items(connection: sqlite3.Connection, definitions: Definitions | None) -> Findings:
    """Items of which only a place in an index is left, which tells their names."""
    left = connection.execute(
        "SELECT DISTINCT t, h, r FROM item_index x "
        "WHERE NOT EXISTS (SELECT 1 FROM item y WHERE y.t = x.t AND y.h = x.h AND y.r = x.r)"
    )
    for number, h, r in left.fetchall():
        definition = definitions.tables.get(number) if definitions else None
        yield damage(
            item_name(number, h, r, definition),
            "an index has it and its table has not; lost is the item",
            "take it out of the index",
            [("DELETE FROM item_index WHERE t = ? AND h = ? AND r = ?", (number, h, r))],
        )


def _index_findings(wrong: dict[int, list[Statement]], definitions: Definitions | None) -> Findings:
    for number, statements in sorted(wrong.items()):
        if statements and definitions is not None:
            name = definitions.tables[number].name
            yield damage(
                f"table {name}",
                f"{len(statements):,} entries of its indexes do not agree with its items; nothing is lost",
                "make them again",
                statements,
            )


def _count_findings(
    connection: sqlite3.Connection, counts: dict[int, int], definitions: Definitions | None
) -> Findings:
    stored = dict(connection.execute("SELECT id, items FROM item_table").fetchall())
    defined = set(definitions.tables) if definitions else set()
    for number in sorted(stored.keys() | counts.keys() | defined):
        definition = definitions.tables.get(number) if definitions else None
        name = f"table {definition.name}" if definition else f"table number {number}"
        counted = counts.get(number, 0)
        if definitions is not None and number not in defined:
            yield note(name, f"DynamoDB has no such table; its {counted:,} items stay where they are")
        elif stored.get(number) != counted:
            missing = stored.get(number, 0) - counted
            lost = f"; lost are {missing:,} items, of which not all may have left their names" if missing > 0 else ""
            yield damage(
                name,
                f"it counts {stored.get(number, 'nothing')} and has {counted:,} items{lost}",
                "correct the count",
                [("INSERT OR REPLACE INTO item_table (id, items) VALUES (?, ?)", (number, counted))],
            )


def _most(connection: sqlite3.Connection, stream: int) -> int:
    found: int | None = connection.execute("SELECT max(n) FROM log_event WHERE s = ?", (stream,)).fetchone()[0]
    return found or 0
