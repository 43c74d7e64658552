import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials
from hosting import hosted_account

from infra.local import function_logs
from infra.local.dispatch import Dispatch
from infra.local.function_logs import FunctionLogs

GROUP = "/aws/lambda/compose"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[boto3.Session]:
    with hosted_account(tmp_path) as host:
        yield Dispatch(host).session(Credentials("ASIAEXAMPLE", "secret", "token"))


def worker(number: int) -> Any:
    return SimpleNamespace(number=number, function_name="compose")


def streams(session: boto3.Session) -> list[str]:
    found = session.client("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    return [stream["logStreamName"] for stream in found]


def messages(session: boto3.Session, stream: str) -> list[str]:
    events = session.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
    return [event["message"] for event in events]


def test_each_worker_has_a_stream_in_its_functions_group(session: boto3.Session) -> None:
    sink = FunctionLogs(session)
    sink(worker(1), ["one", "two"])
    sink(worker(2), ["other"])
    sink(worker(1), ["three", ""])
    assert sorted(messages(session, stream) for stream in streams(session)) == [["one", "two", "three"], ["other"]]
    assert all("[$LATEST]" in stream for stream in streams(session))


def test_only_the_latest_streams_are_kept(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_logs, "STREAMS_KEPT", 3)
    sink = FunctionLogs(session)
    for number in range(5):
        sink(worker(number), [f"of {number}"])
    assert sorted(messages(session, stream)[0] for stream in streams(session)) == ["of 2", "of 3", "of 4"]
    sink(worker(0), ["again"])
    assert sorted(messages(session, stream)[0] for stream in streams(session)) == ["again", "of 3", "of 4"]


def test_the_streams_of_earlier_starts_count(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_logs, "STREAMS_KEPT", 3)
    for start in range(5):
        FunctionLogs(session)(worker(1), [f"of start {start}"])
        threading.Event().wait(0.002)  # streams are ordered by the millisecond of their creation
    assert sorted(messages(session, stream)[0] for stream in streams(session)) == [
        "of start 2",
        "of start 3",
        "of start 4",
    ]


def test_a_group_that_is_there_already_is_used(session: boto3.Session) -> None:
    session.client("logs").create_log_group(logGroupName=GROUP)
    FunctionLogs(session)(worker(1), ["line"])
    assert messages(session, streams(session)[0]) == ["line"]


def test_a_long_line_is_cut(session: boto3.Session) -> None:
    FunctionLogs(session)(worker(1), ["x" * 100_000])
    assert messages(session, streams(session)[0]) == ["x" * 8192]
