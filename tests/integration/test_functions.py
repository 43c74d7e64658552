"""The function host with real worker processes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE, eventually, is_running

from infra.local.fair_queue import QueueFullError
from infra.local.functions import FunctionHost, Limits
from infra.local.http import LocalRequest
from infra.local.invocations import Function

HANDLERS = Path(__file__).parent / "function_handlers"


class Recorder:
    """Keeps what the host tells: failure records and log lines."""

    def __init__(self) -> None:
        self.failures: list[Any] = []
        self.lines: list[str] = []

    def on_failure(self, record: Any) -> None:
        self.failures.append(record)

    def log(self, worker: Any, lines: list[str]) -> None:
        self.lines.extend(lines)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def start(recorder: Recorder) -> Iterator[Callable[..., FunctionHost]]:
    hosts: list[FunctionHost] = []

    def start_host(timeout_seconds: float = PATIENCE, **limits: Any) -> FunctionHost:
        functions = [
            Function(name, f"chorale_test_handlers:{attribute}", timeout_seconds, on_failure=recorder.on_failure)
            for name, attribute in (("echo", "echo"), ("do", "do"), ("missing", "no_such_handler"))
        ]
        host = FunctionHost(
            functions,
            account="123456789012",
            region="us-east-1",
            environment=lambda: {"PYTHONPATH": str(HANDLERS), "AWS_ACCESS_KEY_ID": "ASIATEST"},
            log_sink=recorder.log,
            limits=Limits(**{"slots": 1, "grace_seconds": 5.0} | limits),
        )
        host.start()
        hosts.append(host)
        return host

    yield start_host
    for host in hosts:
        host.close()


def call(host: FunctionHost, name: str, **event: Any) -> Any:
    outcome = host.call(name, json.dumps(event).encode())
    return outcome.failed, json.loads(outcome.payload)


def test_a_handler_gets_its_event_and_context_and_its_result_comes_back(start: Callable[..., FunctionHost]) -> None:
    failed, result = call(start(timeout_seconds=20.0), "echo", melody=[60, 62])
    assert not failed
    assert result["event"] == {"melody": [60, 62]}
    assert result["function"] == "echo"
    assert 0 < result["remaining"] <= 20_000
    assert result["pid"] != os.getpid()


def test_a_worker_is_used_again(start: Callable[..., FunctionHost]) -> None:
    host = start()
    assert call(host, "echo")[1]["pid"] == call(host, "echo")[1]["pid"]


def test_a_worker_is_replaced_after_its_number_of_invocations(start: Callable[..., FunctionHost]) -> None:
    host = start(worker_invocations=1)
    assert call(host, "echo")[1]["pid"] != call(host, "echo")[1]["pid"]


def test_an_old_worker_is_replaced(start: Callable[..., FunctionHost]) -> None:
    host = start(worker_age_seconds=0.0)
    first, second = call(host, "echo")[1]["pid"], call(host, "echo")[1]["pid"]
    assert first != second
    assert host.worker_pids == []


def test_an_exception_is_the_invocations_error_and_the_worker_lives_on(start: Callable[..., FunctionHost]) -> None:
    host = start()
    before = call(host, "do", do="sleep", seconds=0)[1]
    failed, error = call(host, "do", do="raise", message="no such melody")
    assert failed
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such melody")
    assert call(host, "do", do="sleep", seconds=0) == (False, before)


def test_a_result_that_is_not_json_is_an_error(start: Callable[..., FunctionHost]) -> None:
    failed, error = call(start(), "do", do="not json")
    assert failed
    assert error["errorType"] == "TypeError"


def test_a_handler_that_cannot_be_loaded_is_an_error_each_time(start: Callable[..., FunctionHost]) -> None:
    host = start()
    for _ in range(2):
        failed, error = call(host, "missing")
        assert failed
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_handler" in error["errorMessage"]


@pytest.mark.parametrize(
    ("event", "how"), [({"do": "exit", "status": 3}, "exit status 3"), ({"do": "die"}, "signal: SIGKILL")]
)
def test_a_worker_that_dies_costs_one_invocation(
    start: Callable[..., FunctionHost], recorder: Recorder, event: dict[str, Any], how: str
) -> None:
    host = start()
    host.invoke("do", json.dumps(event | {"compositionId": "c1"}).encode())
    record = eventually(lambda: recorder.failures)[0]
    assert record["requestPayload"]["compositionId"] == "c1"
    assert record["responsePayload"] == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"Runtime exited with error: {how}",
    }
    assert record["requestContext"]["functionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:do:$LATEST"
    assert not call(host, "do", do="sleep", seconds=0)[0]
    assert len(recorder.failures) == 1


def test_an_invocation_over_its_time_is_killed_and_the_next_one_runs(
    start: Callable[..., FunctionHost], recorder: Recorder
) -> None:
    host = start(timeout_seconds=1.0)
    host.invoke("do", json.dumps({"do": "sleep", "seconds": 3600}).encode())
    pid = eventually(lambda: host.worker_pids)[0]
    record = eventually(lambda: recorder.failures)[0]
    assert record["responsePayload"]["errorMessage"] == "Task timed out after 1.00 seconds"
    assert record["responsePayload"]["errorType"] == "Sandbox.Timedout"
    assert_gone(pid)
    assert not call(host, "do", do="sleep", seconds=0)[0]


def test_a_synchronous_invocation_tells_its_caller_and_nobody_else(
    start: Callable[..., FunctionHost], recorder: Recorder
) -> None:
    failed, error = call(start(), "do", do="exit", status=1)
    assert failed
    assert error["errorType"] == "Runtime.ExitError"
    assert recorder.failures == []


def test_an_idle_worker_that_was_killed_is_replaced_without_a_failure(start: Callable[..., FunctionHost]) -> None:
    host = start()
    pid = call(host, "echo")[1]["pid"]
    os.kill(pid, 9)
    eventually(lambda: host.worker_pids == [])
    failed, result = call(host, "echo")
    assert not failed
    assert result["pid"] != pid


def test_an_invocation_that_a_dying_worker_did_not_take_up_goes_to_the_next(
    start: Callable[..., FunctionHost],
) -> None:
    host = start()
    pid = call(host, "echo")[1]["pid"]
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    failed, result = call(host, "echo")
    killer.join()
    assert not failed
    assert result["pid"] != pid


def test_idle_workers_are_retired(start: Callable[..., FunctionHost]) -> None:
    host = start(idle_seconds=0.0)
    pid = call(host, "echo")[1]["pid"]
    eventually(lambda: not exists(pid))
    assert host.worker_pids == []


def test_beyond_its_bounds_the_queue_refuses(start: Callable[..., FunctionHost], tmp_path: Path) -> None:
    host = start(waiting=3, waiting_per_caller=2)
    go = tmp_path / "go"
    append = {"do": "append", "path": str(tmp_path / "order"), "until": str(go)}
    host.invoke("do", event_of("busy", append))
    eventually((tmp_path / "order").exists)
    host.invoke("do", event_of("a", append))
    host.invoke("do", event_of("a", append))
    with pytest.raises(QueueFullError):
        host.invoke("do", event_of("a", append))  # as many as one caller may have
    host.invoke("do", event_of("b", append))
    with pytest.raises(QueueFullError):
        host.invoke("do", event_of("c", append))  # as many as may wait at all
    go.touch()
    eventually(lambda: len((tmp_path / "order").read_text().split()) == 4)
    host.invoke("do", event_of("c", append))


def test_callers_take_turns(start: Callable[..., FunctionHost], tmp_path: Path) -> None:
    host = start()
    go = tmp_path / "go"
    append = {"do": "append", "path": str(tmp_path / "order"), "until": str(go)}
    host.invoke("do", event_of("first", append))
    eventually((tmp_path / "order").exists)
    for caller in ("flood", "flood", "flood", "flood", "modest", "modest"):
        host.invoke("do", event_of(caller, append))
    go.touch()
    order = eventually(lambda: len(lines := (tmp_path / "order").read_text().split()) == 7 and lines)
    assert order == ["first", "flood", "modest", "flood", "modest", "flood", "flood"]


def event_of(caller: str, event: dict[str, Any]) -> bytes:
    return json.dumps(event | {"caller": caller}).encode()


def test_slots_work_side_by_side(start: Callable[..., FunctionHost], tmp_path: Path) -> None:
    host = start(slots=2)
    go, order = tmp_path / "go", tmp_path / "order"
    append = {"do": "append", "path": str(order), "until": str(go)}
    host.invoke("do", event_of("a", append))
    host.invoke("do", event_of("b", append))
    eventually(lambda: order.exists() and len(order.read_text().split()) == 2)
    assert len(host.worker_pids) == 2
    go.touch()


def test_a_prewarmed_worker_answers_the_first_invocation(start: Callable[..., FunctionHost]) -> None:
    host = start()
    host.prewarm("echo")
    (pid,) = host.worker_pids
    assert call(host, "echo")[1]["pid"] == pid


def test_what_a_handler_prints_reaches_the_log(start: Callable[..., FunctionHost], recorder: Recorder) -> None:
    call(start(), "do", do="print", text="bar 7 is in G major")
    eventually(lambda: recorder.lines.count("bar 7 is in G major") == 2)


def test_a_worker_inherits_no_aws_settings_but_its_own(
    start: Callable[..., FunctionHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the user")
    monkeypatch.setenv("AWS_PROFILE", "of the user")
    _, environment = call(start(), "do", do="environment")
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "ASIATEST"
    }


def test_closing_lets_what_runs_finish_and_leaves_no_process(
    start: Callable[..., FunctionHost], recorder: Recorder, tmp_path: Path
) -> None:
    host = start()
    go, order = tmp_path / "go", tmp_path / "order"
    running = json.dumps({"do": "append", "path": str(order), "until": str(go), "caller": "x"}).encode()
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(host.call("do", running)))
    waiting.start()
    eventually(order.exists)
    (pid,) = host.worker_pids
    threading.Timer(0.2, go.touch).start()
    host.close()
    waiting.join(PATIENCE)
    assert not answers[0].failed
    assert_gone(pid)
    with pytest.raises(QueueFullError):
        host.invoke("echo", b"{}")


def test_closing_ends_what_does_not_finish_and_leaves_it_to_the_sweep(
    start: Callable[..., FunctionHost], recorder: Recorder, tmp_path: Path
) -> None:
    host = start(grace_seconds=0.2)
    order = tmp_path / "order"
    host.invoke("do", event_of("x", {"do": "append", "path": str(order), "until": str(tmp_path / "never")}))
    eventually(order.exists)
    host.invoke("echo", b"{}")
    (pid,) = host.worker_pids
    host.close()
    assert_gone(pid)
    assert recorder.failures == []


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True  # a zombie, too


def assert_gone(pid: int) -> None:
    assert not exists(pid)


def request(name: str, body: bytes, invocation_type: str | None = None) -> LocalRequest:
    headers = {"x-amz-invocation-type": invocation_type} if invocation_type else {}
    return LocalRequest("POST", f"/2015-03-31/functions/{name}/invocations", "", headers, body)


def test_invoke_speaks_lambdas_protocol(start: Callable[..., FunctionHost]) -> None:
    host = start()
    assert host.handle(request("echo", b'{"a": 1}', "Event")).status == 202
    assert host.handle(request("echo", b"", "DryRun")).status == 204
    answer = host.handle(request("arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aecho", b'{"a": 1}'))
    assert (answer.status, json.loads(answer.body)["event"]) == (200, {"a": 1})
    failed = host.handle(request("do", b'{"do": "raise", "message": "no"}'))
    assert failed.status == 200
    assert dict(failed.headers)["x-amz-function-error"] == "Unhandled"


@pytest.mark.parametrize(
    ("name", "body", "invocation_type", "status", "code"),
    [
        ("nothing", b"{}", "Event", 404, "ResourceNotFoundException"),
        ("echo", b"{", "Event", 400, "InvalidRequestContentException"),
        ("echo", b"\xff", "RequestResponse", 400, "InvalidRequestContentException"),
        ("echo", b"{}", "Sometimes", 400, "InvalidParameterValueException"),
        ("echo", b" " * ((1 << 20) + 1), "Event", 413, "RequestTooLargeException"),
    ],
)
def test_a_bad_invoke_is_refused(
    start: Callable[..., FunctionHost], name: str, body: bytes, invocation_type: str, status: int, code: str
) -> None:
    answer = start().handle(request(name, body, invocation_type))
    assert (answer.status, dict(answer.headers)["x-amzn-errortype"]) == (status, code)


def test_a_full_queue_is_too_many_requests(start: Callable[..., FunctionHost], tmp_path: Path) -> None:
    host = start(waiting=0)
    answer = host.handle(request("echo", b"{}", "Event"))
    assert (answer.status, dict(answer.headers)["x-amzn-errortype"]) == (429, "TooManyRequestsException")
    assert dict(answer.headers)["retry-after"] == "1"


PARENT = """
import sys, time
from infra.local.functions import FunctionHost
from infra.local.invocations import Function
host = FunctionHost(
    [Function("do", "chorale_test_handlers:do", 3600.0)],
    account="123456789012", region="us-east-1",
    environment=lambda: {"PYTHONPATH": sys.argv[1]}, log_sink=lambda worker, lines: None,
)
host.start()
host.invoke("do", b'{"do": "sleep", "seconds": 3600}')
while not host.worker_pids:
    time.sleep(0.01)
time.sleep(0.5)  # so that the worker is busy, not starting
print(*host.worker_pids, flush=True)
time.sleep(3600)
"""


def test_workers_end_with_a_server_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(HANDLERS)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids
    assert all(is_running(pid) for pid in pids)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not any(is_running(pid) for pid in pids))
