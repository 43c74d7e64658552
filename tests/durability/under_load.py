"""A server in a process of its own with all the loads upon it, and how it is killed and looked at again."""

import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cloud_servers import ServedCloud, start_server
from load import Load, ServerGoneError

from infra.local.account import Account


def serve(data: Path, *arguments: str) -> tuple[subprocess.Popen[str], ServedCloud]:
    server, endpoint = start_server(data, "--no-prewarm", *arguments)
    return server, ServedCloud(endpoint, data, Account.load(data), server.pid)


def prepare(loads: Iterable[Load], cloud: ServedCloud) -> None:
    for load in loads:
        load.prepare(cloud)
        load.connect(cloud)


def write_until_killed(loads: Sequence[Load], server: subprocess.Popen[str], seconds: float) -> None:
    """All loads write at once, until the server is killed in the middle of it after so many seconds."""

    def write(load: Load) -> None:
        try:
            while True:
                load.step()
                time.sleep(load.rest)
        except ServerGoneError:
            assert killing.is_set(), f"the server was gone for {load.name} before it was killed"

    killing = threading.Event()
    with ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(write, load) for load in loads]
        time.sleep(seconds)
        killing.set()
        server.kill()
        server.wait()
        for future in running:
            future.result()


def differences(loads: Sequence[Load], cloud: ServedCloud) -> list[str]:
    """What is wrong with all that the server holds, a sentence each; what is there now is expected from now on."""
    told = []
    for load in loads:
        load.connect(cloud)
        found = load.found()
        told += [f"{load.name}: {difference}" for difference in load.ledger.differences(found)]
        load.ledger.settle(found)
    return told
