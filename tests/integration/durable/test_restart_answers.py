"""After a restart the account answers every question as before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.durable.filled_account import answers, fill
from tests.integration.durable.small_world import SmallWorld


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("restarted")


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, object]:
    world = SmallWorld(folder)
    try:
        fill(world.client)
        return answers(world.client)
    finally:
        world.close()


@pytest.fixture(scope="module")
def world(folder: Path, told: dict[str, object]) -> Iterator[SmallWorld]:
    world = SmallWorld(folder)
    yield world
    world.close()


def test_every_answer_is_as_before_the_restart(told: dict[str, object], world: SmallWorld) -> None:
    again = answers(world.client)
    assert again.keys() == told.keys()
    different = {asked: (told[asked], again[asked]) for asked in told if told[asked] != again[asked]}
    assert not different
