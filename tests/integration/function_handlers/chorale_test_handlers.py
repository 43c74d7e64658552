"""Handlers for the tests of the function host; workers import this module, so it imports next to nothing."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def echo(event: Any, context: Any) -> Any:
    return {
        "event": event,
        "pid": os.getpid(),
        "requestId": context.aws_request_id,
        "function": context.function_name,
        "remaining": context.get_remaining_time_in_millis(),
    }


def do(event: Any, context: Any) -> Any:
    """Whatever the event says: the tests' many ways to behave."""
    match event["do"]:
        case "exit":
            os._exit(event["status"])
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ValueError(event["message"])
        case "sleep":
            time.sleep(event["seconds"])
        case "print":
            print(event["text"])
            print(event["text"], file=sys.stderr)
        case "environment":
            return dict(os.environ)
        case "not json":
            return {1, 2}
        case "append":
            with Path(event["path"]).open("a") as file:
                file.write(f"{event['caller']}\n")
            wait_for(Path(event["until"]))
    return os.getpid()


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)
