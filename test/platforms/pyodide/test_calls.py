"""Calls from WebAssembly. urllib3 sends them with `fetch`, because there are no sockets.

`run.py` starts the servers and defines the response for each path of the raw server.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from support.chat import ask, chat
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    NotFoundException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)

LOCAL = os.environ["LOCAL_SERVER"]
RAW = os.environ["RAW_SERVER"]
PIECES = ["one", "two", "three"]


def question(model: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me a story"}]}
    return body if model is None else {**body, "model": model}


def text_of(api: ChatApi, **options: Any) -> str:
    return "".join(api.chat_completion_stream(chat_completion_request=question(), **options).text)


def test_the_platform() -> None:
    assert sys.platform == "emscripten" and sys.version_info >= (3, 14)


def test_plain_and_streamed_calls_return_the_same_text() -> None:
    with chat(LOCAL) as api:
        response = api.chat_completion(chat_completion_request=question())
        with api.chat_completion_stream(chat_completion_request=question()) as stream:
            pieces = list(stream.text)
    assert len(pieces) > 1
    assert "".join(pieces) == response.choices[0].delta.content
    assert stream.merged.choices[0].delta.content == response.choices[0].delta.content
    assert stream.finish_reason == response.finish_reason == "stop"
    assert stream.merged.usage == response.usage


def test_both_calls_with_a_chatroom() -> None:
    with chat(LOCAL) as api:
        room = {"chatroom_id": "pyodide", "chat_completion_request": question()}
        response = api.chat_completion_on_chatroom(**room)
        assert response.choices[0].delta.content
        with api.chat_completion_on_chatroom_stream(**room) as stream:
            assert "".join(stream.text)


def test_many_calls_of_one_client() -> None:
    with chat(LOCAL) as api:
        assert len({ask(api) for _ in range(5)}) == 1


def test_status_and_headers() -> None:
    with chat(LOCAL) as api:
        response = api.chat_completion_with_http_info(chat_completion_request=question())
    assert response.status_code == 200
    assert response.headers["X-Request-Id"] and response.headers["content-type"] == "application/json"


def test_an_unread_response() -> None:
    with chat(LOCAL) as api:
        response = api.chat_completion_without_preload_content(chat_completion_request=question())
        assert response.json()["choices"]


def test_an_error_status() -> None:
    with chat(LOCAL) as api, pytest.raises(NotFoundException) as caught:
        api.chat_completion(chat_completion_request=question("local/error-404"))
    assert caught.value.status == 404 and caught.value.code == "not_found" and caught.value.request_id


@pytest.mark.parametrize("form", ["", "_stream"])
def test_a_call_is_retried(form: str) -> None:
    with chat(LOCAL, operator_id=f"pyodide{form}") as api:
        result = getattr(api, f"chat_completion{form}")(
            chat_completion_request=question("local/rate-limit-once")
        )
        assert "".join(result.text) if form else result.choices[0].delta.content


def test_an_error_in_the_middle_of_a_stream() -> None:
    with chat(LOCAL) as api:
        stream = api.chat_completion_stream(chat_completion_request=question("local/midstream-error"))
        with pytest.raises(StreamErrorException) as caught:
            list(stream)
    assert caught.value.partial.choices[0].delta.content


def test_chunks_arrive_as_soon_as_they_are_sent() -> None:
    # The server sends the next part when it receives this call.
    with chat(f"{RAW}/open-lock-step") as other, chat(f"{RAW}/lock-step") as api:
        ask(other)
        with api.chat_completion_stream(chat_completion_request=question()) as stream:
            pieces = []
            for text in stream.text:
                pieces.append(text)
                ask(other)
        ask(other)
    assert pieces == PIECES


@pytest.mark.parametrize("path", ["gzip-stream", "until-close"])
def test_other_forms_of_a_stream(path: str) -> None:
    with chat(f"{RAW}/{path}") as api:
        assert text_of(api) == "".join(PIECES)


@pytest.mark.parametrize(("path", "text"), [("gzip", "Hello"), ("large", "x" * 1_000_000)])
def test_other_forms_of_a_response(path: str, text: str) -> None:
    with chat(f"{RAW}/{path}") as api:
        assert ask(api) == text


def test_a_stream_that_is_left_early() -> None:
    with chat(LOCAL) as api:
        with api.chat_completion_stream(chat_completion_request=question()) as stream:
            next(stream)
        assert ask(api)


def test_a_response_that_is_too_large() -> None:
    with (
        chat(f"{RAW}/large", max_response_bytes=1000) as api,
        pytest.raises(ApiException, match="1000 bytes"),
    ):
        ask(api)


@pytest.mark.parametrize(
    ("path", "kind", "call"),
    [
        ("cut", ConnectionException, ask),
        ("silent", TimeoutException, lambda api: call_with_timeout(api)),
        ("silent-stream", StreamTimeoutException, lambda api: text_of(api, _request_timeout=(5, 0.2))),
    ],
)
def test_a_connection_that_fails(
    path: str, kind: type[ApiException], call: Callable[[ChatApi], object]
) -> None:
    with chat(f"{RAW}/{path}") as api, pytest.raises(kind) as caught:
        call(api)
    assert "does not speak HTTP" not in str(caught.value)


def test_a_truncated_stream() -> None:
    with chat(f"{RAW}/open-cut") as other, chat(f"{RAW}/cut-stream") as api:
        stream = api.chat_completion_stream(chat_completion_request=question())
        assert next(stream.text) == "one"
        # `fetch` drops unread data when the connection fails, so the connection must fail after the data was read.
        ask(other)
        with pytest.raises(StreamTruncatedException) as caught:
            list(stream)
    assert caught.value.partial.choices[0].delta.content == "one"


def call_with_timeout(api: ChatApi) -> object:
    return api.chat_completion(chat_completion_request=question(), _request_timeout=(5, 0.2))


def test_a_response_may_take_longer_than_the_connect_timeout() -> None:
    with chat(LOCAL) as api:
        response = api.chat_completion(
            chat_completion_request=question("local/slow"), _request_timeout=(0.05, 30)
        )
    assert response.choices[0].delta.content


def test_a_refused_connection() -> None:
    with chat("http://127.0.0.1:9") as api, pytest.raises(ConnectionException) as caught:
        ask(api)
    assert "does not speak HTTP" not in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    with chat(f"{RAW}/redirect") as api, pytest.raises(ApiException) as caught:
        ask(api)
    assert caught.value.status == 307


def test_the_log_says_whose_connections_they_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "tachyon_sdk"), chat(LOCAL) as api:
        ask(api)
    assert "urllib3.contrib.emscripten.connection" in caplog.text
