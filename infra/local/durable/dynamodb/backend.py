"""moto's DynamoDB with its items in the store, and how an account gets it.

Definitions of tables stay moto's objects in memory; whoever saves them leaves out `TRANSIENT_ATTRIBUTES`.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from moto.core.base_backend import AccountSpecificBackend
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import GlobalSecondaryIndex, SecondaryIndex, Table

from infra.local.durable.dynamodb.item_rows import ItemRows
from infra.local.durable.dynamodb.stored_items import weigh_items_once
from infra.local.durable.dynamodb.table_keys import keys_of_index
from infra.local.durable.dynamodb.tables import StoredItems, StoredTable
from infra.local.durable.errors import StoreError, WriteRefusedError
from infra.local.durable.store import Store

# What is made again by `TableStore.attach`, by the class of moto's that has it.
TRANSIENT_ATTRIBUTES: dict[type, frozenset[str]] = {
    Table: frozenset({"items"}),
    DynamoDBBackend: frozenset({"rows"}),
}

_INVALID = "One or more parameter values were invalid: "


class TableStore:
    """Gives the DynamoDB of one account, in every region, the items in a store."""

    def __init__(self, store: Store, backends: AccountSpecificBackend[DynamoDBBackend]) -> None:
        """Called once, before anything is in the backends: all are made here, so that no read makes one."""
        weigh_items_once()
        self._rows = ItemRows(store)
        self._backends = backends
        rows = self._rows

        def backend(region: str, account_id: str) -> StoredDynamoDB:
            return StoredDynamoDB(region, account_id, rows)

        backends.clear()
        backends.backend = backend  # type: ignore[assignment]
        for region in backends.regions:
            backends[region]

    def attach(self) -> None:
        """The tables whose definitions were put into the backends find their items again."""
        for backend in self._backends.values():
            self.adopt(backend)

    def adopt(self, backend: DynamoDBBackend) -> None:
        """The same for one backend, which need not be among the account's."""
        for table in backend.tables.values():
            _attach(table, self._rows)


