"""A store that nobody writes: one snapshot of a database that may be in use, damaged, or both."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.durable.care.data_keys import unwrapped
from infra.local.durable.errors import StoreError
from infra.local.durable.keyring import OBJECTS, ROWS, MasterKey, Sealer
from infra.local.durable.store import Store


class ReadStore(Store):
    """The store behind a connection that is in a transaction of its own."""

    def __init__(self, path: Path, connection: sqlite3.Connection, master: MasterKey) -> None:
        """Raises StoreError when the master key does not open the data keys."""
        self.path = path
        self._snapshot = connection
        keys = unwrapped(connection, master)
        self.rows = Sealer(keys[ROWS])
        self.objects_key = keys[OBJECTS]
        self.data_keys = keys

    @property
    def connection(self) -> sqlite3.Connection:
        return self._snapshot

    @property
    def is_writing(self) -> bool:
        return False

    def close(self) -> None:
        """The connection is its opener's."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        yield self._snapshot

    @contextmanager
    def quiet(self) -> Iterator[None]:
        yield

    @contextmanager
    def writing(self, undo: Callable[[], None] | None = None) -> Iterator[sqlite3.Connection]:
        raise StoreError(f"{self.path} is only being read")
        yield
