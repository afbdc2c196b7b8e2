"""Tool calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from local.client import Client, user

from tachyon_sdk.local.tokens import split


def tool(name: str, **properties: Any) -> dict[str, Any]:
    """A tool whose properties are all required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": "A tool.", "parameters": parameters},
    }


WEATHER = tool("get_weather", city={"type": "string"}, unit={"enum": ["c", "f"]})
CLOCK = tool("get_time", zone={"type": "string", "default": "Asia/Tokyo"})
ARGUMENTS = {"get_weather": {"city": "city", "unit": "c"}, "get_time": {"zone": "Asia/Tokyo"}}


def assembled(chunks: list[Any], index: int = 0) -> list[dict[str, Any]]:
    """The tool calls of one choice, put together from their fragments."""
    calls: list[dict[str, Any]] = []
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    for fragment in [each for choice in choices for each in choice["delta"].get("tool_calls", ())]:
        if fragment["index"] == len(calls):
            assert fragment["function"]["arguments"] == ""
            calls.append({key: fragment[key] for key in ("id", "type", "function")})
        else:
            assert set(fragment) == {"index", "function"} and set(fragment["function"]) == {"arguments"}
            calls[fragment["index"]]["function"]["arguments"] += fragment["function"]["arguments"]
    return calls


def test_any_calls_a_tool(client: Client) -> None:
    answer = client.ask("Hello", tools=[WEATHER, CLOCK], tool_choice="any").json
    (choice,) = answer["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert json.loads(call["function"]["arguments"]) == ARGUMENTS["get_weather"]
    assert answer["usage"]["completion_tokens"] == len(split(call["function"]["arguments"]))


def test_any_calls_the_tool_that_the_user_names(client: Client) -> None:
    reply = client.ask("Please use get_time", tools=[WEATHER, CLOCK], tool_choice="any")
    (call,) = reply.json["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": '{"zone": "Asia/Tokyo"}'}


@pytest.mark.parametrize("fields", [{"tool_choice": "auto"}, {}, {"tool_choice": None}])
def test_auto_calls_only_what_the_user_names(client: Client, fields: dict[str, Any]) -> None:
    silent = client.ask("Hello", tools=[WEATHER], **fields).json["choices"][0]
    assert silent["finish_reason"] == "stop"
    assert silent["message"] == {"role": "assistant", "content": 'Hello! You said: "Hello".'}
    named = client.ask("Call get_weather", tools=[WEATHER], **fields).json["choices"][0]
    assert named["finish_reason"] == "tool_calls"


def test_a_tool_without_a_name_is_not_named_by_everyone(client: Client) -> None:
    assert client.ask("Hello", tools=[tool("")]).json["choices"][0]["finish_reason"] == "stop"


def test_all_the_named_tools_are_called(client: Client) -> None:
    fields: dict[str, Any] = {"tools": [WEATHER, CLOCK], "tool_choice": "auto"}
    plain = client.ask("get_time and get_weather", **fields).json["choices"][0]["message"]["tool_calls"]
    streamed = assembled(client.ask("get_time and get_weather", stream=True, **fields).chunks)
    for calls in (plain, streamed):
        assert {
            call["function"]["name"]: json.loads(call["function"]["arguments"]) for call in calls
        } == ARGUMENTS
        assert len({call["id"] for call in calls}) == 2
    assert [call["function"] for call in plain] == [call["function"] for call in streamed]


@pytest.mark.parametrize("n", [1, 3])
def test_a_streamed_call_comes_in_fragments(client: Client, n: int) -> None:
    chunks = client.ask("Hello", tools=[WEATHER], tool_choice="any", stream=True, n=n).chunks
    assert chunks[0]["choices"][0]["delta"]["content"] is None
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    calls = [call for index in range(n) for call in assembled(chunks, index)]
    assert len({call["id"] for call in calls}) == n
    for call in calls:
        assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
        assert json.loads(call["function"]["arguments"]) == ARGUMENTS["get_weather"]
    last = [choice for chunk in chunks for choice in chunk["choices"]][-n:]
    assert [(choice["delta"], choice["finish_reason"]) for choice in last] == [({}, "tool_calls")] * n
    assert chunks[-1]["usage"]["completion_tokens"] == n * len(split(calls[0]["function"]["arguments"]))


@pytest.mark.parametrize("limit", [1, 4, 17])
def test_calls_are_cut_too(client: Client, limit: int) -> None:
    fields: dict[str, Any] = {"tools": [WEATHER, CLOCK], "max_completion_tokens": limit}
    answer = client.ask("get_time get_weather", **fields).json
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == limit
    calls = answer["choices"][0]["message"]["tool_calls"]
    assert sum(len(split(call["function"]["arguments"])) for call in calls) == limit
    chunks = client.ask("get_time get_weather", stream=True, **fields).chunks
    assert [call["function"] for call in assembled(chunks)] == [call["function"] for call in calls]


@pytest.mark.parametrize("stream", [False, True])
def test_the_result_of_a_tool_is_answered_in_text(client: Client, stream: bool) -> None:
    asked: list[dict[str, Any]] = [user("get_weather and get_time")]
    message = client.post({"messages": asked, "tools": [WEATHER, CLOCK]}).json["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"result of {call['function']['name']}"}
        for call in message["tool_calls"]
    ]
    body = {"messages": [*asked, message, *results], "tools": [WEATHER, CLOCK], "tool_choice": "any"}
    assert client.post(body).text == (
        'Hello! The tool get_weather answered: "result of get_weather".'
        ' The tool get_time answered: "result of get_time".'
    )


@pytest.mark.parametrize("call_id", ["unknown", None, ["odd"]])
def test_the_result_of_an_unknown_tool(client: Client, call_id: Any) -> None:
    body = {"messages": [user("Hi"), {"role": "tool", "tool_call_id": call_id, "content": "42"}]}
    assert client.post(body).text == 'Hello! The tool tool answered: "42".'


def test_tool_calls_count_as_part_of_the_prompt(client: Client) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    body = {
        "messages": [user("Hi"), {"role": "assistant", "content": None, "tool_calls": [call]}, user("Ho")]
    }
    assert client.post(body).json["usage"]["prompt_tokens"] == 2 + len(split('{"a": 1}'))
