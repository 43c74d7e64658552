"""What one request sees of the objects, and what it changed of them.

moto asks a bucket for the versions of a key, puts others in their place, and changes keys that it has stored before
(their tags, their ACL). So a request's versions are loaded when they are first asked for, and at its end the rows of
those that are no longer what they were are written. Nothing of it outlives the request.
"""

from collections.abc import Iterator
from typing import Any

from moto.s3.models import FakeDeleteMarker

from infra.local.durable.s3.object_bodies import Body, BodyRow, ObjectBodies
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import Rows, object_place, protection_of, version_place
from infra.local.durable.s3.uploads import Uploads
from infra.local.durable.store import Store

Version = StoredKey | FakeDeleteMarker

_VERSIONS = "SELECT n, content FROM object WHERE b = ? AND k = ? ORDER BY n DESC"


class _Loaded:
    """A version that has a row: its place among the versions, and the content that the row has."""

    __slots__ = ("content", "n", "version")

    def __init__(self, n: int, version: Version, content: bytes) -> None:
        self.n = n
        self.version = version
        self.content = content


class VersionList:
    """The versions of one key, the oldest first, as far as moto makes use of a list of them.

    `versions + [version]` reads none of those that are there: to put a version costs the same upon the thousandth.
    """

    __slots__ = ("_added", "_versions")

    def __init__(self, versions: "KeyVersions", added: tuple[Version, ...] = ()) -> None:
        self._versions = versions
        self._added = added

    def __iter__(self) -> Iterator[Version]:
        yield from self._versions.stored()
        yield from self._added

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return bool(self._added) or self._versions.newest() is not None

    def __add__(self, added: list[Version]) -> "VersionList":
        return VersionList(self._versions, (*self._added, *added))

    def added_to(self, versions: "KeyVersions") -> tuple[Version, ...] | None:
        """What was added to these versions; None for a list that does not begin with them."""
        return self._added if versions is self._versions else None


