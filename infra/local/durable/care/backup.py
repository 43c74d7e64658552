"""A copy of a data folder in one file, made while a server serves the folder or while none does."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from infra.local.account import ACCOUNT_FILE, Account
from infra.local.durable.care.archive import MOST_FILES, ArchiveError, Manifest, Source, write_archive
from infra.local.durable.care.data_keys import unwrapped
from infra.local.durable.care.snapshot import check_pages, copy_database, reading_only
from infra.local.durable.care.unfinished import is_unfinished
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.layout import BODIES_FOLDER
from infra.local.durable.owner import check_owner
from infra.local.durable.s3.bodies import held
from infra.local.durable.store import DATABASE_FILE
from infra.local.durable.wal import State, examine_log
from infra.local.platform_calls import PRIVATE_FILE_MODE, FolderInUseError, FolderLock, sync_file, sync_folder


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup: its size in bytes, how many bodies it holds, and whether its reader needs no other key."""

    path: Path
    size: int
    bodies: int
    holds_master_key: bool


def back_up(data: Path, target: Path, *, replace: bool = False) -> Backup:
    """Write everything that was acknowledged before this began to `target`, whole or not at all.

    Raises AccountError and StoreError, and OSError for what the file system refuses.
    """
    check_owner(data)
    if is_unfinished(data):
        raise StoreError(f"a reset of {data} was cut off; `chorale reset` or `chorale serve` finishes it")
    if target.exists() and not replace:
        raise StoreError(f"{target} already exists; --force replaces it")
    with _scratch_folder(target) as scratch, _held_bodies(data / BODIES_FOLDER):
        sources = _snapshot(data, scratch)
        if len(sources) > MOST_FILES:
            raise StoreError(f"{data} holds more than {MOST_FILES:,} files, and a backup cannot")
        manifest = Manifest(
            chorale=version("chorale"),
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            account=Account.load(scratch).id,
            files=tuple(source.described() for source in sources),
        )
        with _written_whole(target) as file:
            write_archive(file, manifest, sources)
    bodies = sum(source.name.startswith(f"{BODIES_FOLDER}/") for source in sources)
    return Backup(target, target.stat().st_size, bodies, manifest.holds_master_key)


def _snapshot(data: Path, scratch: Path) -> list[Source]:
    """What belongs into the archive, in its order. What may change meanwhile is copied to `scratch` first."""
    Account.load(data)  # says what is wrong with the folder better than a missing file would
    _check_log(data)
    _copy_private(data / ACCOUNT_FILE, scratch / ACCOUNT_FILE)
    database = scratch / DATABASE_FILE
    copy_database(data / DATABASE_FILE, database)
    with reading_only(database, unshared=True) as connection:
        check_pages(data / DATABASE_FILE, connection)
        names = [name for (name,) in connection.execute("SELECT name FROM body_file ORDER BY name")]
        with_key = (data / MASTER_KEY_FILE).exists()
        if with_key:
            _copy_private(data / MASTER_KEY_FILE, scratch / MASTER_KEY_FILE)
            try:
                unwrapped(connection, MasterKey.load(scratch / MASTER_KEY_FILE))
            except StoreError as error:
                said = str(error).replace(str(scratch), str(data))
                raise StoreError(f"{said}; `chorale doctor` tells more") from error
    bodies = [Source(f"{BODIES_FOLDER}/{name}", data / BODIES_FOLDER / name) for name in names]
    for body in bodies:
        if not body.path.is_file():
            raise ArchiveError(f"{body.path} is missing; `chorale doctor` tells which object it belongs to")
    keys = [Source(MASTER_KEY_FILE, scratch / MASTER_KEY_FILE)] if with_key else []
    return [Source(DATABASE_FILE, database), *bodies, *keys, Source(ACCOUNT_FILE, scratch / ACCOUNT_FILE)]


def _check_log(data: Path) -> None:
    """Raises DamagedError where SQLite would leave acknowledged writes out without a word."""
    try:
        with FolderLock(data):
            report = examine_log(data / f"{DATABASE_FILE}-wal")
    except FolderInUseError:
        return  # whoever serves it has looked, and the log changes as we read
    except OSError:  # nobody can begin to serve a folder that cannot be written
        report = examine_log(data / f"{DATABASE_FILE}-wal")
    if report.state is State.DAMAGED:
        raise DamagedError(f"the write-ahead log of {data} is damaged; `chorale doctor` tells what can be saved")


def _held_bodies(folder: Path) -> AbstractContextManager[None]:
    """Keeps the bodies where they are. Nobody removes any where there are none, or where nobody can write."""
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return nullcontext()
    return held(folder)


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
    """A private folder beside the target, where the room is that the target needs."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file to write that is given its name when all of it is on the disk."""
    scratch = target.absolute().with_name(f".{target.name}.{secrets.token_hex(8)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(scratch, flags, PRIVATE_FILE_MODE), "wb") as file:
            yield file
            file.flush()
            sync_file(file.fileno())
        scratch.replace(target)
        sync_folder(target.absolute().parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreError(f"there is no room on the disk for {target}") from error
        raise
    finally:
        scratch.unlink(missing_ok=True)


def _copy_private(source: Path, target: Path) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE), "wb") as to:
        to.write(source.read_bytes())
