"""Threads that read streams."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from support.programs import wait_until
from support.raw_server import WAIT


def wait_until_blocked(thread: threading.Thread) -> None:
    """Wait until a thread is blocked reading from the network."""
    ident = thread.ident
    assert ident is not None

    def is_blocked() -> bool:
        frame = sys._current_frames().get(ident)
        return frame is not None and frame.f_code.co_name in ("readinto", "read", "recv_into")

    wait_until(is_blocked, "the thread does not come to wait for bytes")


class Reader(threading.Thread):
    """Reads a stream in a thread and stores the result."""

    def __init__(self, stream: Any, read: Callable[[Any], Any]) -> None:
        super().__init__(daemon=True)
        self.chunks: list[str | None] = []
        self.error: BaseException | None = None
        self._read, self._stream = read, stream
        self.start()

    def run(self) -> None:
        try:
            self._read(self)
        except BaseException as error:
            self.error = error

    def each(self) -> None:
        for piece in self._stream:
            self.chunks.append(piece.choices[0].delta.content)

    def text(self) -> None:
        self.chunks.extend(self._stream.text)

    def collect(self) -> None:
        self._stream.collect()

    def ended(self) -> BaseException | None:
        self.join(WAIT)
        assert not self.is_alive()
        return self.error
