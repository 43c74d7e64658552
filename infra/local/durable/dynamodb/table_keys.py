"""From a table's definition, and DynamoDB's values, to the key bytes of rows: where an item is, and what a page spans.

A value of the wrong type is refused with DynamoDB's words; moto would find nothing, or fall over it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.exceptions import MockValidationException, ProvidedKeyDoesNotExist
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import SecondaryIndex, Table

from infra.local.durable.dynamodb.item_rows import Bound, Entry, Span
from infra.local.durable.dynamodb.key_bytes import UnfitKeyError, behind_prefix, key_bytes

_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """`type` is S, N or B."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """By which attributes an index finds and orders its items."""

    index: str
    hash: KeyAttribute
    range: KeyAttribute | None

    @property
    def attributes(self) -> Iterator[KeyAttribute]:
        yield self.hash
        if self.range is not None:
            yield self.range


def keys_of_index(table: Table, index: SecondaryIndex) -> IndexKeys:
    """Raises MockValidationException for a definition that the rows cannot hold."""
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in table.attr}
    by_kind: dict[str, list[KeyAttribute]] = {"HASH": [], "RANGE": []}
    for element in index.schema:
        name = element["AttributeName"]
        if types.get(name) not in ("S", "N", "B"):
            defined = ", ".join(types)
            raise MockValidationException(
                f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [{name}], "
                f"AttributeDefinitions: [{defined}]"
            )
        by_kind[element["KeyType"]].append(KeyAttribute(name, types[name]))
    if len(by_kind["HASH"]) != 1 or len(by_kind["RANGE"]) > 1:
        raise MockValidationException(
            f"{_INVALID}KeySchema of the index {index.name}: it must have one HASH attribute and at most one RANGE "
            "attribute; the local AWS has no keys of several attributes"
        )
    return IndexKeys(index.name, by_kind["HASH"][0], by_kind["RANGE"][0] if by_kind["RANGE"] else None)


def key_of_item(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> tuple[bytes, bytes]:
    """The columns h and r of an item. Raises MockValidationException."""
    if hash_key.type != table.hash_key_type:
        raise ProvidedKeyDoesNotExist
    h = _bytes_of(hash_key)
    if table.range_key_attr is None:
        return h, b""
    if range_key is None or range_key.type != table.range_key_type:
        raise ProvidedKeyDoesNotExist
    return h, _bytes_of(range_key)


def entries_of_item(table: Table, attributes: Mapping[str, DynamoType], r: bytes) -> frozenset[Entry]:
    """An item's place in each index that it is in. Raises MockValidationException for a key of the wrong type."""
    entries = set()
    for index in table.all_indexes():
        keys = keys_of_index(table, index)
        for key in keys.attributes:
            if key.name in attributes:
                _check_index_key(keys.index, key, attributes[key.name])
        if (entry := entry_of_item(keys, attributes, r)) is not None:
            entries.add(entry)
    return frozenset(entries)


def entry_of_item(keys: IndexKeys, attributes: Mapping[str, DynamoType], r: bytes) -> Entry | None:
    """An item's place in the index; None when it lacks a key of it, or has one that cannot be a key."""
    found = []
    for key in keys.attributes:
        value = attributes.get(key.name)
        if value is None or value.type != key.type or value.value in ("", b""):
            return None
        try:
            found.append(_bytes_of(value))
        except MockValidationException:
            return None
    return Entry(keys.index, found[0], found[1] if keys.range is not None else r)


def query_span(
    table: Table,
    index_name: str | None,
    hash_key: DynamoType,
    condition: tuple[str, list[DynamoType]] | None,
    start: dict[str, Any] | None,
    forward: bool,
) -> Span:
    """What a Query reads: one hash key's items under a condition on the range key, behind the exclusive start key."""
    keys = _keys(table, index_name)
    fixed = _condition_bytes(keys.hash, hash_key)
    low = high = None
    if condition is not None:
        assert keys.range is not None  # moto has checked the condition against the key schema
        low, high = _bounds(keys.range, *condition)
    if start is not None:
        first, *behind = _start_key(table, keys, start)
        if first != fixed:
            raise MockValidationException(
                "The provided starting key is outside query boundaries based on provided conditions"
            )
        page = Bound(tuple(behind), inclusive=False)
        low, high = (_higher(low, page), high) if forward else (low, _lower(high, page))
    return Span(index_name, fixed, low, high, forward)


