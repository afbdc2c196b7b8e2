"""Connections that the server closes although it promised to keep them: no request fails, and none is made twice."""

from __future__ import annotations

import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from support.chat import ANSWER, BODY, ask, chat, chunk
from support.proxies import SocksProxies
from support.raw_server import (
    CLOSE,
    RESET,
    WAIT,
    Connection,
    Gate,
    RawServer,
    header_of,
    http_response,
    stream_response,
)
from support.tls_server import TlsServer
from support.tunnels import WAYS, reached
from tachyon_sdk import ChatApi, Configuration
from tachyon_sdk.exceptions import ConnectionException

STREAM = stream_response(chunk("Hello", "stop"), "[DONE]")
Call = Callable[[ChatApi], "str | None"]


def collect(api: ChatApi) -> str | None:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        return stream.collect().text


def answer(connection: Connection) -> None:
    """Answers one request as it asks for it."""
    connection.send(STREAM if connection.read_request().json().get("stream") else ANSWER)


def with_the_second_request(end: Any) -> Callable[[Connection], None]:
    """A handler that ends its first connection in this way when a second request arrives; all others are kept."""

    def handler(connection: Connection) -> None:
        answer(connection)
        if connection.number == 0:
            connection.read_request()
            end(connection) if callable(end) else connection.play([end])
            return
        while True:
            answer(connection)

    return handler


def sent_over(server: RawServer) -> list[int]:
    return [request.connection for request in server.requests]


# --- servers that close after each response


def close(connection: Connection) -> None:
    connection.close()


def shut_down(connection: Connection) -> None:
    with suppress(OSError):  # the client has ended it
        socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)
    connection.close()


def end_tls(connection: Connection) -> None:
    assert isinstance(connection.socket, ssl.SSLSocket)
    connection.socket.settimeout(0)
    with suppress(OSError):
        connection.socket.unwrap()
    connection.close()


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("call", [ask, collect])
@pytest.mark.parametrize(
    ("tls", "end"),
    [(False, close), (False, shut_down), (False, Connection.reset), (True, close), (True, end_tls)],
    ids=["close", "shutdown", "reset", "tls-close", "tls-close-notify"],
)
def test_a_server_that_closes_at_any_moment_after_its_response(
    tls: bool, end: Callable[[Connection], None], call: Call, threads: int
) -> None:
    delays = random.Random(1)

    def handler(connection: Connection) -> None:
        answer(connection)
        threading.Event().wait(delays.uniform(0, 0.004))
        end(connection)

    with TlsServer(handler=handler) if tls else RawServer(handler=handler) as server:
        trust: dict[str, Any] = {"ssl_ca_cert": server.ca_file} if isinstance(server, TlsServer) else {}
        with chat(server.url, retries=0, **trust) as api, ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(lambda _: call(api), range(40)))
        assert answers == ["Hello"] * 40
        assert len(server.requests) == 40


@pytest.mark.parametrize("call", [ask, collect])
def test_a_server_that_keeps_its_connections_sees_one(call: Call) -> None:
    def handler(connection: Connection) -> None:
        while True:
            answer(connection)

    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert [call(api) for _ in range(20)] == ["Hello"] * 20
        assert server.connections == 1


# --- sent again


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("call", [ask, collect])
def test_a_request_over_a_connection_that_ends_at_once_is_sent_again_over_a_new_one(
    call: Call, end: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tachyon_sdk")
    with RawServer(handler=with_the_second_request(end)) as server, chat(server.url, retries=0) as api:
        assert [call(api), call(api), call(api)] == ["Hello"] * 3
        assert sent_over(server)[:3] == [0, 0, 1]
        url = f"{server.url}/v1/llms/chat/completions"
    lines = [record.getMessage() for record in caplog.records if "sent again" in record.getMessage()]
    assert lines == [f"POST {url}: sent again, the kept connection was closed"]
    assert "attempt 2" not in caplog.text


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_whichever_way_leads_to_the_server(kind: str, scheme: str, socks: SocksProxies) -> None:
    with reached(kind, scheme, socks, with_the_second_request(CLOSE)) as (server, settings):
        with chat(**settings, retries=0) as api:
            assert [ask(api), ask(api), ask(api)] == ["Hello"] * 3
        assert sent_over(server) == [0, 0, 1, 1]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_large_request_is_sent_again_as_well(tls: bool) -> None:
    def handler(connection: Connection) -> None:
        if connection.number == 0:
            answer(connection)
            connection.socket.recv(1000)
            return  # with most of it unread, which resets the connection
        answer(connection)

    body = {"messages": [{"role": "user", "content": "x" * 4_000_000}]}
    with TlsServer(handler=handler) if tls else RawServer(handler=handler) as server:
        trust: dict[str, Any] = {"ssl_ca_cert": server.ca_file} if isinstance(server, TlsServer) else {}
        with chat(server.url, retries=0, **trust) as api:
            assert ask(api) == "Hello"
            assert api.chat_completion(chat_completion_request=body).text == "Hello"
        assert sent_over(server) == [0, 1]


def test_the_new_connection_is_none_of_those_that_are_kept() -> None:
    # All of them may have been closed.
    both = threading.Barrier(2)

    def handler(connection: Connection) -> None:
        connection.read_request()
        if connection.number < 2:
            both.wait(WAIT)
        connection.send(ANSWER)
        connection.read_request()

    with RawServer(handler=handler) as server, chat(server.url, retries=0) as api:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(ask, [api, api])) == ["Hello"] * 2
        assert ask(api) == "Hello"
        assert len(server.requests) == 4 and sent_over(server)[-1] == 2


