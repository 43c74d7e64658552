"""A full disk costs the writes that find no room, and nothing else; when there is room again, they work again."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from cloud_servers import ServedCloud, start_server, stop_server
from load import Load
from loads import all_loads
from small_disk import fill, make_room, small_disk
from under_load import differences, prepare, serve

pytestmark = pytest.mark.slow

MEBIBYTES = 64
PATIENCE = 60.0  # seconds until every service has met the end of the room
STEPS = 20
TOLD = ("no room on the disk", "can store nothing")  # by the services, and by DeepComposer, which knows of no disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "data", MEBIBYTES) as mounted:
        yield mounted


def served_until_full(disk: Path, seed: int) -> tuple[list[Load], subprocess.Popen[str], ServedCloud]:
    """Every load has written something when the disk becomes full, and was refused since."""
    loads = all_loads(Random(seed))
    server, cloud = serve(disk)
    prepare(loads, cloud)
    for load in loads:
        for _ in range(STEPS):
            load.step()
    fill(disk)
    for load in loads:
        write_until_refused(load)
    return loads, server, cloud


def write_until_refused(load: Load) -> None:
    """A write that still finds room, in what a file kept of an earlier one, is acknowledged and no lie."""
    before, end = load.refused, time.monotonic() + PATIENCE
    while load.refused < before + 3:
        load.step()
        assert time.monotonic() < end, f"{load.name} goes on writing on a full disk"


def test_writes_are_refused_while_the_disk_is_full_and_nothing_acknowledged_is_lost(disk: Path) -> None:
    loads, server, cloud = served_until_full(disk, 1)
    for load in loads:
        assert any(words in load.refusal for words in TOLD), f"{load.name} was told {load.refusal}"
    assert differences(loads, cloud) == []

    make_room(disk)
    refused = [load.refused for load in loads]
    for load in loads:
        for _ in range(STEPS):
            load.step()
    assert [load.refused for load in loads] == refused
    assert differences(loads, cloud) == []

    server.kill()
    server.wait()
    server, cloud = serve(disk)
    assert differences(loads, cloud) == []
    assert stop_server(server) == 0


def test_a_server_that_is_killed_on_a_full_disk_has_everything_when_there_is_room(disk: Path) -> None:
    loads, server, _ = served_until_full(disk, 2)
    server.kill()
    server.wait()
    assert_a_start_that_fails_tells_of_the_room(disk)
    make_room(disk)
    server, cloud = serve(disk)
    assert differences(loads, cloud) == []
    assert stop_server(server) == 0


def assert_a_start_that_fails_tells_of_the_room(disk: Path) -> None:
    log = disk.parent / "server.log"
    before = len(log.read_text())
    try:
        server, _ = start_server(disk, "--no-prewarm")
    except RuntimeError:
        told = log.read_text()[before:]
    else:
        server.kill()
        server.wait()
        return
    assert "No space left on device" in told or "no room on the disk" in told
    assert "Traceback" not in told
