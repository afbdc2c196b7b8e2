"""The public interface of urllib3 is used if its connections or responses are replaced."""

from __future__ import annotations

import io
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from support.chat import ANSWER, BODY, STREAM, ask, chat
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    Framing,
    Gate,
    RawServer,
    closed_port,
    framed,
    http_response,
    lock_step,
    reframe,
)
from support.tls_server import TlsServer
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import ConnectionException, ResponseDecodeException, StreamTruncatedException

PIECES = ["one", "two", "three"]


class Plain(HTTPConnection):
    """A replacement of urllib3's class that overrides how requests are sent."""

    def request(self, *args: Any, **options: Any) -> None:
        super().request(*args, **options)


class Secure(HTTPSConnection):
    """The same with TLS."""

    def request(self, *args: Any, **options: Any) -> None:
        super().request(*args, **options)


class WithoutOriginal(HTTPConnection):
    """urllib3's class, without the response of http.client."""

    def getresponse(self) -> urllib3.HTTPResponse:
        response = super().getresponse()
        response._original_response = None
        return response


@pytest.fixture(params=[Plain, WithoutOriginal])
def other_connections(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(HTTPConnectionPool, "ConnectionCls", request.param)
    monkeypatch.setattr(HTTPSConnectionPool, "ConnectionCls", Secure)
    return request.param


@pytest.fixture
def responses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own connections, without the response of http.client."""
    getresponse = HTTPConnection.getresponse

    def without_original(connection: HTTPConnection) -> urllib3.HTTPResponse:
        response = getresponse(connection)
        response._original_response = None
        return response

    monkeypatch.setattr(HTTPConnection, "getresponse", without_original)


def text_of(api: ChatApi) -> list[str]:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        return list(stream.text)


@pytest.mark.usefixtures("other_connections")
@pytest.mark.parametrize("framing", FRAMINGS)
def test_calls(framing: Framing) -> None:
    with RawServer([reframe(ANSWER, framing), reframe(STREAM, framing), ANSWER]) as server:
        with chat(server.url) as api:
            assert ask(api) == "Hello"
            assert text_of(api) == PIECES
            assert ask(api) == "Hello"
        # The connection is reused unless its end ends a body.
        assert server.connections == (3 if "close" in framing else 1)


@pytest.mark.usefixtures("responses_alone")
@pytest.mark.parametrize("framing", FRAMINGS)
def test_own_connections_with_other_responses(framing: Framing) -> None:
    with RawServer([reframe(ANSWER, framing), reframe(STREAM, framing)]) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        assert text_of(api) == PIECES


@pytest.mark.usefixtures("other_connections")
@pytest.mark.parametrize("framing", [framing for framing in FRAMINGS if not framing.endswith("one")])
def test_chunks_arrive_as_soon_as_they_are_sent(framing: Framing) -> None:
    gate = Gate()
    with RawServer([lock_step(framed(STREAM, framing), gate)]) as server, chat(server.url) as api:
        gate.open()
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            for text, expected in zip(stream.text, PIECES, strict=True):
                assert text == expected
                gate.open()
            gate.open(2)


@pytest.mark.usefixtures("other_connections")
def test_without_read1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib3.HTTPResponse, "read1", BaseHTTPResponse.read1)
    with RawServer([ANSWER, STREAM]) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        assert text_of(api) == PIECES


@pytest.mark.usefixtures("other_connections")
def test_a_truncated_response() -> None:
    with RawServer([[ANSWER[:-10], CLOSE], [STREAM[:-40], CLOSE]]) as server, chat(server.url) as api:
        with pytest.raises(ConnectionException) as caught:
            ask(api)
        assert caught.value.request_sent and caught.value.body
        with pytest.raises(StreamTruncatedException) as truncated:
            text_of(api)
        assert truncated.value.partial.choices[0].delta.content.startswith("one")


@pytest.mark.usefixtures("other_connections")
def test_a_body_that_cannot_be_decompressed() -> None:
    body = http_response(200, {"Content-Encoding": "gzip"}, "Hello")
    with RawServer([body]) as server, chat(server.url) as api, pytest.raises(ResponseDecodeException):
        ask(api)


@pytest.mark.usefixtures("other_connections")
def test_a_refused_connection() -> None:
    with chat(f"http://127.0.0.1:{closed_port()}") as api, pytest.raises(ConnectionException) as caught:
        ask(api)
    assert type(caught.value) is ConnectionException
    assert not caught.value.request_sent and len(caught.value.previous) == 2


@pytest.mark.usefixtures("other_connections")
def test_tls_settings_apply() -> None:
    with TlsServer([ANSWER]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            assert ask(api) == "Hello"
        with chat(server.url) as api, pytest.raises(ConnectionException, match="certificate") as caught:
            ask(api)
    assert not caught.value.request_sent and not caught.value.previous


@pytest.mark.usefixtures("other_connections")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down(scheme: str) -> None:
    proxy = f"http://127.0.0.1:{closed_port()}"
    with (
        chat(f"{scheme}://tachyon.example", proxy=proxy) as api,
        pytest.raises(ConnectionException) as caught,
    ):
        ask(api)
    assert not caught.value.request_sent and len(caught.value.previous) == 2


@pytest.mark.usefixtures("other_connections")
def test_a_proxy_that_refuses_a_tunnel() -> None:
    with RawServer([http_response(403)] * 3) as proxy:
        with chat("https://tachyon.example", proxy=proxy.url) as api:
            with pytest.raises(ConnectionException, match=str(proxy.port)) as caught:
                ask(api)
    assert not caught.value.request_sent and len(caught.value.previous) == 2


def response_double(body: bytes, content_type: str) -> urllib3.HTTPResponse:
    """Return a response that a program's test has made."""
    headers = {"Content-Type": content_type}
    return urllib3.HTTPResponse(io.BytesIO(body), headers, 200, preload_content=False)


def test_responses_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: Iterator[urllib3.HTTPResponse] = iter(
        [
            response_double(ANSWER.partition(b"\r\n\r\n")[2], "application/json"),
            response_double(reframe(STREAM, "content-length").partition(b"\r\n\r\n")[2], "text/event-stream"),
        ]
    )
    monkeypatch.setattr(HTTPConnectionPool, "urlopen", lambda *_, **__: next(bodies))
    with chat("http://tachyon.example") as api:
        assert ask(api) == "Hello"
        assert text_of(api) == PIECES


def test_the_connection_class_is_replaced_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Plain] = []

    class Counted(Plain):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append(self)

    unfinished = [STREAM[: STREAM.index(b"two")], AWAIT_CLOSE]
    with RawServer([unfinished, ANSWER, ANSWER]) as server, chat(server.url) as api:
        # The stream keeps its connection, so the next call needs another one.
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            assert next(stream.text) == "one" and not made
            monkeypatch.setattr(HTTPConnectionPool, "ConnectionCls", Counted)
            assert ask(api) == "Hello" and len(made) == 1
        monkeypatch.undo()
        assert ask(api) == "Hello" and len(made) == 1


