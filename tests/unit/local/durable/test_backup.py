import signal
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.account import Account, AccountError
from infra.local.durable.care import backup
from infra.local.durable.care.archive import ArchiveError, write_archive
from infra.local.durable.care.backup import back_up
from infra.local.durable.care.restore import restore
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.folder import DataFolder
from tests.data_folders import BODY, digests, filled_folder, mark_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled_folder(tmp_path / "data")


def test_a_restored_folder_holds_what_the_backup_was_made_of(data: Path, tmp_path: Path) -> None:
    made = back_up(data, tmp_path / "b.tar")
    assert (made.bodies, made.holds_master_key) == (1, True)
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert Account.load(tmp_path / "again") == Account.load(data)
    assert not list((tmp_path / "again").glob("state.db-*"))
    assert mark_of(tmp_path / "again") == b"first"
    (body,) = [file for file in (data / "bodies").iterdir() if len(file.name) == 32]
    assert (tmp_path / "again" / "bodies" / body.name).read_bytes() == body.read_bytes()


def test_a_backup_holds_these_files_and_no_others(data: Path, tmp_path: Path) -> None:
    (data / "server.json").write_text("{}")
    (data / "tls").mkdir()
    (data / "tls" / "key.pem").write_text("private")
    back_up(data, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
    assert [names[0], names[1], *names[-2:]] == ["manifest.json", "state.db", "master.key", "account.json"]
    assert [name.partition("/")[0] for name in names[2:-2]] == ["bodies"]


def test_only_its_owner_can_read_a_backup_or_what_was_restored(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "b.tar")
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o700
    for file in (tmp_path / "again").rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_nothing_readable_of_a_body_is_in_a_backup(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "b.tar")
    assert BODY[:20] not in (tmp_path / "b.tar").read_bytes()


def test_a_backup_leaves_nothing_beside_it_and_changes_nothing_in_the_folder(data: Path, tmp_path: Path) -> None:
    before = digests(data)
    back_up(data, tmp_path / "b.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "data"]
    assert digests(data) == before


def test_a_backup_of_a_folder_in_use_is_of_one_moment(data: Path, tmp_path: Path) -> None:
    folder = DataFolder.open(data)
    with folder.store.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO state VALUES ('mark', ?)", (folder.store.rows.seal(b"2", b"mark"),))
    with folder.store.writing() as connection:
        connection.execute("DELETE FROM state")  # not committed while the backup is made
        back_up(data, tmp_path / "b.tar")
    folder.close()
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert mark_of(tmp_path / "again") == b"2"


def test_a_body_that_is_removed_during_a_backup_is_in_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder.open(data)
    (name,) = folder.bodies.names()

    def remove_it_first(*arguments: Any) -> None:
        with folder.store.writing() as connection:
            connection.execute("DELETE FROM body_file")
        folder.bodies.remove(name)
        write_archive(*arguments)

    monkeypatch.setattr(backup, "write_archive", remove_it_first)
    assert back_up(data, tmp_path / "b.tar").bodies == 1
    folder.close()
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert (tmp_path / "again" / "bodies" / name).exists()


def test_a_backup_replaces_a_file_only_when_told_to(data: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(StoreError, match="--force"):
        back_up(data, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"
    back_up(data, tmp_path / "b.tar", replace=True)
    restore(tmp_path / "b.tar", tmp_path / "again")


def test_a_master_key_outside_the_folder_stays_outside_the_backup(tmp_path: Path) -> None:
    key = tmp_path / "stick" / "key"
    key.parent.mkdir()
    data = filled_folder(tmp_path / "data", master_key=key)
    assert back_up(data, tmp_path / "b.tar").holds_master_key is False
    with pytest.raises(StoreError, match="holds no master key; name the key's file with --master-key"):
        restore(tmp_path / "b.tar", tmp_path / "again")
    other = filled_folder(tmp_path / "other") / "master.key"
    with pytest.raises(StoreError, match="does not open"):
        restore(tmp_path / "b.tar", tmp_path / "again", other)
    assert not (tmp_path / "again").exists()
    restore(tmp_path / "b.tar", tmp_path / "again", key)
    assert mark_of(tmp_path / "again", master_key=key) == b"first"
    assert not (tmp_path / "again" / "master.key").exists()


def test_a_folder_that_cannot_be_backed_up_says_why(data: Path, tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="holds no account"):
        back_up(tmp_path / "nowhere", tmp_path / "b.tar")
    Account.create(tmp_path / "new")
    with pytest.raises(StoreError, match=r"there is no state.db"):
        back_up(tmp_path / "new", tmp_path / "b.tar")
    (body,) = [file for file in (data / "bodies").iterdir() if len(file.name) == 32]
    body.rename(tmp_path / "body")
    with pytest.raises(ArchiveError, match=f"{body.name} is missing"):
        back_up(data, tmp_path / "b.tar")
    (tmp_path / "body").rename(body)
    (data / "master.key").write_bytes((filled_folder(tmp_path / "other") / "master.key").read_bytes())
    with pytest.raises(
        StoreError, match=f"the master key {data}/master.key does not open this data folder; `chorale doc"
    ):
        back_up(data, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_a_damaged_database_is_not_backed_up(data: Path, tmp_path: Path) -> None:
    content = bytearray((data / "state.db").read_bytes())
    content[4096 + 8 : 4096 + 600] = bytes(592)
    (data / "state.db").write_bytes(content)
    with pytest.raises(DamagedError, match="chorale doctor"):
        back_up(data, tmp_path / "b.tar")


def test_a_restore_wants_an_empty_or_a_new_folder(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "b.tar")
    before = digests(data)
    with pytest.raises(StoreError, match="not empty"):
        restore(tmp_path / "b.tar", data)
    assert digests(data) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="not empty"):
        restore(tmp_path / "b.tar", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "b.tar", tmp_path / "empty")
    assert mark_of(tmp_path / "empty") == b"first"
    restore(tmp_path / "b.tar", tmp_path / "deep" / "down")
    assert mark_of(tmp_path / "deep" / "down") == b"first"


def test_a_restore_that_the_disk_has_no_room_for_is_refused_first(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(data, tmp_path / "b.tar")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreError, match="1,000 free"):
        restore(tmp_path / "b.tar", tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "data"]


def test_a_restore_that_is_killed_has_made_no_folder(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "b.tar")
    program = (
        "import time\nfrom pathlib import Path\nfrom infra.local.durable.care import restore\n"
        "def stop(*_): print('unpacked', flush=True); time.sleep(60)\n"
        "restore.check_unpacked = stop\n"
        f"restore.restore(Path({str(tmp_path / 'b.tar')!r}), Path({str(tmp_path / 'again')!r}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "unpacked\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "again").exists()
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert mark_of(tmp_path / "again") == b"first"


def test_writes_go_on_while_a_backup_is_made(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder.open(data)
    written = []

    def write_meanwhile(*arguments: Any) -> None:
        with folder.store.writing() as connection:
            connection.execute("INSERT INTO state VALUES ('more', x'00')")
        written.append(True)
        write_archive(*arguments)

    monkeypatch.setattr(backup, "write_archive", write_meanwhile)
    back_up(data, tmp_path / "b.tar")
    folder.close()
    assert written == [True]
