"""Calls of the chat API with secret credentials, and checks that errors do not reveal them."""

from __future__ import annotations

import base64
import pickle
import pprint
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from support.raw_server import json_response, stream_response
from tachyon_sdk import ApiClient, ChatApi, Configuration, RetryPolicy
from tachyon_sdk.exceptions import ApiException

TOKEN = "token-that-nobody-may-see"
OPERATOR = "tn_operator-of-the-tests"
BODY = {"messages": [{"role": "user", "content": "Hello"}]}
# The default policy without delays.
RETRIES = RetryPolicy(backoff=0)


def chunk(text: str | None, finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk of a stream, as JSON."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


ANSWER = json_response(chunk("Hello", "stop"))
STREAM = stream_response(chunk("one"), chunk("two"), chunk("three", "stop"), "[DONE]")


@contextmanager
def chat(host: str, **settings: Any) -> Iterator[ChatApi]:
    """A ChatApi whose client has these settings and is closed at the end of the block."""
    settings = {"retries": RETRIES, "access_token": TOKEN, "operator_id": OPERATOR, **settings}
    with ApiClient(Configuration(host=host, **settings)) as client:
        yield ChatApi(client)


def ask(api: ChatApi) -> str | None:
    """Send a request and return the text of the response."""
    return api.chat_completion(chat_completion_request=BODY).choices[0].delta.content


def failure(host: str, *secrets: str, **settings: Any) -> Any:
    """Return the error of a failing call; check that it is an ApiException, short, and reveals no secret."""
    with chat(host, **settings) as api, pytest.raises(ApiException) as caught:
        ask(api)
    error = caught.value
    assert isinstance(error.__cause__, Exception) or error.status is not None
    assert len(str(error)) < 400 and "\n" not in str(error)
    assert_hidden(error, TOKEN, *secrets)
    return error


def assert_hidden(error: ApiException, *secrets: str) -> None:
    """Check that no representation of the error contains a secret, plain or encoded."""
    shown = "".join([repr(error), pprint.pformat(vars(error)), *traceback.format_exception(error)])
    shown += pickle.dumps(error).decode("latin-1")
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
        for form in (secret, quote(secret, safe=""), encoded):
            assert form not in shown
