"""One real server for the end-to-end tests: `chorale serve` in a process of its own, reached over its port."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.environment import client_environment
from service.cli.demo import server


@dataclass(frozen=True)
class Server:
    """The data directory of a running server and the whole environment of a shell that ran `chorale env` against it."""

    data: Path
    environment: dict[str, str]


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("served")
    with server(data):
        shell = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        shell["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{shell['PATH']}"
        shell["CHORALE_DATA"] = str(data)
        yield Server(data, shell | client_environment(data))
