"""Runs an iterator that blocks in a thread of its own, for the event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_MAX_AHEAD = 4  # items that are produced before the first of them is taken
_END = object()


class Feed(Generic[T]):
    """An asynchronous iterator over the items of a generator that runs in a thread.

    Each item is there as soon as it is produced. The generator waits while the reader is a few items behind, so a
    slow reader slows it down. It is closed in its thread, when it ends or after `stop`.

    Args:
        items: The generator.
        on_stop: Called by `stop`, in the thread that calls it: ends what the generator waits for.
        name: Name of the thread.
    """

    def __init__(self, items: Generator[T, None, None], on_stop: Callable[[], None], name: str) -> None:
        self._items = items
        self._on_stop = on_stop
        self._produced: deque[object] = deque()
        self._free = threading.Semaphore(_MAX_AHEAD)
        self._stopped = False
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread. Call it in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._wakeup = asyncio.Event()
        self.thread.start()

    def stop(self) -> None:
        """End the iteration now. Any thread may call it, any number of times."""
        if self._stopped:
            return
        self._stopped = True
        self._free.release()
        self._on_stop()
        self._wake()

    def __aiter__(self) -> "Feed[T]":
        return self

    async def __anext__(self) -> T:
        while not self._produced and not self._stopped:
            self._wakeup.clear()
            await self._wakeup.wait()
        if self._stopped:
            raise StopAsyncIteration
        item = self._produced.popleft()
        self._free.release()
        if item is not _END:
            return item  # type: ignore[return-value]
        self._stopped = True
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    def _run(self) -> None:
        try:
            try:
                for item in self._items:
                    if not self._put(item):
                        break
            finally:
                self._items.close()
        except BaseException as error:
            self._error = error
        self._produced.append(_END)  # there is always room for it: nobody may read any more
        self._wake()

    def _put(self, item: object) -> bool:
        """Hand over an item. Return whether more are wanted."""
        self._free.acquire()
        self._produced.append(item)
        self._wake()
        return not self._stopped

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the event loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self._wakeup.set)
