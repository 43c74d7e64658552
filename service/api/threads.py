"""Where an operation runs: in a thread, or at once on the event loop.

Handing work to a thread and back takes a tenth of a millisecond of the processor, which is longer than some operations.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")
AtOnce = Callable[[Mapping[str, Any]], bool]  # of an operation's arguments by name

THREADS = 40  # writes sleep in them until the disk has taken them, which it does for many at once

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="api")


async def in_thread(function: Callable[..., Answer], **named: Any) -> Answer:
    """What the function answers; the event loop goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_pool, functools.partial(function, **named))


def at_once(function: Callable[..., Answer], when: AtOnce) -> Callable[..., Coroutine[Any, Any, Answer]]:
    """The same function, run on the event loop when `when` says of its arguments that it will be done in no time.

    That is so when it only reads single items. The local table answers without a turn and waits for nobody; and on
    Lambda, where the table is far away, an environment has no other request to answer.
    """

    @functools.wraps(function)
    async def run(**named: Any) -> Answer:
        return function(**named) if when(named) else await in_thread(function, **named)

    return run


def always(named: Mapping[str, Any]) -> bool:
    return True
