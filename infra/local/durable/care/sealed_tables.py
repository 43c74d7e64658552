"""The tables whose values are sealed, and what each value is sealed for: what tells a sound row from any other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.durable.dynamodb.item_rows import item_place
from infra.local.durable.dynamodb.transaction_tokens import token_place
from infra.local.durable.logs.log_events import event_place, stream_place
from infra.local.durable.s3.object_rows import object_place, part_place, upload_place
from infra.local.durable.services.small_services import state_place


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with its columns in their order, `content` the last.

    `key` are the columns of its primary key, of which `place` makes what the content is sealed for.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    place: Callable[..., bytes]

    def place_of(self, row: tuple[Any, ...]) -> bytes:
        """What the value in this row, of all columns, must have been sealed for."""
        return self.place(*self.key_of(row))

    def key_of(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        members = dict(zip(self.columns, row, strict=True))
        return tuple(members[name] for name in self.key)


def _table(name: str, columns: str, key: str, place: Callable[..., bytes]) -> SealedTable:
    return SealedTable(name, (*columns.split(), "content"), tuple(key.split()), place)


SEALED = {
    table.name: table
    for table in (
        _table("state", "service", "service", state_place),
        _table("item", "t h r", "t h r", item_place),
        _table("transaction_token", "token at", "token", token_place),
        _table("object", "b k n", "b k n", object_place),
        _table("upload", "b id k", "b id", upload_place),
        _table("upload_part", "b id n", "b id n", part_place),
        _table("log_stream", "s", "s", stream_place),
        _table("log_event", "s at n", "s at n", event_place),
    )
}

# Tables without a value of that kind, and how what is in them is proved or made again.
OTHERS = {
    "data_key": "wrapped by the master key",
    "object_body": "sealed under the keys of the objects they belong to",
    "body_file": "made again of object_body and upload_part",
    "item_index": "made again of item",
    "item_table": "made again of item and the definitions of tables",
    "lost_object": "a list for the owner",
    "sqlite_sequence": "SQLite's own: the highest number given to a table",
}
