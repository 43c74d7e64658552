"""Servers in processes of their own, for the tests that need a real port."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from infra.local.account import Account
from infra.local.environment import sdk_directory

READY = "Chorale is ready at "


@dataclass(frozen=True)
class ServedCloud:
    """A running server in a process of its own."""

    endpoint: str
    data: Path
    account: Account
    pid: int

    def session(self, *, access_key: str | None = None, secret: str | None = None, token: str | None = None) -> Any:
        """A boto3 session of the account's root, or of whose keys are given."""
        core = botocore.session.Session(session_vars={"config_file": (None, None, os.devnull, None)})
        core.set_config_variable("region", self.account.region)
        core.set_config_variable("data_path", str(sdk_directory()))
        core.set_credentials(access_key or self.account.access_key_id, secret or self.account.secret_access_key, token)
        return boto3.Session(botocore_session=core)

    def client(self, service: str, *, session: Any = None, **config: Any) -> Any:
        """A boto3 client of root's session or the one given; `config` goes to botocore's Config."""
        s3 = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}} if service == "s3" else {}
        settings = Config(**{"retries": {"total_max_attempts": 1}, **s3, **config})
        return (session or self.session()).client(service, endpoint_url=self.endpoint, config=settings)


def start_server(data: Path, *arguments: str, under: Sequence[str] = ()) -> tuple[subprocess.Popen[str], str]:
    """A server on `data` and the endpoint it is ready at. Its log goes to server.log beside the data.

    `under` is a command that runs it, and whose process becomes the server's.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CHORALE_"))}
    with (data.parent / "server.log").open("a") as log:
        server = subprocess.Popen(
            [*under, sys.executable, "-m", "service.cli", "serve", "--data", str(data), "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment | {"PYTHONUNBUFFERED": "1"},
        )
    watchdog = threading.Timer(60, server.kill)  # readline has no time limit of its own
    watchdog.start()
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if line.startswith(READY):
                return server, line.removeprefix(READY).strip()
    finally:
        watchdog.cancel()
    server.wait()
    raise RuntimeError(f"the server ended with {server.returncode}: {(data.parent / 'server.log').read_text()[-4000:]}")


def stop_server(server: subprocess.Popen[str]) -> int:
    """End the server as an operator would, and answer its exit status."""
    server.send_signal(signal.SIGTERM)
    try:
        return server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        raise
