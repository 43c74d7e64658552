"""Every request's turn at the account's state.

What a request only reads is what was acknowledged before. What it writes lands whole and is on the disk before its
answer leaves; when it is refused, or fails, nothing of it stays, in memory neither.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Generic, TypeVar

from infra.local.durable.errors import WriteRefusedError
from infra.local.durable.services.small_services import SmallServices
from infra.local.durable.store import Store
from infra.local.effects import Effect, Kind
from service.caller import Caller

log = logging.getLogger(__name__)

LONG_TURN_SECONDS = 1.0

Answer = TypeVar("Answer")


class Turns:
    """The turns at one store, with the services whose state is in memory as well."""

    def __init__(self, store: Store, small: SmallServices) -> None:
        self._store = store
        self._small = small
        self._has_ended = False
        store.on_rollback = small.reload

    def end(self) -> None:
        """Wait for the request that has its turn, and refuse all others: what is in memory may be forgotten then."""
        with suppress(WriteRefusedError), self._store.quiet():
            self._has_ended = True

    def carry_out(
        self,
        effect: Effect,
        name: str,
        caller: Caller | None,
        work: Callable[[], Answer],
        refuses: Callable[[Answer], bool],
    ) -> Answer:
        """The answer of `work`, which does no more than `effect`; one that `refuses` takes back what was written.

        Requests that only read rows wait for nobody; all others take turns. Inside another turn this is a part of it.
        `name` is for the log. Raises WriteRefusedError when the disk did not take the write, and after the end.
        """
        began = time.monotonic()
        try:
            if effect.kind is Kind.WRITES:
                return self._write(effect.touches, work, refuses)
            with ExitStack() as turn:
                if effect.kind is Kind.READS:
                    turn.enter_context(self._store.quiet())
                turn.enter_context(self._store.reading())
                self._check_goes_on()
                answer = work()
                self._check_goes_on()  # else what it read may have been gone already
                return answer
        finally:
            seconds = time.monotonic() - began
            if seconds > LONG_TURN_SECONDS:
                who = caller.arn if caller else "the service"
                log.warning("%s by %s took %.1f s", name, who, seconds)

    def _write(self, touches: Iterable[str], work: Callable[[], Answer], refuses: Callable[[Answer], bool]) -> Answer:
        try:
            with self._store.writing(undo=lambda: self._small.take_back(touches)):
                self._check_goes_on()
                answer = work()
                if refuses(answer):
                    raise _TakenBack(answer)
                self._small.flush(touches)
                return answer
        except _TakenBack as taken_back:
            return taken_back.answer

    def _check_goes_on(self) -> None:
        if self._has_ended:
            raise WriteRefusedError("the server is stopping")


class _TakenBack(Exception, Generic[Answer]):
    """Ends a write whose answer is a refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
