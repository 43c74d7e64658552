"""What a full account costs: memory, time to start, disk, and reads that should not notice how much there is."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.local.environment import client_environment
from tests.benchmarks.result import Result
from tests.benchmarks.servers import resident_megabytes

FEW, MANY = 1_000, 100_000  # items
OBJECTS = 10_000
CLIENTS = 8
BATCH = 25
PARTITION = 100  # items under one hash key
ITEM_BYTES = 400
BODY_BYTES = 2_000
READS = 300
TABLE = BUCKET = "benchmark"


@dataclass(frozen=True)
class Filled:
    """A running server: its process, its clients, and the seconds from its start until it was ready."""

    pid: int
    dynamodb: Any
    s3: Any
    start_seconds: float


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder:
        data = Path(folder) / "data"
        with _served(data) as empty:
            before = resident_megabytes(empty.pid), _bytes(data)
            _create(empty)
            _put_items(empty, range(FEW))
            few = _query_milliseconds(empty, FEW)
            began = time.perf_counter()
            _put_items(empty, range(FEW, MANY))
            rate = (MANY - FEW) / (time.perf_counter() - began)
            yield Result(f"items a second, BatchWriteItem, {CLIENTS} clients", rate, "items/s", "", "acknowledged")
            many = _query_milliseconds(empty, MANY)
            detail = f"{many:.1f} ms, {few:.1f} ms"
            yield Result(f"Query of 20 at {MANY} items / at {FEW}", many / few, "×", "about 1", detail)
            began = time.perf_counter()
            _each(range(OBJECTS), lambda number: _put_object(empty, number))
            rate = OBJECTS / (time.perf_counter() - began)
            yield Result(f"PutObject of 2 kB a second, {CLIENTS} clients", rate, "objects/s", "", "acknowledged")
            yield Result("listing of 20 objects, p50", _listing_milliseconds(empty), "ms", "", f"{OBJECTS} objects")
        held = MANY * ITEM_BYTES + OBJECTS * BODY_BYTES
        told = f"{MANY} items of {ITEM_BYTES} bytes, {OBJECTS} objects of {BODY_BYTES}"
        yield Result("disk / what was stored", (_bytes(data) - before[1]) / held, "×", "", told)
        with _served(data) as full:
            yield Result("from start to ready, this account", full.start_seconds, "s", "under 3 s", told)
            _query_milliseconds(full, MANY)
            _listing_milliseconds(full)
            memory = resident_megabytes(full.pid)
            yield Result("serving process, this account", memory, "MB", "under 250", f"empty: {before[0]:.0f} MB")


@contextmanager
def _served(data: Path) -> Iterator[Filled]:
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--no-prewarm", "--data", str(data)]
    began = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    if "ready" not in server.stdout.readline():
        raise RuntimeError("the server did not start")
    start = time.perf_counter() - began
    try:
        yield Filled(server.pid, _client("dynamodb", data), _client("s3", data), start)
    finally:
        server.terminate()
        server.wait(60)


def _client(service: str, data: Path) -> Any:
    local = client_environment(data)
    return boto3.client(
        service,
        endpoint_url=local["AWS_ENDPOINT_URL"],
        region_name=local["AWS_REGION"],
        aws_access_key_id=local["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=CLIENTS),
    )


def _create(server: Filled) -> None:
    server.s3.create_bucket(Bucket=BUCKET)
    server.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


def _put_items(server: Filled, numbers: range) -> None:
    starts = range(numbers.start, numbers.stop, BATCH)

    def put(start: int) -> None:
        puts = [{"PutRequest": {"Item": _item(number)}} for number in range(start, start + BATCH)]
        answer = server.dynamodb.batch_write_item(RequestItems={TABLE: puts})
        assert not answer["UnprocessedItems"]

    _each(starts, put)


def _item(number: int) -> dict[str, Any]:
    partition, place = divmod(number, PARTITION)
    return {"pk": {"S": f"p{partition}"}, "sk": {"N": str(place)}, "text": {"S": os.urandom(ITEM_BYTES // 2).hex()}}


def _put_object(server: Filled, number: int) -> None:
    server.s3.put_object(Bucket=BUCKET, Key=f"{number % 100}/{number}", Body=os.urandom(BODY_BYTES))


def _query_milliseconds(server: Filled, items: int) -> float:
    def query(number: int) -> None:
        partition = {":pk": {"S": f"p{number * 37 % (items // PARTITION)}"}}
        expression = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": partition}
        assert len(server.dynamodb.query(TableName=TABLE, Limit=20, **expression)["Items"]) == 20

    return _median_milliseconds(query)


def _listing_milliseconds(server: Filled) -> float:
    def listing(number: int) -> None:
        answer = server.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{number % 100}/", MaxKeys=20)
        assert answer["KeyCount"] == 20

    return _median_milliseconds(listing)


def _median_milliseconds(call: Callable[[int], None]) -> float:
    seconds = []
    for number in range(READS):
        began = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def _each(values: range, call: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in pool.map(call, values):
            assert done is None


def _bytes(data: Path) -> int:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
