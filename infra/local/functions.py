"""AWS Lambda's Invoke, locally: registered functions run in worker processes.

An invocation waits in a bounded queue that is fair between callers; beyond its bounds the answer is
TooManyRequestsException. As many slots as may work at once take invocations out of it, each into an idle worker of
the function or a fresh one. A worker answers one invocation at a time. One that dies, or has to be killed because it
runs over the function's time, costs that invocation only: its failure record goes to the function's `on_failure`, and
the next invocation gets a fresh worker. There are no retries, as with MaximumRetryAttempts 0 on Lambda.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infra.local.fair_queue import FairQueue, QueueFullError
from infra.local.http import LocalRequest, LocalResponse
from infra.local.invocations import Function, Invocation, Outcome, error_document, failure_record
from infra.local.protocol_errors import error_response
from infra.local.worker_process import LogSink, WorkerFailure, WorkerProcess

log = logging.getLogger(__name__)

_INVOKE_PATH = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:(?P<name>[A-Za-z0-9-_]+)(:\$LATEST)?")
_LARGEST_PAYLOAD = {"Event": 1 << 20, "RequestResponse": 6 << 20}  # bytes, Lambda's own limits


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run and wait at once, and how long a worker is used."""

    slots: int = 2
    waiting: int = 64
    waiting_per_caller: int = 16
    worker_age_seconds: float = 1800.0
    worker_invocations: int = 500
    idle_seconds: float = 900.0
    grace_seconds: float = 20.0  # for what runs, when the host closes


