"""Sending a request: it has the read timeout for each piece, over new and kept connections, whichever the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.chat import ANSWER, BODY, chat
from support.proxies import SocksProxies
from support.raw_server import Connection, Gate, RawServer
from support.tls_server import TlsServer
from support.tunnels import WAYS, reached
from tachyon_sdk.exceptions import TimeoutException

# More than the sockets on the way hold. The system lets their buffers grow: that of a proxy alone up to 32 MiB.
SIZE = 48_000_000
LARGE = {"messages": [{"role": "user", "content": "x" * SIZE}]}


class SlowReader:
    """A handler that answers the first request if there is one before the large one, of which it reads the head only.

    It reads on, and answers, when the gate is opened.
    """

    def __init__(self, first: bool) -> None:
        self.first = first
        self.gate = Gate()

    def __call__(self, connection: Connection) -> None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        if self.first:
            connection.read_request()
            connection.send(ANSWER)
        connection.socket.recv(1000)
        connection.wait_for(self.gate)
        connection.send(ANSWER)  # early, which is allowed; whoever still sends gets it afterwards
        connection.await_close()


@contextmanager
def opened_in_the_end(gate: Gate) -> Iterator[None]:
    """Opens the gate after two seconds, so that a client without a timeout gets a response and fails the test."""
    timer = threading.Timer(2, gate.open)
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.mark.parametrize("connection", ["new", "kept"])
@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_sending_that_makes_no_progress_ends_with_the_read_timeout_of_the_call(
    kind: str, scheme: str, connection: str, socks: SocksProxies
) -> None:
    handler = SlowReader(first=connection == "kept")
    with reached(kind, scheme, socks, handler) as (server, settings), opened_in_the_end(handler.gate):
        with chat(**settings) as api:
            if handler.first:
                assert api.chat_completion(chat_completion_request=BODY).text == "Hello"
            with pytest.raises(TimeoutException, match="sending the request took too long") as caught:
                # The one for connecting has no limit here.
                api.chat_completion(chat_completion_request=LARGE, _request_timeout=(None, 0.2))
            handler.gate.open()
        assert server.connections == 1
    assert (caught.value.request_sent, caught.value.attempts) == (True, 1)


def read_all(connection: Connection) -> Iterator[int]:
    """Reads the large request, faster than `read_request` does; tells how much there is so far."""
    size = 0
    while size < SIZE:
        piece = connection.socket.recv(1_000_000)
        assert piece
        size += len(piece)
        yield size


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_sending_may_take_longer_than_connecting(tls: bool) -> None:
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER)
        threading.Event().wait(0.1)
        for _ in read_all(connection):
            pass
        connection.send(ANSWER)
        connection.await_close()

    with TlsServer(handler=handler) if tls else RawServer(handler=handler) as server:
        trust: dict[str, Any] = {"ssl_ca_cert": server.ca_file} if isinstance(server, TlsServer) else {}
        with chat(server.url, retries=0, **trust) as api:
            assert api.chat_completion(chat_completion_request=BODY).text == "Hello"
            answer = api.chat_completion(chat_completion_request=LARGE, _request_timeout=(0.01, 30))
            assert answer.text == "Hello"
        assert server.connections == 1


def test_sending_may_take_longer_than_the_read_timeout_as_long_as_there_is_progress() -> None:
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER)
        pauses = 0
        for size in read_all(connection):
            if size > pauses * SIZE // 8:
                threading.Event().wait(0.1)
                pauses += 1
        connection.send(ANSWER)
        connection.await_close()

    with RawServer(handler=handler) as server, chat(server.url, retries=0) as api:
        assert api.chat_completion(chat_completion_request=BODY).text == "Hello"
        answer = api.chat_completion(chat_completion_request=LARGE, _request_timeout=0.5)
        assert answer.text == "Hello"
