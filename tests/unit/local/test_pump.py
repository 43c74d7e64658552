"""Pieces between the event loop and threads."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from infra.local.pump import draw, pour


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


async def pieces_of(content, count, produced=None):
    for _ in range(count):
        await asyncio.sleep(0)
        if produced is not None:
            produced.append(content)
        yield content


def test_all_pieces_are_fed_in_order_in_a_thread(threads):
    fed = []

    async def numbered():
        for number in range(500):
            yield number.to_bytes(4) * 1000

    def feed(piece):
        assert threading.current_thread() is not threading.main_thread()
        fed.append(piece)

    asyncio.run(pour(numbered(), feed, threads))
    assert fed == [number.to_bytes(4) * 1000 for number in range(500)]


def test_a_slow_feeder_holds_the_source_back(threads):
    produced: list[bytes] = []
    ahead = []
    fed = 0

    def feed(piece):
        nonlocal fed
        time.sleep(0.001)
        fed += 1
        ahead.append(len(produced) - fed)

    asyncio.run(pour(pieces_of(b"x" * 65_536, 200, produced), feed, threads))
    assert fed == 200
    assert max(ahead) <= 2 * 8  # two batches of half a mebibyte


def test_what_the_feeder_raises_ends_the_pouring(threads):
    produced: list[bytes] = []

    def feed(piece):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        asyncio.run(pour(pieces_of(b"x" * 65_536, 10_000, produced), feed, threads))
    assert len(produced) < 100


def test_nothing_is_fed_any_more_when_the_source_has_failed(threads):
    feeding = threading.Event()

    async def failing():
        yield b"x" * (1 << 20)
        await asyncio.sleep(0.01)
        raise ConnectionError

    def feed(piece):
        feeding.set()
        time.sleep(0.1)
        feeding.clear()

    async def go():
        with pytest.raises(ConnectionError):
            await pour(failing(), feed, threads)
        assert not feeding.is_set()

    asyncio.run(go())


def test_pieces_are_drawn_in_order_and_one_ahead_at_most():
    taken = []

    def source():
        for number in range(20):
            taken.append(number)
            yield bytes([number])

    async def go():
        used = []
        async with aclosing(draw(source())) as pieces:
            async for piece in pieces:
                used.append(piece)
                await asyncio.sleep(0.002)
                assert len(taken) <= len(used) + 1
        assert used == [bytes([number]) for number in range(20)]

    asyncio.run(go())


def test_no_thread_takes_anything_after_the_drawing_was_closed():
    taking = threading.Event()

    def source():
        yield b"first"
        taking.set()
        time.sleep(0.1)
        taking.clear()
        yield b"second"

    async def go():
        async with aclosing(draw(source())) as pieces:
            assert await anext(pieces) == b"first"
            await asyncio.sleep(0.02)
        assert not taking.is_set()

    asyncio.run(go())


def test_what_the_source_raises_is_raised_to_whoever_draws():
    def source():
        yield b"first"
        raise ValueError("damaged")

    async def go():
        async with aclosing(draw(source())) as pieces:
            return [piece async for piece in pieces]

    with pytest.raises(ValueError, match="damaged"):
        asyncio.run(go())
