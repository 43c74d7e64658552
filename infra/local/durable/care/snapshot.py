"""The database of a folder that somebody may be serving, looked at and copied from outside.

SQLite keeps a reader apart from the writer, in whichever process that is; nothing here takes the folder's lock.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from infra.local.durable.errors import DamagedError, NewerFormatError, StoreError
from infra.local.durable.schema import APPLICATION_ID, FORMAT
from infra.local.platform_calls import PRIVATE_FILE_MODE

_NOT_WRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)


@contextmanager
def reading_only(database: Path, *, unshared: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. What SQLite finds wrong with the file, in here, is raised as a StoreError.

    A file that is `unshared` has no write-ahead log and nobody who writes it, and gets no files beside it.
    """
    if not database.is_file():
        raise StoreError(f"{database.parent} holds no data: there is no {database.name}; `chorale serve` makes one")
    try:
        with closing(_connected(database, unshared=unshared)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise unreadable(database, error) from error


def copy_database(source: Path, target: Path) -> None:
    """The committed content of `source`, as of one moment, in a new private file. Raises StoreError."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE))
    with reading_only(source) as connection:
        check_format(source, connection)
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # whoever keeps the copy has it put on the disk
            connection.backup(copy)  # in one step: nobody's commit comes in between


def check_format(database: Path, connection: sqlite3.Connection) -> None:
    """Raises StoreError for a file that is not ours, or that this version cannot read."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID or found == 0:
        raise DamagedError(f"{database} is not a database of Chorale")
    if found > FORMAT:
        raise NewerFormatError(
            f"{database} was written by a later version of Chorale (format {found}; this one reads up to {FORMAT}); "
            "update Chorale"
        )
    # Of a backup's maker nothing is known: a trigger or a view would make our own statements do something else.
    strange = "SELECT type, name FROM sqlite_schema WHERE type NOT IN ('table', 'index')"
    for kind, name in connection.execute(strange).fetchall():
        raise DamagedError(f"{database} holds the {kind} {name!r}, which Chorale never makes")


def check_pages(database: Path, connection: sqlite3.Connection) -> None:
    """Raises DamagedError when the structure of the file is not sound."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedError(f"{database} is damaged ({found}); `chorale doctor` tells what can be saved")


def unreadable(database: Path, error: sqlite3.Error) -> StoreError:
    """What a person is told of an error of SQLite's."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(f"{database} is damaged ({error}); `chorale doctor` tells what can be saved")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"there is no room on the disk for a copy of {database}")
    return StoreError(f"{database} cannot be read: {error}")


def _connected(database: Path, *, unshared: bool) -> sqlite3.Connection:
    name = database.absolute().as_uri()
    immutable = f"{name}?mode=ro&immutable=1"
    if unshared:
        return sqlite3.connect(immutable, uri=True, isolation_level=None)
    try:
        connection = sqlite3.connect(f"{name}?mode=ro", uri=True, isolation_level=None)
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        # There is no room for what SQLite wants beside the file, or no permission. Without a log nobody writes it, and
        # where that is so nobody can begin to.
        log = database.with_name(f"{database.name}-wal")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _NOT_WRITABLE or (log.exists() and log.stat().st_size):
            raise
        connection = sqlite3.connect(immutable, uri=True, isolation_level=None)
    return connection