def scan_span(table: Table, index_name: str | None, start: dict[str, Any] | None) -> Span:
    """What a Scan reads: everything behind the exclusive start key."""
    if start is None:
        return Span(index_name)
    return Span(index_name, low=Bound(_start_key(table, _keys(table, index_name), start), inclusive=False))


def _keys(table: Table, index_name: str | None) -> IndexKeys:
    if index_name is not None:
        return keys_of_index(table, table.get_index(index_name))
    range_key = None
    if table.range_key_attr is not None and table.range_key_type is not None:
        range_key = KeyAttribute(table.range_key_attr, table.range_key_type)
    return IndexKeys("", KeyAttribute(table.hash_key_attr, table.hash_key_type), range_key)


def _start_key(table: Table, keys: IndexKeys, start: dict[str, Any]) -> tuple[bytes, ...]:
    """The columns by which the rows of the walk are ordered, of the item behind which it begins."""
    own = _keys(table, None)
    expected = {key.name: key for key in (*own.attributes, *keys.attributes)}
    values = {name: DynamoType(value) for name, value in start.items()}
    if values.keys() != expected.keys() or any(values[name].type != key.type for name, key in expected.items()):
        raise MockValidationException("The provided starting key is invalid")
    h = _bytes_of(values[own.hash.name])
    r = _bytes_of(values[own.range.name]) if own.range is not None else b""
    if not keys.index:
        return h, r
    return _bytes_of(values[keys.hash.name]), _bytes_of(values[keys.range.name]) if keys.range else r, h, r


def _bounds(key: KeyAttribute, comparison: str, values: list[DynamoType]) -> tuple[Bound | None, Bound | None]:
    found = [_condition_bytes(key, value) for value in values]
    at, after = Bound((found[0],), inclusive=True), Bound((found[0],), inclusive=False)
    match comparison:
        case "=":
            return at, at
        case "<":
            return None, after
        case "<=":
            return None, at
        case ">":
            return after, None
        case ">=":
            return at, None
        case "BETWEEN":
            return at, Bound((found[1],), inclusive=True)
        case "BEGINS_WITH" if key.type != "N":
            end = behind_prefix(found[0])
            return at, None if end is None else Bound((end,), inclusive=False)
        case "BEGINS_WITH":
            raise MockValidationException(
                "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or "
                "function: begins_with, operand type: N"
            )
    raise MockValidationException("Attempted conditional constraint is not an indexable operation")


def _higher(condition: Bound | None, page: Bound) -> Bound:
    """The one that begins later. A condition bounds one column, a page that one and those behind it."""
    if condition is None:
        return page
    first, other = condition.keys[0], page.keys[0]
    return condition if other < first or (other == first and not condition.inclusive) else page


def _lower(condition: Bound | None, page: Bound) -> Bound:
    """The one that ends sooner."""
    if condition is None:
        return page
    first, other = condition.keys[0], page.keys[0]
    return condition if other > first or (other == first and not condition.inclusive) else page


def _condition_bytes(key: KeyAttribute, value: DynamoType) -> bytes:
    if value.type != key.type:
        raise MockValidationException(f"{_INVALID}Condition parameter type does not match schema type")
    return _bytes_of(value)


def _check_index_key(index: str, key: KeyAttribute, value: DynamoType) -> None:
    if value.type != key.type:
        raise MockValidationException(
            f"{_INVALID}Type mismatch for Index Key {key.name} Expected: {key.type} Actual: {value.type} "
            f"IndexName: {index}"
        )
    if value.value in ("", b""):
        raise MockValidationException(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
            "The AttributeValue for a key attribute cannot contain an empty string value. "
            f"IndexName: {index}, IndexKey: {key.name}"
        )
    _bytes_of(value)


def _bytes_of(value: DynamoType) -> bytes:
    try:
        return key_bytes(value.type, value.value)
    except UnfitKeyError as error:
        raise MockValidationException(str(error)) from None
