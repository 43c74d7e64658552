"""What the stored states say of the rows: which tables, indexes, streams and buckets there are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.durable.dynamodb.backend import TableStore
from infra.local.durable.dynamodb.item_rows import Entry
from infra.local.durable.dynamodb.stored_items import load_item
from infra.local.durable.dynamodb.table_keys import IndexKeys, entry_of_item, key_of_item, keys_of_index
from infra.local.durable.left_out import LEFT_OUT
from infra.local.durable.services.small_services import SmallServices
from infra.local.durable.store import Store
from infra.local.moto_services import BACKENDS, forget_account


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table of DynamoDB's, with moto's own object of it."""

    name: str
    table: Any
    indexes: tuple[IndexKeys, ...]

    def places(self, value: bytes) -> tuple[tuple[bytes, bytes], frozenset[Entry]]:
        """The key columns of the item with this value, and its places in the indexes."""
        item = load_item(value, self.table.hash_key_attr, self.table.range_key_attr)
        h, r = key_of_item(self.table, item.hash_key, item.range_key)
        entries = (entry_of_item(keys, item.attrs, r) for keys in self.indexes)
        return (h, r), frozenset(entry for entry in entries if entry is not None)


@dataclass(frozen=True, slots=True)
class Definitions:
    """Tables by the number of their rows, streams (as "group stream") by theirs, and the names of buckets."""

    tables: Mapping[int, TableDefinition]
    streams: Mapping[int, str]
    buckets: frozenset[str]

    @classmethod
    def of_backends(cls, account: str) -> "Definitions":
        """Those of the account in moto's backends."""
        tables = {
            table.item_table: TableDefinition(
                table.name, table, tuple(keys_of_index(table, index) for index in table.all_indexes())
            )
            for backend in BACKENDS["dynamodb"][account].values()
            for table in backend.tables.values()
        }
        streams = {
            stream.number: f"{group.name} {stream.log_stream_name}"
            for backend in BACKENDS["logs"][account].values()
            for group in backend.groups.values()
            for stream in group.streams.values()
        }
        buckets = frozenset(name for backend in BACKENDS["s3"][account].values() for name in backend.buckets)
        return cls(tables, streams, buckets)


@contextmanager
def restored(store: Store, account: str) -> Iterator[Definitions]:
    """The definitions, with the stored states in moto's backends while this lasts. Changes nothing that is stored.

    Raises StoreError for a state that cannot be restored. Not in a process that hosts an account.
    """
    forget_account(account)
    try:
        tables = TableStore(store, BACKENDS["dynamodb"][account])
        SmallServices(store, account, LEFT_OUT, {"dynamodb": tables.attach}).load()
        yield Definitions.of_backends(account)
    finally:
        forget_account(account)
