"""What the serving process costs: seconds until ready and resident memory at rest, on an empty account."""

import time

from tests.benchmarks.result import Result
from tests.benchmarks.servers import chorale, resident_megabytes


def run() -> list[Result]:
    began = time.perf_counter()
    with chorale() as served:
        ready = time.perf_counter() - began
        time.sleep(8)  # until the compose worker has been warmed up and the process is at rest
        resident = resident_megabytes(served.running.pid)
    return [
        Result("seconds until ready, empty account", ready, "s", "under 3"),
        Result("serving process at rest, empty account", resident, "MB", "under 250"),
    ]
