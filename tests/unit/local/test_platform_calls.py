import errno
import os
import stat
import subprocess
import sys
import threading

import pytest

from infra.local.platform_calls import (
    FileLock,
    FolderInUseError,
    FolderLock,
    make_private_folder,
    process_runs,
    usable_processors,
    write_private_file,
)

HOLD_LOCK = """
import sys, time
from pathlib import Path
from infra.local.platform_calls import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_lock_on_a_folder_is_refused_and_names_the_holder(tmp_path):
    with FolderLock(tmp_path), pytest.raises(FolderInUseError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path)


def test_a_lock_that_was_released_can_be_taken_again(tmp_path):
    FolderLock(tmp_path).release()
    FolderLock(tmp_path).release()


def test_a_lock_is_held_on_a_full_disk_too(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with FolderLock(tmp_path), pytest.raises(FolderInUseError, match="process unknown"):
        FolderLock(tmp_path)


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD_LOCK, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUseError, match=f"process {holder.pid}"):
            FolderLock(tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    with FolderLock(tmp_path):
        pass


def test_a_lock_that_others_share_is_not_to_be_had_alone(tmp_path):
    one, other = FileLock(tmp_path / "held"), FileLock(tmp_path / "held")
    with one.shared(), other.shared(), other.alone() as alone:
        assert not alone
    with one.alone() as alone, other.alone() as other_alone:
        assert alone
        assert not other_alone
    with other.alone() as alone:
        assert alone


def test_whoever_shares_a_lock_waits_until_nobody_holds_it_alone(tmp_path):
    lock = FileLock(tmp_path / "held")
    order = []

    def share():
        with FileLock(tmp_path / "held").shared():
            order.append("shared")

    waiting = threading.Thread(target=share)
    with lock.alone():
        waiting.start()
        waiting.join(0.1)
        order.append("given back")
    waiting.join(30)
    assert order == ["given back", "shared"]


def test_a_folder_becomes_private_unless_it_holds_something(tmp_path):
    new, empty, used = tmp_path / "a" / "new", tmp_path / "empty", tmp_path / "used"
    for folder in (empty, used):
        folder.mkdir()
        folder.chmod(0o755)
    (used / "letter").touch()
    for folder in (new, empty, used):
        make_private_folder(folder)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (new, empty, used)] == [0o700, 0o700, 0o755]


def test_a_process_runs_until_it_has_ended():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_runs(process.pid)
    process.communicate()
    assert not process_runs(process.pid)


def test_a_private_file_is_whole_and_only_its_owners(tmp_path):
    path = tmp_path / "secret"
    write_private_file(path, b"one")
    write_private_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    write_private_file(path, b"old")

    def no_space(_descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr("infra.local.platform_calls.sync_file", no_space)
    with pytest.raises(OSError, match="no space"):
        write_private_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_had_begun_is_removed_and_nothing_else(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    begun = [f"key.{ended.pid}.new", f"key.{os.getpid()}.new"]
    others = [f"key.{os.getppid()}.new", "key.new", "key.x.new", f"other.{ended.pid}.new"]
    for name in (*begun, *others):
        (tmp_path / name).write_bytes(b"a secret")
    write_private_file(tmp_path / "key", b"whole")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["key", *others])


def test_a_process_bound_to_one_processor_may_use_one():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system binds no process to a processor")
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_without_affinity_all_processors_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert usable_processors() == 12
