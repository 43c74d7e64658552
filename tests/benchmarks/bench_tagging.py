"""Acknowledged TagResource requests a second, each by itself on the disk, against bare commits on the same disk.

Every client changes a composition of its own, as the pupils of a class would. Where strace is to be had, both are
measured once more on a simulated slow disk, on which every fsync takes 4 ms longer: the case of a school's server.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.account import Account
from service.cli.client import connect
from service.resources import new_id
from tests.benchmarks.bench_gateway import raw
from tests.benchmarks.load import Load, measure
from tests.benchmarks.result import Result
from tests.benchmarks.servers import Served, chorale

SECONDS = 3.0
ROUNDS = 3
CLIENTS = {1: 0.5, 16: 3.0}  # how many, and the least they should reach as a multiple of bare commits
VALUES = 400  # for each client's tag: requests are signed beforehand and sent in a circle
SLOW_DISK = (
    "strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
    "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_enter=4000",
)  # fmt: skip


def run() -> list[Result]:
    results = _on(())
    if _can_trace():
        results += _on(SLOW_DISK)
    return results


def _on(disk: Sequence[str]) -> list[Result]:
    results = []
    with chorale(disk) as served:
        requests, row = prepared(served, max(CLIENTS))
        for clients, least in CLIENTS.items():
            circles = [cycle(circle) for circle in requests[:clients]]
            measure(served.address, circles, clients, 1.0)
            loads, commits, used = [], [], []
            for _ in range(ROUNDS):  # in turn, so that a busy moment of the machine hits both
                before = processor_seconds(served.running.pid)
                loads.append(measure(served.address, circles, clients, SECONDS))
                used.append((processor_seconds(served.running.pid) - before) / (loads[-1].per_second * SECONDS))
                commits.append(bare_commits(disk, row))
            load = sorted(loads, key=_rate)[ROUNDS // 2]
            results.append(_result(clients, least, bool(disk), load, commits, min(used)))
    return results


def _result(clients: int, least: float, slow: bool, load: Load, commits: list[float], used: float) -> Result:
    bare = statistics.median(commits)
    where = "fsync + 4 ms (simulated)" if slow else "this disk"
    return Result(
        f"TagResource / bare SQLite commits, {clients} client{'s' if clients > 1 else ''}, {where}",
        load.per_second / bare,
        "×",
        f"at least {least}",
        f"{load.per_second:.0f}/s, p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms, "
        f"{1000 * used:.2f} ms of processor each; bare {bare:.0f}/s",
    )


def prepared(served: Served, clients: int) -> tuple[list[list[bytes]], int]:
    """Signed requests for each client, each with another value of its tag than the one before; and an item's size."""
    item = _composition(served)
    dynamodb = served.client("dynamodb")
    (table,) = dynamodb.list_tables()["TableNames"]
    requests = []
    for number in range(clients):
        copy = item | {"sk": {"S": new_id()}}
        dynamodb.put_item(TableName=table, Item=copy)
        requests.append(list(_signed(served, copy["sk"]["S"], number)))
    return requests, len(json.dumps(item))


def _composition(served: Served) -> dict[str, Any]:
    """The item of a new composition."""
    created = connect(served.data).create_composition(
        name="benchmark", modelId="ar-cnn-bach", modelType="SAMPLE", sampleMelodyId="ode-to-joy",
        inputMidiSource="SAMPLE", inferenceHyperParameters={"samplingIterations": 1},
    )["composition"]  # fmt: skip
    client = connect(served.data)
    client.get_waiter("composition_completed").wait(compositionId=created["compositionId"])
    dynamodb = served.client("dynamodb")
    (table,) = dynamodb.list_tables()["TableNames"]
    (item,) = (item for item in dynamodb.scan(TableName=table)["Items"] if item["sk"]["S"] == created["compositionId"])
    return item


def _signed(served: Served, composition_id: str, number: int) -> Iterator[bytes]:
    account = Account.load(served.data)
    signer = SigV4Auth(Credentials(account.access_key_id, account.secret_access_key), "deepcomposer", account.region)
    host = f"{served.address[0]}:{served.address[1]}"
    arn = f"arn:aws:deepcomposer:{account.region}:{account.id}:composition/{composition_id}"
    for value in range(VALUES):
        body = json.dumps({"tags": [{"key": "counter", "value": f"{number}-{value}"}]}).encode()
        url = f"http://{host}/tags/{quote(arn, safe='')}"
        request = AWSRequest("POST", url, headers={"Host": host, "Content-Type": "application/json"}, data=body)
        signer.add_auth(request)
        yield raw(request, body)


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare_commits(disk: Sequence[str], size: int) -> float:
    """Commits a second by SQLite alone, of rows of `size` bytes."""
    with tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder:
        command = [*disk, sys.executable, "-m", "tests.benchmarks.bare_commits", folder, str(size), str(SECONDS)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _can_trace() -> bool:
    """Whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run([*SLOW_DISK, sys.executable, "-c", ""], capture_output=True).returncode == 0


def _rate(load: Load) -> float:
    return load.per_second
