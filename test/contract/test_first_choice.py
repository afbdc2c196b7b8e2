"""Shortcuts to the first choice of a response, and its message for the next request."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.chat import BODY, chat, chunk
from support.raw_server import Gate, RawServer, json_response, stream_response
from tachyon_sdk import (
    ChatCompletionChunkResponse,
    ChatCompletionResponse,
    ChatCompletionWithChatroomStreamResponse,
    ChunkChoice,
    ContentPart,
    DeltaMessage,
    FunctionCallDelta,
    Message,
    ToolCall,
    ToolCallResponse,
)
from tachyon_sdk.local import LocalServer

ANSWERS = [
    ChatCompletionChunkResponse,
    ChatCompletionWithChatroomStreamResponse,
    ChatCompletionResponse,
]
CHUNKS = ANSWERS[:2]
WEATHER = {
    "id": "call_a",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"大阪"}'},
}


def choice(message: Any, index: int | None = 0, finish_reason: str | None = None) -> dict[str, Any]:
    """A choice of a full response, which all three types can read."""
    return {"index": index, "message": message, "finish_reason": finish_reason}


def answer(kind: Any, *choices: Any, **more: Any) -> Any:
    return kind.from_dict({"choices": list(choices), **more})


# Text, tool calls and finish reason


@pytest.mark.parametrize("kind", ANSWERS)
def test_text_and_finish_reason_of_a_response(kind: Any) -> None:
    said = answer(kind, choice({"role": "assistant", "content": "こんにちは 👋"}, finish_reason="stop"))
    assert said.text == "こんにちは 👋"
    assert said.finish_reason == "stop"
    assert said.tool_calls == []
    assert said.to_message().to_dict() == {"role": "assistant", "content": "こんにちは 👋"}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize(
    "choices", [[], [choice(None)], [choice({"role": "assistant"})], [choice({"role": "x", "content": None})]]
)
def test_an_empty_response(kind: Any, choices: list[Any]) -> None:
    said = answer(kind, *choices)
    assert (said.text, said.tool_calls, said.finish_reason) == ("", [], None)
    assert said.to_message().to_dict() == {"role": "assistant", "content": ""}
    assert kind().text == ""


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_first_choice_is_the_one_with_index_0(kind: Any) -> None:
    second = choice({"role": "assistant", "content": "second", "tool_calls": [WEATHER]}, 1, "length")
    first = choice({"role": "assistant", "content": "first"}, 0, "stop")
    said = answer(kind, second, first)
    assert (said.text, said.tool_calls, said.finish_reason) == ("first", [], "stop")
    assert said.to_message().content == "first"
    # A piece of another choice must not get into the text that is put together from pieces.
    other = answer(kind, second)
    assert (other.text, other.tool_calls, other.finish_reason) == ("", [], None)


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_choice_without_an_index_is_the_first(kind: Any) -> None:
    said = answer(
        kind, choice({"role": "a", "content": "one"}, None), choice({"role": "a", "content": "two"}, None)
    )
    assert said.text == "one"


@pytest.mark.parametrize("kind", CHUNKS)
def test_a_chunk_says_its_piece(kind: Any) -> None:
    piece = kind.from_dict({"choices": [{"index": 0, "delta": {"content": "大"}, "finish_reason": None}]})
    assert (piece.text, piece.tool_calls, piece.finish_reason) == ("大", [], None)


def test_parts_are_one_text_and_stay_parts_in_the_message() -> None:
    parts = [
        {"type": "text", "text": "one, "},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "two", "own": 1},
    ]
    said = answer(ChatCompletionResponse, choice({"role": "assistant", "content": parts}))
    assert said.text == "one, two"
    message = said.to_message()
    assert message.to_dict() == {"role": "assistant", "content": parts}
    message.content[0] = ContentPart(type="text", text="other")
    assert said.text == "one, two"


# Tool calls


@pytest.mark.parametrize("kind", ANSWERS)
def test_tool_calls_become_part_of_the_message(kind: Any) -> None:
    said = answer(
        kind, choice({"role": "assistant", "content": None, "tool_calls": [WEATHER]}, 0, "tool_calls")
    )
    (call,) = said.tool_calls
    assert type(call) is (ToolCallResponse if kind is ChatCompletionResponse else ToolCall)
    assert call.function.arguments == '{"city":"大阪"}'
    assert said.to_message().to_dict() == {"role": "assistant", "tool_calls": [WEATHER]}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("content", [None, "", []])
def test_a_message_with_calls_and_no_text_has_no_content(kind: Any, content: Any) -> None:
    message = {"role": "assistant", "content": content, "tool_calls": [WEATHER]}
    if content == [] and kind is not ChatCompletionResponse:
        message["content"] = None
    sent = answer(kind, choice(message)).to_message()
    assert sent.content is None
    assert json.loads(sent.to_json()) == {"role": "assistant", "tool_calls": [WEATHER]}


# Provider-specific properties that the next request must contain

ADDED_TO_A_CALL: list[dict[str, Any]] = [
    {"extra_content": {"google": {"thought_signature": "c2lnbmF0dXJl"}}},
    {"thought_signature": "c2ln", "provider_specific_fields": {"thought_signature": "c2ln"}},
    {"own": [1, None, {"a": None}], "empty": "", "zero": 0, "no": False},
    {"to_dict": 1, "model_extra": {"x": 1}, "日本語": "はい"},
]
ADDED_TO_A_MESSAGE: list[dict[str, Any]] = [
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "ZGF0YQ==", "id": "r1", "index": 0}]},
    {"reasoning_content": "天気を見る", "reasoning": "I look."},
    {
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}],
        "extra_content": {"a": 1},
    },
    {"to_dict": 1, "model_extra": {"x": 1}, "reasoning_content": ""},
]


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("own", ADDED_TO_A_CALL)
def test_provider_properties_of_a_call_are_returned(kind: Any, own: dict[str, Any]) -> None:
    named = {**WEATHER, **own, "function": {**WEATHER["function"], **own}}  # type: ignore[dict-item]
    message = {"role": "assistant", "content": "I look.", "tool_calls": [named, WEATHER]}
    said = answer(kind, choice(message))
    assert said.to_message().to_dict() == message
    assert json.loads(said.to_message().to_json()) == message


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("own", ADDED_TO_A_MESSAGE)
def test_provider_properties_of_a_message_are_returned_with_tool_calls(
    kind: Any, own: dict[str, Any]
) -> None:
    message = {"role": "assistant", "tool_calls": [WEATHER], **own}
    assert answer(kind, choice({**message, "content": None})).to_message().to_dict() == message
    without = {"role": "assistant", "content": "Hi", **own}
    assert answer(kind, choice(without)).to_message().to_dict() == {"role": "assistant", "content": "Hi"}
    platform = {
        "role": "assistant",
        "content": "Hi",
        "tool_calls": [{**WEATHER, "is_client_tool": False}],
        **own,
    }
    assert answer(kind, choice(platform)).to_message().to_dict() == {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize("kind", ANSWERS)
def test_known_and_null_properties_are_not_returned(kind: Any) -> None:
    call = {**WEATHER, "index": 3, "tool_id": None, "is_client_tool": True, "own": None}
    call["function"] = {**WEATHER["function"], "own": None}  # type: ignore[dict-item]
    message = {"role": "assistant", "content": "I look.", "tool_calls": [call], "own": None}
    said = answer(kind, choice({**message, "refusal": "no", "function_call": {"name": "f"}, "audio": None}))
    expected = {"role": "assistant", "content": "I look.", "tool_calls": [WEATHER]}
    assert said.to_message().to_dict() == expected


def test_the_message_shares_nothing_with_the_response() -> None:
    own = {"extra_content": {"a": [1]}}
    said = answer(
        ChatCompletionChunkResponse, choice({"tool_calls": [{**WEATHER, **own}], "details": [{"b": 1}]})
    )
    message = said.to_message()
    message.tool_calls[0].extra_content["a"].append(2)
    message.details[0]["b"] = 2
    assert said.to_message().to_dict() == {
        "role": "assistant",
        "tool_calls": [{**WEATHER, **own}],
        "details": [{"b": 1}],
    }


@pytest.mark.parametrize("whole", [False, True])
def test_provider_properties_are_returned_after_a_call_and_a_stream(whole: bool) -> None:
    """In a stream it may come in any fragment of the call, and lists come item by item."""

    def piece(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    signature = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    details = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.encrypted", "data": "b"}]
    message = {
        "role": "assistant",
        "tool_calls": [{**WEATHER, **signature}],
        "reasoning_details": details,
        "reasoning_content": "天気を見る",
    }
    begin = {"index": 0, **WEATHER, "function": {"name": "weather", "arguments": ""}}
    chunks = [
        piece(role="assistant", content=None, reasoning_content="天気"),
        piece(reasoning_content="を見る", reasoning_details=details[:1]),
        piece(reasoning_details=details[1:]),
        piece(tool_calls=[begin]),
        piece(tool_calls=[{"index": 0, "function": {"arguments": '{"city":'}}]),
        piece(tool_calls=[{"index": 0, "function": {"arguments": '"大阪"}'}, **signature}]),
        piece("tool_calls"),
    ]
    response = json_response({"choices": [choice(message)]}) if whole else stream_response(*chunks, "[DONE]")
    with RawServer([response]) as server, chat(server.url) as api:
        if whole:
            said = api.chat_completion(chat_completion_request=BODY)
        else:
            said = api.chat_completion_stream(chat_completion_request=BODY).collect()
    assert said.to_message().to_dict() == message


def test_thoughts_among_the_parts_of_a_text() -> None:
    thought = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "reasoning", "text": "hm"},
    ]
    thought.append({"type": "text", "text": "hm", "thought": True})  # type: ignore[dict-item]
    text: list[dict[str, Any]] = [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]
    said = answer(ChatCompletionResponse, choice({"role": "assistant", "content": [*thought, *text]}))
    assert said.text == "Hi there"
    assert said.to_message().to_dict() == {"role": "assistant", "content": text}
    only = answer(ChatCompletionResponse, choice({"role": "assistant", "content": thought}))
    assert only.text == ""
    assert only.to_message().to_dict() == {"role": "assistant", "content": ""}
    message = {"role": "assistant", "content": [*thought, *text], "tool_calls": [WEATHER]}
    calls = answer(ChatCompletionResponse, choice(message))
    assert calls.text == "Hi there"
    assert calls.to_message().to_dict() == message


# The message of a choice


@pytest.mark.parametrize("kind", CHUNKS)
def test_each_choice_of_a_full_response_has_a_message(kind: Any) -> None:
    calls = {"role": "assistant", "tool_calls": [{**WEATHER, "own": 1}], "reasoning": "hm"}
    told = [
        choice({"role": "assistant", "content": "first", "reasoning": "hm"}, 0, "stop"),
        choice({**calls, "content": None, "refusal": None}, 1, "tool_calls"),
        choice(None, 2),
    ]
    first, second, third = (each.message for each in answer(kind, *told).choices)
    assert type(first) is Message
    assert (first.role, first.content, first.tool_calls) == ("assistant", "first", None)
    assert first.to_dict() == {"role": "assistant", "content": "first"}
    assert (second.content, second.to_dict()) == (None, calls)
    assert second.tool_calls[0].function.arguments == '{"city":"大阪"}'
    assert third.to_dict() == {"role": "assistant", "content": ""}


def test_the_message_of_a_choice_goes_on_with_a_conversation() -> None:
    with LocalServer() as server, chat(server.url) as api:
        messages: list[Any] = [{"role": "user", "content": "Hello"}]
        messages.append(
            api.chat_completion(chat_completion_request={"messages": messages}).choices[0].message
        )
        messages.append({"role": "user", "content": "And?"})
        api.chat_completion(chat_completion_request={"messages": messages})
        sent = server.requests[-1].body["messages"]
    assert sent[1] == {"role": "assistant", "content": 'Hello! You said: "Hello".'}


def test_the_message_of_a_choice_is_read_only_and_no_property_of_it() -> None:
    (one,) = answer(ChatCompletionChunkResponse, choice({"role": "assistant", "content": "Hi"})).choices
    with pytest.raises(AttributeError):
        one.message = Message(role="user")
    assert one.message == one.message
    assert one.message is not one.message
    assert one.to_dict() == {
        "index": 0,
        "delta": {"role": "assistant", "content": "Hi"},
        "finish_reason": None,
    }
    for same in (copy.deepcopy(one), pickle.loads(pickle.dumps(one)), ChunkChoice.from_json(one.to_json())):
        assert (same, same.message) == (one, one.message)
    both = ChunkChoice.from_dict({"delta": {"content": "Hi"}, "message": {"content": "other"}})
    assert both.message.content == "Hi"


@pytest.mark.parametrize("nothing", ["", " \n", None, "null", " null\n", "[]", '""'])
def test_missing_properties_of_a_call_are_filled_in(nothing: str | None) -> None:
    calls = [
        {"id": "", "function": {"name": "now", "arguments": nothing}},
        {"function": {"name": "now"}},
        WEATHER,
    ]
    said = answer(ChatCompletionChunkResponse, choice({"content": None, "tool_calls": calls}))
    empty = {"type": "function", "function": {"name": "now", "arguments": "{}"}}
    sent = said.to_message().to_dict()["tool_calls"]
    assert sent == [{"id": "call_0", **empty}, {"id": "call_1", **empty}, WEATHER]


@pytest.mark.parametrize(
    ("call", "id", "type_"),
    [
        ({"id": 7, "type": "function"}, "7", "function"),
        ({"id": 0, "type": ""}, "0", "function"),
        ({"id": "", "type": None}, "call_1", "function"),
        ({"id": "a", "type": {"own": 1}}, "a", "function"),
        ({"id": "a", "type": "custom"}, "a", "custom"),
    ],
)
def test_an_id_and_a_type_are_sent_as_text(call: dict[str, Any], id: str, type_: str) -> None:
    function = FunctionCallDelta(name="now", arguments="{}")
    calls = [ToolCall.model_construct(**{**call, "function": function}) for call in (WEATHER, call)]
    delta = DeltaMessage.model_construct(tool_calls=calls)
    sent = ChunkChoice(delta=delta).message.tool_calls
    assert sent is not None
    assert (sent[1].id, sent[1].type) == (id, type_)


def test_arguments_that_are_an_object_are_sent_as_text() -> None:
    arguments = {"city": "大阪", "days": None}
    function = FunctionCallDelta.model_construct(name="weather", arguments=arguments)
    delta = DeltaMessage.model_construct(tool_calls=[ToolCall.model_construct(function=function)])
    (call,) = ChunkChoice.model_construct(delta=delta).message.tool_calls or ()
    assert call.function.arguments == '{"city":"大阪","days":null}'


def test_parts_in_other_forms_are_parts_of_the_message() -> None:
    parts = [
        "one, ",
        {"text": "two"},
        {"type": None, "text": ", three", "own": 1},
        {"type": "text", "text": None},
    ]
    delta = DeltaMessage.model_construct(content=parts)
    answer = ChatCompletionChunkResponse.model_construct(
        choices=[ChunkChoice.model_construct(delta=delta, index=0)]
    )
    assert answer.text == "one, two, three"
    assert answer.to_message().to_dict()["content"] == [
        {"type": "text", "text": "one, "},
        {"type": "text", "text": "two"},
        {"type": "text", "text": ", three", "own": 1},
        {"type": "text", "text": None},
    ]


def test_server_side_calls_are_readable_but_not_sent_back() -> None:
    own = [
        {"tool_id": "t1", "tool_name": "web_search", "is_client_tool": False},
        {"tool_id": "t2", "tool_name": "memory"},
        {**WEATHER, "is_client_tool": False},
        {"id": "x", "function": {"arguments": "{}"}},
    ]
    said = answer(ChatCompletionChunkResponse, choice({"content": "Found.", "tool_calls": own}))
    assert [call.tool_name for call in said.tool_calls] == ["web_search", "memory", None, None]
    assert said.to_message().to_dict() == {"role": "assistant", "content": "Found."}
    both = choice({"content": None, "tool_calls": [*own, {**WEATHER, "is_client_tool": True}]})
    sent = answer(ChatCompletionChunkResponse, both).to_message().to_dict()
    assert sent == {"role": "assistant", "tool_calls": [WEATHER]}


def test_the_list_of_calls_is_a_new_one() -> None:
    said = answer(ChatCompletionChunkResponse, choice({"tool_calls": [WEATHER]}))
    said.tool_calls.clear()
    assert len(said.tool_calls) == 1


# Properties of the server with the same names

UNKNOWN = {"text": {"own": 1}, "tool_calls": "own", "finish_reason": 7, "to_message": [1]}


@pytest.mark.parametrize("kind", ANSWERS)
def test_properties_of_the_same_names_are_kept_apart(kind: Any) -> None:
    said = answer(kind, choice({"role": "assistant", "content": "Hello"}), **UNKNOWN)
    for same in (said, copy.deepcopy(said), pickle.loads(pickle.dumps(said)), kind.from_json(said.to_json())):
        assert same == said
        assert same.model_extra == UNKNOWN
        assert (same.text, same.tool_calls, same.finish_reason) == ("Hello", [], None)
        assert same.to_message().content == "Hello"
        assert {name: same.to_dict()[name] for name in UNKNOWN} == UNKNOWN
    assert kind(text="own").model_extra == {"text": "own"}
    with pytest.raises(AttributeError):
        said.text = "Goodbye"


@pytest.mark.parametrize("whole", [False, True])
def test_such_properties_go_through_a_call_and_a_stream(whole: bool) -> None:
    told = {**chunk("Hello", "stop"), **UNKNOWN}
    response = json_response(told) if whole else stream_response(told, "[DONE]")
    with RawServer([response]) as server, chat(server.url) as api:
        if whole:
            said = api.chat_completion(chat_completion_request=BODY)
        else:
            with api.chat_completion_stream(chat_completion_request=BODY) as stream:
                assert [piece.model_extra for piece in stream] == [UNKNOWN]
                said = stream.merged
    assert said.model_extra == UNKNOWN
    assert json.loads(said.to_json()) == told
    assert said.text == "Hello"


def test_the_text_of_an_agents_event_is_there_twice() -> None:
    events = [{"type": "say", "text": "覚えました"}, {"type": "done"}]
    with RawServer([stream_response(*events)]) as server, chat(server.url) as api:
        (said,) = api.chat_completion_on_chatroom_stream("r", chat_completion_request=BODY)
    assert said.text == "覚えました"
    assert said.model_extra is not None
    assert said.model_extra["text"] == "覚えました"


# Streams


def test_a_stream_tells_its_calls_and_its_end_as_far_as_they_have_come() -> None:
    def fragment(*calls: Any, finish_reason: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": finish_reason}]}

    other = {"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": "length"}]}
    begins = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{"}},
    ]
    more = [
        {"index": index, "function": {"arguments": text}}
        for index, text in ((1, "}"), (0, '{"大":'), (0, "1}"))
    ]
    chunks = [
        other,
        fragment(*begins),
        *(fragment(each) for each in more),
        fragment(finish_reason="tool_calls"),
    ]
    seen = []
    with RawServer([stream_response(*chunks, "[DONE]")]) as server, chat(server.url) as api:
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            assert (stream.tool_calls, stream.finish_reason) == ([], None)
            for _ in stream:
                told = [call.function.arguments for call in stream.tool_calls if call.function]
                seen.append((told, stream.finish_reason))
            assert [(call.id, call.function and call.function.name) for call in stream.tool_calls] == [
                ("a", "f"),
                ("b", "g"),
            ]
    assert seen == [
        ([], None),
        (["", "{"], None),
        (["", "{}"], None),
        (['{"大":', "{}"], None),
        (['{"大":1}', "{}"], None),
        (['{"大":1}', "{}"], "tool_calls"),
    ]


def test_chunks_print_as_they_come() -> None:
    gate = Gate()
    parts = [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"]
    for piece in (chunk("one, "), chunk("two"), chunk(None, "stop")):
        parts += [gate, b"data: %b\n\n" % json.dumps(piece).encode()]  # type: ignore[list-item]
    with RawServer([parts]) as server, chat(server.url) as api:
        printed = ""
        gate.open()
        for piece in api.chat_completion_stream(chat_completion_request=BODY):
            printed += piece.text
            gate.open()
        assert printed == "one, two"


# Conversations


def test_a_response_is_appended_to_a_conversation() -> None:
    with LocalServer() as server, chat(server.url) as api:
        messages: list[Any] = [{"role": "user", "content": "私の名前は健です"}]
        messages.append(api.chat_completion(chat_completion_request={"messages": messages}).to_message())
        messages.append({"role": "user", "content": "What is my name?"})
        with api.chat_completion_stream(chat_completion_request={"messages": messages}) as stream:
            messages.append(stream.collect().to_message())
    assert messages[1].content.startswith("こんにちは")
    assert messages[3].content.endswith('Messages before this one: 2. You first said: "私の名前は健です".')


def test_the_calls_load_none_of_the_helpers(tmp_path: Path) -> None:
    code = "import sys, tachyon_sdk; tachyon_sdk.ChatApi; print(*(n for n in sys.modules if 'tachyon' in n))"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert "tachyon_sdk._contract.first_choice" in loaded
    assert not {
        f"tachyon_sdk.{name}" for name in ("tools", "structured", "_typed.callee", "_typed.schema")
    } & set(loaded)
