"""The store: whole writes or none, group commit, what readers see, a disk that is full."""

import sqlite3
import threading
from pathlib import Path

import pytest

from infra.local.durable import store as store_module
from infra.local.durable.errors import (
    DiskFullError,
    StoreStoppedError,
    WriteRefusedError,
)
from infra.local.durable.keyring import MasterKey
from infra.local.durable.store import Store


def put(store: Store, service: str, content: bytes = b"x") -> None:
    store.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (service, content))


def fail_after_writing(store: Store, service: str) -> None:
    with store.writing():
        put(store, service)
        raise KeyError


def services(store: Store) -> list[str]:
    with store.reading() as connection:
        return [name for (name,) in connection.execute("SELECT service FROM state ORDER BY service")]


def put_alone(store: Store, service: str) -> None:
    with store.writing():
        put(store, service)


def left_uncommitted(store: Store, service: str) -> threading.Thread:
    """A writer that waits for its commit, as behind it somebody else seems to wait for a turn."""
    store._waiting += 1
    writer = threading.Thread(target=put_alone, args=(store, service), daemon=True)
    writer.start()
    while store._group is None or not store._group.size:
        writer.join(0.001)
    return writer


def test_an_exception_takes_back_its_own_write_and_goes_on(store: Store) -> None:
    with store.writing():
        put(store, "iam")
    with pytest.raises(KeyError):
        fail_after_writing(store, "kms")
    assert services(store) == ["iam"]


def test_a_nested_write_is_taken_back_alone(store: Store) -> None:
    with store.writing():
        put(store, "iam")
        with pytest.raises(KeyError):
            fail_after_writing(store, "kms")
        with store.writing():
            put(store, "logs")
    assert services(store) == ["iam", "logs"]


def test_what_a_failed_write_did_elsewhere_is_undone_when_its_rows_are(store: Store) -> None:
    seen: list[list[str]] = []
    with store.writing():
        put(store, "iam")
        with pytest.raises(KeyError), store.writing(undo=lambda: seen.append(services(store))):
            fail_after_writing(store, "kms")
        with store.writing(undo=lambda: seen.append(["not needed"])):
            put(store, "logs")
    assert seen == [["iam"]]


def test_a_reader_sees_nothing_of_a_write_in_progress(store: Store) -> None:
    seen: list[list[str]] = []
    with store.writing():
        put(store, "iam")
        reader = threading.Thread(target=lambda: seen.append(services(store)))
        reader.start()
        reader.join(10)
        assert services(store) == ["iam"], "the writer itself sees it"
    assert seen == [[]]
    assert services(store) == ["iam"]


def test_a_reading_stays_with_what_it_began_with(store: Store) -> None:
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM state").fetchone() == (0,)

        def write() -> None:
            with store.writing():
                put(store, "iam")

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(10)
        assert connection.execute("SELECT count(*) FROM state").fetchone() == (0,)
    assert services(store) == ["iam"]


def test_writers_that_wait_share_a_commit_and_each_write_is_there_when_it_is_acknowledged(store: Store) -> None:
    commits: list[str] = []
    store._writer.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    problems: list[str] = []

    def write(worker: int) -> None:
        for number in range(25):
            name = f"{worker}-{number}"
            with store.writing():
                put(store, name)
            if name not in services(store):
                problems.append(name)

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not problems
    assert len(services(store)) == 200
    assert len(commits) < 200


def test_a_quiet_reader_waits_for_the_writes_before_it(store: Store) -> None:
    """A group is left open while a writer waits; a reader of memory must not answer before it is on the disk."""
    order: list[str] = []
    first_is_in, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with store.writing():
            put(store, "iam")
            first_is_in.set()
            go_on.wait(10)
        order.append("acknowledged")

    thread = threading.Thread(target=first)
    thread.start()
    first_is_in.wait(10)
    reader_done = threading.Event()

    def read() -> None:
        with store.quiet():
            pass
        reader_done.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert not reader_done.wait(0.05)
    go_on.set()
    thread.join(10)
    reader.join(10)
    assert reader_done.is_set()
    assert services(store) == ["iam"]


def test_rows_are_as_new_as_memory_for_a_quiet_reader(store: Store) -> None:
    """A reader between two writers of one group must not find rows missing that memory already tells of."""
    left_uncommitted(store, "iam")
    seen: list[list[str]] = []

    def read() -> None:
        with store.quiet():
            found = services(store)
        seen.append(found)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(0.05)
    assert reader.is_alive(), "nothing is told before it is on the disk"
    store._waiting -= 1
    put_alone(store, "kms")
    reader.join(10)
    assert seen == [["iam"]]


def test_closing_commits_what_waits_for_it(tmp_path: Path, master: MasterKey, store: Store) -> None:
    writer = left_uncommitted(store, "iam")
    store.close()
    writer.join(10)
    assert not writer.is_alive(), "it is told that its write is on the disk"
    with pytest.raises(StoreStoppedError):
        put_alone(store, "kms")
    again = Store(tmp_path, master)
    assert services(again) == ["iam"]
    again.close()


def test_a_full_disk_refuses_the_write_keeps_the_rest_and_recovers(store: Store) -> None:
    undone: list[int] = []
    store.on_rollback = lambda: undone.append(1)
    with store.writing():
        put(store, "iam")
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DiskFullError), store.writing():
        put(store, "large", b"x" * 40_000)
    assert undone == [1]
    assert services(store) == ["iam"]
    store._writer.execute("PRAGMA max_page_count=1073741823")
    with store.writing():
        put(store, "kms")
    assert services(store) == ["iam", "kms"]


