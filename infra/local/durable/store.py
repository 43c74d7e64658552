"""One SQLite file that many threads write, each write on the disk before it is acknowledged.

SQLite has one writer at a time. Writers take turns on one connection, each inside a savepoint; whoever finds nobody
waiting behind commits for all who came before (group commit), and nobody's `writing()` ends before that. A commit is
an fsync of the write-ahead log (synchronous=FULL), so what was acknowledged survives a power cut.

Readers have connections of their own and see what was committed when they began, without waiting for anyone.

A commit that fails takes back every write in it: all of them raise WriteRefusedError, after `on_rollback` had its
turn to bring memory back to what is on the disk.
"""

import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.durable import schema
from infra.local.durable.errors import (
    DamagedError,
    DiskFullError,
    NewerFormatError,
    StoreError,
    StoreStoppedError,
    WriteRefusedError,
)
from infra.local.durable.keyring import KEY_BYTES, MasterKey, Sealer
from infra.local.platform_calls import PRIVATE_FILE_MODE, sync_folder

log = logging.getLogger(__name__)

DATABASE_FILE = "state.db"
ROWS = "rows"  # the purposes of the data keys
OBJECTS = "objects"

_LARGEST_GROUP = 128  # writes in one commit
_CHECKPOINT_PAGES = 4000
_WRITER_CACHE = -32_000  # KiB, negative as SQLite wants it
_READER_CACHE = -2_000
_KEPT_READERS = 8

Undo = Callable[[], None]


class _Group:
    """Writes that are committed together."""

    __slots__ = ("committed", "done", "error", "size")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: WriteRefusedError | None = None
        self.size = 0


class _Thread(threading.local):
    """What a thread is doing: the connection it may use, and how deeply its writes are nested."""

    connection: sqlite3.Connection | None = None
    depth = 0
    is_quiet = False


