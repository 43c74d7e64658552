"""A school day in short: all services in use, restarts and kills in between, and nothing that grows.

`make soak` and `make test-all` run it for an hour, CI for a minute.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from cloud_servers import ServedCloud, stop_server
from figures import Bound, Figure, p95
from load import Load
from loads import all_loads
from under_load import differences, prepare, serve

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("CHORALE_SOAK_SECONDS", "60"))
LIVES = 6  # of the server; the even ones end by kill -9
PAUSE = 0.02  # seconds at least between the writes of one load: a class that works, not one that attacks
SAMPLE_SECONDS = 0.25
MEBIBYTE = 1024 * 1024


class Measured:
    """The figures that must stay flat, and when the measuring began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.memory = Figure("memory", "MiB", Bound(1.25, 20))
        self.files = Figure("open files", "files", Bound(1.25, 10))
        self.folder = Figure("data folder", "MiB", Bound(1.25, 40))
        self.latency = Figure("p95 of a step", "ms", Bound(3, 50, p95))
        self.all = (self.memory, self.files, self.folder, self.latency)

    def now(self) -> float:
        return time.monotonic() - self._began

    def look_at(self, cloud: ServedCloud) -> None:
        self.memory.add(self.now(), resident_bytes(cloud.pid) / MEBIBYTE)
        self.files.add(self.now(), len(os.listdir(f"/proc/{cloud.pid}/fd")))
        self.folder.add(self.now(), folder_bytes(cloud.data) / MEBIBYTE)


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def folder_bytes(data: Path) -> int:
    total = 0
    for folder, _, names in os.walk(data):
        for name in names:
            try:
                total += os.stat(os.path.join(folder, name)).st_size
            except FileNotFoundError:  # deleted meanwhile
                continue
    return total


@contextmanager
def at_work(loads: Sequence[Load], measured: Measured) -> Iterator[None]:
    """All loads write, each in a thread, for as long as this lasts; what goes wrong in one is raised at the end."""

    def work(load: Load) -> None:
        try:
            while not over.wait(max(PAUSE, load.rest)):
                began = time.monotonic()
                load.step()
                measured.latency.add(measured.now(), (time.monotonic() - began) * 1000)
        except Exception as error:
            failures.append(error)

    over = threading.Event()
    failures: list[Exception] = []
    threads = [threading.Thread(target=work, args=(load,)) for load in loads]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failures:
        raise ExceptionGroup("loads failed", failures)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory and open files are read from /proc")
@pytest.mark.timeout(300 + 2 * SECONDS)
def test_memory_open_files_disk_and_answers_stay_as_they_were(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}, {SECONDS:.0f} seconds")
    loads = all_loads(Random(seed))
    data = tmp_path / "data"
    server, cloud = serve(data)
    prepare(loads, cloud)
    measured = Measured()
    for life in range(1, LIVES + 1):
        with at_work(loads, measured):
            end = measured.now() + SECONDS / LIVES
            while measured.now() < end:
                measured.look_at(cloud)
                time.sleep(SAMPLE_SECONDS)
        if life % 2:
            assert stop_server(server) == 0
        else:
            server.kill()
            server.wait()
        server, cloud = serve(data)
        assert differences(loads, cloud) == []
    assert stop_server(server) == 0
    print(f"{sum(load.ledger.acknowledged for load in loads)} writes were acknowledged; none was lost")
    for figure in measured.all:
        print(figure)
    assert not any(load.refused for load in loads)
    assert [str(figure) for figure in measured.all if figure.grows] == []
