"""DynamoDB's tables whose items are rows: moto validates, compares and answers, the store finds and keeps.

moto walks over all of a table's items in every Query and Scan. Here SQLite finds those of the page, and moto's own code
is given no more than these (`_Page`). A page's limits are counted before its filters, as DynamoDB does it; moto does
so for expressions, but not for the older QueryFilter and ScanFilter, which are therefore made expressions of.

Reads change nothing: any number of threads may be in them at once.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from hashlib import md5
from typing import Any, cast

from moto.dynamodb.comparisons import OpAnd, get_expected
from moto.dynamodb.exceptions import UpdateHashRangeKeyException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, SecondaryIndex, Table

from infra.local.durable.dynamodb.item_rows import Entry, ItemRows, Row, Span
from infra.local.durable.dynamodb.stored_items import StoredItem, dump_item, load_attributes, load_item
from infra.local.durable.dynamodb.table_keys import (
    entries_of_item,
    entry_of_item,
    key_of_item,
    keys_of_index,
    query_span,
    scan_span,
)
from infra.local.durable.errors import DamagedError

Page = tuple[list[Item], int, dict[str, Any] | None]
Segments = tuple[None, None] | tuple[int, int]  # one of so many, or all


class StoredTable(Table):
    """A table of moto's. `item_table` is the number of its items' rows, and a part of its definition."""

    item_table: int = 0  # of no items, until it is given its number
    items: "StoredItems"  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.items.rows.count(self.item_table)

    def query(
        self,
        hash_key: DynamoType | None,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int | None,
        exclusive_start_key: dict[str, Any] | None,
        scan_index_forward: bool,
        projection_expressions: list[list[str]] | None,
        index_name: str | None = None,
        consistent_read: bool = False,
        filter_expression: Any = None,
        hash_key_conditions: Any = None,
        range_key_conditions: Any = None,
        **filters: Any,
    ) -> Page:
        """moto's query of the page alone, all conditions on keys met."""
        condition = (range_comparison, range_objs) if range_comparison else None
        forward = scan_index_forward is not False

        def found() -> list[StoredItem]:
            assert hash_key is not None  # moto has found a condition on each hash key of the schema
            span = query_span(self, index_name, hash_key, condition, exclusive_start_key, forward)
            with closing(self.items.walk(span)) as items:
                page = _page_of(items, limit)
            return page if forward else page[::-1]  # moto turns them round

        return Table.query(
            cast(Table, _Page(self, found)),
            hash_key,
            None,
            [],
            cast(int, limit),
            cast(dict[str, Any], None),
            forward,
            projection_expressions,
            index_name,
            consistent_read,
            _both(filter_expression, filters),
        )

    def scan(
        self,
        filters: dict[str, Any],
        limit: int | None,
        exclusive_start_key: dict[str, Any] | None,
        filter_expression: Any = None,
        index_name: str | None = None,
        consistent_read: bool = False,
        projection_expression: list[list[str]] | None = None,
        segments: Segments = (None, None),
    ) -> Page:
        """moto's scan, which stops reading at the end of the page."""
        walks: list[Generator[StoredItem]] = []

        def found() -> Generator[StoredItem]:
            walks.append(self.items.walk(scan_span(self, index_name, exclusive_start_key), segments))
            return walks[0]

        older = {
            name: {"ComparisonOperator": operator, "AttributeValueList": [value.to_regular_json() for value in values]}
            for name, (operator, values) in filters.items()
        }
        try:
            return Table.scan(
                cast(Table, _Page(self, found)),
                {},
                cast(int, limit),
                cast(dict[str, Any], None),
                _both(filter_expression, older),
                index_name,
                consistent_read,
                projection_expression,
            )
        finally:
            for walk in walks:
                walk.close()

    def add_to_index(self, index: SecondaryIndex) -> None:
        """Every item's place in an index that is new. Items without its keys, or with unfit ones, are not in it."""
        keys = keys_of_index(self, index)
        names = [key.name for key in keys.attributes]

        def places() -> Generator[tuple[bytes, bytes, Entry]]:
            for row, content in self.items.contents(Span()):
                entry = entry_of_item(keys, load_attributes(content, names), row.r)
                if entry is not None:
                    yield row.h, row.r, entry

        self.items.rows.fill_index(self.item_table, places())


