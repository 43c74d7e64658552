"""A process that is killed between two of its changes to the file system."""

import os
from collections.abc import Callable
from typing import Any

STEPS = ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync")


def dies_at_step(number: int, work: Callable[[], object]) -> bool:
    """Whether `work`, done in a process of its own, was killed just before its change number `number` (from 0)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            left = [number]
            for name in STEPS:
                setattr(os, name, _counted(getattr(os, name), left))
            work()
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(ended)
    assert status in (0, 9), "the work failed by itself"
    return status == 9


def _counted(step: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def counted(*arguments: Any, **options: Any) -> Any:
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        return step(*arguments, **options)

    return counted
