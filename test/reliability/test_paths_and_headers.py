"""What would change the path or the headers of a request, wherever it comes from: refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.raw_server import RawRequest, RawServer, http_response
from tachyon_sdk import ApiClient, ApiException, ApiTypeError, ApiValueError, ChatApi, Configuration

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
SECRET = "s3cr3t"


def sent(call: Callable[[ChatApi], object], **settings: Any) -> tuple[list[RawRequest], Exception | None]:
    """The requests of a call, and the error if it was refused on this side."""
    with RawServer(repeat(http_response(418))) as server:
        settings = {"operator_id": "tn_1", "access_token": "t", "retries": 0, **settings}
        try:
            with ApiClient(Configuration(server.url, **settings)) as client:
                call(ChatApi(client))
        except ApiException:
            return server.requests, None
        except (ApiValueError, ApiTypeError) as error:
            assert server.connections == 0
            return server.requests, error
    raise AssertionError("the server answers nothing but errors")


def ask(chat: ChatApi, **arguments: Any) -> object:
    return chat.chat_completion(chat_completion_request=QUESTION, **arguments)


FORMS = ["", "_with_http_info", "_without_preload_content", "_stream"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("room", ["", ".", ".."])
def test_a_room_that_would_lead_elsewhere_is_refused_in_every_form(form: str, room: str) -> None:
    requests, error = sent(
        lambda chat: getattr(chat, f"chat_completion_on_chatroom{form}")(
            room, chat_completion_request=QUESTION
        )
    )
    assert isinstance(error, ApiValueError) and "chatroom_id" in str(error)
    assert requests == []


@pytest.mark.parametrize("room", ["%2e%2e", "%2E", ".%2e", "a/%2e%2e/b"])
def test_an_escaped_dot_segment_is_one_for_most_servers(room: str) -> None:
    # WHATWG URL, section 4.1: `%2e` is a dot there. Only a program that leaves `%` unescaped can send it.
    requests, error = sent(
        lambda chat: chat.chat_completion_on_chatroom(room, chat_completion_request=QUESTION),
        safe_chars_for_path_param="%/",
    )
    assert isinstance(error, ApiValueError) and "chatroom_id" in str(error)
    assert requests == []


@pytest.mark.parametrize("safe", ["?", "#", "/?#%", "\r\n", " ", "日"])
def test_characters_left_unescaped_do_not_end_the_path(safe: str) -> None:
    # They may well be refused as a setting.
    requests, error = sent(
        lambda chat: chat.chat_completion_on_chatroom(
            "a?b=c#d\r\nX-Injected: 1 日", chat_completion_request=QUESTION
        ),
        safe_chars_for_path_param=safe,
    )
    assert error is None or requests == []
    for request in requests:
        assert request.get("X-Injected") is None
        assert request.target.isascii() and request.target.endswith("/chat/completions")
        assert "?" not in request.target and "#" not in request.target


# Names


@pytest.mark.parametrize("name", ["X-Key\r\nX-Injected", "X-Key\n", "X\0Key", "X Key", "X-Key:", "", "日"])
@pytest.mark.parametrize("place", ["_headers", "_request_auth", "client", "past the check"])
def test_a_name_that_cannot_be_sent_is_refused_wherever_it_comes_from(place: str, name: str) -> None:
    def call(chat: ChatApi) -> object:
        if place == "_headers":
            return ask(chat, _headers={name: SECRET})
        if place == "_request_auth":
            return ask(chat, _request_auth={"in": "header", "key": name, "value": SECRET})
        if place == "client":
            chat.api_client.set_default_header(name, SECRET)
        else:
            chat.api_client.default_headers[name] = SECRET
        return ask(chat)

    requests, error = sent(call)
    assert error is not None and SECRET not in str(error)
    assert requests == []


# Credentials of `_request_auth`


@pytest.mark.parametrize(
    "auth",
    [
        {"in": "cookie", "key": "sid", "value": SECRET.encode()},
        {"in": "cookie", "key": "sid", "value": None},
        {"in": "cookie", "key": "sid", "value": [SECRET]},
        {"in": "cookie", "key": None, "value": SECRET.encode()},
        {"in": "query", "key": "key", "value": None},
        {"in": "query", "key": "key", "value": f"{SECRET}\ud800"},
        {"in": "query", "key": f"{SECRET}\ud800", "value": "x"},
        {"in": "query", "key": None, "value": SECRET},
        {"in": "header", "key": "X-Key", "value": None},
        {"in": "header", "key": None, "value": SECRET},
        {"in": SECRET, "key": "X-Key", "value": SECRET},
    ],
)
def test_a_credential_of_the_wrong_kind_is_refused_and_not_shown(auth: dict[str, Any]) -> None:
    requests, error = sent(lambda chat: ask(chat, _request_auth={"type": "api_key", **auth}))
    assert isinstance(error, (ApiValueError, ApiTypeError))
    assert requests == []
    assert SECRET not in str(error) and SECRET not in repr(error.__cause__)


@pytest.mark.parametrize("value", ["a b", "é", "a&b=c", "a#b", "a%2Bb", "a+b", "a\r\nb", "日本"])
def test_a_credential_in_the_query_arrives_as_it_was_given(value: str) -> None:
    requests, error = sent(lambda chat: ask(chat, _request_auth={"in": "query", "key": "k", "value": value}))
    assert error is None
    assert parse_qs(urlsplit(requests[0].target).query, strict_parsing=True) == {"k": [value]}
