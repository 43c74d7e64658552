"""A data folder opened as a whole, or refused with a sentence that says what to do."""

import logging
import os
import shutil
import stat
from pathlib import Path

import pytest

from infra.local.account import Account
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.folder import DataFolder


def write(folder: DataFolder, *services: str) -> None:
    for service in services:
        with folder.store.writing() as connection:
            connection.execute("INSERT INTO state VALUES (?, ?)", (service, b"x" * 9000))


def read(folder: DataFolder) -> list[str]:
    with folder.store.reading() as connection:
        return [service for (service,) in connection.execute("SELECT service FROM state ORDER BY service")]


def crashed(folder: DataFolder, copy: Path) -> Path:
    """The folder as a crash at this moment leaves it, with its write-ahead log."""
    shutil.copytree(folder.path, copy)
    return copy


def test_a_folder_is_made_with_private_files_and_opened_again(tmp_path: Path) -> None:
    made = DataFolder.open(tmp_path / "data")
    write(made, "iam")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.path.iterdir() if path.is_file()}
    assert set(modes) >= {"account.json", "master.key", "state.db", "state.db-wal"}
    assert set(modes.values()) == {0o600}
    made.close()
    again = DataFolder.open(tmp_path / "data")
    assert (again.account, read(again)) == (made.account, ["iam"])
    again.close()


def test_a_folder_of_a_version_that_kept_nothing_gets_a_database(tmp_path: Path) -> None:
    account = Account.create(tmp_path / "data")
    folder = DataFolder.open(tmp_path / "data")
    assert folder.account == account
    folder.close()


def test_a_database_behind_a_link_is_refused_and_a_folder_behind_one_is_not(tmp_path: Path) -> None:
    DataFolder.open(tmp_path / "data").close()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    DataFolder.open(tmp_path / "link").close()
    (tmp_path / "data" / "state.db").rename(tmp_path / "elsewhere.db")
    (tmp_path / "data" / "state.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match=r"data/state\.db is a symbolic link"):
        DataFolder.open(tmp_path / "data")


def test_the_master_key_can_live_elsewhere(tmp_path: Path) -> None:
    key = tmp_path / "stick.key"
    DataFolder.open(tmp_path / "data", key).close()
    assert key.exists()
    assert not (tmp_path / "data" / "master.key").exists()
    DataFolder.open(tmp_path / "data", key).close()
    with pytest.raises(StoreError, match=r"master\.key is missing; put it back, or name it with --master-key"):
        DataFolder.open(tmp_path / "data")
    key.unlink()
    with pytest.raises(StoreError, match=r"stick\.key is missing"):
        DataFolder.open(tmp_path / "data", key)
    assert not key.exists(), "no new key is made for what an old one protects"


def test_no_new_account_is_made_over_what_an_old_one_holds(tmp_path: Path) -> None:
    DataFolder.open(tmp_path / "data").close()
    (tmp_path / "data" / "account.json").unlink()
    with pytest.raises(StoreError, match=r"account\.json is missing"):
        DataFolder.open(tmp_path / "data")
    assert not (tmp_path / "data" / "account.json").exists()


def test_after_a_crash_everything_acknowledged_is_there(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    write(folder, "iam", "kms")
    after = DataFolder.open(crashed(folder, tmp_path / "after"))
    assert read(after) == ["iam", "kms"]
    after.close()
    folder.close()


def test_a_torn_end_heals_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = DataFolder.open(tmp_path / "data")
    write(folder, "iam", "kms")
    copy = crashed(folder, tmp_path / "after")
    folder.close()
    log = copy / "state.db-wal"
    damaged = bytearray(log.read_bytes())
    damaged[-2000] ^= 1
    log.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        after = DataFolder.open(copy)
    assert "was not completely written" in caplog.text
    assert read(after) == ["iam"]
    after.close()


def test_a_damaged_middle_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    write(folder, "iam", "kms", "logs")
    copy = crashed(folder, tmp_path / "after")
    folder.close()
    log = copy / "state.db-wal"
    damaged = bytearray(log.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    log.write_bytes(damaged)
    with pytest.raises(DamagedError, match=r"damaged at byte \d+, with \d+ acknowledged writes .*chorale doctor"):
        DataFolder.open(copy)
    assert log.read_bytes() == damaged


def test_damaged_pages_are_noticed_before_the_first_write(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    write(folder, *(f"service {number}" for number in range(50)))
    folder.close()
    database = tmp_path / "data" / "state.db"
    content = bytearray(database.read_bytes())
    pages = len(content) // 4096
    for page in range(pages // 2, pages):
        content[page * 4096 : page * 4096 + 100] = os.urandom(100)
    database.write_bytes(content)
    with pytest.raises(DamagedError, match="chorale doctor"):
        DataFolder.open(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where nobody may")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    DataFolder.open(tmp_path / "data").close()
    for path in (tmp_path / "data").iterdir():
        path.chmod(0o400)
    with pytest.raises((StoreError, PermissionError)):
        DataFolder.open(tmp_path / "data")
