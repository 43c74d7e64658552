"""The doctor on damaged folders: what it tells, what it saves, and that it names what is lost."""

import random
import re
import shutil
from pathlib import Path
from typing import Any

import filled_account
import pytest
from damaged_folders import (
    ITEMS,
    PAGE,
    answers,
    change_file,
    copied,
    fill,
    flip,
    key_of,
    offset_of,
    pages_of,
    rows,
    zero_page,
)
from small_world import SmallWorld

from infra.local.durable.care.backup import back_up
from infra.local.durable.care.doctor import diagnose, exit_status, repair
from infra.local.durable.care.findings import Finding, Severity
from infra.local.durable.errors import StoreError
from infra.local.durable.folder import DataFolder
from tests.data_folders import digests
from tests.killed import dies_at_step

EVERY_ITEM = {number for number in range(ITEMS) if number % 10}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doctor") / "data"
    fill(path)
    return path


@pytest.fixture(scope="module")
def whole(original: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return answers(copied(original, tmp_path_factory.mktemp("whole") / "data"))


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    return copied(original, tmp_path / "data")


def told(findings: list[Finding] | tuple[Finding, ...]) -> str:
    return "\n".join(map(str, findings))


def repaired(data: Path, **options: Any) -> str:
    """What a repair told; behind it there is nothing more to do."""
    done = repair(data, **options)
    assert exit_status(done.left) == 0, told(done.left)
    assert exit_status(diagnose(data, **options)) == 0
    return told(done.repaired)


def test_a_sound_folder_gives_no_findings(data: Path, original: Path) -> None:
    assert diagnose(data, deep=True) == []
    assert repair(data, deep=True).kept == ()
    assert digests(data) == digests(original)


def test_an_account_with_everything_in_it_gives_no_findings(tmp_path: Path) -> None:
    world = SmallWorld(tmp_path / "data")
    filled_account.fill(world.client)
    world.close()
    assert diagnose(tmp_path / "data", deep=True) == []


def test_a_damaged_value_is_told_by_its_name_and_costs_nothing_else(data: Path, whole: dict[str, Any]) -> None:
    sealed = rows(data, "SELECT content FROM item ORDER BY h, r LIMIT 1 OFFSET 40")[0][0]
    flip(data / "state.db", offset_of(data, sealed) + 30)
    (finding,) = [found for found in diagnose(data) if "lost is the item" in found.message]
    assert re.match(r"damage: table notes, item 'voice \d .*': its value is damaged; lost is the item", str(finding))
    repaired(data)
    after = answers(data)
    assert len(after["items"]) == after["count"] == len(EVERY_ITEM) - 1
    assert after["calm"] == {number for number, item in after["items"].items() if item["mood"]["S"] == "calm"}
    assert {name: after[name] for name in ("objects", "events", "users")} == {
        name: whole[name] for name in ("objects", "events", "users")
    }


def test_values_that_changed_places_are_noticed(data: Path) -> None:
    (one, two) = rows(data, "SELECT t, h, r, content FROM item ORDER BY h, r LIMIT 2")
    for row, other in ((one, two), (two, one)):
        rows(data, "UPDATE item SET content = ? WHERE t = ? AND h = ? AND r = ?", other[3], *row[:3])
    assert told(diagnose(data)).count("its value is damaged; lost is the item") == 2
    repaired(data)
    assert len(answers(data)["items"]) == len(EVERY_ITEM) - 2


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE state SET content = x'00' WHERE service = 'iam'",
            "service iam: its value is damaged; lost is all users",
        ),
        (
            "UPDATE object SET content = x'00' WHERE k = CAST('small/3' AS BLOB)",
            "object music/small/3: its value is damaged",
        ),
        (
            "UPDATE upload SET content = x'00'",
            "to music/parts: its value is damaged; lost is the upload with its parts",
        ),
        ("UPDATE upload_part SET content = x'00'", "its value is damaged; lost is its part 3"),
        (
            "UPDATE log_event SET content = x'00' WHERE n = 5",
            "log stream /choir altos: its value is damaged; lost is the event",
        ),
        ("UPDATE log_stream SET content = x'00'", "log stream /choir altos: its value is damaged; lost is its figures"),
        ("UPDATE item_table SET items = 3", "table notes: it counts 3 and has 270 items"),
        ("DELETE FROM item_table", "table notes: it counts nothing and has 270 items"),
        (
            "DELETE FROM item WHERE r = (SELECT max(r) FROM item)",
            "an index has it and its table has not; lost is the item",
        ),
        (
            "DELETE FROM item_index WHERE h = CAST('voice 1' AS BLOB)",
            "75 entries of its indexes do not agree with its items",
        ),
        ("UPDATE item_index SET ih = x'61'", "540 entries of its indexes do not agree with its items"),
        (
            "UPDATE body_file SET size = 1 WHERE name = (SELECT min(name) FROM body_file)",
            "body_file: 1 entries do not agree",
        ),
        ("DELETE FROM body_file", "body_file: 3 entries do not agree with the objects and uploads"),
        ("INSERT INTO body_file VALUES ('00000000000000000000000000000000', 5)", "body_file: 1 entries do not agree"),
        ("INSERT INTO object_body (content) VALUES (x'00')", "object_body: no sound object needs 1 of its rows"),
        (
            "DELETE FROM object_body WHERE id = 2",
            "object music/small/1: the row of its body is missing or damaged; lost is",
        ),
        (
            "UPDATE object_body SET content = x'00' WHERE id = 2",
            "object music/small/1: its body is damaged; lost is version 1",
        ),
        ("DELETE FROM upload", "there is no such upload; lost is its part 3"),
    ],
)
def test_every_kind_of_row_is_checked_and_mended(data: Path, whole: dict[str, Any], statement: str, said: str) -> None:
    rows(data, statement)
    before = diagnose(data)
    assert said in told(before)
    assert exit_status(before) == 1
    assert said in repaired(data)
    after = answers(data)
    assert after["items"].items() <= whole["items"].items()
    assert after["objects"].items() <= whole["objects"].items()
    assert after["count"] == len(after["items"])


