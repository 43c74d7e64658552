"""The database of a folder: made, opened again, refused, brought to a newer format; what is sealed in it."""

import sqlite3
from pathlib import Path

import pytest

from infra.local.durable import schema
from infra.local.durable.errors import DamagedError, NewerFormatError, StoreError
from infra.local.durable.keyring import MasterKey
from infra.local.durable.store import DATABASE_FILE, Store


def put(store: Store, service: str, content: bytes = b"x") -> None:
    store.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (service, content))


def services(store: Store) -> list[str]:
    with store.reading() as connection:
        return [name for (name,) in connection.execute("SELECT service FROM state ORDER BY service")]


def test_what_was_written_is_there_after_opening_again(tmp_path: Path, master: MasterKey, store: Store) -> None:
    with store.writing():
        put(store, "iam")
    again = Store(tmp_path, master)
    assert services(again) == ["iam"]
    again.close()


def test_another_master_key_does_not_open_the_folder(tmp_path: Path, store: Store) -> None:
    store.close()
    other = MasterKey.create(tmp_path / "other.key")
    with pytest.raises(StoreError, match=r"other\.key does not open this data folder"):
        Store(tmp_path, other)


def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path, master: MasterKey) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"not a database" * 1000)
    with pytest.raises(DamagedError, match="chorale doctor"):
        Store(tmp_path, master)


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path, master: MasterKey) -> None:
    Store(tmp_path, master, newest=schema.FORMAT + 1).close()
    before = (tmp_path / DATABASE_FILE).read_bytes()
    with pytest.raises(NewerFormatError, match="later version of Chorale"):
        Store(tmp_path, master)
    assert (tmp_path / DATABASE_FILE).read_bytes() == before


def test_an_older_format_is_migrated_and_a_copy_of_it_kept(tmp_path: Path, master: MasterKey, store: Store) -> None:
    with store.writing():
        put(store, "iam")
    store.close()

    def add_a_column(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE state ADD COLUMN note TEXT NOT NULL DEFAULT 'migrated'")

    migrated = Store(tmp_path, master, migrations={schema.FORMAT: add_a_column}, newest=schema.FORMAT + 1)
    with migrated.reading() as connection:
        assert connection.execute("SELECT service, note FROM state").fetchall() == [("iam", "migrated")]
    migrated.close()
    kept = sqlite3.connect(tmp_path / f"{DATABASE_FILE}.format-{schema.FORMAT}")
    assert kept.execute("SELECT service FROM state").fetchall() == [("iam",)]
    assert kept.execute("PRAGMA user_version").fetchone() == (schema.FORMAT,)
    kept.close()


def test_a_migration_that_fails_leaves_the_old_format(tmp_path: Path, master: MasterKey, store: Store) -> None:
    store.close()

    def fall_over(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE state")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Store(tmp_path, master, migrations={schema.FORMAT: fall_over}, newest=schema.FORMAT + 1)
    again = Store(tmp_path, master)
    assert services(again) == []
    again.close()


def test_a_value_opens_only_where_it_belongs(store: Store) -> None:
    sealed = store.rows.seal(b"secret", b"here")
    assert b"secret" not in sealed
    assert store.rows.open(sealed, b"here") == b"secret"
    for changed in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[1:], b""):
        with pytest.raises(DamagedError):
            store.rows.open(changed, b"here")
    with pytest.raises(DamagedError):
        store.rows.open(sealed, b"there")