class FailingDisk:
    """The writer's connection on a disk that fails at one kind of statement."""

    def __init__(self, genuine: sqlite3.Connection, code: int, at: str = "COMMIT") -> None:
        self.genuine = genuine
        self.code = code
        self.at = at

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        if sql.startswith(self.at):
            error = sqlite3.OperationalError("the disk fails")
            error.sqlite_errorcode = self.code
            raise error
        return self.genuine.execute(sql, *arguments)  # type: ignore[arg-type]

    @property
    def in_transaction(self) -> bool:
        return self.genuine.in_transaction


def test_a_disk_that_is_full_at_the_commit_refuses_everyone_in_it_and_recovers(store: Store) -> None:
    genuine = store._writer
    store._writer = FailingDisk(genuine, sqlite3.SQLITE_FULL)  # type: ignore[assignment]
    refused: list[int] = []

    def write(number: int) -> None:
        try:
            with store.writing():
                put(store, f"refused {number}")
        except DiskFullError:
            refused.append(number)

    workers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    store._writer = genuine
    assert sorted(refused) == list(range(8))
    with store.writing():
        put(store, "iam")
    assert services(store) == ["iam"]


def test_after_a_failed_fsync_nothing_is_written_until_the_next_start(store: Store) -> None:
    with store.writing():
        put(store, "iam")
    genuine = store._writer
    store._writer = FailingDisk(genuine, sqlite3.SQLITE_IOERR_FSYNC)  # type: ignore[assignment]
    with pytest.raises(StoreStoppedError), store.writing():
        put(store, "kms")
    store._writer = genuine
    with pytest.raises(StoreStoppedError), store.writing():
        put(store, "logs")
    assert services(store) == ["iam"]


def test_a_disk_that_fails_before_the_first_row_refuses_the_write(store: Store) -> None:
    genuine = store._writer
    store._writer = FailingDisk(genuine, sqlite3.SQLITE_IOERR_READ, "BEGIN")  # type: ignore[assignment]
    with pytest.raises(WriteRefusedError), store.writing():
        put(store, "iam")
    store._writer = genuine
    assert services(store) == []


def test_a_mistake_in_a_statement_is_no_trouble_with_the_disk(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), store.writing() as connection:
        connection.execute("SELECT * FROM absent")
    with store.writing():
        put(store, "iam")


def test_the_log_stays_short_while_somebody_is_always_reading(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    megabyte = 2**20
    monkeypatch.setattr(store, "_long_log", 4 * megabyte)
    monkeypatch.setattr(store_module, "_LONG_LOG", 4 * megabyte)
    done = threading.Event()

    def read(seconds: float) -> None:
        while not done.is_set():
            with store.reading() as connection:
                connection.execute("SELECT count(*) FROM state").fetchone()
                done.wait(seconds)

    readers = [threading.Thread(target=read, args=(seconds,)) for seconds in (0.02, 0.023, 0.027, 0.031)]
    for reader in readers:
        reader.start()
    for number in range(32):
        with store.writing():
            put(store, str(number % 4), bytes(megabyte))
    done.set()
    for reader in readers:
        reader.join(10)
    assert store._log.stat().st_size < 16 * megabyte, "32 were written"


def test_a_write_inside_a_quiet_reading_is_a_mistake_rather_than_a_deadlock(store: Store) -> None:
    with store.quiet(), pytest.raises(AssertionError, match="wait for itself"), store.writing():
        pass
    with store.writing():
        put(store, "iam")


def test_memory_that_cannot_be_brought_back_ends_all_writing(store: Store) -> None:
    def fall_over() -> None:
        raise RuntimeError

    with pytest.raises(KeyError), store.writing(undo=fall_over):
        raise KeyError
    with pytest.raises(StoreStoppedError), store.writing():
        put(store, "iam")


def test_memory_that_cannot_be_brought_back_leaves_nobody_of_its_group_waiting(store: Store) -> None:
    first_is_in = threading.Event()
    ended: list[str] = []

    def fall_over() -> None:
        raise RuntimeError

    def first() -> None:
        with store.writing():
            put(store, "iam")
            first_is_in.set()
            while store._waiting < 2:  # the group stays open for those who wait behind it
                threading.Event().wait(0.001)
        ended.append("first")

    def later() -> None:
        first_is_in.wait(10)
        with pytest.raises((KeyError, StoreStoppedError)), store.writing(undo=fall_over):
            raise KeyError
        ended.append("later")

    threads = [threading.Thread(target=work, daemon=True) for work in (first, later, later)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(ended) == ["first", "later", "later"]
    assert services(store) == ["iam"]


def test_a_write_that_fails_for_what_another_wrote_is_told_so_when_that_is_on_the_disk(store: Store) -> None:
    """Writers of one group: some are refused because of the first, whose commit they must not run ahead of."""
    first_is_in = threading.Event()
    seen: list[list[str]] = []

    def first() -> None:
        with store.writing():
            put(store, "iam")
            first_is_in.set()
            while store._waiting < 3:  # the group stays open for those who wait behind it
                threading.Event().wait(0.001)

    def refused() -> None:
        first_is_in.wait(10)
        try:
            fail_after_writing(store, "kms")
        except KeyError:
            seen.append(services(store))

    threads = [threading.Thread(target=work) for work in (first, refused, refused, refused)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [["iam"]] * 3