def test_the_choice_is_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    class OtherResponse(urllib3.HTTPResponse):
        pass

    class Other(Plain):
        def getresponse(self) -> urllib3.HTTPResponse:
            response = super().getresponse()
            response.__class__ = OtherResponse
            return response

    monkeypatch.setattr(HTTPConnectionPool, "ConnectionCls", Other)
    with caplog.at_level(logging.DEBUG, "tachyon_sdk"), RawServer([ANSWER] * 2) as server:
        with chat(server.url) as api:
            assert ask(api) == ask(api)
    lines = [record.getMessage() for record in caplog.records if __name__ in record.getMessage()]
    assert len(lines) == 2 and "OtherResponse" in lines[1]


def test_a_class_that_only_connects_differently_keeps_the_fast_path(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class Redirected(HTTPConnection):
        def _new_conn(self) -> Any:
            made.append(self.host)
            return socket.create_connection(("127.0.0.1", server.port))

    monkeypatch.setattr(HTTPConnectionPool, "ConnectionCls", Redirected)
    with caplog.at_level(logging.DEBUG, "tachyon_sdk"), RawServer([STREAM, ANSWER]) as server:
        with chat("http://tachyon.example") as api:
            assert text_of(api) == PIECES and ask(api) == "Hello"
        # The debug log names no other connections.
        assert made == ["tachyon.example"] and "connections are made by" not in caplog.text


def test_the_fast_path_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, "tachyon_sdk"),
        RawServer([ANSWER]) as server,
        chat(server.url) as api,
    ):
        ask(api)
    assert "read1" not in caplog.text
