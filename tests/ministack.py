"""MiniStack, an emulator of AWS that shares no code with moto, as a server in a process of its own.

It lives in a virtual environment that `make test-all` makes; see ministack-constraints.txt.
"""

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patience import eventually

PYTHON = Path(__file__).parent.parent / ".venv-ministack" / "bin" / "python"


@contextmanager
def serve_ministack(folder: Path, account: str, region: str) -> Iterator[str]:
    """The endpoint of a server that keeps `account`, with its scratch files in `folder`."""
    assert PYTHON.exists(), "MiniStack is not installed: run `make ministack`"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "TMPDIR": str(folder),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (folder / "ministack.log").open("w") as log:
        server = subprocess.Popen([PYTHON, "-m", "ministack"], env=kept | own, cwd=folder, stdout=log, stderr=log)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: server.poll() is not None or _answers(endpoint))
        assert server.poll() is None, f"MiniStack did not start: {(folder / 'ministack.log').read_text()[-2000:]}"
        yield endpoint
    finally:
        server.terminate()
        server.wait(60)


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):
            return True
    except OSError:
        return False
