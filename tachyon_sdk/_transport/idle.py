"""The connections of one origin that wait for the next request, and what is known of how its server closes them."""

from __future__ import annotations

import queue
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

# `timeout` of `get` that asks for none of the idle connections, so that a new one is made.
NEW = 0.0

# Seconds. A server that closes a kept connection so soon after a response may do so after all such responses.
_SOON = 1.0
# Seconds for which that is remembered.
_REMEMBERED = 300.0


class IdleConnection(Protocol):
    """What is used of a connection here.

    Attributes:
        sock: None once it is closed.
        chunked: Whether the last response was chunked, as streams are.
        made_at: When it was made (`time.monotonic()`).
        idle_since: When it was put here last.
    """

    sock: object
    chunked: bool
    made_at: float
    idle_since: float

    def close(self) -> None: ...


class IdleConnections(queue.Queue[Any]):
    """Takes the place of urllib3's queue; the connection that was used last is the first to be used again.

    It is a queue by name only: vcrpy closes the connections that it takes out of a queue.

    A stream that is garbage-collected gives its connection back, in whichever thread and at whichever moment. So there
    is no lock: that thread may be the one that holds it.

    Args:
        maxsize: How many connections are kept.
        expiry: Seconds after which a connection is not used any more; 0 keeps none, None has no limit.
        clock: What tells the time in seconds.
    """

    def __init__(self, maxsize: int, expiry: float | None, clock: Callable[[], float] = monotonic) -> None:
        # Not that of a queue, which has locks.
        self._maxsize = 0 if expiry == 0 else maxsize
        self._expiry = expiry
        self._clock = clock
        self._idle: list[IdleConnection] = []
        # By `chunked`: when the server first closed a kept connection, and until when none is kept.
        self._closed_at: dict[bool, float] = {}
        self._keeps_none_until: dict[bool, float] = {}

    def qsize(self) -> int:
        """How many connections are idle."""
        return len(self._idle)

    def get(self, block: bool = True, timeout: float | None = None) -> IdleConnection:
        """Takes a connection.

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
        """Keeps a connection, or closes it: one too many, or one that the server is about to close anyway."""
        # Connections of other packages may have neither.
        if item is None or getattr(item, "sock", item) is None:
            return
        now, chunked = self._clock(), getattr(item, "chunked", False)
        if len(self._idle) < self._maxsize and self._keeps_none_until.get(chunked, 0.0) <= now:
            item.idle_since = now
            self._idle.append(item)
        else:
            item.close()

    def closed_by_server(self, connection: IdleConnection) -> None:
        """Takes note that the server closed a connection that was kept.

        When it does so again, with a connection that was made after the first, none is kept after such responses for
        some time. All connections that end at once are no sign of that: the server may have been restarted.
        """
        now = self._clock()
        if now - connection.idle_since > _SOON:
            return
        first = self._closed_at.get(connection.chunked)
        if first is None or now - first > _REMEMBERED:
            self._closed_at[connection.chunked] = now
        elif connection.made_at > first:
            self._keeps_none_until[connection.chunked] = now + _REMEMBERED

    def _close_expired(self, expiry: float) -> None:
        limit = self._clock() - expiry
        while (oldest := next(iter(self._idle), None)) is not None and oldest.idle_since <= limit:
            try:
                self._idle.remove(oldest)
            except ValueError:  # another thread has taken it
                continue
            oldest.close()
