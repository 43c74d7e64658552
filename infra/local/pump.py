"""Bytes between the event loop and threads, piece by piece: never more in memory than a few pieces of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_BATCH = 512 * 1024  # bytes that a thread is given at once: each time costs more than a few small pieces do


async def in_thread(threads: Executor, function: Callable[..., Answer], *arguments: object) -> Answer:
    """What the function answers, from a thread."""
    return await asyncio.get_running_loop().run_in_executor(threads, function, *arguments)


async def pour(pieces: AsyncIterator[bytes], feed: Callable[[bytes], None], threads: Executor) -> None:
    """Feed all pieces in order, in a thread; what comes meanwhile is gathered, up to as much again.

    What `feed` raises is raised here. However this ends, nothing is being fed any more.
    """
    loop = asyncio.get_running_loop()
    feeding: asyncio.Future[None] | None = None
    batch: list[bytes] = []
    size = 0
    try:
        async for piece in pieces:
            batch.append(piece)
            size += len(piece)
            if size >= _BATCH:
                if feeding is not None:
                    await feeding
                feeding = loop.run_in_executor(threads, _feed_all, feed, batch)
                batch, size = [], 0
        if feeding is not None:
            await feeding
        if batch:
            feeding = loop.run_in_executor(threads, _feed_all, feed, batch)
            await feeding
    finally:
        await _settled(feeding)


async def draw(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces, each taken in a thread while the one before is used. Close it before what it draws from."""
    loop = asyncio.get_running_loop()
    taking = loop.run_in_executor(None, next, pieces, None)
    try:
        while (piece := await taking) is not None:
            taking = loop.run_in_executor(None, next, pieces, None)
            yield piece
    finally:
        await _settled(taking)


def _feed_all(feed: Callable[[bytes], None], batch: list[bytes]) -> None:
    for piece in batch:
        feed(piece)


async def _settled(work: asyncio.Future[Any] | None) -> None:
    """Wait until a thread has done its work, and let nobody hear of how it went."""
    if work is not None:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