class FunctionHost:
    """The functions of one account and region."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        account: str,
        region: str,
        environment: Callable[[], Mapping[str, str]],
        log_sink: LogSink,
        limits: Limits | None = None,
    ) -> None:
        """`environment` is asked for what each new worker gets: endpoint, settings and fresh temporary credentials."""
        self._functions = {function.name: function for function in functions}
        self._arn_prefix = f"arn:aws:lambda:{region}:{account}:function:"
        self._environment = environment
        self._log_sink = log_sink
        self._limits = limits or Limits()
        self._queue: FairQueue[tuple[Invocation, Future[Outcome] | None]] = FairQueue(
            capacity=self._limits.waiting, capacity_per_key=self._limits.waiting_per_caller
        )
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []  # the longest idle first
        self._busy: set[WorkerProcess] = set()
        self._workers_started = 0
        self._closing = threading.Event()
        self._grace_over = threading.Event()
        self._slots: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self._limits.slots):
            slot = threading.Thread(target=self._serve_slot, name=f"function slot {number}", daemon=True)
            slot.start()
            self._slots.append(slot)

    def close(self) -> None:
        """Let what runs finish within the grace period, then end every worker.

        What still waits or has to be killed is no failure of its own: an asynchronous invocation is left to the
        sweep of the next start, a synchronous one is answered with an error.
        """
        self._closing.set()
        for invocation, answer in self._queue.close():
            self._finish(invocation, answer, {"error": error_document("ServiceException", "The service has stopped")})
        deadline = threading.Timer(self._limits.grace_seconds, self._interrupt_all)
        deadline.start()
        for slot in self._slots:
            slot.join()
        deadline.cancel()
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def prewarm(self, function_name: str) -> None:
        """Start a worker for the function now, so that the first invocation need not wait for its imports."""
        worker = self._start_worker(self._functions[function_name])
        with self._lock:
            self._idle.append(worker)

    def invoke(self, function_name: str, event: bytes) -> None:
        """Queue an asynchronous invocation. Raises KeyError, ValueError (not JSON) or QueueFullError."""
        self._enqueue(self._invocation(function_name, event), None)

    def call(self, function_name: str, event: bytes) -> Outcome:
        """Run a synchronous invocation and wait for it. Raises as `invoke` does."""
        answer: Future[Outcome] = Future()
        self._enqueue(self._invocation(function_name, event), answer)
        return answer.result()

    def handle(self, request: LocalRequest) -> LocalResponse:
        """Answer a request of Lambda's API: Invoke, and UnknownOperationException for any other."""
        path = _INVOKE_PATH.fullmatch(request.path)
        if path is None or request.method != "POST":
            return _error(404, "UnknownOperationException", "The local AWS has no other Lambda operation than Invoke.")
        asked = unquote(path["name"])
        arn = _FUNCTION_ARN.fullmatch(asked)
        name = arn["name"] if arn else asked
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if name not in self._functions:
            return _error(404, "ResourceNotFoundException", f"Function not found: {self._arn_prefix}{name}")
        if kind == "DryRun":
            return LocalResponse(204, (), b"")
        if kind not in _LARGEST_PAYLOAD:
            return _error(400, "InvalidParameterValueException", f"There is no invocation type {kind!r}.")
        if len(request.body) > _LARGEST_PAYLOAD[kind]:
            message = f"The payload may have {_LARGEST_PAYLOAD[kind]} bytes; this one has {len(request.body)}."
            return _error(413, "RequestTooLargeException", message)
        try:
            if kind == "Event":
                self.invoke(name, request.body)
                return LocalResponse(202, (), b"")
            return _outcome_response(self.call(name, request.body))
        except ValueError as error:
            return _error(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}")
        except QueueFullError as error:
            return _error(429, "TooManyRequestsException", f"Rate exceeded: {error}.", (("retry-after", "1"),))

    @property
    def worker_pids(self) -> list[int]:
        with self._lock:
            return [worker.pid for worker in [*self._idle, *self._busy] if worker.alive]

    def _invocation(self, function_name: str, event: bytes) -> Invocation:
        return Invocation(self._functions[function_name], json.loads(event or b"{}"))

    def _enqueue(self, invocation: Invocation, answer: "Future[Outcome] | None") -> None:
        self._queue.put(invocation.fairness_key, (invocation, answer))

    def _serve_slot(self) -> None:
        while not self._closing.is_set():
            taken = self._queue.get(timeout=1.0)
            if taken is None:
                self._retire_idle()
            else:
                invocation, answer = taken
                self._finish(invocation, answer, self._run(invocation))

    def _run(self, invocation: Invocation) -> dict[str, Any]:
        """`{"result": …}` or `{"error": …}`; whatever happens, the slot goes on."""
        try:
            try:
                return self._run_on_a_worker(invocation)
            except WorkerFailure as failure:
                if failure.begun or self._closing.is_set():
                    raise
                # The worker had died while it was idle: its successor gets the invocation.
                return self._run_on_a_worker(invocation)
        except WorkerFailure as failure:
            log.warning("%s, request %s: %s", invocation.function.name, invocation.request_id, failure)
            return {"error": failure.document}
        except Exception:
            log.exception("%s, request %s could not be run", invocation.function.name, invocation.request_id)
            return {"error": error_document("ServiceException", "The function could not be run")}

    def _run_on_a_worker(self, invocation: Invocation) -> dict[str, Any]:
        worker = self._take_worker(invocation.function)
        if self._grace_over.is_set():
            worker.interrupt()
        try:
            return worker.run(invocation, self._arn_prefix + invocation.function.name)
        finally:
            self._give_back(worker)

    def _finish(self, invocation: Invocation, answer: "Future[Outcome] | None", ended: dict[str, Any]) -> None:
        error = ended.get("error")
        if answer is not None:
            answer.set_result(Outcome(json.dumps(error or ended.get("result")).encode(), failed=error is not None))
        elif error is not None and self._closing.is_set():
            log.info("%s, request %s was interrupted", invocation.function.name, invocation.request_id)
        elif error is not None and invocation.function.on_failure is not None:
            record = failure_record(invocation, self._arn_prefix + invocation.function.name, error)
            try:
                invocation.function.on_failure(record)
            except Exception:
                log.exception("the failure of request %s could not be recorded", invocation.request_id)

    def _take_worker(self, function: Function) -> WorkerProcess:
        with self._lock:
            matching = [worker for worker in self._idle if worker.function_name == function.name]
            worker = matching[-1] if matching else None  # the one used last is the warmest
            if worker is not None:
                self._idle.remove(worker)
                self._busy.add(worker)
        if worker is not None and self._usable(worker):
            return worker
        if worker is not None:
            self._discard(worker)
        worker = self._start_worker(function)
        with self._lock:
            self._busy.add(worker)
        return worker

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._busy.discard(worker)
            keep = self._usable(worker) and not self._closing.is_set()
            if keep:
                self._idle.append(worker)
        if not keep:
            self._discard(worker)

    def _usable(self, worker: WorkerProcess) -> bool:
        young = worker.age_seconds < self._limits.worker_age_seconds
        return worker.alive and young and worker.invocations < self._limits.worker_invocations

    def _start_worker(self, function: Function) -> WorkerProcess:
        with self._lock:
            self._workers_started += 1
            number = self._workers_started
        return WorkerProcess(number, function, self._environment(), self._log_sink)

    def _discard(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._busy.discard(worker)
        worker.stop()

    def _retire_idle(self) -> None:
        """End idle workers that died or have been idle or alive for too long: their memory is worth more."""
        with self._lock:
            kept: list[WorkerProcess] = []
            retired: list[WorkerProcess] = []
            for worker in self._idle:
                fresh = self._usable(worker) and worker.idle_seconds < self._limits.idle_seconds
                (kept if fresh else retired).append(worker)
            self._idle = kept
        for worker in retired:
            worker.stop()

    def _interrupt_all(self) -> None:
        self._grace_over.set()
        with self._lock:
            busy = list(self._busy)
        for worker in busy:
            worker.interrupt()


def _outcome_response(outcome: Outcome) -> LocalResponse:
    headers = [("content-type", "application/json"), ("x-amz-executed-version", "$LATEST")]
    if outcome.failed:
        headers.append(("x-amz-function-error", "Unhandled"))
    return LocalResponse(200, tuple(headers), outcome.payload)


def _error(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> LocalResponse:
    answer = error_response("lambda", status, code, message)
    return LocalResponse(answer.status, answer.headers + headers, answer.body)
