"""Runs functions of the program one after the other, or side by side in threads."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

# Ctrl-C does not interrupt a thread of Windows that waits without a timeout.
_WAKE_UP = 0.2 if sys.platform == "win32" else None


class Outcome(NamedTuple):
    """What a function returned or raised.

    Attributes:
        position: Position of the function.
        text: What it returned, or None.
        error: What it raised, or None.
    """

    position: int
    text: str | None
    error: BaseException | None


class Runs:
    """Runs functions. Iterating yields an `Outcome` for each when it has ended.

    With one worker, the functions run in the iterating thread, each when its outcome is requested. With more, they
    run in threads, each in a copy of the creator's context variables. The threads are daemons: after Ctrl-C, a
    function that hangs does not keep the program from ending.

    Args:
        functions: The functions.
        workers: Maximum number of functions that run at the same time.
    """

    def __init__(self, functions: Sequence[Callable[[], str]], workers: int) -> None:
        self._ended: SimpleQueue[Outcome] = SimpleQueue()
        self._outstanding = len(functions)
        self._threaded = workers > 1
        if self._threaded:
            functions = [partial(copy_context().run, function) for function in functions]
        self._waiting = deque(enumerate(functions))
        if self._threaded:
            self._start(min(workers, len(functions)))

    def __iter__(self) -> Iterator[Outcome]:
        while self._outstanding:
            if not self._threaded:
                self._run_next()
            outcome = self._wait()
            self._outstanding -= 1
            yield outcome

    def cancel(self) -> None:
        """Do not start the functions that have not started yet. Those that run already are not stopped."""
        while self._waiting:
            try:
                self._waiting.pop()
            except IndexError:  # a thread was faster
                return
            self._outstanding -= 1

    def ended(self) -> Iterator[Outcome]:
        """Yield the outcomes that are there already, without waiting."""
        while not self._ended.empty():
            self._outstanding -= 1
            yield self._ended.get()

    def _start(self, threads: int) -> None:
        for number in range(threads):
            try:
                Thread(target=self._work, name=f"tachyon-tool-{number}", daemon=True).start()
            except RuntimeError:  # the system has no more threads
                if not number:
                    raise
                return

    def _work(self) -> None:
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        try:
            position, function = self._waiting.popleft()
        except IndexError:
            return False
        try:
            self._ended.put(Outcome(position, function(), None))
        except BaseException as error:
            self._ended.put(Outcome(position, None, error))
        return True

    def _wait(self) -> Outcome:
        while True:
            try:
                return self._ended.get(timeout=_WAKE_UP)
            except Empty:
                continue
