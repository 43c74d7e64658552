import logging
import stat
from pathlib import Path

import pytest

from infra.local.access_log import ACCESS_LOG_FILE, AccessLogFile, logged_requests
from infra.local.exchange import access_log


def test_requests_are_logged_for_their_owner_only_while_the_server_runs(tmp_path: Path) -> None:
    with logged_requests(tmp_path):
        access_log.info("within")
    access_log.info("without")
    path = tmp_path / ACCESS_LOG_FILE
    assert path.read_text().endswith("within\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_a_full_disk_is_told_of_once_and_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = AccessLogFile(tmp_path / ACCESS_LOG_FILE)
    handler.stream.close()
    handler.stream = open("/dev/full", "w")  # noqa: SIM115, the handler closes it
    for number in range(100):
        handler.handle(logging.LogRecord("access", logging.INFO, "", 0, "request %d", (number,), None))
    assert [record.getMessage() for record in caplog.records] == [
        "lines of the access log are lost: [Errno 28] No space left on device"
    ]
    assert capsys.readouterr().err == ""


def test_the_log_begins_a_new_file_when_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.access_log._MAX_BYTES", 300)
    path = tmp_path / ACCESS_LOG_FILE
    path.write_text("of an earlier start " * 10 + "\n")
    with logged_requests(tmp_path):
        for number in range(40):
            access_log.info("request %d", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [ACCESS_LOG_FILE, f"{ACCESS_LOG_FILE}.1", f"{ACCESS_LOG_FILE}.2"]
    assert all(0 < file.stat().st_size < 400 for file in files)
    assert files[0].read_text().endswith("request 39\n")
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