class StoredItems:
    """Stands where moto keeps a table's items: {hash key: item}, or {hash key: {range key: item}}.

    What is taken out was read for the taker alone: after a change it must be put back.
    """

    __slots__ = ("rows", "table")

    def __init__(self, rows: ItemRows, table: StoredTable) -> None:
        self.rows = rows
        self.table = table

    def __getitem__(self, hash_key: DynamoType) -> "StoredItem | _Collection":
        return _Collection(self, hash_key) if self.table.has_range_key else self.load(hash_key, None)

    def __setitem__(self, hash_key: DynamoType, item: Item) -> None:
        self.put(item)

    def __contains__(self, hash_key: DynamoType) -> bool:
        return self.rows.has(self.table.item_table, *key_of_item(self.table, hash_key, None))

    def pop(self, hash_key: DynamoType) -> StoredItem:
        return self.take(hash_key, None)

    def load(self, hash_key: DynamoType, range_key: DynamoType | None) -> StoredItem:
        """Raises KeyError where there is none, DamagedError where it cannot be read."""
        h, r = key_of_item(self.table, hash_key, range_key)
        try:
            content = self.rows.get(self.table.item_table, h, r)
        except DamagedError:
            raise self._damaged(h, r) from None
        if content is None:
            raise KeyError(hash_key)
        return load_item(content, self.table.hash_key_attr, self.table.range_key_attr)

    def put(self, item: Item) -> None:
        """Under the item's key, in place of the one that was there."""
        table = self.table
        if item.attrs[table.hash_key_attr] != item.hash_key:
            raise UpdateHashRangeKeyException(table.hash_key_attr)
        if table.range_key_attr is not None and item.attrs[table.range_key_attr] != item.range_key:
            raise UpdateHashRangeKeyException(table.range_key_attr)
        h, r = key_of_item(table, item.hash_key, item.range_key)
        entries = entries_of_item(table, item.attrs, r) if table.all_indexes() else None
        self.rows.put(table.item_table, h, r, dump_item(item), entries)

    def take(self, hash_key: DynamoType, range_key: DynamoType | None) -> StoredItem:
        """The item, which is no longer there. Raises KeyError."""
        item = self.load(hash_key, range_key)
        self.rows.delete(self.table.item_table, *key_of_item(self.table, hash_key, range_key))
        return item

    def walk(self, span: Span, segments: Segments = (None, None)) -> Generator[StoredItem]:
        """The span's items, of one segment of a parallel scan or of all. To be closed."""
        with closing(self.contents(span, segments)) as contents:
            for _, content in contents:
                yield load_item(content, self.table.hash_key_attr, self.table.range_key_attr)

    def contents(self, span: Span, segments: Segments = (None, None)) -> Generator[tuple[Row, bytes]]:
        """The rows of the span's items, each with what is in it. To be closed."""
        with closing(self.rows.walk(self.table.item_table, span)) as rows:
            for row in rows:
                if not _is_in_segment(row.h, segments):
                    continue
                try:
                    content = self.rows.value_of(self.table.item_table, row)
                except DamagedError:
                    raise self._damaged(row.h, row.r) from None
                yield row, content

    def _damaged(self, h: bytes, r: bytes) -> DamagedError:
        key = " ".join(part.decode("utf-8", "backslashreplace") for part in (h, r) if part)
        return DamagedError(f"the item {key!r} of the table {self.table.name} is damaged; run `chorale doctor`")


class _Collection:
    """The items of one hash key."""

    __slots__ = ("hash_key", "items")

    def __init__(self, items: StoredItems, hash_key: DynamoType) -> None:
        self.items = items
        self.hash_key = hash_key

    def __getitem__(self, range_key: DynamoType) -> StoredItem:
        return self.items.load(self.hash_key, range_key)

    def __setitem__(self, range_key: DynamoType, item: Item) -> None:
        self.items.put(item)

    def pop(self, range_key: DynamoType) -> StoredItem:
        return self.items.take(self.hash_key, range_key)


class _Page:
    """A table as moto's query and scan see it: with the items of the page, in their order, and no others."""

    def __init__(self, table: StoredTable, found: Callable[[], Iterable[StoredItem]]) -> None:
        self._table = table
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def all_items(self) -> Iterable[StoredItem]:
        return self._found()

    def has_idx_items(self, index_name: str) -> Iterable[StoredItem]:
        return self._found()

    def sorted_items(self, hash_attrs: Any, range_attrs: Any, items: Iterable[StoredItem]) -> Iterable[StoredItem]:
        return items


def _page_of(items: Iterable[StoredItem], limit: int | None) -> list[StoredItem]:
    """The items of a page and the one behind it, by which moto knows that there is more."""
    page: list[StoredItem] = []
    size = 0
    for item in items:
        page.append(item)
        size += item.size()
        if len(page) - 1 == limit or size > RESULT_SIZE_LIMIT:
            break
    return page


def _both(expression: Any, older: dict[str, Any]) -> Any:
    """One filter of a FilterExpression and the conditions of a QueryFilter or ScanFilter, of either or neither."""
    if not older:
        return expression
    return get_expected(older) if expression is None else OpAnd(expression, get_expected(older))


def _is_in_segment(h: bytes, segments: Segments) -> bool:
    """Whether a hash key belongs to the segment: the same one each time, and for texts the one that moto chooses."""
    segment, total = segments
    return total is None or md5(h, usedforsecurity=False).digest()[0] % total == segment
