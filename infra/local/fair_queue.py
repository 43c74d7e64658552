"""A bounded queue that is fair between callers: each in turn has one of its items taken."""

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """The queue, or the caller's share of it, is full."""


class FairQueue(Generic[T]):
    """Items wait in line behind others of the same key only; keys take turns. Safe between threads."""

    def __init__(self, *, capacity: int, capacity_per_key: int) -> None:
        self._capacity = capacity
        self._capacity_per_key = capacity_per_key
        self._lines: OrderedDict[Hashable, deque[T]] = OrderedDict()  # whose turn is next comes first
        self._length = 0
        self._closed = False
        self._changed = threading.Condition(threading.RLock())

    def __len__(self) -> int:
        return self._length

    def put(self, key: Hashable, item: T) -> None:
        """Raises QueueFullError at once rather than wait for room."""
        with self._changed:
            line = self._lines.get(key)
            if self._closed:
                raise QueueFullError("the queue is closed")
            if self._length >= self._capacity:
                raise QueueFullError(f"{self._length} items are waiting, which is as many as may")
            if line is not None and len(line) >= self._capacity_per_key:
                raise QueueFullError(f"{len(line)} items of this caller are waiting, which is as many as may")
            self._lines.setdefault(key, deque()).append(item)
            self._length += 1
            self._changed.notify()

    def get(self, timeout: float | None = None) -> T | None:
        """The next item; None when `timeout` seconds pass without one, or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._length > 0 or self._closed, timeout)
            if not self._length:
                return None
            key, line = self._lines.popitem(last=False)
            item = line.popleft()
            if line:
                self._lines[key] = line
            self._length -= 1
            return item

    def close(self) -> list[T]:
        """Take and give nothing any more. Answers what still waited, in the order in which it would have been taken."""
        with self._changed:
            self._closed = True
            taken: list[T] = []
            while (item := self.get()) is not None:
                taken.append(item)
            self._changed.notify_all()
            return taken
