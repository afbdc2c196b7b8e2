"""Streams of a raw server, and calls of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.raw_server import (
    RawServer,
    event_stream,
    json_response,
    stream_response,
)
from tachyon_sdk import (
    ApiClient,
    ChatApi,
    Configuration,
)
from tachyon_sdk.exceptions import (
    ApiException,
)

BODY = {"messages": [{"role": "user", "content": "Hello"}]}
DONE = "[DONE]"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def piece(
    content: str | None = None, finish: str | None = None, index: int = 0, **more: Any
) -> dict[str, Any]:
    """A chunk as a server sends it."""
    delta = {} if content is None else {"content": content}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def http_chunk(*events: Any) -> bytes:
    """Events in one HTTP chunk."""
    data = event_stream(*events)
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
HELLO = [piece("Hel"), piece("lo"), piece(finish="stop")]
HELLO_STREAM = stream_response(*HELLO, DONE)
HELLO_WHOLE = json_response(
    {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
)


@contextmanager
def connected(server: RawServer, **settings: Any) -> Iterator[ChatApi]:
    configuration = Configuration(
        host=server.url, operator_id="tn_1", access_token="token", retries=0, **settings
    )
    with ApiClient(configuration) as client:
        yield ChatApi(client)


@contextmanager
def serving(*responses: Any, **settings: Any) -> Iterator[ChatApi]:
    """The API in front of a server that gives these responses."""
    with RawServer(responses) as server, connected(server, **settings) as api:
        yield api


def open_stream(api: ChatApi) -> Any:
    return api.chat_completion_stream(chat_completion_request=BODY)


def open_room(api: ChatApi) -> Any:
    return api.chat_completion_on_chatroom_stream("ch_1", chat_completion_request=BODY)


def ask(api: ChatApi) -> Any:
    return api.chat_completion(chat_completion_request=BODY)


def collect(api: ChatApi) -> Any:
    return open_stream(api).collect()


def text_of(answer: Any) -> str | None:
    return None if answer is None else answer.choices[0].delta.content


def failure(api: ChatApi, call: Callable[[ChatApi], Any] = collect) -> Any:
    """The error that a call ends with."""
    with pytest.raises(ApiException) as caught:
        call(api)
    return caught.value