def test_a_repair_keeps_what_it_changed_and_loses_only_what_it_names(data: Path, original: Path) -> None:
    rows(data, "UPDATE object_body SET content = x'00' WHERE id = 2")
    damaged = (data / "state.db").read_bytes()
    done = repair(data)
    assert [path.name.partition("-")[0] for path in done.kept] == ["state.db.damaged"], done.kept
    assert done.kept[0].read_bytes() == damaged
    assert done.kept[0].stat().st_mode & 0o077 == 0
    assert "object music/small/1: version 1 of it was lost, which was noticed on 20" in told(done.left)
    assert not list(data.glob("doctor.*"))


@pytest.mark.parametrize("kind", ["gone", "cut", "longer", "changed"])
def test_a_body_that_is_not_what_it_was_is_told_by_its_object(data: Path, whole: dict[str, Any], kind: str) -> None:
    listed = {name for (name,) in rows(data, "SELECT name FROM body_file")}
    lost = []
    for name in sorted(listed):
        folder = copied(data, data.parent / f"copy-{name}")
        file = folder / "bodies" / name
        if kind == "gone":
            file.unlink()
        else:
            content = {
                "cut": lambda c: c[:-1],
                "longer": lambda c: c + b"x",
                "changed": lambda c: c[:5000] + b"xyz" + c[5003:],
            }
            file.write_bytes(content[kind](file.read_bytes()))
        shallow, deep = diagnose(folder), diagnose(folder, deep=True)
        if kind == "changed":
            assert shallow == []
            if not deep:
                continue  # the part of an upload that nobody has completed
        else:
            assert f"bodies/{name}" in told(shallow)
        assert exit_status(deep) == 1
        if kind != "gone":
            kept = repair(folder, deep=True).kept
            assert any((path / name).exists() for path in kept)
        repaired(folder, deep=True)
        after = answers(folder)
        gone = whole["objects"].keys() - after["objects"].keys()
        assert after["objects"].items() <= whole["objects"].items()
        assert all(f"object music/{key}" in told(deep) for key in gone)
        lost += gone
    assert sorted(lost) == ["large/0", "large/1"]


def test_a_leaf_that_cannot_be_read_loses_its_own_rows_and_each_is_named(data: Path, whole: dict[str, Any]) -> None:
    zero_page(data, offset_of(data, rows_of_the_middle(data)))
    report = repaired(data)
    assert "state.db: " in report
    after = answers(data)
    lost = EVERY_ITEM - after["items"].keys()
    assert 0 < len(lost) < 30
    assert report.count("lost is the item") == len(lost)
    assert after["items"].items() <= whole["items"].items()
    assert after["count"] == len(after["items"])
    assert {name: after[name] for name in ("objects", "events", "users")} == {
        name: whole[name] for name in ("objects", "events", "users")
    }


def test_a_tree_without_its_upper_pages_loses_only_the_rows_in_them(data: Path, whole: dict[str, Any]) -> None:
    upper = pages_of(data, b"\x02\x05")
    assert upper
    for page in upper:
        flip(data / "state.db", page)
    repaired(data)
    after = answers(data)
    assert len(EVERY_ITEM - after["items"].keys()) < 40
    assert after["items"].items() <= whole["items"].items()


@pytest.mark.parametrize("kind", ["header", "first page", "free pages"])
def test_damage_to_what_only_sqlite_needs_loses_nothing(data: Path, whole: dict[str, Any], kind: str) -> None:
    def change(content: bytearray) -> None:
        if kind == "header":
            content[:100] = bytes(100)
        elif kind == "first page":
            content[100:PAGE] = bytes(PAGE - 100)
        else:
            content[32:40] = b"\xff" * 8

    change_file(data / "state.db", change)
    findings = diagnose(data)
    assert exit_status(findings) == 1
    assert "lost is" not in told(findings)
    assert "no sound object" not in told(findings)
    repaired(data)
    after = answers(data)
    assert {name: after[name] for name in whole} == whole


