"""TransactWriteItems that can go back without a copy of the whole table.

Before each write of a transaction moto copies the table with every item in it, to restore it on failure: with 1,000
items a transaction takes seconds. A transaction names every item that it may change, at most 100, so here only those
are kept, and moto is told that a copy of the table is the table itself.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TransactItems = list[dict[str, Any]]


def keep_only_named_items(backend: Any) -> None:
    """Changes how this one DynamoDB backend of moto carries out transactions, not what they do."""
    carry_out = backend.transact_write_items

    def transact_write_items(transact_items: TransactItems) -> None:
        tables = _tables(backend, transact_items)
        kept = _named_items(backend, transact_items)
        with _not_copied(tables):
            try:
                carry_out(transact_items)
            except BaseException:
                for item in kept:
                    item.restore()
                raise

    backend.transact_write_items = transact_write_items


@dataclass(frozen=True)
class _Kept:
    """The item that stood under a key before the transaction; None where there was none."""

    table: Any
    hash_value: Any
    range_value: Any
    item: Any

    def restore(self) -> None:
        if self.item is None:
            self.table.delete_item(self.hash_value, self.range_value)
        elif self.range_value is None:
            self.table.items[self.hash_value] = self.item
        else:
            self.table.items[self.hash_value][self.range_value] = self.item


def _tables(backend: Any, transact_items: TransactItems) -> list[Any]:
    names = {operation.get("TableName") for item in transact_items for operation in item.values()}
    return [backend.tables[name] for name in names if name in backend.tables]


def _named_items(backend: Any, transact_items: TransactItems) -> list[_Kept]:
    kept = []
    for item in transact_items:
        for operation in item.values():
            table = backend.tables.get(operation.get("TableName"))
            attributes = operation.get("Key") or operation.get("Item") or {}
            if table is None or any(name not in attributes for name in table.table_key_attrs):
                continue  # moto refuses such a write before it changes anything
            hash_value, range_value = backend.get_keys_value(table, attributes)
            before = table.get_item(hash_value, range_value)
            kept.append(_Kept(table, hash_value, range_value, copy.deepcopy(before)))
    return kept


@contextmanager
def _not_copied(tables: list[Any]) -> Iterator[None]:
    """While this lasts, copy.deepcopy of one of these tables answers the table itself."""
    for table in tables:
        table.__deepcopy__ = lambda memo, table=table: table
    try:
        yield
    finally:
        for table in tables:
            del table.__deepcopy__
