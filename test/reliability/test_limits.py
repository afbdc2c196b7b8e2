"""What a server can make a client read, keep and work through: bounded, whatever it sends."""

from __future__ import annotations

import itertools
import json
import select
from collections.abc import Callable
from typing import Any

import pytest

from support.chat import ANSWER, BODY, ask, chat, chunk
from support.raw_server import (
    FRAMINGS,
    Connection,
    Disconnected,
    Framing,
    RawServer,
    event_stream,
    framed,
    http_response,
    stream_response,
)
from tachyon_sdk import ChatApi, Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    PaymentRequiredException,
    ResponseDecodeException,
)

MiB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EVENTS = b"Content-Type: text/event-stream\r\n"


def collect(api: ChatApi) -> str | None:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        return stream.collect().choices[0].delta.content


CALLS = [ask, collect]


class Pouring:
    """A handler that sends a beginning and then repeats a piece as long as the client reads."""

    # Far more than the sockets in between hold.
    AT_MOST = 64 * MiB

    def __init__(self, beginning: bytes, more: bytes) -> None:
        self.beginning = beginning
        self.more = more * (65536 // len(more) + 1)
        self.poured = 0

    def __call__(self, connection: Connection) -> None:
        connection.read_request()
        connection.send(self.beginning)
        while self.poured < self.AT_MOST:
            connection.send(self.more)
            self.poured += len(self.more)


# --- the bodies of errors


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_beginning_of_a_large_error_body_is_used(framing: Framing) -> None:
    body = json.dumps({"message": "no credit left", "details": "x" * 2 * MiB})
    response = http_response(402, {"X-Request-Id": "r-1"}, body, framing)
    with RawServer([response, ANSWER]) as server, chat(server.url) as api:
        with pytest.raises(PaymentRequiredException) as caught:
            ask(api)
        assert ask(api) == "Hello"
    error = caught.value
    assert error.body == body[:MiB]
    assert "no credit left" in str(error) and len(str(error)) < 400
    assert (error.request_id, error.attempts) == ("r-1", 1)


@pytest.mark.parametrize(("call", "status"), [(ask, 302), (collect, 402), (ask, 500)])
def test_an_error_body_that_never_ends_is_left(call: Callable[[ChatApi], Any], status: int) -> None:
    head = f"HTTP/1.1 {status} No\r\n".encode() + CHUNKED + b"\r\n"
    handler = Pouring(head, b"10\r\nno credit at all\r\n")
    with RawServer(handler=handler) as server, chat(server.url) as api:
        with pytest.raises(ApiException) as caught:
            call(api)
        server.wait_ended(1)
    assert caught.value.status == status
    assert caught.value.body == "no credit at all" * (MiB // 16)
    assert handler.poured < handler.AT_MOST


def test_a_retried_response_is_read_only_up_to_the_limit_of_errors() -> None:
    handler = Pouring(b"HTTP/1.1 503 Busy\r\n" + CHUNKED + b"\r\n", b"10\r\ncome back later!\r\n")
    answers = itertools.chain([handler], itertools.repeat(answer_once))
    with RawServer(handler=lambda connection: next(answers)(connection)) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
    assert handler.poured < handler.AT_MOST


def answer_once(connection: Connection) -> None:
    connection.read_request()
    connection.send(ANSWER)
    connection.await_close()


# --- the limits of Configuration


def test_the_limits_are_those_of_the_documentation() -> None:
    configuration = Configuration()
    assert configuration.max_response_bytes == 256 * MiB
    assert configuration.max_event_bytes == 64 * MiB


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_event_may_be_as_large_as_the_limit_and_no_larger(framing: Framing) -> None:
    event = event_stream(chunk("x" * 100_000))
    size = len(event) - len(b"\n\n")
    response = stream_response(chunk("Hi "), chunk("x" * 100_000), chunk("", "stop"), framing=framing)
    with RawServer([response] * 2) as server:
        with chat(server.url, max_event_bytes=size) as api:
            assert collect(api) == "Hi " + "x" * 100_000
        with chat(server.url, max_event_bytes=size - 1) as api:
            with pytest.raises(ResponseDecodeException, match=f"more than {size - 1} bytes") as caught:
                collect(api)
    assert caught.value.partial.choices[0].delta.content == "Hi "


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "line", [b"data: and so on, without an empty line\n", b"x"], ids=["lines", "one-line"]
)
def test_an_event_that_never_ends_is_left(call: Callable[[ChatApi], Any], line: bytes) -> None:
    _, part, _ = framed(stream_response(chunk("Hi")), "until-close")
    handler = Pouring(HEAD + EVENTS + b"\r\n" + part, line)
    with RawServer(handler=handler) as server:
        with chat(server.url, max_event_bytes=MiB) as api:
            with pytest.raises(ResponseDecodeException, match=f"more than {MiB} bytes") as caught:
                call(api)
        server.wait_ended(1)
    assert caught.value.partial.choices[0].delta.content == "Hi"
    assert handler.poured < handler.AT_MOST


@pytest.mark.parametrize("call", CALLS)
def test_an_endless_response_is_abandoned(call: Callable[[ChatApi], Any]) -> None:
    handler = Pouring(HEAD + b"Content-Type: application/json\r\n\r\n", b" ")
    with RawServer(handler=handler) as server:
        with chat(server.url, max_response_bytes=MiB) as api:
            with pytest.raises(ResponseDecodeException, match=f"larger than {MiB} bytes") as caught:
                call(api)
        server.wait_ended(1)
    assert caught.value.body == " " * MiB
    assert handler.poured < handler.AT_MOST


# --- what surrounds a body

AROUND = {
    "status-line": (b"HTTP/1.1 200 ", b"O"),
    "header": (HEAD + b"X-One: ", b"x"),
    "headers": (HEAD, b"X-One: 1\r\n"),
    "headers-of-an-interim-answer": (b"HTTP/1.1 100 Continue\r\n", b"X-One: 1\r\n"),
    "folded-header": (HEAD + b"X-One: 1\r\n", b" 1\r\n"),
    "size-of-a-chunk": (HEAD + CHUNKED + b"\r\n1\r\n{\r\n", b"0"),
    "extension-of-a-chunk": (HEAD + CHUNKED + b"\r\n1\r\n{\r\n1;", b"x"),
    "trailer": (HEAD + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-One: ", b"x"),
    "trailers": (HEAD + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", b"X-One: 1\r\n"),
}


@pytest.mark.parametrize("part", AROUND)
def test_head_and_trailers_are_limited_too(part: str) -> None:
    handler = Pouring(*AROUND[part])
    with RawServer(handler=handler) as server, chat(server.url) as api:
        with pytest.raises(ConnectionException) as caught:
            ask(api)
        server.wait_ended(1)
    assert caught.value.request_sent and caught.value.attempts == 1
    assert handler.poured < handler.AT_MOST


def test_endless_interim_responses_are_an_error() -> None:
    def handler(connection: Connection) -> None:
        connection.read_request()
        for _ in range(100):
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
        connection.send(ANSWER)  # the test would go on for ever

    with RawServer(handler=handler) as server, chat(server.url) as api:
        with pytest.raises(ConnectionException):
            ask(api)
        server.wait_ended(1)


@pytest.mark.parametrize("part", ["size-of-a-chunk", "extension-of-a-chunk", "trailer", "trailers"])
def test_a_finished_stream_does_not_wait_for_trailers(part: str) -> None:
    _, _, surroundings = AROUND[part][0].rpartition(b"}\r\n" if "trailer" in part else b"{\r\n")
    stream = b"".join(framed(stream_response(chunk("Hello", "stop"), "[DONE]"), "chunked")[:-1])
    handler = Pouring(stream + surroundings, AROUND[part][1])
    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert collect(api) == "Hello"
        server.wait_ended(1)
    assert handler.poured < handler.AT_MOST


@pytest.mark.parametrize("part", ["size-of-a-chunk", "extension-of-a-chunk", "trailer"])
def test_a_finished_stream_does_not_wait_for_slow_data(part: str) -> None:
    stream = b"".join(framed(stream_response(chunk("Hello", "stop"), "[DONE]"), "chunked")[:-1])
    begun = {"size-of-a-chunk": b"0", "extension-of-a-chunk": b"1;x", "trailer": b"0\r\nX-One: 1"}[part]
    left: list[bool] = []

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(stream + begun)
        for _ in range(200):
            # Only a client that leaves can be read from.
            if select.select([connection.socket], [], [], 0.05)[0]:
                return left.append(True)
            try:
                connection.send(begun[-1:])
            except Disconnected:
                return left.append(True)

    with RawServer(handler=handler) as server, chat(server.url) as api:
        assert collect(api) == "Hello"
        server.wait_ended(1)
    assert left == [True]