class KeyVersions:
    """The versions of one key during a request."""

    def __init__(self, unit: "Unit", bucket: str, key: bytes) -> None:
        self._unit = unit
        self._bucket = bucket
        self._key = key
        self._loaded: dict[int, _Loaded] = {}
        self._newest_n: int | None = None  # of the rows; None: not asked yet, 0: there are none
        self._is_complete = False
        self._kept: list[Version] | None = None  # None: all that have a row
        self._added: list[Version] = []

    def newest(self) -> Version | None:
        """The version that the key stands for."""
        if self._added:
            return self._added[-1]
        if self._kept is not None:
            return self._kept[-1] if self._kept else None
        if self._newest_n is None:
            row = self._execute(f"{_VERSIONS} LIMIT 1").fetchone()
            self._newest_n = self._load(*row).n if row else 0
        return self._loaded[self._newest_n].version if self._newest_n else None

    def with_id(self, version_id: str) -> Version | None:
        """The version with this id."""
        return next((version for version in self.versions() if str(version.version_id) == version_id), None)

    def n_of(self, version_id: str) -> int | None:
        """The place of the stored version with this id."""
        self._all_rows()
        places = (loaded.n for loaded in self._loaded.values() if loaded.version.version_id == version_id)
        return next(places, None)

    def versions(self) -> VersionList:
        """All versions, as they are now."""
        return VersionList(self, tuple(self._added))

    def stored(self) -> list[Version]:
        """The versions that have a row and are to keep it, the oldest first."""
        return list(self._kept) if self._kept is not None else self._all_rows()

    def replace(self, versions: Any) -> None:
        """These versions, the oldest first, in place of those that were."""
        if not self._unit.is_lasting:
            raise RuntimeError("objects are changed by requests to S3 alone, in their turns")
        added = versions.added_to(self) if isinstance(versions, VersionList) else None
        if added is not None:
            self._added = list(added)
            return
        wanted = list(versions)
        rows = {id(version) for version in self._all_rows()}
        self._kept = [version for version in wanted if id(version) in rows]
        self._added = [version for version in wanted if id(version) not in rows]

    def _all_rows(self) -> list[Version]:
        if not self._is_complete:
            rows = self._execute(_VERSIONS).fetchall()
            for n, content in rows:
                self._load(n, content)
            self._newest_n = rows[0][0] if rows else 0
            self._is_complete = True
        return [self._loaded[n].version for n in sorted(self._loaded)]

    def flush(self) -> None:
        """Write what changed."""
        kept = None if self._kept is None else {id(version) for version in self._kept}
        next_n = self._next_n() if self._added else 0
        for loaded in self._loaded.values():
            if kept is not None and id(loaded.version) not in kept:
                self._remove(loaded)
            elif (content := self._unit.rows.write_version(loaded.version, _row_of(loaded.version))) != loaded.content:
                self._write(loaded.n, content)
        for n, version in enumerate(self._added, next_n):
            self._insert(n, version)

    def _next_n(self) -> int:
        if self._newest_n is None:
            row = self._execute(f"{_VERSIONS} LIMIT 1").fetchone()
            self._newest_n = row[0] if row else 0
        return self._newest_n + 1

    def _insert(self, n: int, version: Version) -> None:
        row = None
        if isinstance(version, StoredKey):
            assert isinstance(version.body, Body)
            version.n = n
            row = self._unit.bodies.save(version.body, protection_of(version), version_place(version))
        self._write(n, self._unit.rows.write_version(version, row))

    def _remove(self, loaded: _Loaded) -> None:
        self._execute("DELETE FROM object WHERE b = ? AND k = ? AND n = ?", loaded.n)
        row = _row_of(loaded.version)
        if row is not None:
            self._unit.unneeded_files += self._unit.bodies.remove(row)

    def _write(self, n: int, content: bytes) -> None:
        sealed = self._unit.store.rows.seal(content, object_place(self._bucket, self._key, n))
        self._execute("INSERT OR REPLACE INTO object (b, k, n, content) VALUES (?, ?, ?, ?)", n, sealed)

    def _load(self, n: int, sealed: bytes) -> _Loaded:
        if n not in self._loaded:
            content = self._unit.store.rows.open(sealed, object_place(self._bucket, self._key, n))
            version = self._unit.rows.read_version(self._bucket, self._key, n, content)
            self._loaded[n] = _Loaded(n, version, content)
        return self._loaded[n]

    def _execute(self, statement: str, *parameters: Any) -> Any:
        return self._unit.store.connection.execute(statement, (self._bucket, self._key, *parameters))


class Unit:
    """One request's work on objects; `flush` wants the store's `writing()` around it, all else its `reading()`.

    What is changed in a unit that is not `is_lasting` would be forgotten.
    """

    def __init__(self, store: Store, rows: Rows, bodies: ObjectBodies, *, is_lasting: bool) -> None:
        self.store = store
        self.rows = rows
        self.bodies = bodies
        self.uploads = Uploads(store, rows, bodies)
        self.is_lasting = is_lasting
        self.unneeded_files: list[str] = []
        self._keys: dict[tuple[str, bytes], KeyVersions] = {}

    def key(self, bucket: str, name: str) -> KeyVersions:
        """The versions of a key."""
        place = (bucket, name.encode())
        if place not in self._keys:
            self._keys[place] = KeyVersions(self, *place)
        return self._keys[place]

    def has_objects(self, bucket: str) -> bool:
        """Whether a bucket holds anything, be it a delete marker."""
        found = self.store.connection.execute("SELECT 1 FROM object WHERE b = ? LIMIT 1", (bucket,)).fetchone()
        return found is not None

    def flush(self) -> None:
        """Write the rows of all that changed."""
        for versions in self._keys.values():
            versions.flush()


def _row_of(version: Version) -> BodyRow | None:
    if isinstance(version, FakeDeleteMarker):
        return None
    assert isinstance(version.body, BodyRow)
    return version.body
