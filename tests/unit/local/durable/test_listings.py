"""Pages of a bucket off the index, against a listing of everything that is cut afterwards."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.s3.listings import (
    ANY_N,
    Page,
    Row,
    Selection,
    behind,
    newest_page,
    upload_page,
    version_page,
)
from infra.local.durable.schema import SCHEMA

MARKER = b"marker"

names = st.text(alphabet="ab/é\U0001f600", min_size=1, max_size=5).map(str.encode)
# The versions of each key, the oldest first: whether it is a delete marker.
buckets = st.dictionaries(names, st.lists(st.booleans(), min_size=1, max_size=12), max_size=12)
prefixes = st.sampled_from([b"", b"a", b"a/", b"\xc3\xa9", "\U0001f600".encode()])
delimiters = st.sampled_from([b"", b"/", b"b", "é".encode()])


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    yield connection
    connection.close()


def fill(connection: sqlite3.Connection, bucket: dict[bytes, list[bool]]) -> None:
    connection.execute("DELETE FROM object")
    rows = [
        ("bucket", key, n, MARKER if is_marker else b"")
        for key, versions in bucket.items()
        for n, is_marker in enumerate(versions, 1)
    ]
    others = [(other, b"a/other", 1, b"") for other in ("bucke", "bucket1", "buckeu")]
    connection.executemany("INSERT INTO object VALUES (?, ?, ?, ?)", rows + others)


def is_marker(row: Row) -> bool:
    return row.content == MARKER


def rolled_up(selection: Selection, key: bytes) -> bytes | None:
    rest = key[len(selection.prefix) :]
    if not selection.delimiter or selection.delimiter not in rest:
        return None
    return selection.prefix + rest.split(selection.delimiter)[0] + selection.delimiter


def told(page: Page[Row]) -> list[bytes | tuple[bytes, int, bool]]:
    return [row if isinstance(row, bytes) else (row.key, row.n, row.is_newest) for row in page.entries]


@given(buckets, prefixes, delimiters, st.one_of(st.just(b""), names), st.integers(0, 5))
def test_a_page_of_objects_is_what_a_listing_of_everything_has_there(
    connection: sqlite3.Connection,
    bucket: dict[bytes, list[bool]],
    prefix: bytes,
    delimiter: bytes,
    after: bytes,
    limit: int,
) -> None:
    fill(connection, bucket)
    selection = Selection("bucket", prefix, delimiter, after, limit)
    everything: list[bytes | tuple[bytes, int, bool]] = []
    for key in sorted(bucket):
        if bucket[key][-1] or not key.startswith(prefix):
            continue
        rolled = rolled_up(selection, key)
        entry: bytes | tuple[bytes, int, bool] = rolled or (key, len(bucket[key]), True)
        if (rolled or key) > after and entry not in everything:
            everything.append(entry)
    page = newest_page(connection, selection, is_marker)
    assert told(page) == everything[:limit]
    assert page.is_truncated == (0 < limit < len(everything))


@given(buckets, prefixes, delimiters, st.integers(1, 4))
def test_pages_of_versions_add_up_to_all_of_them(
    connection: sqlite3.Connection, bucket: dict[bytes, list[bool]], prefix: bytes, delimiter: bytes, limit: int
) -> None:
    fill(connection, bucket)
    everything: list[bytes | tuple[bytes, int, bool]] = []
    for key in sorted(bucket):
        rolled = rolled_up(Selection("bucket", prefix, delimiter), key)
        if not key.startswith(prefix):
            continue
        if rolled is None:
            everything += [(key, n, n == len(bucket[key])) for n in range(len(bucket[key]), 0, -1)]
        elif rolled not in everything:
            everything.append(rolled)
    found: list[bytes | tuple[bytes, int, bool]] = []
    after, older_than = b"", None
    while True:
        page = version_page(connection, Selection("bucket", prefix, delimiter, after, limit), older_than)
        found += told(page)
        if not page.is_truncated:
            break
        assert len(page.entries) == limit
        last = page.entries[-1]
        after, older_than = (last, None) if isinstance(last, bytes) else (last.key, last.n)
    assert found == everything


def test_a_page_that_begins_with_a_whole_key_has_its_newest_version_first(connection: sqlite3.Connection) -> None:
    fill(connection, {b"a": [False, False], b"b": [False]})
    page = version_page(connection, Selection("bucket", after=b"a"), ANY_N)
    assert told(page) == [(b"a", 2, True), (b"a", 1, False), (b"b", 1, True)]


@given(st.lists(st.tuples(names, st.sampled_from("xyz")), unique=True, max_size=8), delimiters, st.integers(1, 3))
def test_pages_of_uploads_add_up_to_all_of_them(
    connection: sqlite3.Connection, uploads: list[tuple[bytes, str]], delimiter: bytes, limit: int
) -> None:
    connection.execute("DELETE FROM upload")
    rows = [("bucket", f"{upload_id}{number}", key, b"") for number, (key, upload_id) in enumerate(uploads)]
    connection.executemany("INSERT INTO upload (b, id, k, content) VALUES (?, ?, ?, ?)", rows)
    everything: list[bytes | tuple[bytes, str]] = []
    for _, upload_id, key, _ in sorted(rows, key=lambda row: (row[2], row[1])):
        rolled = rolled_up(Selection("bucket", b"", delimiter), key)
        if rolled is None:
            everything.append((key, upload_id))
        elif rolled not in everything:
            everything.append(rolled)
    found: list[bytes | tuple[bytes, str]] = []
    after, after_id = b"", None
    while True:
        page = upload_page(connection, Selection("bucket", b"", delimiter, after, limit), after_id)
        found += [row if isinstance(row, bytes) else (row.key, row.id) for row in page.entries]
        if not page.is_truncated:
            break
        last = page.entries[-1]
        after, after_id = (last, None) if isinstance(last, bytes) else (last.key, last.id)
    assert found == everything


@given(st.one_of(st.just(b""), names), names)
def test_behind_a_prefix_is_nothing_that_begins_with_it(prefix: bytes, rest: bytes) -> None:
    assert prefix + rest < behind(prefix)
    assert not behind(prefix).startswith(prefix) or not prefix
