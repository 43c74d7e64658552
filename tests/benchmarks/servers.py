"""Servers for benchmarks: ours, as `chorale serve` runs it, and moto's own."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.local.environment import NotRunningError, Running, client_environment

READY_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A running server of ours: its address, its process and its data directory."""

    address: tuple[str, int]
    running: Running
    data: Path

    def client(self, service: str, **options: Any) -> Any:
        """An ordinary client of one of its services, with root's key."""
        local = client_environment(self.data)
        return boto3.client(
            service,
            endpoint_url=local["AWS_ENDPOINT_URL"],
            region_name=local["AWS_REGION"],
            aws_access_key_id=local["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
            **options,
        )


@contextmanager
def chorale(prefix: Sequence[str] = ()) -> Iterator[Served]:
    """Our server on an empty folder. `prefix` is a command that runs it, such as strace with its options."""
    with tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder, chorale_on(Path(folder), prefix) as served:
        yield served


@contextmanager
def chorale_on(data: Path, prefix: Sequence[str] = ()) -> Iterator[Served]:
    """Our server on a folder that is there."""
    command = [*prefix, sys.executable, "-m", "service.cli", "serve", "--port", "0", "--data", str(data)]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = _when_ready(process, data)
    try:
        host, _, port = running.endpoint.removeprefix("http://").partition(":")
        yield Served((host, int(port)), running, data)
    finally:
        os.kill(running.pid, signal.SIGTERM)
        process.wait(60)


def _when_ready(process: subprocess.Popen[bytes], data: Path) -> Running:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return Running.read(data)
        except NotRunningError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"the server did not start:\n{(data / 'server.log').read_text()}") from None
            time.sleep(0.02)


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
