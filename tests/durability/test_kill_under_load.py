"""kill -9 at any moment, with every service being written to: what was acknowledged is there, and nothing is half."""

import os
from pathlib import Path
from random import Random

import pytest
from body_files import files_needed, files_on_disk
from cloud_servers import stop_server
from loads import all_loads
from patience import eventually
from under_load import differences, prepare, serve, write_until_killed

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CHORALE_KILL_ROUNDS", "5"))
WRITING_SECONDS = (0.2, 2.5)  # before the kill, at random between these
SECONDS_A_ROUND = 60  # more than one ever takes


@pytest.mark.timeout(120 + SECONDS_A_ROUND * ROUNDS)
def test_whatever_was_acknowledged_survives_kill_9_and_leaves_no_body_astray(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    random = Random(seed)
    loads = all_loads(random)
    data = tmp_path / "data"
    server, cloud = serve(data)
    prepare(loads, cloud)
    for number in range(1, ROUNDS + 1):
        before = sum(load.ledger.acknowledged for load in loads)
        write_until_killed(loads, server, random.uniform(*WRITING_SECONDS))
        print(f"round {number}: {sum(load.ledger.acknowledged for load in loads) - before} writes acknowledged")
        server, cloud = serve(data)
        assert not any(load.refused for load in loads)
        assert differences(loads, cloud) == []
        wait_for_body_files(data, files_needed(cloud))

    print({load.name: load.ledger.acknowledged for load in loads})
    for load in loads:
        load.clear()
    server.kill()
    server.wait()
    server, cloud = serve(data)
    assert differences(loads, cloud) == []
    assert not any(load.found() for load in loads)
    wait_for_body_files(data, 0)
    assert stop_server(server) == 0


def wait_for_body_files(data: Path, number: int) -> None:
    """What no object needs may be removed in the background; nothing else may."""
    eventually(lambda: files_on_disk(data) <= number)
    assert files_on_disk(data) == number