# --- not sent again


def test_a_request_that_the_server_may_have_started_to_process() -> None:
    def end_later(connection: Connection) -> None:
        threading.Event().wait(0.4)
        connection.close()

    with RawServer(handler=with_the_second_request(end_later)) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        with pytest.raises(ConnectionException, match="the connection was lost") as caught:
            ask(api)
        assert (caught.value.request_sent, caught.value.attempts) == (True, 1)
        assert sent_over(server) == [0, 0]


@pytest.mark.parametrize("beginning", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_request_of_whose_response_a_byte_came(beginning: bytes, end: Any) -> None:
    arrived = Gate()

    def end_in_the_response(connection: Connection) -> None:
        connection.send(beginning)
        connection.wait_for(arrived)
        connection.play([end])

    with RawServer(handler=with_the_second_request(end_in_the_response)) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        arrived.open()
        with pytest.raises(ConnectionException):
            ask(api)
        assert sent_over(server) == [0, 0]


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_request_over_a_new_connection(end: Any) -> None:
    with RawServer([[end]]) as server, chat(server.url) as api:
        with pytest.raises(ConnectionException):
            ask(api)
        assert server.connections == 1


def test_a_request_over_a_connection_that_was_made_in_place_of_one_that_had_ended() -> None:
    def handler(connection: Connection) -> None:
        if connection.number == 0:
            return answer(connection)
        connection.read_request()

    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        server.wait_ended(1)
        with pytest.raises(ConnectionException):
            ask(api)
        assert sent_over(server) == [0, 1]


def test_a_request_that_was_sent_again_already() -> None:
    def handler(connection: Connection) -> None:
        if connection.number == 0:
            answer(connection)
        connection.read_request()

    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        with pytest.raises(ConnectionException) as caught:
            ask(api)
        assert (caught.value.request_sent, caught.value.attempts) == (True, 1)
        assert sent_over(server) == [0, 0, 1]


def test_a_request_that_was_sent_before_is_not_called_unsent_where_no_new_connection_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            sock, _ = listener.accept()
            listener.close()
            with sock:
                for response in (ANSWER, b""):
                    assert sock.recv(65536)
                    sock.sendall(response)

        server = threading.Thread(target=serve)
        server.start()
        with chat(host) as api:
            assert ask(api) == "Hello"
            with pytest.raises(ConnectionException, match="no connection could be made") as caught:
                ask(api)
        server.join(WAIT)
    assert (caught.value.request_sent, caught.value.attempts) == (True, 1)


def test_a_response_that_comes_before_the_end_of_the_request_counts() -> None:
    def refuse(connection: Connection) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.socket.recv(1)
        assert header_of(head, "Content-Length")
        connection.send(http_response(413, {"Connection": "close"}, "too large"))

    def handler(connection: Connection) -> None:
        answer(connection)
        refuse(connection)

    body = {"messages": [{"role": "user", "content": "x" * 4_000_000}]}
    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        with pytest.raises(Exception, match="too large") as caught:
            api.chat_completion(chat_completion_request=body)
        assert server.connections == 1
    assert caught.value.status == 413  # type: ignore[attr-defined]


# --- what is remembered of the server


@pytest.mark.parametrize("found", ["with the next request", "before it"])
def test_a_server_that_closes_after_streams_is_left_first_after_the_next_ones(found: str) -> None:
    def handler(connection: Connection) -> None:
        answer(connection)
        if connection.number < 2:
            if found == "with the next request":
                connection.read_request()
            return
        while True:
            answer(connection)

    with RawServer(handler=handler) as server, chat(server.url, retries=0) as api:
        assert collect(api) == "Hello"
        for ended in (1, 2):
            if found == "before it":
                server.wait_ended(ended)
            assert collect(api) == "Hello"
        server.wait_ended(3)
        assert collect(api) == "Hello"
        server.wait_ended(4)
        # It may well keep connections after other responses.
        assert [ask(api), ask(api)] == ["Hello"] * 2
        assert sent_over(server)[-4:] == [2, 3, 4, 4]


# --- idle connections


@pytest.mark.parametrize(("keepalive_expiry", "connections"), [(0, 2), (1e-9, 2), (None, 1), (60, 1)])
def test_an_idle_connection_is_used_until_it_is_too_old(
    keepalive_expiry: float | None, connections: int
) -> None:
    def handler(connection: Connection) -> None:
        while True:
            answer(connection)

    with RawServer(handler=handler) as server:
        with chat(server.url, keepalive_expiry=keepalive_expiry) as api:
            assert [ask(api), ask(api)] == ["Hello"] * 2
            assert server.connections == connections
            server.wait_ended(connections - 1)


def test_the_usual_limit_is_below_that_of_common_servers() -> None:
    # Five seconds: uvicorn, Node, llama.cpp. It counts from when the response was sent.
    assert Configuration().keepalive_expiry == 4
