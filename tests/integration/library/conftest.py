from collections.abc import Iterator

import pytest
from library_world import ACCOUNT, REGION, Machine, World

from infra.local.moto_host import MotoHost


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    host = MotoHost(ACCOUNT, REGION)
    yield Machine(host)
    host.close()


@pytest.fixture
def world(machine: Machine) -> World:
    return World(machine)
