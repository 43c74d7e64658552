"""Named states of a data folder that `chorale reset` brings it back to: backups in a folder of their own within it.

A reset leaves the account with its root access key, the key of session tokens and the master key as they are.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.account import ACCOUNT_FILE, Account
from infra.local.durable.care.archive import ArchiveReader, Manifest
from infra.local.durable.care.backup import Backup, back_up
from infra.local.durable.care.data_keys import rewrap
from infra.local.durable.care.restore import check_unpacked, unpack
from infra.local.durable.care.unfinished import finish, finish_reset
from infra.local.durable.errors import StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.layout import BODIES_FOLDER, RESET_DECIDED, RESET_SCRATCH, STARTING_POINTS_FOLDER
from infra.local.durable.owner import check_owner
from infra.local.durable.s3.bodies import LOCK_FILE as BODIES_LOCK
from infra.local.durable.store import DATABASE_FILE, Store
from infra.local.platform_calls import (
    PRIVATE_FOLDER_MODE,
    FileLock,
    FolderLock,
    make_private_folder,
    sync_file,
    sync_folder,
)

EMPTY = "empty"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = ".tar"


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """A saved state: its size in bytes, and what its manifest tells."""

    name: str
    size: int
    manifest: Manifest


def save_starting_point(data: Path, name: str, *, replace: bool = False) -> Backup:
    """Keep the folder's present state under a name. Raises StoreError."""
    check_owner(data)
    Account.load(data)
    target = _file(data, name)
    if name == EMPTY:
        raise StoreError(f"{EMPTY!r} is the name of the empty account; choose another")
    if target.exists() and not replace:
        raise StoreError(f"there is a starting point {name!r} already; --force replaces it")
    make_private_folder(target.parent)
    return back_up(data, target, replace=replace)


def starting_points(data: Path) -> list[StartingPoint]:
    """Those that were saved, by name. Raises StoreError for one that is damaged."""
    Account.load(data)
    found = []
    for path in sorted((data / STARTING_POINTS_FOLDER).glob(f"*{_SUFFIX}")):
        name = path.name.removesuffix(_SUFFIX)
        if _NAME.fullmatch(name) is not None:
            with path.open("rb") as file:
                try:
                    manifest = ArchiveReader(file).manifest
                except StoreError as error:
                    raise type(error)(f"{path} cannot be used: {error}") from error
            found.append(StartingPoint(name, path.stat().st_size, manifest))
    return found


def reset(data: Path, point: str = EMPTY, master_key: Path | None = None) -> None:
    """Bring the folder to a starting point. What it holds now is gone afterwards.

    `master_key` names the key's file where it is not in the folder. Whenever this is killed, the folder is as it was,
    or the next start finishes the reset. Raises FolderInUseError while a server runs, and StoreError.
    """
    check_owner(data)
    account = Account.load(data)
    key_file = master_key or data / MASTER_KEY_FILE
    archive = None if point == EMPTY else _file(data, point)
    if archive is not None and not archive.exists():
        raise StoreError(f"there is no starting point {point!r}; `chorale reset --list` lists those that were saved")
    with FolderLock(data), _nobody_copies(data):
        finish(data, key_file)
        stage = data / RESET_SCRATCH
        stage.mkdir(PRIVATE_FOLDER_MODE)
        try:
            if archive is None:
                _stage_nothing(data, stage, key_file)
            else:
                _stage_archive(archive, stage, account, key_file)
            stage.rename(data / RESET_DECIDED)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        sync_folder(data)
        finish_reset(data)


def _stage_nothing(data: Path, stage: Path, key_file: Path) -> None:
    fresh = not key_file.exists() and not (data / DATABASE_FILE).exists()
    master = MasterKey.create(key_file) if fresh else MasterKey.load(key_file)
    (stage / BODIES_FOLDER).mkdir(PRIVATE_FOLDER_MODE)
    Store(stage, master).close()
    _sync_staged(stage)


def _stage_archive(archive: Path, stage: Path, account: Account, key_file: Path) -> None:
    manifest = unpack(archive, stage)
    archived = check_unpacked(archive, stage, manifest, None if manifest.holds_master_key else key_file)
    if manifest.account != account.id:
        raise StoreError(f"{archive} is of account {manifest.account}, and this folder of {account.id}")
    store = Store(stage, archived)
    try:
        with store.writing() as connection:
            rewrap(connection, archived, MasterKey.load(key_file))  # which may have changed since
    finally:
        store.close()
    for kept_as_it_is in (ACCOUNT_FILE, MASTER_KEY_FILE):
        (stage / kept_as_it_is).unlink(missing_ok=True)
    _sync_staged(stage)


def _sync_staged(stage: Path) -> None:
    with (stage / DATABASE_FILE).open("rb+") as file:
        sync_file(file.fileno())
    sync_folder(stage / BODIES_FOLDER)
    sync_folder(stage)


def _file(data: Path, name: str) -> Path:
    if _NAME.fullmatch(name) is None:
        raise StoreError(
            f"{name!r} cannot name a starting point: at most 64 letters, digits, '.', '_' and '-', with one of the "
            "first two at the beginning"
        )
    return data / STARTING_POINTS_FOLDER / f"{name}{_SUFFIX}"


@contextmanager
def _nobody_copies(data: Path) -> Iterator[None]:
    if not (data / BODIES_FOLDER).is_dir():
        yield
        return
    with FileLock(data / BODIES_FOLDER / BODIES_LOCK).alone() as nobody_does:
        if not nobody_does:
            raise StoreError(f"a backup of {data} is being made; try again when it is done")
        yield
