"""A data folder that cannot be served is refused with a sentence, and is left as it was."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cloud_servers import ServedCloud, start_server, stop_server
from small_disk import make_read_only, small_disk
from under_load import serve

pytestmark = pytest.mark.slow


def put(cloud: ServedCloud) -> None:
    cloud.client("s3").create_bucket(Bucket="kept")
    cloud.client("s3").put_object(Bucket="kept", Key="small", Body=b"small")
    cloud.client("s3").put_object(Bucket="kept", Key="large", Body=b"large" * 40_000)


def assert_kept(cloud: ServedCloud) -> None:
    s3: Any = cloud.client("s3")
    assert s3.get_object(Bucket="kept", Key="small")["Body"].read() == b"small"
    assert s3.get_object(Bucket="kept", Key="large")["Body"].read() == b"large" * 40_000


def served_once(data: Path) -> None:
    server, cloud = serve(data)
    put(cloud)
    assert stop_server(server) == 0


def refusal(data: Path) -> str:
    """What a server says that does not start: one sentence, for whoever started it."""
    log = data.parent / "server.log"
    before = len(log.read_text()) if log.exists() else 0
    with pytest.raises(RuntimeError):
        start_server(data, "--no-prewarm")
    told = log.read_text()[before:]
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1
    return told


def test_a_second_server_on_a_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    server, cloud = serve(tmp_path / "data")
    put(cloud)
    assert f"is already served by process {server.pid}" in refusal(tmp_path / "data")
    assert_kept(cloud)
    assert stop_server(server) == 0


def set_format(data: Path, number: int) -> int:
    """Sets the number of the folder's format, and tells what it was."""
    database = sqlite3.connect(data / "state.db")
    (before,) = database.execute("PRAGMA user_version").fetchone()
    database.execute(f"PRAGMA user_version={number}")
    database.close()
    return before


def test_a_folder_of_a_later_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    served_once(data)
    format_of_today = set_format(data, 99)
    told = refusal(data)
    assert "was written by a later version of Chorale (format 99;" in told
    assert set_format(data, format_of_today) == 99
    server, cloud = serve(data)
    assert_kept(cloud)
    assert stop_server(server) == 0


def test_a_folder_that_cannot_be_written_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 64) as data:
        served_once(data)
        files = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        make_read_only(data)
        assert str(data) in refusal(data)
        assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == files


def test_a_folder_without_its_master_key_is_refused_until_the_key_is_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    served_once(data)
    (data / "master.key").rename(tmp_path / "elsewhere")
    assert "master.key is missing" in refusal(data)
    (tmp_path / "elsewhere").rename(data / "master.key")
    server, cloud = serve(data)
    assert_kept(cloud)
    assert stop_server(server) == 0
