"""A process that is killed between two of its steps: changes to the file system, and statements to databases."""

import os
import sqlite3
from collections.abc import Callable
from typing import Any

STEPS = ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync")


class Steps:
    """Kills the process just before its step number `number` (from 0), of those that are watched."""

    def __init__(self, number: int | None) -> None:
        """`number` None: only counts them, as `taken`."""
        self._fatal = number
        self.taken = 0

    def watch_files(self, *more: str) -> None:
        """Every change to the file system from now on is a step, and every call of these functions of `os`."""
        for name in (*STEPS, *more):
            setattr(os, name, self._counted(getattr(os, name)))

    def watch_statements(self, connection: sqlite3.Connection) -> None:
        """Every statement that the connection begins is a step."""
        connection.set_trace_callback(lambda _: self._take())

    def watch_databases(self) -> None:
        """The same for every connection that is made from now on."""
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **options)
            self.watch_statements(connection)
            return connection

        sqlite3.connect = watched  # type: ignore[assignment]

    def _take(self) -> None:
        if self.taken == self._fatal:
            os._exit(9)
        self.taken += 1

    def _counted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self._take()
            return step(*arguments, **options)

        return counted


def dies_at_step(number: int, work: Callable[[], object]) -> bool:
    """Whether `work`, done in a process of its own, was killed just before its change number `number` (from 0)."""

    def watched() -> None:
        Steps(number).watch_files()
        work()

    return dies(watched)


def dies(work: Callable[[], object]) -> bool:
    """Whether `work`, done in a process of its own, was killed by one of its steps."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(ended)
    assert status in (0, 9), "the work failed by itself"
    return status == 9
