"""Redirects in every form of a call: one request, to one server, and an error that names the target and no secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.raw_server import RawServer, http_response
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration, RetryPolicy

SECRET = "s3cr3t"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
FORMS = ["", "_with_http_info", "_stream", "_without_preload_content"]


def redirected(
    location: str, call: Callable[[ChatApi], Any], status: int = 307, **settings: Any
) -> tuple[ApiException | None, Any]:
    """Return the error or result of a call that is redirected there; check that no other request was sent."""
    with RawServer([http_response(status, {"Location": location})]) as server:
        configuration = Configuration(
            server.url, operator_id="tn_1", access_token="t", **{"retries": 2, **settings}
        )
        with ApiClient(configuration, cookie=f"sid={SECRET}") as client:
            try:
                return None, call(ChatApi(client))
            except ApiException as error:
                return error, None
            finally:
                assert len(server.requests) == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("room", [None, "r"])
@pytest.mark.parametrize("status", [302, 307, 308])
def test_no_form_of_a_call_follows(form: str, room: str | None, status: int) -> None:
    def call(chat: ChatApi) -> Any:
        if room is None:
            return getattr(chat, f"chat_completion{form}")(chat_completion_request=QUESTION)
        return getattr(chat, f"chat_completion_on_chatroom{form}")(room, chat_completion_request=QUESTION)

    with RawServer() as other:
        error, result = redirected(f"{other.url}/elsewhere", call, status)
        if form == "_without_preload_content":
            assert result.status == status
            assert result.headers["Location"] == f"{other.url}/elsewhere"
            result.close()
        else:
            assert error is not None and error.status == status
            assert f"{other.url}/elsewhere" in str(error)
        assert other.connections == 0


def ask(chat: ChatApi, **arguments: Any) -> object:
    return chat.chat_completion(chat_completion_request=QUESTION, **arguments)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_no_policy_makes_a_redirect_be_tried_again(status: int) -> None:
    policy = RetryPolicy(statuses=range(200, 600), lost_connections=True, backoff=0)
    error, _ = redirected("/other", ask, status, retries=policy)
    assert error is not None and (error.status, error.attempts) == (status, 1)


@pytest.mark.parametrize(
    ("location", "named"),
    [
        # The redirect of many servers to HTTPS: the same URL, including its query.
        (f"https://elsewhere.invalid/v1/x?X-Key={SECRET}", "https://elsewhere.invalid/v1/x"),
        (f"/v1/x?X-Key={SECRET}", "/v1/x"),
        (f"//elsewhere.invalid/v1/x?a=b&X-Key={SECRET}#{SECRET}", "//elsewhere.invalid/v1/x"),
        (f"https://elsewhere.invalid/#{SECRET}", "https://elsewhere.invalid/"),
        (f"https://user:{SECRET}@elsewhere.invalid/v1/x", "elsewhere.invalid/v1/x"),
        (f"//user:{SECRET}@elsewhere.invalid/v1/x", "elsewhere.invalid/v1/x"),
    ],
)
def test_a_target_is_named_without_its_secrets(location: str, named: str) -> None:
    auth = {"type": "api_key", "in": "query", "key": "X-Key", "value": SECRET}
    error, _ = redirected(location, lambda chat: ask(chat, _request_auth=auth))
    assert error is not None
    for text in (str(error), repr(error), error.message or ""):
        assert named in text
        assert SECRET not in text


@pytest.mark.parametrize("location", ["https://" + "x" * 50_000, "\x1b[31m/red", "/a\r\n b", "", "/日本"])
def test_any_target_leaves_the_error_one_short_line(location: str) -> None:
    # As bytes of UTF-8, which is what servers send where they should not.
    error, _ = redirected(location.encode().decode("latin-1"), ask)
    assert error is not None
    assert len(str(error)) < 500 and str(error).isprintable()
