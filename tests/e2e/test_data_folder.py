"""The data folder in the hands of its owner: backed up, restored, reset and given new keys, by the commands."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from cloud_servers import ServedCloud, start_server, stop_server

from infra.local.account import Account
from tests.data_folders import filled_folder, mark_of, set_mark

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def chorale(tmp_path: Path) -> Command:
    def run(*arguments: str, ok: bool = True, say: str = "") -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CHORALE_"))}
        done = subprocess.run(
            ["chorale", *arguments],
            env=environment
            | {
                "CHORALE_DATA": str(tmp_path / "data"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
            },
            cwd=tmp_path,
            input=say,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def caller(served: ServedCloud, account: Account) -> str:
    session: boto3.Session = served.session(access_key=account.access_key_id, secret=account.secret_access_key)
    return served.client("sts", session=session).get_caller_identity()["Arn"]


def test_a_new_root_key_holds_at_once_on_a_running_server(chorale: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    try:
        before = Account.load(data)
        served = ServedCloud(endpoint, data, before, server.pid)
        assert caller(served, before).endswith(":root")
        assert before.secret_access_key not in chorale("rotate", "root").stdout
        after = Account.load(data)
        assert caller(served, after).endswith(":root")
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            caller(served, before)
        assert after.access_key_id in chorale("env").stdout
        for command in (("rotate", "sessions"), ("rotate", "master"), ("reset", "--yes")):
            assert "is already served by process" in chorale(*command, ok=False).stderr
    finally:
        assert stop_server(server) == 0
    chorale("rotate", "sessions")
    assert Account.load(data).sealing_key != after.sealing_key


def test_a_backup_becomes_a_folder_again(chorale: Command, tmp_path: Path) -> None:
    filled_folder(tmp_path / "data")
    assert "It holds the master key" in chorale("backup", "b.tar").stdout
    assert "--force" in chorale("backup", "b.tar", ok=False).stderr
    chorale("backup", "b.tar", "--force")
    assert "account 123456789012" in chorale("restore", "b.tar", "--data", "again").stdout
    assert mark_of(tmp_path / "again") == b"first"
    assert "is not empty" in chorale("restore", "b.tar", ok=False).stderr
    (tmp_path / "b.tar").write_bytes(b"no backup")
    assert "b.tar cannot be restored: it is cut off" in chorale("restore", "b.tar", "--data", "new", ok=False).stderr
    assert not (tmp_path / "new").exists()


def test_a_reset_asks_before_it_replaces_everything(chorale: Command, tmp_path: Path) -> None:
    data = filled_folder(tmp_path / "data")
    chorale("backup", "--as", "lesson-1")
    set_mark(data, b"second")
    assert "Aborted" in chorale("reset", "lesson-1", ok=False, say="n\n").stderr
    assert mark_of(data) == b"second"
    chorale("reset", "lesson-1", say="y\n")
    assert mark_of(data) == b"first"
    assert [point["name"] for point in json.loads(chorale("reset", "--list", "--json").stdout)] == ["lesson-1"]
    assert chorale("reset", "--list").stdout.split()[3:5] == ["empty", "lesson-1"]
    chorale("reset", "--yes")
    assert "no starting point 'lesson-2'" in chorale("reset", "lesson-2", "--yes", ok=False).stderr


def test_the_master_key_moves_to_a_file_of_its_own(chorale: Command, tmp_path: Path) -> None:
    data = filled_folder(tmp_path / "data")
    assert "--master-key" in chorale("rotate", "master", "--to", "stick").stdout
    assert mark_of(data, master_key=tmp_path / "stick") == b"first"
    assert "does not hold the master key" in chorale("backup", "b.tar").stdout
    assert "--master-key" in chorale("restore", "b.tar", "--data", "again", ok=False).stderr
    chorale("restore", "b.tar", "--data", "again", "--master-key", "stick")
    assert "there is no folder" in chorale("rotate", "master", "--to", "no/key", ok=False).stderr
    assert "kept as" in chorale("rotate", "master", "--master-key", "stick").stdout
    assert mark_of(data, master_key=tmp_path / "stick") == b"first"


def test_the_doctor_tells_what_is_wrong_and_mends_it(chorale: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    try:
        served = ServedCloud(endpoint, data, Account.load(data), server.pid)
        served.client("iam").create_user(UserName="ada")
        assert "note: server: one is running" in chorale("doctor").stdout
        assert "is already served by process" in chorale("doctor", "--repair", ok=False).stderr
    finally:
        assert stop_server(server) == 0
    assert chorale("doctor", "--deep").stdout == f"{data} is sound.\n"
    with closing(sqlite3.connect(data / "state.db", isolation_level=None)) as connection:
        connection.execute("UPDATE state SET content = x'00' WHERE service = 'iam'")
    chorale("backup", "b.tar")
    assert "The folder was damaged when" in chorale("restore", "b.tar", "--data", "again").stdout
    found = chorale("doctor", ok=False)
    assert found.returncode == 1
    assert found.stdout.startswith("damage: service iam: its value is damaged; lost is all users, groups, roles")
    (told,) = json.loads(chorale("doctor", "--json", ok=False).stdout)["findings"]
    assert (told["severity"], told["repair"]) == ("damage", "remove it")
    mended = chorale("doctor", "--repair").stdout
    assert "repaired: damage: service iam" in mended
    assert f"kept: {data}/state.db.damaged-" in mended
    assert chorale("doctor").stdout == f"{data} is sound.\n"
    (data / "master.key").rename(tmp_path / "key")
    beyond = chorale("doctor", ok=False)
    assert (beyond.returncode, "fatal: master key: " in beyond.stdout) == (2, True)
    chorale("doctor", "--master-key", "key")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("doctor",), "is no data folder"),
        (("doctor", "--repair"), "is no data folder"),
        (("backup", "b.tar"), "holds no account"),
        (("backup", "--as", "x"), "holds no account"),
        (("backup", "b.tar", "--as", "x"), "name either a FILE or, with --as, a starting point"),
        (("backup", "no/b.tar"), "there is no folder"),
        (("restore", "b.tar"), "'b.tar' does not exist"),
        (("reset", "--yes"), "holds no account"),
        (("reset", "--list"), "holds no account"),
        (("rotate", "root"), "holds no account"),
        (("rotate", "sessions"), "holds no account"),
        (("rotate", "master"), "holds no account"),
    ],
)
def test_what_has_no_folder_to_work_on_says_so(chorale: Command, arguments: tuple[str, ...], sentence: str) -> None:
    failed = chorale(*arguments, ok=False)
    assert sentence in failed.stderr
    assert failed.stdout == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize(
    "arguments",
    ["doctor", "backup b.tar", "backup --as x", "reset --yes", "rotate root", "rotate master"],
)
def test_nobody_works_on_another_users_folder(chorale: Command, tmp_path: Path, arguments: str) -> None:
    data = filled_folder(tmp_path / "data")
    os.chown(data / "account.json", 12345, 12345)
    assert "belongs to the user 12345; run this as that user" in chorale(*arguments.split(), ok=False).stderr
