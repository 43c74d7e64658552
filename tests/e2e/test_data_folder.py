"""The data folder in the hands of its owner: backed up, restored, reset and given new keys, by the commands."""

import io
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def test_backups_made_under_load_hold_all_that_was_acknowledged(chorale: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    stop = threading.Event()
    acknowledged: list[int] = []
    try:
        s3 = ServedCloud(endpoint, data, Account.load(data), server.pid).client("s3")
        s3.create_bucket(Bucket="music")

        def write() -> None:
            for number in itertools.count():
                if stop.is_set():
                    return
                s3.put_object(Bucket="music", Key=f"kept/{number}", Body=b"%d" % number)
                s3.put_object(Bucket="music", Key=f"large/{number % 3}", Body=io.BytesIO(b"%d" % number * 50_000))
                s3.delete_object(Bucket="music", Key=f"large/{(number + 1) % 3}")
                acknowledged.append(number)

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(write)
            promised = []
            for number in range(3):
                promised.append(len(acknowledged))
                chorale("backup", f"{number}.tar")
            stop.set()
            writer.result()
    finally:
        stop.set()
        assert stop_server(server) == 0
    for number, before in enumerate(promised):
        chorale("restore", f"{number}.tar", "--data", f"again-{number}")
        assert chorale("doctor", "--deep", "--data", f"again-{number}").stdout == f"again-{number} is sound.\n"
        with closing(sqlite3.connect(tmp_path / f"again-{number}" / "state.db")) as connection:
            kept = connection.execute("SELECT count(*) FROM object WHERE k >= x'6b657074' AND k < x'6b657075'")
            assert before <= kept.fetchone()[0] <= len(acknowledged) + 1


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


def test_a_class_begins_again_where_it_began(chorale: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    served = ServedCloud(endpoint, data, Account.load(data), server.pid)
    served.client("iam").create_user(UserName="teacher")
    token = served.client("sts").get_session_token()["Credentials"]
    chorale("backup", "--as", "begin")
    served.client("iam").create_user(UserName="pupil")
    assert stop_server(server) == 0
    chorale("reset", "begin", "--yes")
    server, endpoint = start_server(data, "--no-prewarm")
    try:
        again = ServedCloud(endpoint, data, served.account, server.pid)
        assert [user["UserName"] for user in again.client("iam").list_users()["Users"]] == ["teacher"]
        session = again.session(
            access_key=token["AccessKeyId"], secret=token["SecretAccessKey"], token=token["SessionToken"]
        )
        assert again.client("sts", session=session).get_caller_identity()["Arn"].endswith(":root")
    finally:
        assert stop_server(server) == 0


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
