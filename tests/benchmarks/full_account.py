"""An account with many compositions: one is composed for real, and its rows are copied under new ids."""

from collections.abc import Callable
from typing import Any

from infra.local.durable.dynamodb.item_rows import ItemRows, Row, Span
from infra.local.durable.folder import DataFolder
from infra.local.durable.s3.object_bodies import Body, ObjectBodies
from infra.local.durable.s3.object_encryption import ObjectEncryption
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import Rows, object_place, protection_of, version_place
from service.resources import new_id

OBJECTS_EACH = 3
_TURN = 2_000  # compositions in one write


def copy_composition(folder: DataFolder, composition_id: str, copies: int) -> None:
    """Copies of a composition, with its items and objects, written as the services themselves write them."""
    with folder.store.reading():
        items = _items_of(folder, composition_id)
        objects = _objects_of(folder, composition_id)
    assert len(objects) == OBJECTS_EACH
    for start in range(0, copies, _TURN):
        with folder.store.writing():
            for _ in range(start, min(start + _TURN, copies)):
                renamed = _renaming(composition_id, new_id())
                for write in (*items, *objects):
                    write(renamed)


def _renaming(old: str, new: str) -> Callable[[bytes], bytes]:
    assert len(new) == len(old)
    return lambda content: content.replace(old.encode(), new.encode())


def _items_of(folder: DataFolder, composition_id: str) -> list[Callable[[Any], None]]:
    rows = ItemRows(folder.store)
    (table,) = (number for (number,) in folder.store.connection.execute("SELECT id FROM item_table"))
    found = [
        (row, rows.value_of(table, row))
        for row in rows.walk(table, Span())
        if composition_id.encode() in row.h + row.r and b"#token" not in row.h
    ]

    def writer(row: Row, value: bytes) -> Callable[[Any], None]:
        return lambda renamed: rows.put(table, renamed(row.h), renamed(row.r), renamed(value), frozenset())

    return [writer(row, value) for row, value in found]


def _objects_of(folder: DataFolder, composition_id: str) -> list[Callable[[Any], None]]:
    def no_kms(region: str) -> Any:
        raise AssertionError("the music bucket is encrypted under the account's own key")

    bodies = ObjectBodies(folder.store, folder.bodies, ObjectEncryption(folder.store.objects_key, no_kms))
    rows = Rows(folder.account.id, "aws")
    statement = "SELECT b, k, n, content FROM object"
    found = [row for row in folder.store.connection.execute(statement).fetchall() if composition_id.encode() in row[1]]

    def writer(bucket: str, key: bytes, n: int, sealed: bytes) -> Callable[[Any], None]:
        content = folder.store.rows.open(sealed, object_place(bucket, key, n))
        version = rows.read_version(bucket, key, n, content)
        assert isinstance(version, StoredKey)
        stored: Any = version.body
        plain = b"".join(bodies.read(stored, protection_of(version), version_place(version), 0, version.size))
        body = Body(len(plain), version.etag.strip('"'), plain)

        def write(renamed: Any) -> None:
            copy = rows.read_version(bucket, renamed(key), n, content)
            assert isinstance(copy, StoredKey)
            row = bodies.save(body, protection_of(copy), version_place(copy))
            place = object_place(bucket, renamed(key), n)
            folder.store.connection.execute(
                "INSERT INTO object (b, k, n, content) VALUES (?, ?, ?, ?)",
                (bucket, renamed(key), n, folder.store.rows.seal(rows.write_version(copy, row), place)),
            )

        return write

    return [writer(*row) for row in found]
