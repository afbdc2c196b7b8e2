"""Answers over TLS: the moment they arrive, and where they break off."""

from __future__ import annotations

from typing import Any

import pytest

from support.chat import ANSWER, BODY, STREAM, ask, chat, failure
from support.raw_server import AWAIT_CLOSE, CLOSE, RESET, Gate, framed, lock_step
from support.tls_server import TlsServer
from tachyon_sdk.exceptions import (
    ConnectionException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)

EVENTS = framed(STREAM, "chunked")


def test_events_are_handed_over_the_moment_they_arrive() -> None:
    gate = Gate()
    with TlsServer([lock_step(EVENTS, gate), ANSWER]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            for text in ("one", "two", "three"):
                gate.open()
                assert next(stream).choices[0].delta.content == text
            gate.open(2)
            assert list(stream) == []
            assert ask(api) == "Hello"
        assert server.connections == 1


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close"])
def test_a_stream_that_is_cut(framing: Any, how: Any) -> None:
    head, first, *_ = framed(STREAM, framing)
    gate = Gate()
    with TlsServer([[head + first, gate, how]]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            assert next(stream).choices[0].delta.content == "one"
            gate.open()  # a reset takes nothing away that the client has
            with pytest.raises(StreamTruncatedException) as caught:
                next(stream)
        assert server.connections == 1
    assert not isinstance(caught.value, TimeoutException)
    assert caught.value.partial.choices[0].delta.content == "one"


def test_a_stream_that_falls_silent() -> None:
    head, first, *_ = EVENTS
    with TlsServer([[head + first, AWAIT_CLOSE]]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file, read_timeout=1) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            assert next(stream).choices[0].delta.content == "one"
            with pytest.raises(StreamTimeoutException) as caught:
                next(stream)
            server.wait_ended(1)
    assert caught.value.partial.choices[0].delta.content == "one"


@pytest.mark.parametrize(
    ("how", "kind", "why", "settings"),
    [
        (CLOSE, ConnectionException, "the connection was lost", {}),
        (AWAIT_CLOSE, TimeoutException, "read timeout", {"read_timeout": 1}),
    ],
    ids=["cut", "silent"],
)
def test_an_answer_that_does_not_go_on(
    how: Any, kind: type[ConnectionException], why: str, settings: dict[str, Any]
) -> None:
    with TlsServer([[ANSWER[:-2], how]]) as server:
        error = failure(server.url, ssl_ca_cert=server.ca_file, **settings)
        server.wait_ended(1)
    assert ANSWER.endswith(error.body.encode() + ANSWER[-2:])
    assert len(error.body) > 50
    assert (error.status, error.request_sent, error.attempts) == (200, True, 1)
    assert why in str(error)
    assert type(error) is kind


def test_a_stream_that_is_left_early_closes_its_connection() -> None:
    head, first, *_ = EVENTS
    with TlsServer([[head + first, AWAIT_CLOSE]]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            with api.chat_completion_stream(chat_completion_request=BODY) as stream:
                next(stream)
            server.wait_ended(1)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    with TlsServer([[ANSWER, CLOSE], ANSWER]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            assert ask(api) == "Hello"
            server.wait_ended(1)
            assert ask(api) == "Hello"
        assert server.connections == 2
