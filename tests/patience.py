"""Waiting for other processes: for what they are to bring about, and for their end."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0  # seconds; a worker's first composition waits for torch on a busy machine


def eventually(condition: Callable[[], Any]) -> Any:
    """What the condition answers as soon as it is true; the test fails when it has not become so in PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)
    return value


def is_running(pid: int) -> bool:
    """False for a zombie too: who takes over the child of a killed server is not ours to say."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")
