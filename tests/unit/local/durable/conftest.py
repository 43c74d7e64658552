"""A store in a folder of its own, with its master key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.durable.keyring import MasterKey
from infra.local.durable.store import Store


@pytest.fixture
def master(tmp_path: Path) -> MasterKey:
    return MasterKey.create(tmp_path / "master.key")


@pytest.fixture
def store(tmp_path: Path, master: MasterKey) -> Iterator[Store]:
    store = Store(tmp_path, master)
    yield store
    store.close()
