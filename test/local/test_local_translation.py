"""Tool calls of the upstream, in the forms in which servers send them, and what the client gets of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from local.upstream import piece, said

from tachyon_sdk import ChatCompletionChunkResponse
from tachyon_sdk.local.translation import ResponseTranslator
from tachyon_sdk.local.wire import Envelope
from tachyon_sdk.streaming.merge import Merger


def function(name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    return {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}


def translated(*chunks: Any) -> tuple[list[Any], Any]:
    """The events of the chunks, and the message that is stored."""
    translator = ResponseTranslator(Envelope("m", chatroom=False), [])
    read = [ChatCompletionChunkResponse.from_json(json.dumps(chunk)) for chunk in chunks]
    events = [translator.event(chunk) for chunk in read]
    sent = [json.loads(event.removeprefix(b"data: ")) for event in events if event is not None]
    merger = Merger()
    for chunk in chunks:
        merger.add(json.dumps(chunk).encode())
    return sent, translator.message(ChatCompletionChunkResponse.from_dict(merger.merged()))


def assembled(chunks: list[Any]) -> list[Any]:
    """The calls as a simple client puts them together: by index, first id and name, arguments joined."""
    calls: dict[int, Any] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for fragment in choice["delta"].get("tool_calls") or ():
                call = calls.setdefault(fragment["index"], {"name": "", "arguments": ""})
                for key in ("id", "type"):
                    assert key not in call or key not in fragment
                call.update({key: fragment[key] for key in ("id", "type") if key in fragment})
                call["name"] += fragment["function"].get("name", "")
                call["arguments"] += fragment["function"]["arguments"]
    assert list(calls) == list(range(len(calls)))
    return list(calls.values())


TWO = [("a", "clock", '{"zone": 1}'), ("b", "tide", '{"x": [2]}')]

FORMS = {
    "by index": [
        {"index": 0, "id": "a", "type": "function", "function": function("clock", "")},
        {"index": 0, "function": function(None, '{"zone"')},
        {"index": 0, "function": function(None, ": 1}")},
        {"index": 1, "id": "b", "type": "function", "function": function("tide", '{"x"')},
        {"index": 1, "function": function(None, ": [2]}")},
    ],
    "in turns": [
        {"index": 0, "id": "a", "function": function("clock", "")},
        {"index": 1, "id": "b", "function": function("tide", "")},
        {"index": 0, "function": function(None, '{"zone": ')},
        {"index": 1, "function": function(None, '{"x": [2]}')},
        {"index": 0, "function": function(None, "1}")},
    ],
    "whole, the same index": [
        {"index": 0, "id": "a", "type": "function", "function": function("clock", '{"zone": 1}')},
        {"index": 0, "id": "b", "type": "function", "function": function("tide", '{"x": [2]}')},
    ],
    "whole, without an index": [
        {"id": "a", "function": function("clock", '{"zone": 1}')},
        {"id": "b", "function": function("tide", '{"x": [2]}')},
    ],
    "id in each fragment": [
        {"index": 0, "id": "a", "function": function("clock", '{"zone"')},
        {"index": 0, "id": "a", "function": function("clock", ": 1}")},
        {"index": 1, "id": "b", "function": function("tide", '{"x": [2]}')},
    ],
    "index from one": [
        {"index": 1, "id": "a", "function": function("clock", '{"zone": 1}')},
        {"index": 2, "id": "b", "function": function("tide", '{"x": [2]}')},
    ],
    "the whole call again": [
        {"index": 0, "id": "a", "function": function("clock", '{"zone"')},
        {"index": 0, "id": "a", "function": function("clock", '{"zone": 1}')},
        {"index": 1, "id": "b", "function": function("tide", '{"x": [2]}')},
        {"index": 1, "id": "b", "function": function("tide", '{"x": [2]}')},
    ],
    "null for what does not change": [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "clock", "arguments": None}},
        {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": '{"zone": 1}'}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "tide", "arguments": '{"x": [2]}'}},
    ],
}


@pytest.mark.parametrize("name", FORMS)
def test_the_fragments_are_those_of_the_contract(name: str) -> None:
    chunks = [piece(None, tool_calls=[fragment]) for fragment in FORMS[name]]
    sent, message = translated(*chunks, piece(None, "tool_calls"))
    assert len(sent) == len(chunks) + 1
    assert [(call["id"], call["name"], call["arguments"]) for call in assembled(sent)] == TWO
    assert {call["type"] for call in assembled(sent)} == {"function"}
    stored = [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message["tool_calls"]
    ]
    assert stored == TWO


@pytest.mark.parametrize("given", [[None, None], ["", ""], ["same", "same"]])
@pytest.mark.parametrize("whole", [False, True])
def test_ids_are_unique(given: list[Any], whole: bool) -> None:
    calls = [
        {"index": index, "id": call_id, "function": function(name, "{}")}
        for index, (call_id, name) in enumerate(zip(given, ("clock", "tide"), strict=True))
    ]
    if whole:
        translator = ResponseTranslator(Envelope("m", chatroom=False), [])
        response = ChatCompletionChunkResponse.from_dict(said(None, tool_calls=calls))
        sent = translator.whole(response)["choices"][0]["message"]["tool_calls"]
        message = translator.message(response)
    else:
        events, message = translated(piece(None, tool_calls=calls), piece(None, "tool_calls"))
        sent = assembled(events)
    ids = [call["id"] for call in sent]
    assert len(set(ids)) == 2 and all(ids)
    assert [call["id"] for call in message["tool_calls"]] == ids
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["clock", "tide"]


@pytest.mark.parametrize("arguments", [None, "", "  "])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "clock", "arguments": arguments}}
    sent, message = translated(piece(None, tool_calls=[call]), piece(None, "tool_calls"))
    assert [each["arguments"].strip() for each in assembled(sent)] == ["{}"]
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"
    response = ChatCompletionChunkResponse.from_dict(said(None, tool_calls=[call]))
    whole = ResponseTranslator(Envelope("m", chatroom=False), []).whole(response)
    choice = whole["choices"][0]
    assert choice["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    ]
    assert choice["finish_reason"] == "tool_calls"


def test_a_stop_with_calls_is_a_finish_reason_of_calls() -> None:
    call = {"index": 0, "id": "a", "function": function("clock", "{}")}
    sent, _ = translated(piece("Let me see.", tool_calls=[call]), piece(None, "stop"))
    assert sent[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert sent[0]["choices"][0]["delta"]["content"] == "Let me see."


def test_calls_of_the_tools_of_the_upstream_are_passed_on() -> None:
    call = {"tool_id": "t", "tool_name": "search", "is_client_tool": False}
    sent, message = translated(piece("x", tool_calls=[call]), piece(None, "stop"))
    assert sent[0]["choices"][0]["delta"]["tool_calls"] == [call]
    assert message == {"role": "assistant", "content": "x"}


def test_several_choices_have_their_own_calls() -> None:
    calls = [[{"index": 0, "function": function(name, "{}")}] for name in ("clock", "tide")]
    chunks = [{"id": "1", "choices": [{"index": i, "delta": {"tool_calls": calls[i]}}]} for i in (0, 1)]
    sent, message = translated(*chunks)
    fragments = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in sent]
    assert [fragment["index"] for fragment in fragments] == [0, 0]
    assert fragments[0]["id"] != fragments[1]["id"]
    assert [chunk["choices"][0]["delta"]["role"] for chunk in sent] == ["assistant", "assistant"]
    assert message["tool_calls"][0]["id"] == fragments[0]["id"]


@pytest.mark.parametrize("chunk", [{"id": "1", "choices": []}, {"id": "1"}, {"id": "1", "choices": None}])
def test_a_chunk_without_anything_is_no_event(chunk: Any) -> None:
    assert translated(chunk)[0] == []
