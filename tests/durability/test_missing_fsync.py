"""No answer leaves before what it acknowledges is on the disk: the server's own system calls are the witness.

kill -9 cannot show this, as the kernel keeps what a killed process wrote; a power cut would not.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cloud_servers import ServedCloud, start_server, stop_server
from patience import eventually
from syscalls import (
    TRACED,
    Call,
    Exchange,
    created_names,
    exchanges,
    is_name_synced,
    problems,
    read_calls,
    renamed_bodies,
)

from infra.local.account import Account

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.uname().sysname != "Linux", reason="strace is Linux's")]

HEAD_BYTES = 1000  # of a request, so that its User-Agent is in the trace
STACK = "Resources: {User: {Type: AWS::IAM::User, Properties: {UserName: of-the-stack}}}"

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Trace:
    """What a server did while it answered the writes below."""

    data: Path
    calls: list[Call]
    exchanges: list[Exchange]

    def of(self, mark: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if f"trace-{mark}" in exchange.head]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    folder = tmp_path_factory.mktemp("traced").resolve()
    data = folder / "data"
    strace = ["strace", "-D", "-f", "-yy", "--seccomp-bpf", "-s", str(HEAD_BYTES), "-e", f"trace={TRACED}"]
    check_that_strace_can_trace()
    server, endpoint = start_server(data, "--no-prewarm", under=[*strace, "-o", str(folder / "trace")])
    cloud = ServedCloud(endpoint, data, Account.load(data), server.pid)
    prepare(cloud)
    for mark, write in WRITES.items():
        write(lambda service, mark=mark: cloud.client(service, user_agent_extra=f"trace-{mark}"))
    assert stop_server(server) == 0
    ended = re.compile(rf"^{server.pid} +\+\+\+ exited", re.MULTILINE)
    eventually(lambda: ended.search((folder / "trace").read_text()))
    calls = read_calls((folder / "trace").read_text().splitlines())
    return Trace(data, calls, exchanges(calls))


def check_that_strace_can_trace() -> None:
    """Fails, rather than skips: a proof that silently stops being run is none."""
    assert shutil.which("strace"), "strace is not installed; on Debian: apt-get install strace"
    tried = subprocess.run(["strace", "-f", "--seccomp-bpf", "true"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, f"strace may not trace processes here: {tried.stderr[-500:]}"


def prepare(cloud: ServedCloud) -> None:
    cloud.client("s3").create_bucket(Bucket="traced")
    cloud.client("logs").create_log_group(logGroupName="traced")
    cloud.client("logs").create_log_stream(logGroupName="traced", logStreamName="stream")
    api = cloud.client("deepcomposer")
    created = api.create_composition(
        name="Traced",
        modelId="ar-cnn-bach",
        modelType="SAMPLE",
        sampleMelodyId="ode-to-joy",
        inferenceHyperParameters={"samplingIterations": 1},
    )
    api.get_waiter("composition_completed").wait(compositionId=created["composition"]["compositionId"])


def put_item(client: Client) -> None:
    client("dynamodb").put_item(TableName="chorale", Item={"pk": {"S": "traced"}, "sk": {"S": "1"}})


def transact(client: Client) -> None:
    puts = [{"Put": {"TableName": "chorale", "Item": {"pk": {"S": "pair"}, "sk": {"S": sk}}}} for sk in "ab"]
    client("dynamodb").transact_write_items(TransactItems=puts)


def put_small_object(client: Client) -> None:
    client("s3").put_object(Bucket="traced", Key="small", Body=b"small")


def put_large_object(client: Client) -> None:
    client("s3").put_object(Bucket="traced", Key="large", Body=os.urandom(1_000_000))


def upload_in_parts(client: Client) -> None:
    s3 = client("s3")
    target = {"Bucket": "traced", "Key": "parts"}
    target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, PartNumber=1, Body=os.urandom(1_000_000))
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})


def delete_object(client: Client) -> None:
    client("s3").delete_object(Bucket="traced", Key="small")


def create_user(client: Client) -> None:
    client("iam").create_user(UserName="traced")


def create_key(client: Client) -> None:
    client("kms").create_key(Description="traced")


def put_log_events(client: Client) -> None:
    events = [{"timestamp": 1_700_000_000_000, "message": "traced"}]
    client("logs").put_log_events(logGroupName="traced", logStreamName="stream", logEvents=events)


def create_stack(client: Client) -> None:
    client("cloudformation").create_stack(StackName="traced", TemplateBody=STACK)


def tag_composition(client: Client) -> None:
    api = client("deepcomposer")
    (found,) = api.list_compositions()["compositions"]
    api.tag_resource(resourceArn=found["compositionArn"], tags=[{"key": "traced", "value": "1"}])


WRITES = {
    write.__name__: write
    for write in (
        put_item,
        transact,
        put_small_object,
        put_large_object,
        upload_in_parts,
        delete_object,
        create_user,
        create_key,
        put_log_events,
        create_stack,
        tag_composition,
    )
}
LARGE_BODIES = {"put_large_object": 1, "upload_in_parts": 1}
NEEDED_FILES = ("account.json", "master.key", "state.db", "state.db-wal")
IS_A_READ = "GET /compositions"  # by which a test finds what it writes to


@pytest.mark.parametrize("mark", WRITES)
def test_an_answer_leaves_after_its_write_is_on_the_disk(trace: Trace, mark: str) -> None:
    found = [exchange for exchange in trace.of(mark) if not exchange.head.startswith(IS_A_READ)]
    assert found
    assert {exchange.status for exchange in found} <= {200, 204}
    for exchange in found:
        assert problems(exchange, trace.data) == [], exchange.head[:60]
    bodies = sum(len(renamed_bodies(exchange, trace.data)) for exchange in found)
    assert bodies == LARGE_BODIES.get(mark, 0)


def test_the_names_of_the_new_files_are_on_the_disk_before_the_first_answer(trace: Trace) -> None:
    answered = trace.exchanges[0].answered
    created = created_names(trace.calls, answered, trace.data)
    for name in NEEDED_FILES:
        assert is_name_synced(trace.calls, created[name], answered, trace.data), name