def test_a_database_that_was_cut_gives_back_what_is_left(data: Path, whole: dict[str, Any]) -> None:
    size = (data / "state.db").stat().st_size
    with (data / "state.db").open("rb+") as file:
        file.truncate(size * 2 // 3)
    assert exit_status(diagnose(data)) == 1
    repair(data)
    assert exit_status(diagnose(data)) == 0


def test_a_folder_whose_data_keys_are_gone_is_beyond_repair(data: Path) -> None:
    rows(data, "DELETE FROM data_key")
    findings = diagnose(data)
    assert exit_status(findings) == 2
    assert "the data key for rows is missing" in told(findings)
    assert repair(data).repaired == ()


def crashed(data: Path, path: Path) -> Path:
    """A copy of the folder with a log beside its database, as a kill leaves it: ten items put one by one."""
    world = SmallWorld(data)
    for number in range(1000, 1010):
        world.client("dynamodb").put_item(TableName="notes", Item=key_of(number) | {"mood": {"S": "calm"}})
    copy = copied(data, path)
    world.close()
    return copy


def test_a_torn_end_of_the_log_is_a_note(data: Path, tmp_path: Path) -> None:
    copy = crashed(data, tmp_path / "copy")
    assert diagnose(copy) == []
    flip(copy / "state.db-wal", -100)
    findings = diagnose(copy)
    assert [finding.severity for finding in findings] == [Severity.NOTE]
    assert "nobody had been told" in told(findings)


def test_damage_in_the_middle_of_the_log_is_cut_out_with_what_lies_behind(data: Path, tmp_path: Path) -> None:
    copy = crashed(data, tmp_path / "copy")
    size = (copy / "state.db-wal").stat().st_size
    flip(copy / "state.db-wal", size // 2)
    with pytest.raises(StoreError, match=r"write-ahead log .* is damaged"):
        DataFolder.open(copy)
    with pytest.raises(StoreError, match=r"write-ahead log .* is damaged"):
        back_up(copy, tmp_path / "b.tar")
    findings = diagnose(copy)
    assert re.search(
        r"state.db-wal: it is damaged at byte \d+; lost are that write and \d acknowledged ones", told(findings)
    )
    done = repair(copy)
    assert sorted(path.name.partition(".damaged")[0] for path in done.kept) == ["state.db", "state.db-wal"]
    assert exit_status(diagnose(copy)) == 0
    after = answers(copy)
    assert after["items"].keys() >= EVERY_ITEM
    assert 0 < len(after["items"].keys() - EVERY_ITEM) < 10


def test_rows_are_salvaged_out_of_the_log_too(data: Path, tmp_path: Path) -> None:
    copy = crashed(data, tmp_path / "copy")
    change_file(copy / "state.db", lambda content: content.__setitem__(slice(0, 100), bytes(100)))
    repaired(copy)
    assert answers(copy)["items"].keys() == EVERY_ITEM | set(range(1000, 1010))


@pytest.mark.slow
def test_a_repair_that_is_killed_anywhere_can_be_begun_again(data: Path, tmp_path: Path) -> None:
    flip(data / "state.db", 40)  # in the header
    zero_page(data, offset_of(data, rows_of_the_middle(data)))
    file = min((data / "bodies").glob("?" * 32))
    file.write_bytes(file.read_bytes()[:-1])
    expected = None
    for step in reversed(range(60)):
        copy = copied(data, tmp_path / f"copy-{step}")
        killed = dies_at_step(step, lambda copy=copy: repair(copy))  # type: ignore[misc]
        assert killed or step > 10
        assert exit_status(repair(copy).left) == 0
        expected = expected or answers(copy)
        assert answers(copy) == expected
        assert not list(copy.glob("reset.*")) + list(copy.glob("doctor.*"))
        shutil.rmtree(copy)


def rows_of_the_middle(data: Path) -> bytes:
    content: bytes = rows(data, "SELECT content FROM item ORDER BY h, r LIMIT 1 OFFSET 150")[0][0]
    return content


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 150))])
def test_whatever_is_damaged_the_rest_is_saved_and_the_folder_sound(
    data: Path, whole: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    size = (data / "state.db").stat().st_size
    for _ in range(chance.choice((1, 3, 10))):
        offset = chance.randrange(size)
        if chance.random() < 0.5:
            flip(data / "state.db", offset)
        else:
            zero_page(data, offset)
    findings = diagnose(data)
    if exit_status(findings) == 2:
        assert "data key" in told(findings)
        return
    report = repaired(data)
    after = answers(data) if "service" not in report else None
    if after is not None:
        assert after["items"].items() <= whole["items"].items()
        assert after["objects"].items() <= whole["objects"].items()
        lost = len(whole["items"]) - len(after["items"])
        counted = re.search(r"table notes: it counts \d+ and has \d+ items; lost are (\d+) items", report)
        assert max(report.count("lost is the item"), int(counted[1]) if counted else 0) >= lost
