"""The doctor on folders whose keys or account do not fit, that are in use, or that are none."""

from pathlib import Path

import pytest

from infra.local.account import Account
from infra.local.durable.care.doctor import diagnose, exit_status, repair
from infra.local.durable.care.findings import Finding, Severity
from infra.local.durable.care.rotation import rotate_master
from infra.local.durable.errors import StoreError
from infra.local.durable.folder import DataFolder
from infra.local.platform_calls import FolderInUseError, FolderLock
from tests.integration.durable.small_world import SmallWorld


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a user in it."""
    path = tmp_path / "data"
    world = SmallWorld(path)
    world.client("iam").create_user(UserName="ada")
    world.close()
    return path


def told(findings: list[Finding]) -> str:
    return "\n".join(map(str, findings))


def test_keys_and_accounts_that_do_not_fit_are_told_as_such(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    DataFolder.open(other).close()
    findings = diagnose(data, other / "master.key")
    assert exit_status(findings) == 2
    assert "does not open this data folder" in told(findings)
    (data / "master.key").rename(tmp_path / "key")
    assert "is missing; put it back, or name it with --master-key" in told(diagnose(data))
    assert diagnose(data, tmp_path / "key") == []
    (data / "account.json").write_text("{}")
    assert "fatal: account.json: " in told(diagnose(data, tmp_path / "key"))
    assert exit_status(repair(data, tmp_path / "key").left) == 2
    (data / "account.json").unlink()
    assert "account.json: it is missing, and state.db belongs to it" in told(diagnose(data))


def test_a_key_that_is_none_is_told_before_there_is_a_database(tmp_path: Path) -> None:
    Account.create(tmp_path)
    (tmp_path / "master.key").write_text("no key")
    (found,) = diagnose(tmp_path)
    assert (found.severity, found.subject) == (Severity.FATAL, "master key")
    (tmp_path / "master.key").unlink()
    (found,) = diagnose(tmp_path)
    assert found.severity is Severity.NOTE


def test_what_a_rotation_left_behind_is_put_in_order(data: Path, tmp_path: Path) -> None:
    before = (data / "master.key").read_bytes()
    rotate_master(data)
    (data / "master.key").rename(data / "master.key.next")
    (data / "master.key").write_bytes(before)
    assert "master.key.next opens the folder; the next start finishes it; repair: give the key its name" in told(
        diagnose(data)
    )
    assert repair(data).left == ()
    rotate_master(data, to=tmp_path / "key")
    (data / "master.key").write_bytes(before)
    assert "master.key: it opens nothing any more" in told(diagnose(data, tmp_path / "key"))
    assert repair(data, tmp_path / "key").left == ()


def test_a_folder_in_use_is_looked_at_and_not_repaired(data: Path) -> None:
    with FolderLock(data):
        (found,) = diagnose(data)
        assert (found.severity, found.subject) == (Severity.NOTE, "server")
        with pytest.raises(FolderInUseError):
            repair(data)


def test_what_is_no_folder_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no data folder"):
        diagnose(tmp_path)
    with pytest.raises(StoreError, match="is no data folder"):
        repair(tmp_path / "nowhere")
