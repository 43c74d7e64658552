"""What functions print goes to CloudWatch Logs, in the groups and streams where Lambda puts it.

moto keeps log events in memory for ever, so only the streams of the latest workers are kept.
"""

import secrets
import threading
import time
from collections import deque
from datetime import UTC, datetime

import boto3
from botocore.exceptions import ClientError

from infra.local.worker_process import WorkerProcess

_STREAMS_KEPT = 16  # per function; a worker is replaced now and then, so none grows without bounds
_LONGEST_EVENT = 8192  # characters


class FunctionLogs:
    """A sink for the lines of worker processes. Safe between threads."""

    def __init__(self, session: boto3.Session) -> None:
        self._client = session.client("logs")
        self._lock = threading.Lock()
        self._streams: dict[int, str] = {}  # by worker number
        self._kept: dict[str, deque[int]] = {}  # worker numbers by group, the oldest first

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
            kept = self._kept[group] = deque()
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
        self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        self._streams[worker_number] = stream
        kept.append(worker_number)
        if len(kept) > _STREAMS_KEPT:
            oldest = self._streams.pop(kept.popleft())
            self._client.delete_log_stream(logGroupName=group, logStreamName=oldest)
        return stream

    def _create_group(self, group: str) -> None:
        try:
            self._client.create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
