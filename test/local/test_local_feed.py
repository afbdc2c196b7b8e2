"""A generator that runs in a thread, and the event loop that reads it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from support.programs import wait_until
from tachyon_sdk.local.feed import Feed


class Numbers:
    """A generator without an end, and what becomes of it."""

    def __init__(self) -> None:
        self.produced = 0
        self.closed_in: threading.Thread | None = None

    def items(self) -> Generator[int, None, None]:
        try:
            while True:
                self.produced += 1
                yield self.produced
        finally:
            self.closed_in = threading.current_thread()


def run(generator: Generator[Any, None, None], read: Callable[[Feed[Any]], Any]) -> Feed[Any]:
    stopped: list[int] = []
    feed = Feed(generator, lambda: stopped.append(1), "feed-of-the-tests")

    async def main() -> None:
        feed.start()
        await read(feed)

    asyncio.run(main())
    feed.thread.join(30)
    assert not feed.thread.is_alive()
    assert len(stopped) <= 1
    return feed


def test_a_generator_that_nobody_reads_waits_and_can_be_stopped() -> None:
    numbers = Numbers()

    async def read(feed: Feed[int]) -> None:
        wait_until(lambda: numbers.produced == 5, "it produces too little, or too much")
        assert await anext(feed) == 1
        wait_until(lambda: numbers.produced == 6, "it does not go on")
        feed.stop()
        feed.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(feed)

    feed = run(numbers.items(), read)
    assert numbers.closed_in is feed.thread


def test_all_items_arrive_in_order() -> None:
    async def read(feed: Feed[int]) -> None:
        assert [number async for number in feed] == list(range(1000))
        assert [number async for number in feed] == []

    run((number for number in range(1000)), read)


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    async def read(feed: Feed[int]) -> None:
        assert await anext(feed) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(feed)

    run(items(), read)


def test_stopping_wakes_a_reader_and_what_the_generator_waits_for() -> None:
    waiting, released = threading.Event(), threading.Event()

    def items() -> Generator[int, None, None]:
        waiting.set()
        released.wait(30)
        yield from ()

    async def main() -> None:
        feed = Feed(items(), released.set, "feed-of-the-tests")
        feed.start()
        threading.Thread(target=lambda: waiting.wait(30) and feed.stop()).start()
        assert [number async for number in feed] == []
        feed.thread.join(30)
        assert not feed.thread.is_alive()

    asyncio.run(main())


def test_a_loop_that_is_gone_stops_nothing() -> None:
    numbers = Numbers()

    async def read(feed: Feed[int]) -> None:
        assert await anext(feed) == 1

    feed = Feed(numbers.items(), lambda: None, "feed-of-the-tests")

    async def main() -> None:
        feed.start()
        await read(feed)

    asyncio.run(main())
    feed.stop()
    feed.thread.join(30)
    assert numbers.closed_in is feed.thread
