"""The database of a data folder, opened for writing: made where there is none, and brought to the newest format.

What SQLite says when it cannot is told as what a person may do about it.
"""

import logging
import os
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from infra.local.durable import schema
from infra.local.durable.errors import DamagedError, NewerFormatError, StoreError
from infra.local.durable.keyring import KEY_BYTES, OBJECTS, ROWS, MasterKey
from infra.local.platform_calls import PRIVATE_FILE_MODE, sync_folder

log = logging.getLogger(__name__)

_CHECKPOINT_PAGES = 4000
_WRITER_CACHE = -32_000  # KiB, negative as SQLite wants it
_LONGEST_WAIT = 1.0  # seconds, for readers in the way of a shorter log; no other writer is


def open_database(
    path: Path, master: MasterKey, migrations: Mapping[int, schema.Migration], newest: int
) -> sqlite3.Connection:
    """The file's one writer, with the file made where there is none. Raises StoreError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE))
    sync_folder(path.parent)
    try:
        writer = sqlite3.connect(
            path, timeout=_LONGEST_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        _prepare(writer)
        found = writer.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            _create(writer, master, newest)
        elif found > newest:
            raise NewerFormatError(
                f"{path} was written by a later version of Chorale (format {found}; this one reads up to "
                f"{newest}); update Chorale, or restore a backup made with this version"
            )
        elif found < newest:
            _migrate(path, writer, found, newest, migrations)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    return writer


def _migrate(
    path: Path, writer: sqlite3.Connection, found: int, newest: int, migrations: Mapping[int, schema.Migration]
) -> None:
    """Step by step to the newest format, with a copy of what was there kept beside it."""
    kept = path.with_name(f"{path.name}.format-{found}")
    if not kept.exists():
        scratch = kept.with_name(f"{kept.name}.new")
        scratch.unlink(missing_ok=True)
        os.close(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE))
        copy = sqlite3.connect(scratch)
        writer.backup(copy)
        copy.close()
        scratch.rename(kept)
        sync_folder(kept.parent)
    for version in range(found, newest):
        writer.execute("BEGIN IMMEDIATE")
        try:
            migrations[version](writer)
            writer.execute(f"PRAGMA user_version={version + 1}")
            writer.execute("COMMIT")
        except BaseException:
            writer.execute("ROLLBACK")
            raise
    log.warning("%s was migrated from format %d to %d; the old one is kept as %s", path, found, newest, kept)


def _prepare(writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA synchronous=FULL")
    writer.execute("PRAGMA fullfsync=1")  # macOS: past the drive's own cache
    writer.execute("PRAGMA checkpoint_fullfsync=1")
    writer.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    writer.execute(f"PRAGMA cache_size={_WRITER_CACHE}")


def _create(writer: sqlite3.Connection, master: MasterKey, version: int) -> None:
    writer.executescript(f"BEGIN IMMEDIATE;{schema.SCHEMA}")
    for purpose in (ROWS, OBJECTS):
        wrapped = master.wrap(secrets.token_bytes(KEY_BYTES), purpose)
        writer.execute("INSERT INTO data_key VALUES (?, ?)", (purpose, wrapped))
    writer.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
    writer.execute(f"PRAGMA user_version={version}")
    writer.execute("COMMIT")


def wants_room(error: sqlite3.Error) -> bool:
    """Whether SQLite failed for want of room on the disk."""
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def _unusable(path: Path, error: sqlite3.Error) -> StoreError:
    if wants_room(error):
        return StoreError(f"there is no room on the disk for {path}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(f"{path} is damaged ({error}); run `chorale doctor` to see what can be saved")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{path} cannot be written ({error}); its folder must belong to whoever serves it")
    return StoreError(f"{path} cannot be opened: {error}")
