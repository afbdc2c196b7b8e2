"""Idle connections of one origin, and how its server closes them."""

from __future__ import annotations

import queue
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

# `timeout` of `get` that skips the idle connections, so that urllib3 opens a new one.
NEW = 0.0

# A server that closes a connection this soon after a response may do so after all such responses. Seconds.
_SOON = 1.0
_REMEMBERED_SECONDS = 300.0


class IdleConnection(Protocol):
    """The parts of a connection that are used here.

    Attributes:
        is_closed: Whether it is closed.
        chunked: Whether the last response was chunked, as streams are.
        made_at: When it was made (`time.monotonic()`).
        idle_since: When it became idle.
    """

    is_closed: bool
    chunked: bool
    made_at: float
    idle_since: float

    def close(self) -> None: ...


class IdleConnections(queue.Queue[Any]):
    """Replaces urllib3's queue. The connection that was used last is reused first.

    It is a subclass of Queue only because vcrpy closes the connections that it finds in a Queue.

    There is no lock: a garbage-collected stream may return its connection at any moment, in a thread that holds it.

    Args:
        maxsize: Maximum number of connections.
        expiry: Seconds after which an idle connection is closed. 0 keeps none, None has no limit.
        clock: Returns the time in seconds.
    """

    def __init__(self, maxsize: int, expiry: float | None, clock: Callable[[], float] = monotonic) -> None:
        # Queue.__init__ is not called, because it makes locks.
        self._maxsize = 0 if expiry == 0 else maxsize
        self._expiry = expiry
        self._clock = clock
        self._idle: list[IdleConnection] = []
        # By `chunked`: when the server first closed an idle connection, and until when none is kept.
        self._closed_at: dict[bool, float] = {}
        self._keeps_none_until: dict[bool, float] = {}

    def qsize(self) -> int:
        """Return the number of idle connections."""
        return len(self._idle)

    def get(self, block: bool = True, timeout: float | None = None) -> IdleConnection:
        """Return a connection and remove it.

        Raises:
            queue.Empty: There is none, or `timeout` is `NEW`.
        """
        try:
            if self._expiry is not None and self._idle[0].idle_since <= self._clock() - self._expiry:
                self._close_expired(self._expiry)
            if timeout != NEW:
                return self._idle.pop()
        except IndexError:
            pass
        raise queue.Empty

    def put(self, item: IdleConnection | None, block: bool = True, timeout: float | None = None) -> None:
        """Keep a connection. Close it if there are too many, or if the server is likely to close it."""
        # Connections of other packages may lack these attributes.
        if item is None or getattr(item, "is_closed", False):
            return
        now, chunked = self._clock(), getattr(item, "chunked", False)
        if len(self._idle) < self._maxsize and self._keeps_none_until.get(chunked, 0.0) <= now:
            item.idle_since = now
            self._idle.append(item)
        else:
            item.close()

    def closed_by_server(self, connection: IdleConnection) -> None:
        """Record that the server closed an idle connection.

        After a second one that was made later than the first was closed, no connection is kept after such responses
        for some time. Connections that are closed at the same time do not count: the server may have restarted.
        """
        now = self._clock()
        if now - connection.idle_since > _SOON:
            return
        first = self._closed_at.get(connection.chunked)
        if first is None or now - first > _REMEMBERED_SECONDS:
            self._closed_at[connection.chunked] = now
        elif connection.made_at > first:
            self._keeps_none_until[connection.chunked] = now + _REMEMBERED_SECONDS

    def _close_expired(self, expiry: float) -> None:
        limit = self._clock() - expiry
        while (oldest := next(iter(self._idle), None)) is not None and oldest.idle_since <= limit:
            try:
                self._idle.remove(oldest)
            except ValueError:  # Another thread took it.
                continue
            oldest.close()
