import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.durable.filled_account import fill
from tests.integration.durable.small_world import SmallWorld


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed folder with one of everything. To be copied, not opened: see `filled`."""
    folder = tmp_path_factory.mktemp("filled")
    world = SmallWorld(folder)
    try:
        fill(world.client)
    finally:
        world.close()
    return folder


@pytest.fixture
def filled(filled_folder: Path, tmp_path: Path) -> Iterator[SmallWorld]:
    """The account with one of everything, on a folder of the test's own."""
    folder = tmp_path / "filled"
    shutil.copytree(filled_folder, folder)
    world = SmallWorld(folder)
    yield world
    world.close()
