"""The child's side of a worker process: load one handler, then answer invocations until the parent goes away.

    python -m infra.local.worker FILE_DESCRIPTOR MODULE:ATTRIBUTE [MODULE TO PRELOAD ...]

Over the descriptor, a socket to the parent, go frames of JSON (multiprocessing's framing, never its pickles): first
`{"ready": true}` or an error document; then for each invocation one frame in and two out, `{"begun": true}` before the
handler is called and what it came to. Standard output and error are the function's log. Standard input is only a
lifeline: when it ends the parent is gone, and so is this process.
"""

import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What AWS Lambda's context object tells a handler, as far as ours ask."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    deadline: float  # time.monotonic() seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self.deadline - time.monotonic()) * 1000))


def main() -> None:
    descriptor, handler_name, *preload = sys.argv[1:]
    connection = Connection(int(descriptor))
    threading.Thread(target=_die_with_parent, name="lifeline", daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="[%(levelname)s] %(name)s: %(message)s")
    try:
        handler = _load(handler_name)
        for module in preload:
            importlib.import_module(module)
    except Exception as error:
        traceback.print_exc()
        _send(connection, {"error": _error(error) | {"errorType": "Runtime.ImportModuleError"}})
        return
    _send(connection, {"ready": True})
    while True:
        try:
            frame = json.loads(connection.recv_bytes())
        except EOFError:
            return
        _send(connection, {"begun": True})
        _send(connection, _answer(handler, frame))


def _answer(handler: Handler, frame: dict[str, Any]) -> dict[str, Any]:
    context = Context(
        aws_request_id=frame["requestId"],
        function_name=frame["functionName"],
        invoked_function_arn=frame["functionArn"],
        deadline=time.monotonic() + frame["timeoutSeconds"],
    )
    try:
        # What cannot be written as JSON is an error of the handler's, as on Lambda.
        return {"result": json.loads(json.dumps(handler(frame["event"], context)))}
    except Exception as error:
        traceback.print_exc()
        return {"error": _error(error)}


def _error(error: Exception) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _load(name: str) -> Handler:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _send(connection: Connection, frame: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send_bytes(json.dumps(frame).encode())


def _die_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
