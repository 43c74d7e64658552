"""A data folder out of a backup: complete and checked before it is given its name, or not there at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.account import Account, AccountError
from infra.local.durable.care.archive import ArchiveError, ArchiveReader, Manifest
from infra.local.durable.care.data_keys import unwrapped
from infra.local.durable.care.snapshot import check_format, check_pages, reading_only
from infra.local.durable.errors import StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.layout import BODIES_FOLDER
from infra.local.durable.store import DATABASE_FILE
from infra.local.platform_calls import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, sync_file, sync_folder

_ROOM_TO_SPARE = 16 * 2**20  # bytes that are left free, for the write-ahead log above all


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored folder: where, and what the backup says about itself."""

    path: Path
    manifest: Manifest


def restore(archive: Path, data: Path, master_key: Path | None = None) -> Restored:
    """The backup in `archive` as the folder `data`, which must be absent or empty.

    `master_key` names the key's file where the backup holds none. Raises StoreError, and OSError for what the file
    system refuses; whatever it raises, and whenever it is killed, `data` is as it was.
    """
    data = data.resolve()
    _check_target(data)
    data.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{data.name}.restoring-", dir=data.parent))
    try:
        manifest = unpack(archive, scratch)
        check_unpacked(archive, scratch, manifest, master_key)
        _check_target(data)
        scratch.rename(data)  # an empty folder may be there, and is replaced
        sync_folder(data.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Restored(data, manifest)


def unpack(archive: Path, folder: Path) -> Manifest:
    """Write the files of a backup into `folder`, on the disk when this returns. Raises ArchiveError naming it."""
    with _named(archive, folder), archive.open("rb") as file:
        reader = ArchiveReader(file)
        manifest = reader.manifest
        free = shutil.disk_usage(folder).free
        if manifest.total_size + _ROOM_TO_SPARE > free:
            raise StoreError(f"it needs {manifest.total_size:,} bytes, and {folder.parent} has {free:,} free")
        (folder / BODIES_FOLDER).mkdir(PRIVATE_FOLDER_MODE)
        for listed, content in reader.files():
            _write(folder / listed.name, content)
    sync_folder(folder / BODIES_FOLDER)
    sync_folder(folder)
    return manifest


def check_unpacked(archive: Path, folder: Path, manifest: Manifest, master_key: Path | None) -> MasterKey:
    """The master key of what was unpacked, after a look at all of it. Raises ArchiveError naming the archive."""
    with _named(archive, folder):
        try:
            account = Account.load(folder)
        except AccountError as error:
            raise ArchiveError(f"its account cannot be used: {error}") from error
        if account.id != manifest.account:
            raise ArchiveError(f"it is of account {account.id}, and says that it is of {manifest.account}")
        master = _master_key(folder, manifest, master_key)
        database = folder / DATABASE_FILE
        with reading_only(database, unshared=True) as connection:
            check_format(database, connection)
            check_pages(database, connection)
            unwrapped(connection, master)
            _check_bodies(manifest, {name for (name,) in connection.execute("SELECT name FROM body_file")})
        return master


def _check_target(data: Path) -> None:
    if data.is_mount():
        raise StoreError(f"{data} is where a file system is mounted; restore into a new folder below it")
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise StoreError(f"{data} is not empty; a backup is restored into an empty or a new folder only")


def _master_key(folder: Path, manifest: Manifest, given: Path | None) -> MasterKey:
    if given is not None:
        return MasterKey.load(given)
    if not manifest.holds_master_key:
        raise StoreError("it holds no master key; name the key's file with --master-key")
    return MasterKey.load(folder / MASTER_KEY_FILE)


def _check_bodies(manifest: Manifest, needed: set[str]) -> None:
    held = {file.name.rpartition("/")[2] for file in manifest.files if file.name.startswith(f"{BODIES_FOLDER}/")}
    for name in sorted(held ^ needed):
        what = "lacks the body" if name in needed else "holds a body that no object needs,"
        raise ArchiveError(f"it {what} {name}")


def _write(path: Path, content: Iterator[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PRIVATE_FILE_MODE), "wb") as file:
        for chunk in content:
            file.write(chunk)
        file.flush()
        sync_file(file.fileno())


@contextmanager
def _named(archive: Path, folder: Path) -> Iterator[None]:
    """Has errors begin with the archive's name, and tell nothing of the scratch folder, which will be gone."""
    try:
        yield
    except StoreError as error:
        said = str(error).replace(f"{folder}/", "")
        raise type(error)(f"{archive} cannot be restored: {said}") from error