class StoredDynamoDB(DynamoDBBackend):
    """moto's backend of one region. Every call is in a turn of the store: `reading()` for reads, else `writing()`."""

    rows: ItemRows

    def __init__(self, region_name: str, account_id: str, rows: ItemRows) -> None:
        super().__init__(region_name, account_id)
        self.rows = rows

    def reset(self) -> None:
        self.__init__(self.region_name, self.account_id, self.rows)  # type: ignore[misc]

    def get_table(self, table_name: str) -> Table:
        """Also between the moment in which definitions are put back and that in which they are attached."""
        table = super().get_table(table_name)
        return table if isinstance(table, StoredTable) else _attach(table, self.rows)

    def create_table(self, name: str, **definition: Any) -> StoredTable:  # type: ignore[override]
        _refuse_streams(definition.get("streams"))
        table = super().create_table(name, **definition)
        try:
            _check_indexes(table)
        except MockValidationException:
            del self.tables[name]
            raise
        table.item_table = self.rows.create_table()  # type: ignore[attr-defined]
        return _attach(table, self.rows)

    def delete_table(self, name: str) -> Table:
        """Returns a copy of the definition, for the answer: a reader may still be in the table."""
        table = _stored(self.get_table(name))
        answer: _DeletedTable = object.__new__(_DeletedTable)  # type: ignore[type-abstract]
        vars(answer).update(vars(table), items=len(table))
        super().delete_table(name)
        self.rows.drop_table(table.item_table)
        return answer

    def update_table(  # type: ignore[override]
        self, name: str, attr_definitions: Any, global_index: list[dict[str, Any]] | None, **changes: Any
    ) -> Table:
        _refuse_streams(changes.get("stream_spec"))
        table = _stored(self.get_table(name))
        if attr_definitions:
            table.attr = attr_definitions = _all_definitions(table, attr_definitions)
        for update in global_index or []:
            if "Delete" in update:
                self.rows.drop_index(table.item_table, update["Delete"]["IndexName"])
            if "Create" in update:
                # Filled before moto makes it known: until the commit a reader finds it empty, but for no longer.
                index = GlobalSecondaryIndex.create(update["Create"], table.table_key_attrs)
                _check_names([*table.all_indexes(), index])
                table.add_to_index(index)
        return super().update_table(name, attr_definitions, global_index or [], **changes)

    def update_item(self, table_name: str, *arguments: Any, **named: Any) -> Any:
        """moto changes the item that it found; here it is put back."""
        item = super().update_item(table_name, *arguments, **named)
        _stored(self.get_table(table_name)).items.put(item)
        return item

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """All of it or nothing: a savepoint, where moto copies whole tables."""
        with self.rows.store.writing():
            try:
                DynamoDBBackend.transact_write_items(_Transaction(self), transact_items)  # type: ignore[arg-type]
            except _Fault as fault:
                raise fault.error from None

    def _not_offered(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("This operation is not part of the local AWS.")

    # They walk over, or copy, all items of a table, and the gateway knows none of them.
    batch_execute_statement = create_backup = execute_statement = execute_transaction = export_table = _not_offered
    import_table = restore_table_from_backup = restore_table_to_point_in_time = _not_offered


class _DeletedTable(StoredTable):
    """A table for the answer to DeleteTable; `items` is their number."""

    def __len__(self) -> int:
        return self.items  # type: ignore[return-value]


class _Fault(BaseException):
    """The store's error on its way past moto, which makes a reason for cancellation of every Exception."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Transaction:
    """A backend as moto's transaction sees it: without tables to copy, and with the store's errors told apart.

    moto has checked an operation's condition by the time it carries the operation out, and would check it once more.
    """

    tables: dict[str, Table] = {}  # noqa: RUF012 -- read only: what moto looks up here, it copies

    def __init__(self, backend: StoredDynamoDB) -> None:
        self._backend = backend

    def get_table(self, name: str) -> Table:
        return self._backend.get_table(name)

    def get_item(self, *arguments: Any) -> Any:
        return _faults_told(self._backend.get_item, *arguments)

    def put_item(self, table_name: str, attributes: dict[str, Any], **_: Any) -> Any:
        return _faults_told(self._backend.put_item, table_name, attributes, overwrite=True)

    def delete_item(self, table_name: str, key: dict[str, Any], **_: Any) -> Any:
        return _faults_told(self._backend.delete_item, table_name, key)

    def update_item(self, table_name: str, key: dict[str, Any], **named: Any) -> Any:
        return _faults_told(self._backend.update_item, table_name, key, **{**named, "condition_expression": None})


def _faults_told(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return call(*arguments, **named)
    except (StoreError, WriteRefusedError, sqlite3.Error) as error:
        raise _Fault(error) from error


def _attach(table: Table, rows: ItemRows) -> StoredTable:
    # In this order: a reader that finds a stored table finds its items as well.
    table.items = StoredItems(rows, table)  # type: ignore[assignment, arg-type]
    table.__class__ = StoredTable  # type: ignore[type-abstract]
    return _stored(table)


def _stored(table: Table) -> StoredTable:
    assert isinstance(table, StoredTable)
    return table


def _all_definitions(table: Table, given: list[dict[str, str]]) -> list[dict[str, str]]:
    """The attributes as they will be defined. A request names those of its new index, and need not name the others."""
    named = {definition["AttributeName"] for definition in given}
    return [definition for definition in table.attr if definition["AttributeName"] not in named] + given


def _check_indexes(table: Table) -> None:
    _check_names(table.all_indexes())
    for index in table.all_indexes():
        keys_of_index(table, index)


def _check_names(indexes: Iterable[SecondaryIndex]) -> None:
    names = [index.name for index in indexes]
    for name in names:
        if names.count(name) > 1:
            raise MockValidationException(f"{_INVALID}Duplicate index name: {name}")


def _refuse_streams(specification: dict[str, Any] | None) -> None:
    if specification and (specification.get("StreamEnabled") or specification.get("StreamViewType")):
        raise MockValidationException(f"{_INVALID}StreamSpecification: DynamoDB Streams is not part of the local AWS")
