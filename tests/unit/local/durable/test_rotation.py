from pathlib import Path

import pytest

from infra.local.account import Account
from infra.local.durable.care.backup import back_up
from infra.local.durable.care.restore import restore
from infra.local.durable.care.rotation import rotate_master, rotate_root, rotate_sessions
from infra.local.durable.errors import StoreError
from infra.local.platform_calls import FolderInUseError, FolderLock
from infra.local.sessions import SERVICE_SESSION as A_DAY
from infra.local.sessions import WORKER_ROLE, Sessions
from tests.data_folders import filled_folder, mark_of
from tests.killed import dies_at_step


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled_folder(tmp_path / "data")


def test_a_new_root_key_replaces_the_old_one_and_nothing_else(data: Path) -> None:
    before = Account.load(data)
    rotated = rotate_root(data)
    assert Account.load(data) == rotated
    assert (rotated.id, rotated.region, rotated.sealing_key) == (before.id, before.region, before.sealing_key)
    assert rotated.access_key_id != before.access_key_id
    assert rotated.secret_access_key != before.secret_access_key


def test_no_session_token_outlives_a_new_sealing_key(data: Path) -> None:
    before = Account.load(data)
    token = Sessions(before).issue_for_role(WORKER_ROLE, "s", A_DAY).session_token
    with FolderLock(data), pytest.raises(FolderInUseError):
        rotate_sessions(data)
    assert Sessions(Account.load(data)).open(token) is not None
    rotate_sessions(data)
    assert Sessions(Account.load(data)).open(token) is None
    assert Account.load(data).access_key_id == before.access_key_id


def test_a_new_master_key_opens_the_folder_and_the_old_one_no_longer(data: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes((data / "master.key").read_bytes())
    back_up(data, tmp_path / "b.tar")
    rotation = rotate_master(data)
    assert (rotation.key, rotation.kept) == (data / "master.key", None)
    assert mark_of(data) == b"first"
    with pytest.raises(StoreError, match="does not open"):
        mark_of(data, master_key=tmp_path / "old")
    assert not list(data.glob("master.key.*"))
    restore(tmp_path / "b.tar", tmp_path / "again")
    assert mark_of(tmp_path / "again") == b"first"


def test_a_master_key_moves_out_of_the_folder_and_back(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "stick" / "key"
    outside.parent.mkdir()
    assert rotate_master(data, to=outside).kept is None
    assert not (data / "master.key").exists()
    assert mark_of(data, master_key=outside) == b"first"
    with pytest.raises(StoreError, match=r"master.key is missing; put it back, or name it with --master-key"):
        mark_of(data)
    back_up(data, tmp_path / "b.tar")
    kept = rotate_master(data, outside, data / "master.key").kept
    assert kept is not None
    assert mark_of(data) == b"first"
    assert list(outside.parent.iterdir()) == [kept]
    restore(tmp_path / "b.tar", tmp_path / "again", kept)
    assert mark_of(tmp_path / "again", master_key=kept) == b"first"


def test_a_master_key_outside_is_replaced_where_it_is(tmp_path: Path) -> None:
    key = tmp_path / "stick" / "key"
    key.parent.mkdir()
    data = filled_folder(tmp_path / "data", master_key=key)
    before = key.read_bytes()
    kept = rotate_master(data, key).kept
    assert kept is not None
    assert kept.read_bytes() == before
    assert mark_of(data, master_key=key) == b"first"


def test_a_new_master_key_is_refused_where_it_would_do_harm(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(StoreError, match="never replaces another file"):
        rotate_master(data, to=tmp_path / "mine")
    with FolderLock(data), pytest.raises(FolderInUseError):
        rotate_master(data)
    other = filled_folder(tmp_path / "other") / "master.key"
    with pytest.raises(StoreError, match="does not open this data folder"):
        rotate_master(data, other)
    Account.create(tmp_path / "new")
    with pytest.raises(StoreError, match="holds no data yet"):
        rotate_master(tmp_path / "new")
    assert mark_of(data) == b"first"


@pytest.mark.parametrize("where", ["in the folder", "outside", "moved out"])
def test_a_rotation_that_is_killed_anywhere_leaves_a_key_that_opens_the_folder(tmp_path: Path, where: str) -> None:
    for step in range(100):
        place = tmp_path / str(step)
        (place / "stick").mkdir(parents=True)
        outside = place / "stick" / "key"
        current = outside if where == "outside" else None
        data = filled_folder(place / "data", master_key=current)
        to = outside if where == "moved out" else None
        killed = dies_at_step(step, lambda data=data, current=current, to=to: rotate_master(data, current, to))  # type: ignore[misc]
        if where == "moved out":
            # Whichever key it is by now, the one of the two commands that fits works; the other says what is wrong.
            worked = []
            for key in (None, outside):
                try:
                    worked.append(mark_of(data, master_key=key))
                except StoreError as error:
                    assert "does not open" in str(error) or "is missing" in str(error)  # noqa: PT017
            assert worked == [b"first"]
        else:
            assert mark_of(data, master_key=current) == b"first"
            assert not list(data.glob("*.next")) + list(outside.parent.glob("*.next"))
        if not killed:
            break
    assert step > 5
