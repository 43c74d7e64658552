"""One SQLite file that many threads write, each write on the disk before it is acknowledged.

SQLite has one writer at a time. Writers take turns on one connection, each inside a savepoint; whoever finds nobody
waiting behind commits for all who came before (group commit), and nobody's `writing()` ends before that. A commit is
an fsync of the write-ahead log (synchronous=FULL), so what was acknowledged survives a power cut.

Readers have connections of their own and see what was committed at their first read, without waiting for anyone.

A commit that fails takes back every write in it: all of them raise WriteRefusedError, after `on_rollback` had its
turn to bring memory back to what is on the disk.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.durable import schema
from infra.local.durable.database_file import open_database, wants_room
from infra.local.durable.errors import DiskFullError, StoreStoppedError, WriteRefusedError
from infra.local.durable.keyring import OBJECTS, ROWS, MasterKey, Sealer

log = logging.getLogger(__name__)

DATABASE_FILE = "state.db"

_LARGEST_GROUP = 128  # writes in one commit
_LONG_LOG = 64 * 2**20  # bytes of the write-ahead log that readers are waited for to end
_READER_CACHE = -2_000  # KiB, negative as SQLite wants it
_KEPT_READERS = 8

Undo = Callable[[], None]


class _Group:
    """Writes that are committed together."""

    __slots__ = ("done", "error", "size")

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
        self._writer = open_database(self.path, master, migrations, newest)
        self._log = self.path.with_name(f"{DATABASE_FILE}-wal")
        self._long_log = _LONG_LOG
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
        """Commit what waits for it, fold the write-ahead log into the database and close it."""
        with self._turn:
            if self._group is not None:
                self._commit(self._group)
            self._stopped = True
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

        For reads of what is kept in memory: they must not tell of a write that may still be taken back. The rows that
        a `reading()` inside sees are as new as memory is: the writer's.
        """
        mine = self._mine
        outer = mine.is_quiet, mine.connection
        with self._turn:
            mine.is_quiet, mine.connection = True, self._writer
            try:
                yield
            finally:
                mine.is_quiet, mine.connection = outer
            group = self._group
        if group is not None and not self.is_writing and not mine.is_quiet:
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
        try:
            self._turn.acquire()
        finally:
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
            raise StoreStoppedError("nothing is written until the next start")
        if self._group is None:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise _refusal(error) from error
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
        elif self._waiting == 0 or group.size >= _LARGEST_GROUP or self._stopped:  # then nobody else would commit it
            self._commit(group)
            self._shorten_log()

    def _commit(self, group: _Group) -> None:
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._take_back(group, _refusal(error))
        else:
            self._group = None
            group.done.set()

    def _shorten_log(self) -> None:
        """Begin the write-ahead log anew when it has become long, waiting for the readings in it to end.

        SQLite does so by itself when nobody reads; where readings overlap without end, the log would grow without end.
        """
        size = self._log.stat().st_size
        if size < self._long_log:
            return
        try:
            ((busy, _, _),) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            log.warning("the write-ahead log could not be folded into the database: %s", error)
            busy = True
        # Where a reading took longer than SQLite waits, writers are not held up for it again at once.
        self._long_log = size + _LONG_LOG if busy else _LONG_LOG

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


def _is_of_the_disk(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _refusal(error: sqlite3.Error) -> WriteRefusedError:
    """Whether a failed write is for want of room, or because the disk cannot be trusted any more."""
    if wants_room(error):
        return DiskFullError(f"there is no room on the disk ({error})")
    return StoreStoppedError(str(error))


def _nothing() -> None:
    return
