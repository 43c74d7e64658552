"""The parent's side of a worker process: start it, hand it invocations one by one, see it end."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from typing import Any

from infra.local.invocations import Function, Invocation, error_document

log = logging.getLogger(__name__)

STARTUP_SECONDS = 120.0
_LONGEST_LOG_LINE = 1 << 16

# What a worker inherits of the server's own environment; nothing of the user's AWS settings.
_INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")

LogSink = Callable[["WorkerProcess", list[str]], None]


class WorkerFailure(Exception):
    """An invocation that its worker did not answer; the worker is gone. `document` is Lambda's error document.

    `begun` is False when the worker died before it took the invocation up, so that another worker may have it.
    """

    def __init__(self, error_type: str, message: str, *, begun: bool = True) -> None:
        super().__init__(message)
        self.document = error_document(error_type, message)
        self.begun = begun


class WorkerProcess:
    """One process that runs one function's handler. Only one thread at a time may use it; any may interrupt it."""

    def __init__(self, number: int, function: Function, environment: Mapping[str, str], log_sink: LogSink) -> None:
        """Start the process; `environment` is added to what it inherits. `wait_until_ready` tells when it can run."""
        self.number = number
        self.function_name = function.name
        self.started = time.monotonic()
        self.invocations = 0
        self._last_used = self.started
        self._connection, theirs = Pipe(duplex=True)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        arguments = [str(theirs.fileno()), function.handler, *function.preload]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "infra.local.worker", *arguments],
            stdin=subprocess.PIPE,  # its lifeline: it ends with this process
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**inherited, "PYTHONUNBUFFERED": "1", **environment},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # a Ctrl-C is for the server; and one signal reaches whatever the handler started
        )
        theirs.close()
        self._ready = False
        self._log_thread = threading.Thread(
            target=self._copy_log, args=(log_sink,), name=f"log of worker {number}", daemon=True
        )
        self._log_thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def idle_seconds(self) -> float:
        return time.monotonic() - self._last_used

    def wait_until_ready(self) -> None:
        """Until the handler is imported. Raises WorkerFailure when it cannot be."""
        if not self._ready:
            answer = self._receive(STARTUP_SECONDS, f"Init timed out after {STARTUP_SECONDS:.0f} seconds")
            if "error" in answer:
                self.kill()
                raise WorkerFailure(answer["error"]["errorType"], answer["error"]["errorMessage"])
            self._ready = True

    def run(self, invocation: Invocation, function_arn: str) -> dict[str, Any]:
        """Answer `{"result": …}` or `{"error": error document}`.

        Raises WorkerFailure when the worker dies or has to be killed because it runs over the function's time.
        """
        self.wait_until_ready()
        self.invocations += 1
        seconds = invocation.function.timeout_seconds
        frame = {
            "requestId": invocation.request_id,
            "functionName": invocation.function.name,
            "functionArn": function_arn,
            "timeoutSeconds": seconds,
            "event": invocation.event,
        }
        deadline = time.monotonic() + seconds
        too_late = f"Task timed out after {seconds:.2f} seconds"
        try:
            self._connection.send_bytes(json.dumps(frame).encode())
        except OSError:
            raise self._exited(begun=False) from None
        self._receive(seconds, too_late, begun=False)
        answer = self._receive(deadline - time.monotonic(), too_late)
        self._last_used = time.monotonic()
        return answer

    def stop(self) -> None:
        """End a worker that does nothing at the moment."""
        if not self._ready:  # it would not notice before its imports are done
            self.kill()
            return
        self._connection.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._clean_up()

    def interrupt(self) -> None:
        """Kill the process and whatever it started; the thread that uses the worker then sees it end."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()

    def kill(self) -> None:
        """End the worker at once."""
        self.interrupt()
        self._process.wait()
        self._connection.close()
        self._clean_up()

    def _clean_up(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._log_thread.join(2)

    def _receive(self, seconds: float, too_late: str, *, begun: bool = True) -> dict[str, Any]:
        try:
            if self._connection.poll(max(0.0, seconds)):
                frame: dict[str, Any] = json.loads(self._connection.recv_bytes())
                return frame
        except (EOFError, OSError):
            raise self._exited(begun=begun) from None
        self.kill()
        raise WorkerFailure("Sandbox.Timedout", too_late)

    def _exited(self, *, begun: bool) -> WorkerFailure:
        self.kill()
        code = self._process.returncode
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return WorkerFailure("Runtime.ExitError", f"Runtime exited with error: {how}", begun=begun)

    def _copy_log(self, log_sink: LogSink) -> None:
        """Hand the process's output to the sink, by chunks of whole lines, until it ends."""
        assert self._process.stdout is not None
        rest = b""
        while chunk := os.read(self._process.stdout.fileno(), 1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LOG_LINE:
                lines, rest = [*lines, rest], b""
            self._log(log_sink, lines)
        self._log(log_sink, [rest] if rest else [])
        self._process.stdout.close()
        self._process.wait()

    def _log(self, log_sink: LogSink, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            log_sink(self, [line.decode(errors="replace") for line in lines])
        except Exception:
            log.exception("the log of worker %d could not be written", self.number)
