"""Hand-made traces: the analysis passes a sound server and catches every sync that is missing or comes too late."""

from pathlib import Path

import pytest
from syscalls import Exchange, created_names, exchanges, is_name_synced, problems, read_calls, renamed_bodies

DATA = Path("/data")
SOCKET = "17<TCP:[127.0.0.1:4242->127.0.0.1:40000]>"
REQUEST = f'7 read({SOCKET}, "PUT /b/k HTTP/1.1\\r\\nUser-Agent: me\\r\\n\\r\\n", 256000) = 60'
CONTINUE = f'7 write({SOCKET}, "HTTP/1.1 100 Continue\\r\\n\\r\\n", 25) = 25'
WRITE_LOG = '8 pwrite64(9</data/state.db-wal>, "\\0\\1\\"", 4096, 32) = 4096'
SYNC_LOG = "8 fdatasync(9</data/state.db-wal>) = 0"
WRITE_BODY = '9 write(11</data/bodies/abc.new>, "\\27..."..., 65536) = 65536'
SYNC_BODY = "9 fsync(11</data/bodies/abc.new>) = 0"
NAME_BODY = '9 rename("/data/bodies/abc.new", "/data/bodies/abc") = 0'
SYNC_NAMES = "9 fsync(12</data/bodies>) = 0"
ANSWER = f'7 write({SOCKET}, "HTTP/1.1 200 OK\\r\\n\\r\\n", 19) = 19'

SMALL = [REQUEST, WRITE_LOG, SYNC_LOG, ANSWER]
LARGE = [REQUEST, CONTINUE, WRITE_BODY, WRITE_BODY, SYNC_BODY, NAME_BODY, SYNC_NAMES, WRITE_LOG, SYNC_LOG, ANSWER]


def only_exchange(lines: list[str]) -> Exchange:
    (found,) = exchanges(read_calls(lines))
    return found


def problems_of(lines: list[str]) -> list[str]:
    return problems(only_exchange(lines), DATA)


@pytest.mark.parametrize("lines", [SMALL, LARGE], ids=["small", "large"])
def test_a_sound_write_is_passed(lines: list[str]) -> None:
    assert problems_of(lines) == []


def test_an_exchange_tells_of_its_request_and_its_answer() -> None:
    exchange = only_exchange(LARGE)
    assert exchange.head.startswith("PUT /b/k HTTP/1.1")
    assert "me" in exchange.head
    assert (exchange.status, exchange.received, exchange.answered) == (200, 0, len(LARGE) - 1)
    assert len(renamed_bodies(exchange, DATA)) == 1


@pytest.mark.parametrize("missing", [WRITE_LOG, SYNC_LOG])
def test_a_write_without_its_log_on_the_disk_is_caught(missing: str) -> None:
    assert len(problems_of([line for line in SMALL if line != missing])) == 1


@pytest.mark.parametrize("missing", [SYNC_BODY, SYNC_NAMES])
def test_a_body_without_one_of_its_syncs_is_caught(missing: str) -> None:
    assert len(problems_of([line for line in LARGE if line != missing])) == 1


@pytest.mark.parametrize("late", [SYNC_LOG, SYNC_NAMES])
def test_a_sync_after_the_answer_is_caught(late: str) -> None:
    assert len(problems_of([*(line for line in LARGE if line != late), late])) == 1


def test_a_log_that_is_written_again_after_its_sync_is_caught() -> None:
    assert len(problems_of([REQUEST, WRITE_LOG, SYNC_LOG, WRITE_LOG, ANSWER])) == 1


def test_a_body_that_is_written_again_after_its_sync_is_caught() -> None:
    lines = [REQUEST, WRITE_BODY, SYNC_BODY, WRITE_BODY, NAME_BODY, SYNC_NAMES, WRITE_LOG, SYNC_LOG, ANSWER]
    assert problems_of(lines) == ["the body abc got its name before its content was synced"]


def test_a_body_that_is_named_before_its_sync_is_caught() -> None:
    lines = [REQUEST, WRITE_BODY, NAME_BODY, SYNC_BODY, SYNC_NAMES, WRITE_LOG, SYNC_LOG, ANSWER]
    assert problems_of(lines) == ["the body abc got its name before its content was synced"]


def test_a_row_that_is_written_before_its_body_is_caught() -> None:
    lines = [REQUEST, WRITE_LOG, SYNC_LOG, WRITE_BODY, SYNC_BODY, NAME_BODY, SYNC_NAMES, ANSWER]
    assert problems_of(lines) == ["the row of the body abc was written before the body's name was synced"]


def test_a_sync_that_fails_is_none() -> None:
    failed = "8 fdatasync(9</data/state.db-wal>) = -1 EIO (Input/output error)"
    assert len(problems_of([failed if line == SYNC_LOG else line for line in SMALL])) == 1


def test_a_sync_of_another_file_is_none() -> None:
    other = "8 fdatasync(9</data/state.db>) = 0"
    assert len(problems_of([other if line == SYNC_LOG else line for line in SMALL])) == 1


BEGUN = "8 fdatasync(9</data/state.db-wal> <unfinished ...>"
ENDED = "8 <... fdatasync resumed>) = 0"


def test_a_sync_that_ends_before_the_answer_counts_when_other_threads_interrupt_it() -> None:
    assert problems_of([REQUEST, WRITE_LOG, BEGUN, '5 write(1<pipe:[1]>, "x", 1) = 1', ENDED, ANSWER]) == []


def test_a_sync_that_ends_after_the_answer_is_caught() -> None:
    assert len(problems_of([REQUEST, WRITE_LOG, BEGUN, ANSWER, ENDED])) == 1


def test_a_sync_that_begins_before_the_write_has_ended_is_caught() -> None:
    begun, ended = '6 pwrite64(9</data/state.db-wal>, "", 4096, 32 <unfinished ...>', "6 <... pwrite64 resumed>) = 4096"
    assert len(problems_of([REQUEST, begun, BEGUN, ended, ENDED, ANSWER])) == 1


def test_requests_on_one_socket_are_told_apart() -> None:
    first, second = exchanges(read_calls([*SMALL, REQUEST, ANSWER]))
    assert problems(first, DATA) == []
    assert problems(second, DATA) == ["nothing was written to the write-ahead log before the answer"]


CREATE_LOG = '8 openat(AT_FDCWD</>, "/data/state.db-wal", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 9</data/state.db-wal>'
SYNC_FOLDER = "8 fsync(13</data>) = 0"


def test_a_new_file_whose_name_is_not_on_the_disk_is_caught() -> None:
    for lines, well in ([CREATE_LOG, SYNC_FOLDER, ANSWER], True), ([SYNC_FOLDER, CREATE_LOG, ANSWER], False):
        calls = read_calls(lines)
        created = created_names(calls, 2, DATA)
        assert list(created) == ["state.db-wal"]
        assert is_name_synced(calls, created["state.db-wal"], 2, DATA) is well


def test_a_file_that_is_renamed_is_made_anew() -> None:
    assert created_names(read_calls(['8 rename("/data/k.new", "/data/k") = 0', ANSWER]), 1, DATA) == {"k": 0}
