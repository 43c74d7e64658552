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
