"""What a command that was killed left half done in a data folder, and how it is finished or forgotten.

A reset is decided by one rename, and finished from then on; before it, it is forgotten. A new master key counts when
the data keys are wrapped by it, which is one transaction.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from infra.local.durable.care.data_keys import unwrapped
from infra.local.durable.care.snapshot import reading_only
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.keyring import MasterKey
from infra.local.durable.layout import BODIES_FOLDER, NEXT_KEY_SUFFIX, RESET_DECIDED, RESET_OLD, RESET_SCRATCH
from infra.local.durable.store import DATABASE_FILE
from infra.local.platform_calls import sync_folder


def finish(data: Path, key_file: Path) -> None:
    """Finish or forget what was cut, before the folder is opened. Only for whoever holds the folder's lock."""
    finish_reset(data)
    next_key = next_to(key_file)
    if next_key.exists() and (data / DATABASE_FILE).exists():
        if _opens(data / DATABASE_FILE, next_key):
            put_in_place(data, key_file, key_file)
        else:
            next_key.unlink()


def is_unfinished(data: Path) -> bool:
    """Whether a reset was decided and not finished."""
    return (data / RESET_DECIDED).exists()


def finish_reset(data: Path) -> None:
    """Bring a decided reset to its end, from wherever it was cut; forget one that was not decided."""
    decided = data / RESET_DECIDED
    if decided.exists():
        bodies, database = data / BODIES_FOLDER, data / DATABASE_FILE
        if (decided / BODIES_FOLDER).exists():
            shutil.rmtree(data / RESET_OLD, ignore_errors=True)
            if bodies.exists():
                bodies.rename(data / RESET_OLD)
            (decided / BODIES_FOLDER).rename(bodies)
        if (decided / DATABASE_FILE).exists():
            # The old database's log must be gone before the new one has its name, or it would be played into it.
            for suffix in ("-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            sync_folder(data)
            (decided / DATABASE_FILE).replace(database)
        sync_folder(data)
        shutil.rmtree(decided)
    for name in (RESET_OLD, RESET_SCRATCH):
        shutil.rmtree(data / name, ignore_errors=True)


def next_to(key_file: Path) -> Path:
    """Where a new master key is until it takes its place."""
    return key_file.with_name(key_file.name + NEXT_KEY_SUFFIX)


def put_in_place(data: Path, old_file: Path, new_file: Path) -> Path | None:
    """Give the new master key its name.

    An old one in the folder is removed, because backups hold their own copy; one that lies outside is kept under
    another name, which is returned: backups that were made before cannot be opened without it.
    """
    kept = None
    inside = old_file.absolute().parent == data.absolute()
    if not inside and old_file.exists():
        kept = old_file.with_name(f"{old_file.name}.until-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        old_file.rename(kept)
    next_to(new_file).replace(new_file)
    sync_folder(new_file.absolute().parent)
    if inside and old_file != new_file:
        old_file.unlink(missing_ok=True)
    return kept


def _opens(database: Path, key_file: Path) -> bool:
    try:
        key = MasterKey.load(key_file)
        with reading_only(database) as connection:
            unwrapped(connection, key)
    except DamagedError:
        raise  # a database that cannot be read says nothing about the key
    except StoreError:
        return False
    return True
