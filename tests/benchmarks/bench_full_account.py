"""An account with 100,000 compositions of three objects each: a page of their list, the restart, the memory."""

import shutil
import tempfile
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.account import Account
from infra.local.durable.folder import DataFolder
from service.cli.client import connect
from tests.benchmarks.bench_gateway import raw
from tests.benchmarks.full_account import copy_composition
from tests.benchmarks.load import Load, measure
from tests.benchmarks.result import Result
from tests.benchmarks.servers import Served, chorale_on, resident_megabytes

FEW, MANY = 1_000, 100_000
SECONDS = 1.5
ROUNDS = 5


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder:
        small, full = Path(folder, "small"), Path(folder, "full")
        small.mkdir()
        with chorale_on(small) as served:
            composition = _composition(served)
        _fill(small, composition, FEW - 1)
        shutil.copytree(small, full)
        _fill(full, composition, MANY - FEW)
        began = time.perf_counter()
        with chorale_on(full) as served:
            ready = time.perf_counter() - began
            with chorale_on(small) as peer:
                many, few = _pages(served, peer)
            time.sleep(5)  # until the compose worker has been warmed up and the start's sweep is over
            resident = resident_megabytes(served.running.pid)
        size = sum(path.stat().st_size for path in full.glob("state.db*")) / 1e6
    detail = f"p50 {many.p50:.2f} ms, p99 {many.p99:.1f} ms; with {FEW}: {few.p50:.2f} and {few.p99:.1f} ms"
    told = f"{MANY} compositions, {3 * MANY} objects, {size:.0f} MB on disk"
    return [
        Result(f"ListCompositions, {MANY} / {FEW} stored", many.p50 / few.p50, "×", "at most 1.5, reach 1.1", detail),
        Result("from start to ready, full account", ready, "s", "under 15", told),
        Result("serving process, full account", resident, "MB", "under 600", told),
    ]


def _pages(full: Served, small: Served) -> tuple[Load, Load]:
    """The median of five rounds each, taken in turn, so that a busy moment of the machine hits both."""
    requests = [(served.address, _page(served)) for served in (full, small)]
    rounds = [[measure(address, page, 1, SECONDS) for address, page in requests] for _ in range(ROUNDS)]
    many, few = (sorted(loads, key=lambda load: load.p50)[ROUNDS // 2] for loads in zip(*rounds, strict=True))
    return many, few


def _composition(served: Served) -> str:
    """A new composition with its input and two revisions."""
    client = connect(served.data)
    composition_id: str = client.create_composition(
        name="benchmark", modelId="ar-cnn-bach", modelType="SAMPLE", sampleMelodyId="ode-to-joy",
        inputMidiSource="SAMPLE", inferenceHyperParameters={"samplingIterations": 1},
    )["composition"]["compositionId"]  # fmt: skip
    client.update_composition(compositionId=composition_id, edits=[{"op": "SET_TEMPO", "tempo": 90}])
    return composition_id


def _fill(data: Path, composition_id: str, copies: int) -> None:
    folder = DataFolder.open(data)
    copy_composition(folder, composition_id, copies)
    folder.close()


def _page(served: Served) -> bytes:
    """The request for the first page of the list."""
    account = Account.load(served.data)
    host = f"{served.address[0]}:{served.address[1]}"
    request = AWSRequest("GET", f"http://{host}/compositions?maxResults=20", headers={"Host": host})
    credentials = Credentials(account.access_key_id, account.secret_access_key)
    SigV4Auth(credentials, "deepcomposer", account.region).add_auth(request)
    return raw(request)
