import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.environment import RUNNING_FILE, NotRunningError, Running


def test_a_running_server_is_read_as_it_was_written(tmp_path: Path) -> None:
    running = Running(os.getpid(), "http://127.0.0.1:4242")
    running.write(tmp_path)
    assert Running.read(tmp_path) == running


def test_a_folder_without_a_server_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="no server runs on"):
        Running.read(tmp_path)


def test_a_server_that_was_killed_does_not_run(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / RUNNING_FILE).write_text(json.dumps({"pid": ended.pid, "endpoint": "http://127.0.0.1:4242"}))
    with pytest.raises(NotRunningError, match="no server runs on"):
        Running.read(tmp_path)
