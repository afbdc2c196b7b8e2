"""TCP keep-alive: on for every connection, whichever the way, unless the program has set the options itself."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from support.chat import ANSWER, ask, chat
from support.proxies import SocksProxies
from support.raw_server import Connection, RawServer
from support.tunnels import WAYS, reached

# By the names of the systems; each has some of them.
TIMES = [name for name in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL") if hasattr(socket, name)]


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """The options of each socket that this thread has connected."""
    seen: list[dict[str, int]] = []
    connect = socket.socket.connect
    this_thread = threading.get_ident()

    def recording(self: socket.socket, address: Any) -> None:
        connect(self, address)
        if threading.get_ident() == this_thread:
            of_tcp = {name: self.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in TIMES}
            keepalive = self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            seen.append({"SO_KEEPALIVE": keepalive, **of_tcp})

    monkeypatch.setattr(socket.socket, "connect", recording)
    return seen


def answer(connection: Connection) -> None:
    connection.read_request()
    connection.send(ANSWER)
    connection.await_close()


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_the_first_probe_comes_within_a_minute(
    kind: str, scheme: str, socks: SocksProxies, options: list[dict[str, int]]
) -> None:
    with reached(kind, scheme, socks, answer) as (_, settings), chat(**settings) as api:
        assert ask(api) == "Hello"
    (connected,) = options
    assert connected.pop("SO_KEEPALIVE")
    assert len(connected) >= 2
    assert all(0 < seconds <= 60 for seconds in connected.values())


@pytest.mark.parametrize("given", [[], [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]])
def test_options_of_the_program_take_its_place(given: list[Any], options: list[dict[str, int]]) -> None:
    with RawServer(handler=answer) as server, chat(server.url, socket_options=given) as api:
        assert ask(api) == "Hello"
    assert [connected["SO_KEEPALIVE"] for connected in options] == [0]
