"""One real server for the end-to-end tests, and the environment of a shell that `chorale env` set up for it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cloud_servers import ServedCloud

from infra.local.environment import client_environment


@dataclass(frozen=True)
class Server:
    """The data directory of a running server and the whole environment of a shell that ran `chorale env` against it."""

    data: Path
    environment: dict[str, str]


@pytest.fixture(scope="session")
def running_server(served_cloud: ServedCloud) -> Server:
    shell = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    shell["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{shell['PATH']}"
    shell["CHORALE_DATA"] = str(served_cloud.data)
    return Server(served_cloud.data, shell | client_environment(served_cloud.data))
