"""A function, one invocation of it and how that ended: plain values in AWS Lambda's own shapes."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FailureRecord = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function.

    `handler` is `module:attribute`, called in a worker process with (event, context); the modules in `preload` are
    imported before the worker is ready, so that no invocation waits for them. `on_failure` is called in this process
    with the record that Lambda would send to an OnFailure destination, when an asynchronous invocation failed, ran
    over its time or lost its worker.
    """

    name: str
    handler: str
    timeout_seconds: float
    preload: tuple[str, ...] = ()
    on_failure: Callable[[FailureRecord], None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to: the handler's result as JSON, or an error document when `failed`."""

    payload: bytes
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """One asked-for run of a function with its event, a JSON document."""

    function: Function
    event: Any
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def fairness_key(self) -> str:
        """Whose turn it takes: the event's `caller`, where it names one."""
        caller = self.event.get("caller") if isinstance(self.event, dict) else None
        return caller if isinstance(caller, str) else ""


def failure_record(invocation: Invocation, function_arn: str, error: Any, now: datetime | None = None) -> FailureRecord:
    """The record that AWS Lambda sends to the OnFailure destination of an asynchronous invocation."""
    return {
        "version": "1.0",
        "timestamp": (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": f"{function_arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": invocation.event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": error,
    }


def error_document(error_type: str, message: str) -> dict[str, Any]:
    return {"errorType": error_type, "errorMessage": message}
