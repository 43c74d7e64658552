"""What functions print goes to CloudWatch Logs, in the groups and streams where Lambda puts it.

Every worker of every start has a stream of its own, so only the latest ones are kept.
"""

import secrets
import threading
import time
from collections import deque
from datetime import UTC, datetime

import boto3
from botocore.exceptions import ClientError

from infra.local.worker_process import WorkerProcess

STREAMS_KEPT = 16  # per function; a worker is replaced now and then, so none grows without bounds
_LONGEST_EVENT = 8192  # characters


class FunctionLogs:
    """A sink for the lines of worker processes. Safe between threads."""

    def __init__(self, session: boto3.Session) -> None:
        self._client = session.client("logs")
        self._lock = threading.Lock()
        self._streams: dict[int, str] = {}  # by worker number
        self._kept: dict[str, deque[str]] = {}  # the streams of a group, the oldest first

    def __call__(self, worker: WorkerProcess, lines: list[str]) -> None:
        group = f"/aws/lambda/{worker.function_name}"
        now = round(time.time() * 1000)
        events = [{"timestamp": now, "message": line[:_LONGEST_EVENT]} for line in lines if line.strip()]
        if events:
            with self._lock:
                stream = self._streams.get(worker.number) or self._new_stream(group, worker.number)
            self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _new_stream(self, group: str, worker_number: int) -> str:
        kept = self._kept.get(group)
        if kept is None:
            self._create_group(group)
            kept = self._kept[group] = self._streams_of_earlier_starts(group)
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
        self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        self._streams[worker_number] = stream
        kept.append(stream)
        while len(kept) > STREAMS_KEPT:
            self._forget(group, kept.popleft())
        return stream

    def _forget(self, group: str, stream: str) -> None:
        self._client.delete_log_stream(logGroupName=group, logStreamName=stream)
        self._streams = {number: name for number, name in self._streams.items() if name != stream}

    def _streams_of_earlier_starts(self, group: str) -> deque[str]:
        pages = self._client.get_paginator("describe_log_streams").paginate(logGroupName=group)
        found = [stream for page in pages for stream in page["logStreams"]]
        return deque(stream["logStreamName"] for stream in sorted(found, key=lambda stream: stream["creationTime"]))

    def _create_group(self, group: str) -> None:
        try:
            self._client.create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
