"""Fixtures for whoever needs an AWS: in this process, or behind a real port."""

from collections.abc import Iterator
from typing import Any

import pytest
from cloud_servers import ServedCloud, start_server, stop_server

from infra.local.account import Account


@pytest.fixture(scope="session")
def served_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    """One server for all tests, which therefore name their own things and leave those of others alone."""
    data = tmp_path_factory.mktemp("served") / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    yield ServedCloud(endpoint, data, Account.load(data), server.pid)
    assert stop_server(server) == 0


@pytest.fixture(scope="module")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A LocalCloud in this process, without a socket: `services`, `app`, `session`, `host`, `account`.

    Its functions are not started, so what it is asked to compose or render waits; tests run the work themselves
    (`services.library.make_composition`). moto's state is the process's: leave `mock_aws` alone in such a module.
    """
    from infra.local.cloud import CloudOptions, LocalCloud
    from infra.local.durable.folder import DataFolder

    folder = DataFolder.open(tmp_path_factory.mktemp("local") / "data")
    cloud = LocalCloud(folder, CloudOptions("http://127.0.0.1:4242", "http://127.0.0.1:4242"))
    yield cloud
    cloud.close()
    folder.close()
