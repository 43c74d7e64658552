"""Servers for benchmarks: ours, as `chorale serve` runs it, and moto's own."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.environment import Running
from service.cli.demo import server


@dataclass(frozen=True)
class Served:
    """A running server of ours: its address, its process and its data directory."""

    address: tuple[str, int]
    running: Running
    data: Path


@contextmanager
def chorale() -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder, server(Path(folder)) as running:
        host, _, port = running.endpoint.removeprefix("http://").partition(":")
        yield Served((host, int(port)), running, Path(folder))


@contextmanager
def moto() -> Iterator[tuple[str, int]]:
    """moto's own server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield ("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait()


def resident_megabytes(pid: int) -> float:
    """The resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no resident memory")
