"""`Stream.events`, `Stream.sse` and the representation of a stream."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from support.raw_server import CLOSE, json_response, stream_response
from support.streams import (
    DONE,
    HEAD,
    HELLO,
    HELLO_STREAM,
    HELLO_WHOLE,
    http_chunk,
    open_room,
    open_stream,
    piece,
    serving,
)
from tachyon_sdk import StreamErrorException, StreamTruncatedException, Toolbox
from tachyon_sdk.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallDone,
    ToolCallStarted,
    UsageReported,
)
from tachyon_sdk.streaming.sse import EventDecoder, encode_event


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def fragment(
    index: int | None = None, id: str | None = None, name: str | None = None, arguments: str | None = None
) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    call = {"index": index, "id": id, "function": function}
    return {key: value for key, value in call.items() if value is not None}


def calls(*fragments: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return delta(finish, tool_calls=list(fragments))


def events_of(*chunks: Any, response: bytes | None = None, **settings: Any) -> list[Any]:
    with serving(response or stream_response(*chunks, DONE), **settings) as api, open_stream(api) as stream:
        return list(stream.events())


def told(events: list[Any]) -> list[Any]:
    """Events in short."""
    short = []
    for event in events:
        match event:
            case TextDelta(text) | ReasoningDelta(text) | RefusalDelta(text):
                short.append((event.type, text))
            case ToolCallStarted(name, id, position):
                short.append(("start", position, name, id))
            case ToolArgumentsDelta(text, position):
                short.append((position, text))
            case ToolCallDone(position=position, name=name, arguments=arguments):
                short.append(("done", position, name, arguments))
            case UsageReported(usage):
                short.append(("usage", usage.total_tokens))
            case Finished(reason, index):
                short.append(("finished", reason, index))
    return short


@pytest.mark.parametrize("response", [HELLO_STREAM, HELLO_WHOLE])
def test_text(response: bytes) -> None:
    events = events_of(response=response)
    assert "".join(event.text for event in events if event.type == "text") == "Hello"
    assert events[-2].snapshot == "Hello"
    assert events[-1] == Finished("stop")
    assert events[-1].snapshot == "Hello"


def test_a_snapshot_is_that_of_its_event_whenever_it_is_read() -> None:
    texts = [str(number) for number in range(3000)]
    events = events_of(*map(piece, texts), piece(finish="stop"))
    for position in (2999, 0, 1024, 1500, 2048, 2):
        assert events[position].snapshot == "".join(texts[: position + 1])


def test_choices() -> None:
    events = events_of(
        piece("a"), piece("x", index=1), piece("b"), piece(finish="length", index=1), piece(finish="stop")
    )
    assert [(event.index, event.snapshot) for event in events if isinstance(event, TextDelta)] == [
        (0, "a"),
        (1, "x"),
        (0, "ab"),
    ]
    assert events[-2:] == [Finished("stop", 0), Finished("length", 1)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"reasoning_content": "so"}, "so"),
        ({"reasoning": "so", "reasoning_details": [{"type": "reasoning.text", "text": "so"}]}, "so"),
        ({"reasoning": None, "reasoning_details": [{"type": "reasoning.summary", "summary": "so"}]}, "so"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, ""),
        ({"reasoning_content": "so", "thinking_blocks": [{"type": "thinking", "thinking": "so"}]}, "so"),
        ({"reasoning": {"content": "so"}}, "so"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "so"}]}]}, "so"),
        ({"content": [{"type": "image_url", "image_url": {"url": "data:"}, "text": "no"}]}, ""),
        ({"reasoning_content": None, "reasoning": "", "reasoning_details": []}, ""),
    ],
)
def test_reasoning(fields: dict[str, Any], text: str) -> None:
    events = told(events_of(delta(**fields), delta(**fields), piece("Yes"), piece(finish="stop")))
    assert events == [*[("reasoning", text)] * (2 if text else 0), ("text", "Yes"), ("finished", "stop", 0)]


def test_a_refusal_and_usage() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    more = {**usage, "total_tokens": 3}
    events = told(
        events_of(
            {**delta(refusal="No"), "usage": usage},
            {**delta(refusal=".", content=None), "usage": usage},
            piece(finish="stop"),
            {"choices": [], "usage": more},
        )
    )
    assert events == [
        ("refusal", "No"),
        ("usage", 2),
        ("refusal", "."),
        ("usage", 3),
        ("finished", "stop", 0),
    ]


def test_calls_in_fragments() -> None:
    chunks = [
        calls(fragment(0, "a", "f", "")),
        calls(fragment(0, arguments='{"ci')),
        calls(fragment(0, arguments='ty": "Os')),
        calls(fragment(0, arguments='lo", "n": 1}')),
        calls(fragment(1, "b", "g", "{}")),
        delta("tool_calls"),
    ]
    events = events_of(*chunks)
    assert told(events) == [
        ("start", 0, "f", "a"),
        (0, '{"ci'),
        (0, 'ty": "Os'),
        (0, 'lo", "n": 1}'),
        ("done", 0, "f", '{"city": "Oslo", "n": 1}'),
        ("start", 1, "g", "b"),
        (1, "{}"),
        ("done", 1, "g", "{}"),
        ("finished", "tool_calls", 0),
    ]
    pieces = [event for event in events if isinstance(event, ToolArgumentsDelta)]
    assert [each.parsed for each in pieces][:3] == [{}, {"city": "Os"}, {"city": "Oslo", "n": 1}] or [
        each.parsed for each in pieces
    ][1] == {}  # pydantic before 2.10 leaves out a string that is open
    assert pieces[1].snapshot == '{"city": "Os'
    assert events[4].id == "a" and events[4].parsed == {"city": "Oslo", "n": 1}

    def f(city: str, n: int) -> str:
        """A tool."""
        return f"{city} {n}"

    assert Toolbox(f).call(events[4].call) == "Oslo 1"


@pytest.mark.parametrize(
    "chunks",
    [
        # Interleaved, by index.
        [
            calls(fragment(0, "a", "f", '{"x"'), fragment(1, "b", "g", '{"y"')),
            calls(fragment(0, arguments=": 1}"), fragment(1, arguments=": 2}")),
        ],
        # By id alone, whole calls in one chunk, one index for all.
        [calls(fragment(None, "a", "f", '{"x": 1}'), fragment(None, "b", "g", '{"y": 2}'))],
        [calls(fragment(0, "a", "f", '{"x": 1}')), calls(fragment(0, "b", "g", '{"y": 2}'))],
        # The id in every fragment; the whole call once more; `{}` before the arguments.
        [
            calls(fragment(0, "a", "f", '{"x"')),
            calls(fragment(0, "a", "f", ": 1}")),
            calls(fragment(0, "a", "f", '{"x": 1}')),
            calls(fragment(1, "b", "g", "{}")),
            calls(fragment(1, "b", "g", '{"y": 2}')),
        ],
        # A finish reason with each chunk.
        [
            calls(fragment(0, "a", "f", '{"x"'), finish="tool_calls"),
            calls(fragment(0, arguments=": 1}"), finish="tool_calls"),
            calls(fragment(1, "b", "g", '{"y": '), finish="tool_calls"),
            calls(fragment(1, arguments="2}"), finish="tool_calls"),
        ],
    ],
)
def test_calls_as_servers_send_them(chunks: list[Any]) -> None:
    events = told(events_of(*chunks, delta("tool_calls")))
    for position, (name, id, arguments) in enumerate([("f", "a", '{"x": 1}'), ("g", "b", '{"y": 2}')]):
        assert events.count(("start", position, name, id)) == 1
        assert "".join(event[1] for event in events if event[0] == position) == arguments
        assert events.count(("done", position, name, arguments)) == 1
        of_the_call = [each for each in events if position in each[:2] and each[0] != "finished"]
        assert of_the_call[0][0] == "start" and of_the_call[-1][0] == "done"
    assert events[-1] == ("finished", "tool_calls", 0)


def test_a_call_in_two_forms_is_one_call() -> None:
    function = {"name": "f", "arguments": '{"x"'}
    rest = {"arguments": ": 1}"}
    chunks = [
        delta(function_call=each, tool_calls=[{"index": 0, "id": "a", "function": each}])
        for each in (function, rest)
    ]
    events = told(events_of(*chunks, delta("tool_calls")))
    assert events == [
        ("start", 0, "f", "a"),
        (0, '{"x"'),
        (0, ": 1}"),
        ("done", 0, "f", '{"x": 1}'),
        ("finished", "tool_calls", 0),
    ]


def test_other_calls() -> None:
    events = told(
        events_of(
            delta(function_call={"name": "old", "arguments": '{"a"'}),
            delta(function_call={"arguments": ": 1}"}),
            delta(tool_calls=[{"tool_id": "t", "tool_name": "search", "is_client_tool": False}]),
            delta("stop"),
        )
    )
    assert events == [
        ("start", 0, "old", None),
        (0, '{"a"'),
        (0, ": 1}"),
        ("done", 0, "old", '{"a": 1}'),
        ("start", 1, "search", "t"),
        ("done", 1, "search", ""),
        ("finished", "stop", 0),
    ]


def test_a_whole_response_with_calls() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    message = {"role": "assistant", "content": None, "reasoning_content": "so", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    assert told(events_of(response=json_response({"choices": [choice]}))) == [
        ("reasoning", "so"),
        ("start", 0, "f", "a"),
        (0, '{"x": 1}'),
        ("done", 0, "f", '{"x": 1}'),
        ("finished", "tool_calls", 0),
    ]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ([http_chunk({"error": {"message": "it failed"}})], StreamErrorException),
        ([CLOSE], StreamTruncatedException),
    ],
)
def test_an_error_comes_after_all_that_arrived(end: list[Any], error: type[Exception]) -> None:
    start = [HEAD + http_chunk(piece("Hel"), calls(fragment(0, "a", "f", '{"x": 1}')))]
    seen = []
    with serving(start + end) as api, open_stream(api) as stream:
        with pytest.raises(error):
            for event in stream.events():
                seen.append(event)
        assert list(stream.events()) == []
        assert repr(stream).startswith(f"<Stream: broken by {error.__name__}, 1 choice, 2 chunks, 3 char")
    assert told(seen) == [("text", "Hel"), ("start", 0, "f", "a"), (0, '{"x": 1}')]


def test_what_was_read_otherwise_is_in_the_snapshots() -> None:
    chunks = [
        piece("a"),
        calls(fragment(0, "x", "f", '{"x"')),
        piece("b"),
        calls(fragment(0, arguments=": 1}")),
        piece("c"),
        piece("d"),
        piece(finish="tool_calls"),
    ]
    with serving(stream_response(*chunks, DONE)) as api, open_stream(api) as stream:
        next(stream)
        next(stream)
        events = stream.events()
        assert next(events).snapshot == "ab"  # type: ignore[union-attr]
        next(stream)
        assert next(events).snapshot == "abc"  # type: ignore[union-attr]
        again = list(stream.events())
        assert told(again) == [
            ("text", "d"),
            ("done", 0, "f", '{"x": 1}'),
            ("finished", "tool_calls", 0),
        ]
        assert list(stream.events()) == []


def test_events_of_a_stream_that_was_closed_or_read_have_no_end() -> None:
    with serving(HELLO_STREAM, HELLO_STREAM) as api:
        with open_stream(api) as stream:
            events = stream.events()
            next(events)
            stream.close()
            assert list(events) == []
            assert repr(stream) == "<Stream: closed, 1 choice, 1 chunk, 3 characters>"
        with open_room(api) as stream:
            stream.collect()
            assert list(stream.events()) == []


def test_a_stream_without_finish_reason() -> None:
    chunks = [calls(fragment(0, "a", "f", "")), piece("x")]
    events = told(events_of(*chunks, require_finish_reason=False))
    assert events == [
        ("start", 0, "f", "a"),
        ("text", "x"),
        ("done", 0, "f", ""),
        ("finished", None, 0),
    ]


def test_events_are_values() -> None:
    for event in events_of(*HELLO):
        assert copy.copy(event) == pickle.loads(pickle.dumps(event)) == event
        assert pickle.loads(pickle.dumps(event)).snapshot == event.snapshot
        with pytest.raises(AttributeError):
            event.index = 3
    assert TextDelta("Hi").snapshot == "Hi"
    assert ToolArgumentsDelta('{"a": 1').parsed == {"a": 1}
    assert ToolArgumentsDelta("nothing").parsed is None


def test_the_representation_of_a_stream() -> None:
    with serving(stream_response(piece("Hel"), piece("lo", index=1), piece(finish="stop"), DONE)) as api:
        with open_stream(api) as stream:
            assert repr(stream) == "<Stream: open, 0 choices, 0 chunks>"
            next(stream), next(stream)
            assert repr(stream) == "<Stream: open, 2 choices, 2 chunks>"
            stream.collect()
        assert repr(stream) == "<Stream: finished, 2 choices, 3 chunks, 5 characters>"


def sent(*chunks: Any, end: Any = DONE) -> list[Any]:
    with serving(stream_response(*chunks, end)) as api:
        return EventDecoder().feed(b"".join(open_stream(api).sse()))


def test_a_stream_is_passed_on_as_events() -> None:
    received = sent(*HELLO)
    assert [kind for kind, *_ in received] == ["message"] * 4
    assert b"".join(data for _, data, _ in received).count(b'"object":"chat.completion.chunk"') == 3
    assert received[-1][1] == b"[DONE]"


def test_a_stream_that_is_passed_on_is_read_as_the_same() -> None:
    with serving(HELLO_STREAM) as api:
        copied = b"".join(open_stream(api).sse())
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(copied)
    with serving(head + copied) as api:
        assert open_stream(api).collect().text == "Hello"


def test_an_error_is_passed_on_as_an_event() -> None:
    received = sent(piece("Hel"), end={"error": {"message": "it\nfailed", "code": "bad"}})
    assert [kind for kind, *_ in received] == ["message", "error"]
    expected = b'{"error":{"message":"it\\nfailed","type":"StreamErrorException","code":"bad"}}'
    assert received[1][1] == expected


def test_a_reader_of_the_events_that_leaves_closes_the_stream() -> None:
    with serving([HEAD + http_chunk(*HELLO[:1]), CLOSE]) as api:
        stream = open_stream(api)
        copied = stream.sse()
        next(copied)
        copied.close()
        assert repr(stream).startswith("<Stream: closed, ")
        assert list(stream.sse()) == []


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        ("a", "message", b"data: a\n\n"),
        (b"a\r\nb\rc\n", "message", b"data: a\ndata: b\ndata: c\ndata: \n\n"),
        ("é", "note", "event: note\ndata: é\n\n".encode()),
        ("", "message", b"data: \n\n"),
    ],
)
def test_an_event_is_encoded(data: str | bytes, kind: str, expected: bytes) -> None:
    assert encode_event(data, kind) == expected
    text = (data.encode() if isinstance(data, str) else data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert EventDecoder().feed(expected) == ([(kind, text, "")])


@pytest.mark.parametrize("kind", ["a\nb", "a\rb"])
def test_an_event_type_is_one_line(kind: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        encode_event("a", kind)
