"""A worker that dies costs its one composition; the server and everything else go on."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud_servers import ServedCloud, start_server, stop_server
from patience import eventually, is_running

from infra.local.account import Account

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    data = tmp_path_factory.mktemp("worker-death") / "data"
    server, endpoint = start_server(data, "--workers", "1", "--no-prewarm")
    yield ServedCloud(endpoint, data, Account.load(data), server.pid)
    assert stop_server(server) == 0


def compose(client: Any, name: str, sampling_iterations: int = 1) -> str:
    created = client.create_composition(
        name=name,
        modelId="ar-cnn-bach",
        modelType="SAMPLE",
        sampleMelodyId="ode-to-joy",
        inferenceHyperParameters={"samplingIterations": sampling_iterations},
    )
    composition_id: str = created["composition"]["compositionId"]
    return composition_id


def final(client: Any, composition_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_composition(compositionId=composition_id)["composition"]
        return found if found["status"] != "IN_PROGRESS" else None

    answer: dict[str, Any] = eventually(look)
    return answer


def compose_workers(server_pid: int) -> list[int]:
    ps = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    listing = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == server_pid and "handlers.compose" in row[2]]


def requests_of_workers(data: Path) -> int:
    return (data / "access.log").read_text().count("assumed-role/chorale-worker")


def test_a_composition_whose_worker_is_killed_has_failed_and_the_next_one_succeeds(cloud: ServedCloud) -> None:
    client = cloud.client("deepcomposer")
    assert final(client, compose(client, "warms a worker"))["status"] == "COMPLETED"
    (worker,) = compose_workers(cloud.pid)
    before = requests_of_workers(cloud.data)

    def stop_at_work() -> None:
        eventually(lambda: requests_of_workers(cloud.data) > before)
        os.kill(worker, signal.SIGSTOP)

    stopping = threading.Thread(target=stop_at_work)
    stopping.start()
    composition_id = compose(client, "unlucky", sampling_iterations=100)
    stopping.join()
    assert client.get_composition(compositionId=composition_id)["composition"]["status"] == "IN_PROGRESS"
    os.kill(worker, signal.SIGKILL)
    unlucky = final(client, composition_id)
    assert unlucky["status"] == "FAILED"
    assert unlucky["statusReason"] == "The process that worked on the composition ended unexpectedly."
    assert final(client, compose(client, "lucky"))["status"] == "COMPLETED"
    assert compose_workers(cloud.pid) != [worker]


def test_more_compositions_than_may_wait_are_throttled_and_leave_nothing(cloud: ServedCloud) -> None:
    client = cloud.client("deepcomposer", max_pool_connections=40)
    before = names(client)
    eventually(lambda: compose_workers(cloud.pid))
    (worker,) = compose_workers(cloud.pid)
    os.kill(worker, signal.SIGSTOP)
    outcomes: list[str] = []

    def flood(number: int) -> None:
        try:
            compose(client, f"flood {number}")
            outcomes.append("accepted")
        except client.exceptions.ThrottlingException:
            outcomes.append("throttled")

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.kill(worker, signal.SIGKILL)
    # One at work and sixteen waiting: as many as one caller may have.
    assert (outcomes.count("accepted"), outcomes.count("throttled")) == (17, 13)
    assert len(names(client)) == len(before) + 17
    for summary in client.list_compositions(maxResults=100)["compositions"]:
        final(client, summary["compositionId"])


def names(client: Any) -> list[str]:
    return [summary["name"] for summary in client.list_compositions(maxResults=100)["compositions"]]


def test_no_worker_outlives_its_server(tmp_path: Path) -> None:
    server, _ = start_server(tmp_path / "data", "--workers", "1")
    try:
        (worker,) = eventually(lambda: compose_workers(server.pid))
    finally:
        server.kill()
        server.wait()
    assert server.stdout is not None
    server.stdout.close()
    eventually(lambda: not is_running(worker))
