"""A torn end heals, a damaged middle is noticed: on logs that SQLite itself wrote."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from infra.local.durable.wal import State, examine_log

HEADER = 32
FRAME = 24 + 4096
BLOCK = 4096


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of six writes of several pages each, copied while the database was open."""
    database = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    for number in range(5):
        database.execute("INSERT INTO t VALUES (?, ?)", (number, bytes([number + 1]) * 9000))
    copy = tmp_path / "state.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{tmp_path}/live.db{suffix}", f"{copy}{suffix}")
    database.close()
    return Path(f"{copy}-wal")


def commits(log: Path) -> list[int]:
    """The indices of the frames that end a write."""
    content = log.read_bytes()
    starts = range(HEADER, len(content), FRAME)
    return [index for index, at in enumerate(starts) if any(content[at + 4 : at + 8])]


def flip(log: Path, offset: int) -> None:
    content = bytearray(log.read_bytes())
    content[offset] ^= 0x40
    log.write_bytes(content)


def rows_that_sqlite_takes(log: Path) -> int:
    database = sqlite3.connect(str(log).removesuffix("-wal"))
    try:
        return database.execute("SELECT count(*) FROM t").fetchone()[0]
    except sqlite3.OperationalError:  # not even the table
        return 0
    finally:
        database.close()


def test_a_log_as_sqlite_wrote_it_is_sound(log: Path) -> None:
    report = examine_log(log)
    assert report.state is State.SOUND
    assert report.frames == (log.stat().st_size - HEADER) // FRAME > 10
    assert len(commits(log)) == 6


def test_no_log_is_sound(tmp_path: Path) -> None:
    assert examine_log(tmp_path / "absent").state is State.SOUND
    (tmp_path / "empty").write_bytes(b"")
    assert examine_log(tmp_path / "empty").state is State.SOUND


def test_a_log_cut_anywhere_in_its_last_write_is_only_torn(log: Path) -> None:
    whole = log.read_bytes()
    last_write = HEADER + (commits(log)[-2] + 1) * FRAME
    for end in (last_write, last_write + 1, last_write + FRAME + 500, len(whole) - 1):
        log.write_bytes(whole[:end])
        assert examine_log(log).state is not State.DAMAGED
        assert rows_that_sqlite_takes_of_a_copy(log) == 4


def rows_that_sqlite_takes_of_a_copy(log: Path) -> int:
    folder = log.parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(str(log).removesuffix("-wal") + suffix, folder / f"state.db{suffix}")
    return rows_that_sqlite_takes(folder / "state.db-wal")


def test_a_last_write_that_reached_the_disk_out_of_order_is_torn(log: Path) -> None:
    first_of_last = commits(log)[-2] + 1
    flip(log, HEADER + first_of_last * FRAME + 24 + 100)
    report = examine_log(log)
    assert report.state is State.TORN
    assert report.damage_at == HEADER + first_of_last * FRAME


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_last_write_of_which_any_block_did_not_reach_the_disk_is_torn(tmp_path: Path, is_reused: bool) -> None:
    """Of a power cut nothing is left where a block was not written: nothing at all, or the log of before."""
    database = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    for number in range(20):
        database.execute("INSERT INTO t VALUES (?, ?)", (number, b"x" * 9000))
    if is_reused:
        database.execute("PRAGMA wal_checkpoint(RESTART)")
        database.execute("INSERT INTO t VALUES (100, 'y')")
    log = tmp_path / "state.db-wal"
    before = log.read_bytes()
    synced = examine_log(log).frames
    database.execute("INSERT INTO t VALUES (101, ?)", (b"z" * 20_000,))
    after = log.read_bytes()
    written = examine_log(log).frames
    assert written > synced + 3, "a write of several pages"
    database.close()
    first, end = HEADER + synced * FRAME, HEADER + written * FRAME
    for block in range(first // BLOCK, -(-end // BLOCK)):
        torn = bytearray(after)
        lost = slice(block * BLOCK, min((block + 1) * BLOCK, len(after)))
        torn[lost] = before[lost].ljust(lost.stop - lost.start, b"\0")
        log.write_bytes(torn)
        report = examine_log(log)
        assert report.state is State.TORN, f"the block {block}"
        assert synced <= report.frames < written


@pytest.mark.parametrize("within_frame", [0, 4, 8, 12, 16, 20, 24, 3000])
@pytest.mark.parametrize("write", [0, 2, 4])
def test_a_changed_byte_before_the_last_write_is_damage(log: Path, write: int, within_frame: int) -> None:
    frame = commits(log)[write]
    flip(log, HEADER + frame * FRAME + within_frame)
    report = examine_log(log)
    assert report.state is State.DAMAGED
    assert report.damage_at == HEADER + frame * FRAME
    assert report.lost_commits >= 1 or write == 4
    assert rows_that_sqlite_takes(log) < 5, "SQLite itself says nothing"


def test_a_damaged_header_is_damage(log: Path) -> None:
    for offset in (0, 8, 16, 24):
        flip(log, offset)
        assert examine_log(log).state is State.DAMAGED
        flip(log, offset)


def test_frames_of_an_older_log_behind_the_end_are_no_damage(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    for number in range(20):
        database.execute("INSERT INTO t VALUES (?, ?)", (number, b"x" * 9000))
    database.execute("PRAGMA wal_checkpoint(RESTART)")
    database.execute("INSERT INTO t VALUES (100, 'y')")
    report = examine_log(tmp_path / "state.db-wal")
    assert report.state is State.SOUND
    assert 0 < report.frames < 10
    database.close()
