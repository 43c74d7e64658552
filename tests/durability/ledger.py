"""PURE. What a store must hold after it was killed, told from what its clients were answered.

A write that was acknowledged must be there, and one that was refused must not. A write whose answer never came may
have landed or not, but whole or not at all: all of its changes, or none.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Attempt(Generic[Key, Value]):
    """A write under way: each key with the value it gets; None deletes it."""

    changes: Mapping[Key, Value | None]


class Ledger(Generic[Key, Value]):
    """The writes of clients of which no two write the same key at once."""

    def __init__(self) -> None:
        self.settled: dict[Key, Value] = {}
        self.acknowledged = 0
        self._open: list[Attempt[Key, Value]] = []

    def begin(self, changes: Mapping[Key, Value | None]) -> Attempt[Key, Value]:
        """To be called before the write is sent."""
        busy = {key for attempt in self._open for key in attempt.changes}
        assert busy.isdisjoint(changes), f"two writes at once: {busy & set(changes)}"
        attempt = Attempt(dict(changes))
        self._open.append(attempt)
        return attempt

    def acknowledge(self, attempt: Attempt[Key, Value]) -> None:
        """The write was answered with success."""
        self._open.remove(attempt)
        self.acknowledged += 1
        _apply(self.settled, attempt)

    def refuse(self, attempt: Attempt[Key, Value]) -> None:
        """The write was answered with an error."""
        self._open.remove(attempt)

    def differences(self, found: Mapping[Key, Value]) -> list[str]:
        """What is wrong with what was found in the store, a sentence each; nothing when all is well."""
        expected = dict(self.settled)
        wrong = []
        for attempt in self._open:
            before = {key: self.settled.get(key) for key in attempt.changes}
            after = dict(attempt.changes)
            there = {key: found.get(key) for key in attempt.changes}
            if there not in (before, after):
                wrong.append(f"an unanswered write landed in part: {_short(there)} is neither {before} nor {after}")
            for key in attempt.changes:  # told of above, or well
                _set(expected, key, found.get(key))
        for key in sorted(expected.keys() | found.keys(), key=repr):
            if key not in found:
                wrong.append(f"{key!r} is lost: {_short(expected[key])} was acknowledged")
            elif key not in expected:
                wrong.append(f"{key!r} is back: {_short(found[key])}, though it was deleted or never written")
            elif found[key] != expected[key]:
                wrong.append(f"{key!r} is {_short(found[key])}, but {_short(expected[key])} was acknowledged")
        return wrong

    def settle(self, found: Mapping[Key, Value]) -> None:
        """The store was looked at: what landed of the unanswered writes is known, and stays."""
        for attempt in self._open:
            if all(found.get(key) == value for key, value in attempt.changes.items()):
                _apply(self.settled, attempt)
        self._open.clear()


def _apply(values: dict[Key, Value], attempt: Attempt[Key, Value]) -> None:
    for key, value in attempt.changes.items():
        _set(values, key, value)


def _set(values: dict[Key, Value], key: Key, value: Value | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
