"""Calls of a raw server, and the requests that they send."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.raw_server import (
    RawRequest,
    RawServer,
    Response,
    http_response,
    json_response,
)
from tachyon_sdk import (
    ApiClient,
    ChatApi,
    ChatCompletionChunkResponse,
    Configuration,
)

PLAIN_PATH = "/v1/llms/chat/completions"
ROOM_PATH = "/v1/llms/chatrooms/{}/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
SECRET = "s3cr3t-t0ken"


def answer(text: str = "Hi") -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json_response({"id": "c1", "object": "chat.completion", "created": 1, "choices": [choice]})


def chunk(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


open_clients: list[ApiClient] = []


def client(server: RawServer | str, **settings: Any) -> ApiClient:
    host = server if isinstance(server, str) else server.url
    settings = {"operator_id": "tn_test", "access_token": SECRET, "retries": 0, **settings}
    open_clients.append(ApiClient(Configuration(host=host, **settings)))
    return open_clients[-1]


def chat(server: RawServer | str, **settings: Any) -> ChatApi:
    return ChatApi(client(server, **settings))


def sent_by(
    call: Callable[[ChatApi], object], responses: Iterator[Response] | None = None, **settings: Any
) -> RawRequest:
    """The one request that a call sends."""
    with RawServer(responses or itertools.repeat(answer())) as server:
        call(chat(server, **settings))
    (request,) = server.requests
    return request


def refused(call: Callable[[ChatApi], object], *errors: type[Exception], **settings: Any) -> Exception:
    """The error of a call that must not even open a connection."""
    with RawServer(itertools.repeat(http_response(418))) as server:
        with pytest.raises(errors) as caught:
            call(chat(server, **settings))
        assert server.connections == 0
    return caught.value


def ask(api: ChatApi, request: Any = QUESTION, **arguments: Any) -> ChatCompletionChunkResponse:
    return api.chat_completion(chat_completion_request=request, **arguments)
