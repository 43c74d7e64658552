from pathlib import Path

import pytest

from infra.local.account import Account, AccountError
from infra.local.durable.care.backup import back_up
from infra.local.durable.care.rotation import rotate_master
from infra.local.durable.care.starting_points import reset, save_starting_point, starting_points
from infra.local.durable.errors import StoreError
from infra.local.durable.folder import DataFolder
from infra.local.durable.s3.bodies import held
from infra.local.platform_calls import FolderInUseError, FolderLock
from tests.data_folders import digests, filled_folder, mark_of, set_mark
from tests.killed import dies_at_step


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder in its second state, with the first one saved as `lesson-1`."""
    data = filled_folder(tmp_path / "data")
    save_starting_point(data, "lesson-1")
    set_mark(data, b"second")
    return data


def body_names(data: Path) -> set[str]:
    """The bodies of a folder, which are both listed in its database and there as files."""
    folder = DataFolder.open(data)
    with folder.store.reading() as connection:
        listed = {name for (name,) in connection.execute("SELECT name FROM body_file")}
    names = folder.bodies.names()
    folder.close()
    assert names == listed
    return names


def test_a_reset_brings_the_folder_back_to_its_starting_point(data: Path) -> None:
    first = body_names(data)
    account = Account.load(data)
    folder = DataFolder.open(data)
    with folder.bodies.writer() as writer:
        writer.write(b"of the second state")
        body = writer.finish()
    with folder.store.writing() as connection:
        connection.execute("INSERT INTO body_file VALUES (?, ?)", (body.name, body.size))
    folder.close()
    reset(data, "lesson-1")
    assert mark_of(data) == b"first"
    assert body_names(data) == first
    assert Account.load(data) == account
    set_mark(data, b"third")
    reset(data, "lesson-1")
    assert mark_of(data) == b"first"


def test_a_reset_to_empty_keeps_the_account_and_the_master_key(data: Path) -> None:
    before = digests(data)
    reset(data)
    assert body_names(data) == set()
    folder = DataFolder.open(data)
    with folder.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM state").fetchone() == (0,)
    folder.close()
    after = digests(data)
    for name in ("account.json", "master.key", "starting-points/lesson-1.tar"):
        assert after[name] == before[name]


def test_a_folder_that_was_never_served_can_be_reset(tmp_path: Path) -> None:
    Account.create(tmp_path / "data")
    reset(tmp_path / "data")
    assert body_names(tmp_path / "data") == set()


def test_a_starting_point_is_reached_after_the_master_key_changed(data: Path) -> None:
    rotate_master(data)
    reset(data, "lesson-1")
    assert mark_of(data) == b"first"


def test_a_starting_point_without_a_key_needs_the_one_outside(tmp_path: Path) -> None:
    key = tmp_path / "key"
    data = filled_folder(tmp_path / "data", master_key=key)
    save_starting_point(data, "begin")
    set_mark(data, b"second", master_key=key)
    with pytest.raises(StoreError, match=r"the master key .* is missing"):
        reset(data, "begin")
    reset(data, "begin", key)
    assert mark_of(data, master_key=key) == b"first"


def test_a_reset_waits_for_no_server_and_no_backup_but_says_so(data: Path) -> None:
    with FolderLock(data), pytest.raises(FolderInUseError, match="stop it first"):
        reset(data, "lesson-1")
    with held(data / "bodies"), pytest.raises(StoreError, match=r"a backup of .* is being made"):
        reset(data, "lesson-1")
    assert mark_of(data) == b"second"


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "-x", "x" * 65, "ä", "empty"])
def test_a_starting_point_has_a_plain_name(data: Path, name: str) -> None:
    with pytest.raises(StoreError, match="name"):
        save_starting_point(data, name)


def test_starting_points_are_listed_and_replaced_only_when_told_to(data: Path) -> None:
    assert [point.name for point in starting_points(data)] == ["lesson-1"]
    with pytest.raises(StoreError, match="already; --force replaces it"):
        save_starting_point(data, "lesson-1")
    save_starting_point(data, "lesson-1", replace=True)
    save_starting_point(data, "Lesson-2")
    assert [point.name for point in starting_points(data)] == ["Lesson-2", "lesson-1"]
    reset(data, "lesson-1")
    assert mark_of(data) == b"second"


def test_what_cannot_be_reached_changes_nothing(data: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no starting point 'lesson-9'"):
        reset(data, "lesson-9")
    with pytest.raises(AccountError, match="holds no account"):
        reset(tmp_path / "nowhere", "lesson-1")
    point = data / "starting-points" / "lesson-1.tar"
    content = bytearray(point.read_bytes())
    content[len(content) // 2] ^= 1
    point.write_bytes(content)
    with pytest.raises(StoreError, match="SHA-256"):
        reset(data, "lesson-1")
    other = tmp_path / "other"
    Account.create(other, account_id="210987654321")
    save_starting_point(filled_folder(other), "foreign")
    (other / "starting-points" / "foreign.tar").rename(data / "starting-points" / "foreign.tar")
    with pytest.raises(StoreError, match=r"is of account 210987654321, and this folder of 123456789012"):
        reset(data, "foreign")
    assert mark_of(data) == b"second"
    assert not list(data.glob("reset.*"))


@pytest.mark.parametrize("point", ["lesson-1", "empty"])
def test_a_reset_that_is_killed_anywhere_is_finished_or_never_happened(tmp_path: Path, point: str) -> None:
    seen = []
    for step in range(1000):
        data = filled_folder(tmp_path / str(step))
        save_starting_point(data, "lesson-1")
        set_mark(data, b"second")
        folder = DataFolder.open(data)  # a log beside the database, as a killed server leaves it
        with folder.store.writing() as connection:
            connection.execute("INSERT INTO state VALUES ('more', ?)", (folder.store.rows.seal(b"", b"more"),))
        killed = dies_at_step(step, lambda data=data: reset(data, point))  # type: ignore[misc]
        del folder
        bodies = body_names(data)
        after = DataFolder.open(data)
        with after.store.reading() as connection:
            rows = dict(connection.execute("SELECT service, content FROM state").fetchall())
        opened = {name: after.store.rows.open(content, name.encode()) for name, content in rows.items()}
        after.close()
        if opened == {"mark": b"second", "more": b""}:
            seen.append("before")
        else:
            assert opened == ({"mark": b"first"} if point == "lesson-1" else {})
            seen.append("after")
        assert len(bodies) == (0 if seen[-1] == "after" and point == "empty" else 1)
        assert not list(data.glob("reset.*"))
        if not killed:
            break
    assert seen == sorted(seen, reverse=True)
    assert seen.count("before") > 5
    assert seen.count("after") > 5


def test_a_folder_with_a_cut_reset_is_not_backed_up(data: Path, tmp_path: Path) -> None:
    (data / "reset.decided").mkdir()
    with pytest.raises(StoreError, match="finishes it"):
        back_up(data, tmp_path / "b.tar")