class Store:
    """The database of one data folder. `rows` seals the values in it; `objects_key` protects S3's bodies."""

    def __init__(
        self,
        folder: Path,
        master: MasterKey,
        *,
        migrations: Mapping[int, schema.Migration] = schema.MIGRATIONS,
        newest: int = schema.FORMAT,
    ) -> None:
        """Open the folder's database, made where there is none. Raises StoreError."""
        self.path = folder / DATABASE_FILE
        self.on_rollback: Undo = _nothing
        self._turn = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._stopped = False
        self._mine = _Thread()
        self._readers: list[sqlite3.Connection] = []
        self._writer = self._open(master, migrations, newest)
        keys = dict(self._writer.execute("SELECT purpose, wrapped FROM data_key").fetchall())
        self.rows = Sealer(master.unwrap(keys[ROWS], ROWS))
        self.objects_key = master.unwrap(keys[OBJECTS], OBJECTS)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of the `reading()` or `writing()` that the calling thread is in."""
        connection = self._mine.connection
        assert connection is not None, "no reading() or writing() around this"
        return connection

    @property
    def is_writing(self) -> bool:
        """Whether the calling thread is inside `writing()`."""
        return self._mine.depth > 0

    def close(self) -> None:
        """Fold the write-ahead log into the database and close it."""
        with self._turn:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """What was committed when the first row is read, unchanged for as long as this lasts.

        Inside `writing()`: also what was written there.
        """
        if self._mine.connection is not None:
            yield self._mine.connection
            return
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._reader()
        connection.execute("BEGIN")
        self._mine.connection = connection
        try:
            yield connection
        finally:
            self._mine.connection = None
            connection.execute("COMMIT")
            if len(self._readers) < _KEPT_READERS:
                self._readers.append(connection)
            else:
                connection.close()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While this lasts nobody writes, and what was written before is on the disk when it ends.

        For reads of what is kept in memory: they must not tell of a write that may still be taken back.
        """
        outer = self._mine.is_quiet
        with self._turn:
            self._mine.is_quiet = True
            try:
                yield
            finally:
                self._mine.is_quiet = outer
            group = self._group
        if group is not None and not self.is_writing and not outer:
            self._wait(group)

    @contextmanager
    def writing(self, undo: Undo | None = None) -> Iterator[sqlite3.Connection]:
        """All that is written inside lands or nothing does; when this ends well, it is on the disk.

        An exception takes back what was written inside, calls `undo` for what else the write had done, still in its
        turn, and goes on. Nested, this is a part of the outer write, which can be taken back alone. Raises
        WriteRefusedError when the disk did not take it.
        """
        if self._mine.depth:
            with self._savepoint(undo):
                yield self._writer
            return
        assert not self._mine.is_quiet, "a write inside quiet() would wait for itself"
        with self._counting:
            self._waiting += 1
        self._turn.acquire()
        with self._counting:
            self._waiting -= 1
        group: _Group | None = None
        try:
            group = self._joined_group()
            try:
                with self._savepoint(undo):
                    yield self._writer
            finally:
                group.size += 1
                self._end_turn(group)
        finally:
            self._turn.release()
            # Also when it failed: why it did may be a write of the same group, which nobody is to know of before.
            if group is not None:
                self._wait(group)

    def _wait(self, group: _Group) -> None:
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _joined_group(self) -> _Group:
        if self._stopped:
            raise StoreStoppedError("the disk failed; nothing is written until the next start")
        if self._group is None:
            self._writer.execute("BEGIN IMMEDIATE")
            self._group = _Group()
        return self._group

    @contextmanager
    def _savepoint(self, undo: Undo | None) -> Iterator[None]:
        mine = self._mine
        outer = mine.connection
        mine.depth += 1
        mine.connection = self._writer
        name = f"s{mine.depth}"
        try:
            self._writer.execute(f"SAVEPOINT {name}")
            try:
                yield
            except BaseException:
                # A full disk makes SQLite take back the whole transaction by itself; on_rollback undoes that.
                if self._writer.in_transaction:
                    self._writer.execute(f"ROLLBACK TO {name}")
                    if undo is not None:
                        self._bring_back(undo)
                raise
            finally:
                if self._writer.in_transaction:
                    self._writer.execute(f"RELEASE {name}")
        except sqlite3.Error as error:
            if _is_of_the_disk(error):
                raise _refusal(error) from error
            raise
        finally:
            mine.depth -= 1
            mine.connection = outer

    def _end_turn(self, group: _Group) -> None:
        if not self._writer.in_transaction:
            self._take_back(group, DiskFullError("there is no room on the disk"))
        elif self._waiting == 0 or group.size >= _LARGEST_GROUP:
            try:
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                self._take_back(group, _refusal(error))
            else:
                self._group = None
                group.done.set()

    def _take_back(self, group: _Group, error: WriteRefusedError) -> None:
        if self._writer.in_transaction:
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
        if isinstance(error, DiskFullError):
            log.warning("%d writes were refused: %s", group.size, error)
        else:
            # After a failed fsync nobody knows what is on the disk; the next start reads it afresh.
            self._stopped = True
            log.critical("the disk failed; nothing is written until the next start: %s", error)
        self._group = None
        group.error = error
        self._bring_back(self.on_rollback)
        group.done.set()

    def _bring_back(self, undo: Undo) -> None:
        try:
            undo()
        except Exception:
            self._stopped = True
            log.critical("memory could not be brought back to what is on the disk", exc_info=True)

    def _reader(self) -> sqlite3.Connection:
        reader = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        reader.execute(f"PRAGMA cache_size={_READER_CACHE}")
        return reader

    def _open(self, master: MasterKey, migrations: Mapping[int, schema.Migration], newest: int) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE))
        sync_folder(self.path.parent)
        try:
            writer = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=256)
            _prepare(writer)
            found = writer.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                _create(writer, master, newest)
            elif found > newest:
                raise NewerFormatError(
                    f"{self.path} was written by a later version of Chorale (format {found}; this one reads up to "
                    f"{newest}); update Chorale, or restore a backup made with this version"
                )
            elif found < newest:
                self._migrate(writer, found, newest, migrations)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        return writer

    def _migrate(
        self, writer: sqlite3.Connection, found: int, newest: int, migrations: Mapping[int, schema.Migration]
    ) -> None:
        """Step by step to the newest format, with a copy of what was there kept beside it."""
        kept = self.path.with_name(f"{self.path.name}.format-{found}")
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
        log.warning("%s was migrated from format %d to %d; the old one is kept as %s", self.path, found, newest, kept)


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


def _is_of_the_disk(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _wants_room(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def _refusal(error: sqlite3.Error) -> WriteRefusedError:
    """Whether a failed write is for want of room, or because the disk cannot be trusted any more."""
    if _wants_room(error):
        return DiskFullError(f"there is no room on the disk ({error})")
    return StoreStoppedError(str(error))


def _unusable(path: Path, error: sqlite3.Error) -> StoreError:
    if _wants_room(error):
        return StoreError(f"there is no room on the disk for {path}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(f"{path} is damaged ({error}); run `chorale doctor` to see what can be saved")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{path} cannot be written ({error}); its folder must belong to whoever serves it")
    return StoreError(f"{path} cannot be opened: {error}")


def _nothing() -> None:
    return
