"""Operations that wait for a result get threads of their own: those that do not wait never queue behind them."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from service.errors import ThrottlingException

Answer = TypeVar("Answer")

MAX_WAITING = 64


def waiting(function: Callable[..., Answer]) -> Callable[..., Coroutine[Any, Any, Answer]]:
    """The same function, run in one of MAX_WAITING threads.

    Raises:
        ThrottlingException: at once, when all of them are taken.
    """
    limiter = CapacityLimiter(MAX_WAITING)

    @functools.wraps(function)
    async def run(**named: Any) -> Answer:
        if limiter.available_tokens < 1:
            raise ThrottlingException("Too many requests of this kind are waiting for their result. Try again later.")
        return await to_thread.run_sync(functools.partial(function, **named), limiter=limiter)

    return run
