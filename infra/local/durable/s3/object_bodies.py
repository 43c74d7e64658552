"""Where the bodies of objects are: small ones in a row of the table object_body, large ones in files.

A body is opened by the key of its object, which is wrapped (object_encryption.py). A row of object_body holds either
the body itself, sealed under that key, or the names and sizes of the files it consists of with their keys sealed under
it. Every file that a row needs is listed in body_file.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.durable.errors import DamagedError
from infra.local.durable.keyring import KEY_BYTES, Sealer
from infra.local.durable.s3.bodies import Bodies, StoredBody
from infra.local.durable.s3.object_encryption import ObjectEncryption, Place, Protection
from infra.local.durable.store import Store


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is not stored yet: its content, or the files that it is already in.

    `md5` is in hexadecimal; `checksums` are in base64, by the name of their header.
    """

    size: int
    md5: str
    content: bytes = field(default=b"", repr=False)
    pieces: tuple[StoredBody, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BodyRow:
    """A body that is stored: its row in object_body, in which form, and the wrapped key that opens it."""

    id: int
    in_files: bool
    wrapped: bytes

    def to_json(self) -> list[Any]:
        return [self.id, self.in_files, b64encode(self.wrapped).decode()]

    @classmethod
    def from_json(cls, members: Sequence[Any]) -> "BodyRow":
        return cls(members[0], members[1], b64decode(members[2]))


def files_place(row_id: int) -> bytes:
    """Where the list of a body's files is sealed for."""
    return b"object_body %d" % row_id


class ObjectBodies:
    """Stores and reads bodies. `save` and `remove` want the store's `writing()` around them, `read` its `reading()`."""

    def __init__(self, store: Store, bodies: Bodies, encryption: ObjectEncryption) -> None:
        self._store = store
        self.files = bodies
        self.encryption = encryption

    def save(self, body: Body, protection: Protection, place: Place) -> BodyRow:
        """Stores a body for the version at `place`; its files become listed."""
        key = os.urandom(KEY_BYTES)
        wrapped = self.encryption.wrap(key, protection, place)
        sealer = Sealer(key)
        execute = self._store.connection.execute
        if not body.pieces:
            sealed = sealer.seal(body.content, place.name)
            row_id = execute("INSERT INTO object_body (content) VALUES (?)", (sealed,)).lastrowid
            assert row_id is not None
            return BodyRow(row_id, False, wrapped)
        keys = sealer.seal(b"".join(piece.data_key for piece in body.pieces), place.name)
        listed = [[piece.name, piece.size] for piece in body.pieces]
        content = json.dumps({"files": listed, "keys": b64encode(keys).decode()}).encode()
        row_id = execute("INSERT INTO object_body (content) VALUES (x'')").lastrowid
        assert row_id is not None
        sealed = self._store.rows.seal(content, files_place(row_id))
        execute("UPDATE object_body SET content = ? WHERE id = ?", (sealed, row_id))
        self.list_files(body.pieces)
        return BodyRow(row_id, True, wrapped)

    def list_files(self, files: Sequence[StoredBody]) -> None:
        """These files are needed by a row."""
        self._store.connection.executemany(
            "INSERT OR IGNORE INTO body_file (name, size) VALUES (?, ?)", [(file.name, file.size) for file in files]
        )

    def forget_files(self, names: Sequence[str]) -> None:
        """No row needs these files any more."""
        self._store.connection.executemany("DELETE FROM body_file WHERE name = ?", [(name,) for name in names])

    def remove(self, row: BodyRow) -> list[str]:
        """Forgets a stored body, and tells the files that nobody needs any more when this is on the disk."""
        names = self.file_names(row)
        self.forget_files(names)
        self._store.connection.execute("DELETE FROM object_body WHERE id = ?", (row.id,))
        return names

    def file_names(self, row: BodyRow) -> list[str]:
        """The files that a stored body consists of; it needs no key to say so. Raises DamagedError."""
        return [name for name, _ in self._files(row)["files"]] if row.in_files else []

    def read(self, row: BodyRow, protection: Protection, place: Place, start: int, end: int) -> Iterator[bytes]:
        """The bytes [start, end) of a stored body. Files are opened at once; a later `remove` does not cut it short.

        Raises DamagedError, and S3ClientError when KMS does not give the key.
        """
        sealer = Sealer(self.encryption.unwrap(row.wrapped, protection, place))
        if not row.in_files:
            content = sealer.open(self._content(row), place.name)
            return iter((content[start:end],) if end > start else ())
        return self.files.read_pieces(self._pieces(row, sealer, place), start, end)

    def pieces(self, row: BodyRow, protection: Protection, place: Place) -> tuple[StoredBody, ...]:
        """The files of a body that is in files, with their keys."""
        return self._pieces(row, Sealer(self.encryption.unwrap(row.wrapped, protection, place)), place)

    def _pieces(self, row: BodyRow, sealer: Sealer, place: Place) -> tuple[StoredBody, ...]:
        listed = self._files(row)
        keys = sealer.open(b64decode(listed["keys"]), place.name)
        return tuple(
            StoredBody(name, size, keys[number * KEY_BYTES : (number + 1) * KEY_BYTES])
            for number, (name, size) in enumerate(listed["files"])
        )

    def _files(self, row: BodyRow) -> dict[str, Any]:
        listed: dict[str, Any] = json.loads(self._store.rows.open(self._content(row), files_place(row.id)))
        return listed

    def _content(self, row: BodyRow) -> bytes:
        found = self._store.connection.execute("SELECT content FROM object_body WHERE id = ?", (row.id,)).fetchone()
        if found is None:
            raise DamagedError(f"the row {row.id} of object_body is missing; run `chorale doctor`")
        content: bytes = found[0]
        return content
