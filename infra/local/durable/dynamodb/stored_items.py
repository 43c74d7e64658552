"""An item of moto's as bytes, and back again.

The bytes are the item's size as DynamoDB counts it (4 bytes, big-endian: every page is measured by it), and DynamoDB's
JSON: {"attribute": {"S": "text"}}, numbers as the text they came in, binary values in base64.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import table
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

_SIZE_BYTES = 4


class WrittenItem(Item):
    """An item as moto makes it of a request, weighed once: moto weighs all there is anew for each further attribute."""

    def __init__(self, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
        super().__init__(hash_key, range_key, {})
        *names, last = attrs
        for name in names:
            dict.__setitem__(self.attrs, name, DynamoType(attrs[name]))
        self.attrs[last] = DynamoType(attrs[last])  # weighs it all; raises ItemSizeTooLarge


def weigh_items_once() -> None:
    """From now on, for the whole process, moto's tables make a WrittenItem of what is put."""
    table.Item = WrittenItem  # type: ignore[misc]


class StoredItem(WrittenItem):
    """An item read for one request, which may change it as it likes."""

    stored_size: int

    def size(self) -> int:
        """As it was stored: moto asks several times for each item of a page, and never for one that it has changed."""
        return self.stored_size

    def __deepcopy__(self, memo: dict[int, Any]) -> "StoredItem":
        return self  # moto copies what it hands out, lest the table change with it; nobody else has this one

    def update_with_attribute_updates(self, attribute_updates: dict[str, Any]) -> None:
        """AttributeUpdates, the older way to tell what to change.

        moto would store PUT's BOOL, NULL and B as other types, and make a set of strings of whatever else is there
        when ADD or DELETE names one.
        """
        others = {}
        for name, update in attribute_updates.items():
            if "Value" not in update:
                others[name] = update
            elif update.get("Action", "PUT") == "PUT":
                self.attrs[name] = DynamoType(update["Value"])
            elif name in self.attrs and self.attrs[name].type not in update["Value"]:
                raise MockValidationException("Type mismatch for attribute to update")
            else:
                others[name] = update
        super().update_with_attribute_updates(others)


def dump_item(item: Item) -> bytes:
    """The attributes of an item, however much of it was changed."""
    content = json.dumps(item.attrs, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    return Item.size(item).to_bytes(_SIZE_BYTES, "big") + content


def load_item(content: bytes, hash_name: str, range_name: str | None) -> StoredItem:
    """The item again, with these key attributes."""
    # Put in place one by one, attributes would be weighed one by one, as they were before they were stored.
    attributes = LimitedSizeDict.__new__(LimitedSizeDict)
    for name, value in json.loads(content[_SIZE_BYTES:].decode()).items():
        dict.__setitem__(attributes, name, _typed(value))
    item: StoredItem = object.__new__(StoredItem)
    item.stored_size = int.from_bytes(content[:_SIZE_BYTES], "big")
    item.attrs = attributes
    item.hash_key = attributes[hash_name]
    item.range_key = attributes[range_name] if range_name is not None else None
    return item


def load_attributes(content: bytes, names: Iterable[str]) -> dict[str, DynamoType]:
    """Those of the item's attributes that are there."""
    attributes = json.loads(content[_SIZE_BYTES:].decode())
    return {name: _typed(attributes[name]) for name in names if name in attributes}


def _plain(value: Any) -> Any:
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"a value of an item is a {type(value).__name__}")


def _typed(value: dict[str, Any]) -> DynamoType:
    ((kind, content),) = value.items()
    typed = DynamoType.__new__(DynamoType)
    typed.type = kind
    if kind == "M":
        content = {name: _typed(inner) for name, inner in content.items()}
    elif kind == "L":
        content = [_typed(inner) for inner in content]
    elif kind == "B":
        content = b64decode(content)
    elif kind == "BS":
        content = [b64decode(inner) for inner in content]
    typed.value = content
    return typed
