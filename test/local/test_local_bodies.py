"""Requests that cannot be answered."""

from __future__ import annotations

from typing import Any

import pytest
from local.client import PLAIN, Client, room_path, user

HELLO = [user("Hello")]
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b'{"messages": [',
        b"\xff\xfe",
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("path", [PLAIN, room_path("any")])
def test_what_is_not_json_is_400(client: Client, body: bytes, path: str) -> None:
    reply = client.request("POST", path, body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_json")
    assert reply.json["message"].startswith("the body is not valid JSON: ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages.0"),
        ({"messages": [{"content": "Hello"}]}, "messages.0.role"),
        ({"messages": [user("Hello"), {"role": 1}]}, "messages.1.role"),
        ({"messages": HELLO, "n": 11}, "n"),
        ({"messages": HELLO, "n": "2"}, "n"),
        ({"messages": HELLO, "temperature": 2.5}, "temperature"),
        ({"messages": HELLO, "stream": "yes"}, "stream"),
        ({"messages": HELLO, "tools": [{"type": "function"}]}, "tools.0.function"),
        ({"messages": HELLO, "tools": [TOOL], "tool_choice": "f"}, "tool_choice"),
        ({"messages": HELLO, "tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice"),
    ],
)
def test_a_field_that_breaks_the_contract_is_422_and_named(client: Client, body: Any, field: str) -> None:
    reply = client.post(body)
    assert (reply.status, reply.json["code"]) == (422, "validation_error")
    assert reply.json["message"].startswith(f"{field}: ")
    assert set(reply.json) == {"code", "message"}


def test_all_faults_are_named_at_once(client: Client) -> None:
    message = client.post({"messages": HELLO, "n": 0, "temperature": -1}).json["message"]
    assert "n: " in message and "temperature: " in message


def test_a_body_that_is_no_object_is_422(client: Client) -> None:
    assert client.post(["Hello"]).status == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": []},
        {"messages": HELLO, "max_completion_tokens": 0},
        {"messages": HELLO, "tool_choice": "any"},
        {"messages": HELLO, "tool_choice": "any", "tools": []},
    ],
)
def test_what_is_well_formed_but_cannot_be_answered_is_400(client: Client, fields: dict[str, Any]) -> None:
    reply = client.post(fields)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")


def test_unknown_fields_and_nulls_are_accepted(client: Client) -> None:
    nulls = dict.fromkeys(
        ["model", "stream", "n", "temperature", "max_completion_tokens", "tools", "response_format"]
    )
    assert client.post({"messages": HELLO, "stop": ["."], "metadata": {"a": 1}, **nulls}).status == 200


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o", "google_ai:gemini-2.0-flash-exp", "large", "small", "local/echo", "a/b/c:free"]
)
def test_a_known_model_is_echoed(client: Client, model: str) -> None:
    assert client.ask("Hello", model=model).json["model"] == model


@pytest.mark.parametrize(
    "model",
    [
        "",
        "gpt-4o",
        "huge",
        "provider/",
        "/model",
        "a b/c",
        "local/nonsense",
        "local/error-200",
        "local/error-600",
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_an_unknown_model_is_400(client: Client, model: str, stream: bool) -> None:
    reply = client.ask("Hello", model=model, stream=stream)
    assert (reply.status, reply.json["code"]) == (400, "unsupported_model")
    assert repr(model) in reply.json["message"]


def test_an_unknown_local_model_is_told_which_there_are(client: Client) -> None:
    assert "local/midstream-error" in client.ask("Hello", model="local/midstream").json["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", [PLAIN, room_path("any")])
def test_another_method_is_405(client: Client, method: str, path: str) -> None:
    reply = client.request(method, path)
    assert (reply.status, reply.json["code"]) == (405, "method_not_allowed")
    assert method in reply.json["message"] and path in reply.json["message"]
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/v1/llms/chat", PLAIN + "/", "/v1/llms/chatrooms/chat/completions"])
def test_another_path_is_404(client: Client, path: str) -> None:
    reply = client.request("POST", path)
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert path in reply.json["message"]


@pytest.mark.parametrize("room", ["missing", ""])
def test_a_missing_chatroom_is_404(client: Client, room: str) -> None:
    reply = client.post({"messages": HELLO}, room_path(room))
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert "chatroom" in reply.json["message"]
