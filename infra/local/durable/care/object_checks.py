"""Whether every object and every part of an upload has its body, and whether nothing is kept that nobody needs."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.s3.exceptions import S3ClientError

from infra.local.durable.care.definitions import Definitions
from infra.local.durable.care.findings import Findings, Statement, damage, note
from infra.local.durable.care.read_store import ReadStore
from infra.local.durable.care.row_checks import removal, text_of
from infra.local.durable.care.sealed_tables import SEALED
from infra.local.durable.errors import DamagedError
from infra.local.durable.s3.bodies import Bodies
from infra.local.durable.s3.body_files import is_body_name
from infra.local.durable.s3.object_bodies import ObjectBodies, files_place
from infra.local.durable.s3.object_encryption import ObjectEncryption
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import Rows, object_place, part_place, protection_of, version_place
from infra.local.durable.s3.segments import sealed_size
from infra.local.moto_services import BACKENDS


@dataclass(slots=True)
class _Needed:
    """What sound rows need: the rows of object_body, and files with the size of their plain text."""

    bodies: set[int] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)


class ObjectChecks:
    """The objects, uploads and bodies of one folder. `deep` reads every body to its end."""

    def __init__(self, store: ReadStore, data_bodies: Path, account: str, region: str, *, deep: bool) -> None:
        encryption = ObjectEncryption(store.objects_key, lambda of: BACKENDS["kms"][account][of])
        self._store = store
        self._folder = data_bodies
        self._rows = Rows(account, region)
        self._bodies = ObjectBodies(store, Bodies(data_bodies), encryption)
        self._deep = deep
        self._needed = _Needed()

    def run(self, definitions: Definitions | None, *, in_use: bool) -> Findings:
        """All findings. While the folder is `in_use`, files that no row needs may belong to writes of this moment."""
        yield from self._check_versions(definitions)
        yield from self._check_parts()
        yield from self._check_kept()
        if not in_use:
            yield from self._check_leftovers()
        for bucket, key, n, noticed in self._store.connection.execute("SELECT b, k, n, noticed FROM lost_object"):
            yield note(f"object {bucket}/{text_of(key)}", f"version {n} of it was lost, which was noticed on {noticed}")

    def _check_versions(self, definitions: Definitions | None) -> Findings:
        unknown: dict[str, int] = {}
        rows = self._store.connection.execute("SELECT b, k, n, content FROM object ORDER BY b, k, n")
        for bucket, key, n, sealed in rows:
            with suppress(DamagedError, TypeError, AttributeError, ValueError):  # check_sealed_rows tells of those
                content = self._store.rows.open(sealed, object_place(bucket, key, n))
                version = self._rows.read_version(bucket, key, n, content)
                if isinstance(version, StoredKey):
                    yield from self._check_version(bucket, key, version)
            if definitions is not None and bucket not in definitions.buckets:
                unknown[bucket] = unknown.get(bucket, 0) + 1
        for bucket, count in sorted(unknown.items()):
            yield note(f"bucket {bucket}", f"S3 has no such bucket; its {count:,} objects stay where they are")

    def _check_version(self, bucket: str, key: bytes, version: StoredKey) -> Findings:
        row: Any = version.body
        try:
            files = self._files_of(row)
            fault = self._fault_of_files(files) or self._fault_of_body(version)
        except DamagedError:
            files, fault = {}, "the row of its body is missing or damaged"
        if fault is None:
            self._needed.bodies.add(row.id)
            self._needed.files |= files
            return
        assert version.n is not None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        statements: list[Statement] = [
            ("INSERT INTO lost_object (b, k, n, noticed) VALUES (?, ?, ?, ?)", (bucket, key, version.n, now)),
            removal(SEALED["object"], (bucket, key, version.n)),
            ("DELETE FROM object_body WHERE id = ?", (row.id,)),
            *(("DELETE FROM body_file WHERE name = ?", (name,)) for name in files),
        ]
        yield damage(
            f"object {bucket}/{text_of(key)}",
            f"{fault}; lost is version {version.n} of it ({version.contentsize:,} bytes)",
            "put it on the list of lost objects",
            statements,
            files,
        )

    def _files_of(self, row: Any) -> dict[str, int]:
        found = self._store.connection.execute("SELECT content FROM object_body WHERE id = ?", (row.id,)).fetchone()
        if found is None:
            raise DamagedError("the row is missing")
        if not row.in_files:
            return {}
        listed = json.loads(self._store.rows.open(found[0], files_place(row.id)))
        return dict(listed["files"])

    def _fault_of_files(self, files: dict[str, int]) -> str | None:
        for name, size in files.items():
            try:
                found = (self._folder / name).stat().st_size
            except FileNotFoundError:
                return f"the file bodies/{name} is missing"
            if found != sealed_size(size):
                return f"the file bodies/{name} has {found:,} bytes instead of {sealed_size(size):,}"
        return None

    def _fault_of_body(self, version: StoredKey) -> str | None:
        row: Any = version.body
        if row.in_files and not self._deep:
            return None
        try:
            whole = self._bodies.read(row, protection_of(version), version_place(version), 0, version.contentsize or 0)
            for _ in whole:
                pass
        except DamagedError as error:
            return f"its body does not open ({error})" if row.in_files else "its body is damaged"
        except S3ClientError:
            return None  # its KMS key is disabled or gone, which is its owner's will
        return None

    def _check_parts(self) -> Findings:
        uploads = set(self._store.connection.execute("SELECT b, id FROM upload").fetchall())
        for bucket, upload, n, sealed in self._store.connection.execute("SELECT b, id, n, content FROM upload_part"):
            try:
                part = json.loads(self._store.rows.open(sealed, part_place(bucket, upload, n)))
            except (DamagedError, TypeError, AttributeError, ValueError):
                continue  # check_sealed_rows tells of it
            files = {part["file"]: part["size"]}
            fault = "there is no such upload" if (bucket, upload) not in uploads else self._fault_of_files(files)
            if fault is None:
                self._needed.files |= files
                continue
            yield damage(
                f"upload {upload} to the bucket {bucket}",
                f"{fault}; lost is its part {n}",
                "remove the part",
                [
                    removal(SEALED["upload_part"], (bucket, upload, n)),
                    ("DELETE FROM body_file WHERE name = ?", (part["file"],)),
                ],
                files,
            )

    def _check_kept(self) -> Findings:
        """The rows that bodies have beside those of their objects."""
        connection = self._store.connection
        unneeded = {id_ for (id_,) in connection.execute("SELECT id FROM object_body")} - self._needed.bodies
        if unneeded:
            yield damage(
                "object_body",
                f"no sound object needs {len(unneeded):,} of its rows",
                "remove them",
                [("DELETE FROM object_body WHERE id = ?", (id_,)) for id_ in sorted(unneeded)],
            )
        listed = dict(connection.execute("SELECT name, size FROM body_file").fetchall())
        superfluous = sorted(listed.keys() - self._needed.files.keys())
        statements: list[Statement] = [("DELETE FROM body_file WHERE name = ?", (name,)) for name in superfluous]
        for name, size in sorted(self._needed.files.items()):
            if listed.get(name) != size:
                statements.append(("INSERT OR REPLACE INTO body_file (name, size) VALUES (?, ?)", (name, size)))
        if statements:
            yield damage(
                "body_file",
                f"{len(statements):,} entries do not agree with the objects and uploads",
                "make them again",
                statements,
                superfluous,
            )

    def _check_leftovers(self) -> Findings:
        with suppress(FileNotFoundError):
            names = {path.name for path in self._folder.iterdir() if is_body_name(path.name)}
            listed = {name for (name,) in self._store.connection.execute("SELECT name FROM body_file")}
            unneeded = names - self._needed.files.keys() - listed
            if unneeded:
                yield note("bodies", f"nothing needs {len(unneeded):,} of its files; the next start removes them")
