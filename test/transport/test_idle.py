"""Idle connections: which one is reused, which are closed, and how the server closes them."""

from __future__ import annotations

import queue
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from tachyon_sdk._transport.idle import NEW, IdleConnections


class Connection:
    """The parts of a connection that are used here."""

    def __init__(self, chunked: bool = False) -> None:
        self.is_closed = False
        self.chunked = chunked
        self.made_at = monotonic()
        self.idle_since = 0.0

    def close(self) -> None:
        self.is_closed = True


def left(idle: IdleConnections) -> list[Connection]:
    """Take all connections."""
    found: list[Connection] = []
    while True:
        try:
            connection = idle.get(block=False)
        except queue.Empty:
            return found
        assert isinstance(connection, Connection)
        found.append(connection)


def are_closed(connections: Iterable[Connection]) -> list[bool]:
    return [connection.is_closed for connection in connections]


def test_the_last_used_connection_is_reused_first() -> None:
    idle = IdleConnections(3, None)
    connections = [Connection() for _ in range(3)]
    for connection in connections:
        idle.put(connection)
    assert left(idle) == connections[::-1]
    assert are_closed(connections) == [False] * 3


def test_surplus_connections_are_closed_and_closed_ones_are_dropped() -> None:
    idle = IdleConnections(1, None)
    kept, closed, extra = connections = [Connection(), Connection(), Connection()]
    closed.close()
    for connection in (None, closed, kept, extra):
        idle.put(connection)
    assert left(idle) == [kept]
    assert are_closed(connections) == [False, True, True]


def test_a_new_connection_is_asked_for() -> None:
    idle = IdleConnections(1, None)
    idle.put(connection := Connection())
    with pytest.raises(queue.Empty):
        idle.get(block=False, timeout=NEW)
    assert left(idle) == [connection]


@pytest.mark.parametrize("age", [[9, 8, 1], [9, 8, 7], [1, 1, 1], [5.1, 4.9, 4.8]])
def test_expired_connections_are_closed(age: list[float]) -> None:
    idle = IdleConnections(3, 5.0)
    connections = [Connection() for _ in age]
    for connection, seconds in zip(connections, age, strict=True):
        idle.put(connection)
        connection.idle_since -= seconds
    young = [connection for connection, seconds in zip(connections, age, strict=True) if seconds < 5]
    assert left(idle) == young[::-1]
    assert are_closed(connections) == [seconds > 5 for seconds in age]


def test_no_expiry() -> None:
    idle = IdleConnections(1, None)
    idle.put(connection := Connection())
    connection.idle_since -= 1e9
    assert left(idle) == [connection]


def test_an_expiry_of_zero_keeps_no_connection() -> None:
    idle = IdleConnections(3, 0)
    idle.put(connection := Connection())
    assert connection.is_closed
    assert left(idle) == []


def closed_by_server(idle: IdleConnections, connection: Connection, after: float = 0) -> None:
    idle.put(connection)
    connection.idle_since -= after
    assert left(idle)[0] is connection
    idle.closed_by_server(connection)


@pytest.mark.parametrize("chunked", [False, True])
def test_no_connection_is_kept_if_the_server_closes_repeatedly(chunked: bool) -> None:
    idle = IdleConnections(9, None)
    for _ in range(2):
        closed_by_server(idle, Connection(chunked))
    same, other = Connection(chunked), Connection(not chunked)
    idle.put(same)
    idle.put(other)
    assert left(idle) == [other]
    assert same.is_closed


def test_connections_closed_at_the_same_time_do_not_count() -> None:
    idle = IdleConnections(9, None)
    for connection in [Connection() for _ in range(3)]:
        closed_by_server(idle, connection)
    idle.put(new := Connection())
    assert left(idle) == [new]


def test_connections_closed_later_do_not_count() -> None:
    idle = IdleConnections(9, None)
    for _ in range(3):
        closed_by_server(idle, Connection(), after=2)
    idle.put(new := Connection())
    assert left(idle) == [new]


def test_closed_connections_are_forgotten_after_some_time() -> None:
    now = 0.0
    idle = IdleConnections(9, None, lambda: now)
    for minutes in (0, 10, 20):
        now = minutes * 60
        connection = Connection()
        connection.made_at = now
        closed_by_server(idle, connection)
        idle.put(new := Connection())
        assert left(idle) == [new]


def test_threads_never_share_a_connection() -> None:
    idle = IdleConnections(8, 0.001)
    in_use: set[int] = set()

    def use_often(_: int) -> None:
        for _ in range(300):
            try:
                connection = idle.get(block=False)
            except queue.Empty:
                connection = Connection()
            assert id(connection) not in in_use
            in_use.add(id(connection))
            assert not connection.is_closed
            in_use.remove(id(connection))
            idle.put(connection)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use_often, range(8)))
