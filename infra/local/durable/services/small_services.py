"""What moto keeps in memory, kept on the disk as well: one sealed value a service, rewritten when it changed.

In memory are users and keys, stacks, and what is left of tables, buckets and log groups without their items, objects
and events. A request that may have changed a service `flush`es it in its own write turn, so that the answer and the
state are on the disk together. A request that was refused `take_back`s what it did in memory. When a commit failed,
`reload` makes memory what the disk has.
"""

import hashlib
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.services.graph_classes import SERVICES
from infra.local.durable.services.service_states import ServiceState
from infra.local.durable.store import Store

_FASTEST = 1

Attach = Callable[[], None]
Adopt = Callable[[Any], None]


class SmallServices:
    """The states of one account's services. All of it runs in the store's turns, one at a time.

    `left_out` has, by class, attributes that are not stored; `attach`, by service, what gives restored objects back
    to whoever keeps their items, objects or events. `adopt` does so before requests that read without a turn can see
    them: it is given a copy of the backend.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        left_out: Mapping[type, frozenset[str]] | None = None,
        attach: Mapping[str, Attach] | None = None,
        adopt: Mapping[str, Adopt] | None = None,
    ) -> None:
        self._store = store
        self._states = {service: ServiceState(service, account, left_out or {}) for service in SERVICES}
        self._attach = attach or {}
        self._adopt = adopt or {}
        # Digests of what the store has, or will have when the turn commits.
        self._written = {service: _digest(state.blank) for service, state in self._states.items()}
        self._noted = _Noted()

    def load(self) -> None:
        """Memory as the store has it, at the start. Raises StoreError when something cannot be read."""
        with self._store.reading():
            self._restore(SERVICES)

    def note(self, service: str) -> None:
        """The request that this thread is answering has changed a service that its operation does not tell of."""
        self._noted.services.add(service)

    def flush(self, services: Iterable[str]) -> None:
        """Write what changed of these services, in the write turn that the thread is in. Raises GraphError."""
        self._noted.flushed = self._noted.take()
        for service in self._ordered({*services, *self._noted.flushed}):
            content = self._states[service].capture()
            digest = _digest(content)
            if digest != self._written[service]:
                sealed = self._store.rows.seal(zlib.compress(content, _FASTEST), state_place(service))
                self._store.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (service, sealed))
                self._written[service] = digest

    def take_back(self, services: Iterable[str]) -> None:
        """These services in memory as they were before the request that this thread is answering.

        Called inside the store's turn, when the request's own writes have been taken back there.
        """
        touched = {*services, *self._noted.take(), *self._noted.flushed}
        changed = set()
        for service in touched:
            content = self._content(service)
            self._written[service] = _digest(content)
            if self._states[service].capture() != content:
                changed.add(service)
        if changed - {"cloudformation"}:
            changed.add("cloudformation")  # its stacks refer to the objects that are replaced
        self._restore(self._ordered(changed))

    def reload(self) -> None:
        """Memory as the store has it, after a commit that failed. Called inside the store's turn."""
        self._noted.take()
        with self._store.reading():
            self._restore(SERVICES)

    def stored(self, service: str) -> bytes | None:
        """The stored state of a service, None before its first change. Raises DamagedError."""
        row = self._store.connection.execute("SELECT content FROM state WHERE service = ?", (service,)).fetchone()
        if row is None:
            return None
        try:
            return zlib.decompress(self._store.rows.open(row[0], state_place(service)))
        except (DamagedError, zlib.error):
            raise DamagedError(f"the stored state of {service} is damaged; run `chorale doctor`") from None

    def _content(self, service: str) -> bytes:
        """The stored state of a service, or that of one to which nothing has happened."""
        stored = self.stored(service)
        return self._states[service].blank if stored is None else stored

    def _restore(self, services: Iterable[str]) -> None:
        for service in services:
            content = self._content(service)
            try:
                self._states[service].restore(content, self._adopt.get(service, _leave))
            except StoreError as error:
                raise StoreError(f"the state of {service} cannot be restored: {error}") from error
            self._written[service] = _digest(content)
            if service in self._attach:
                self._attach[service]()

    @staticmethod
    def _ordered(services: set[str]) -> list[str]:
        return [service for service in SERVICES if service in services]


class _Noted(threading.local):
    """The services noted for the request that a thread is answering; and those that its last flush wrote."""

    def __init__(self) -> None:
        self.services: set[str] = set()
        self.flushed: set[str] = set()

    def take(self) -> set[str]:
        noted, self.services = self.services, set()
        return noted


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _leave(backend: Any) -> None:
    return


def state_place(service: str) -> bytes:
    return f"state {service}".encode()
