"""Streams: delivery of chunks, the iterator and the context manager, and events that are not chunks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.raw_server import (
    FRAMINGS,
    Framing,
    Gate,
    RawServer,
    event_stream,
    events_of,
    framed,
    http_response,
    json_response,
    lock_step,
    recorded,
    split_response,
    stream_response,
)
from support.streams import (
    BODY,
    DONE,
    HEAD,
    HELLO,
    HELLO_STREAM,
    HELLO_WHOLE,
    LAST_CHUNK,
    ask,
    collect,
    connected,
    failure,
    http_chunk,
    open_room,
    open_stream,
    piece,
    serving,
    text_of,
)
from tachyon_sdk import (
    ChatApi,
    ChatCompletionChunkResponse,
    ChatCompletionWithChatroomStreamResponse,
)
from tachyon_sdk.exceptions import (
    StreamTruncatedException,
)

# --- the moment it arrives


def parts_of(raw: bytes, framing: Framing) -> list[bytes]:
    """A stream in another framing: its head, and a part for each event, the last with the end of the body."""
    inside = framing.replace("chunked-one", "content-length")  # where one chunk has all events, cut it there
    head, *parts, end = framed(raw, inside)
    parts[-1] += end
    if inside != framing:
        head = framed(raw, framing)[0]
        parts[0] = b"%x\r\n" % sum(map(len, parts)) + parts[0]
        parts[-1] += b"\r\n" + LAST_CHUNK
    return [head, *parts]


@pytest.mark.parametrize("name", ["llama-stream-n2", "litellm-stream"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_each_chunk_is_handed_over_the_moment_it_arrives(framing: Framing, name: str) -> None:
    parts = parts_of(recorded(name), framing)
    *events, done = events_of(split_response(recorded(name))[1])
    assert done == b"data: [DONE]\n\n"
    gate = Gate()
    with serving(lock_step(parts, gate)) as api:
        stream = open_stream(api)  # the head is enough
        for event in events:
            gate.open()  # the next event is sent only now
            assert next(stream).to_dict() == json.loads(event.removeprefix(b"data: "))
        gate.open()
        assert next(stream, None) is None


def test_several_events_that_arrive_together_are_handed_over_one_by_one() -> None:
    with serving([HEAD, http_chunk(*HELLO, DONE), LAST_CHUNK]) as api:
        assert [chunk.to_dict() for chunk in open_stream(api)] == HELLO


def test_the_end_of_one_event_may_come_with_the_beginning_of_the_next() -> None:
    body = event_stream(*HELLO, DONE)
    middle = body.index(b"lo") + 1
    head = http_response(200, {"Content-Type": "text/event-stream", "Content-Length": str(len(body))})[:-2]
    head = head.replace(b"Content-Length: 0\r\n", b"") + b"\r\n"
    gate = Gate()
    with serving([head + body[:middle], gate, body[middle:]]) as api:
        stream = open_stream(api)
        assert text_of(next(stream)) == "Hel"
        gate.open()
        assert [text_of(chunk) for chunk in stream] == ["lo", None]


@pytest.mark.parametrize("open_it", [open_stream, open_room])
def test_chunks_are_of_the_declared_type(open_it: Callable[[ChatApi], Any]) -> None:
    declared = {
        open_stream: ChatCompletionChunkResponse,
        open_room: ChatCompletionWithChatroomStreamResponse,
    }[open_it]
    with serving(HELLO_STREAM, HELLO_STREAM, HELLO_WHOLE) as api:
        assert {type(chunk) for chunk in open_it(api)} == {declared}
        assert type(open_it(api).collect()) is declared
        assert {type(chunk) for chunk in open_it(api)} == {declared}


def test_the_request_asks_for_a_stream() -> None:
    request = dict(BODY)
    with RawServer([HELLO_STREAM, HELLO_STREAM]) as server, connected(server) as api:
        api.chat_completion_stream(chat_completion_request=request).collect()
        api.chat_completion_on_chatroom_stream(
            "a b", chat_completion_request={**BODY, "stream": False}
        ).collect()
    first, second = server.requests
    assert first.json() == {**BODY, "stream": True}
    assert second.json() == {**BODY, "stream": True}
    assert (first.target, second.target) == (
        "/v1/llms/chat/completions",
        "/v1/llms/chatrooms/a%20b/chat/completions",
    )
    assert first.get("Accept") == "text/event-stream, application/json"
    assert request == BODY


# --- the iterator, the context manager, and what they offer


def test_it_is_an_iterator() -> None:
    with serving(HELLO_STREAM) as api:
        stream = open_stream(api)
        assert iter(stream) is stream
        assert text_of(next(stream)) == "Hel"
        assert [text_of(chunk) for chunk in stream] == ["lo", None]
        for _ in range(3):
            with pytest.raises(StopIteration):
                next(stream)
        assert list(stream) == []


def test_it_is_a_context_manager() -> None:
    with serving(HELLO_STREAM) as api:
        stream = open_stream(api)
        with stream as entered:
            assert entered is stream
            assert len(list(stream)) == 3
        stream.close()
        stream.close()
        assert text_of(stream.merged) == "Hello"


def test_no_variable_needs_to_hold_it() -> None:
    with serving(HELLO_STREAM, HELLO_STREAM) as api:
        assert [text_of(chunk) for chunk in open_stream(api)] == ["Hel", "lo", None]
        assert list(open_stream(api).text) == ["Hel", "lo"]


def test_text_is_the_pieces_of_the_first_choice() -> None:
    events = [
        {"choices": [{"index": 1, "delta": {"role": "assistant", "content": "not this"}}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
        {"choices": [{"index": 1, "delta": {"content": "nor"}}, {"index": 0, "delta": {"content": "日本"}}]},
        {"choices": [{"index": 0, "delta": {"content": ""}}]},
        {"choices": [{"delta": {"content": "語"}}]},
        {"choices": []},
        {"choices": [{"index": 0, "delta": {"content": " "}, "finish_reason": "stop"}]},
    ]
    with serving(stream_response(*events, DONE)) as api:
        assert list(open_stream(api).text) == ["日本", "語", " "]


def test_text_comes_the_moment_it_arrives_and_chunks_may_be_read_between() -> None:
    gate = Gate()
    with serving(lock_step(framed(stream_response(*HELLO, DONE), "chunked"), gate)) as api:
        stream = open_stream(api)
        gate.open()
        assert next(stream.text) == "Hel"
        gate.open()
        assert text_of(next(stream)) == "lo"
        gate.open(3)
        assert list(stream.text) == []
        assert text_of(stream.merged) == "Hello"


def test_merged_is_the_answer_so_far() -> None:
    gate = Gate()
    with serving(lock_step(framed(stream_response(*HELLO, DONE), "chunked"), gate)) as api:
        stream = open_stream(api)
        assert stream.merged.to_dict() == {"choices": []}
        for expected in ("Hel", "Hello"):
            gate.open()
            next(stream)
            assert text_of(stream.merged) == expected
            assert stream.merged.choices[0].finish_reason is None
        gate.open(3)
        whole = stream.collect()
        assert whole.to_dict() == stream.merged.to_dict() == piece("Hello", "stop")
        assert whole is not stream.merged


def test_collect_takes_what_was_read_before_into_account() -> None:
    with serving(HELLO_STREAM, HELLO_STREAM) as api:
        stream = open_stream(api)
        next(stream)
        assert text_of(stream.collect()) == "Hello"
        assert text_of(stream.collect()) == "Hello"
        assert text_of(collect(api)) == "Hello"


def test_what_was_handed_over_is_not_changed_by_merging() -> None:
    with serving(recorded("llama-tools-stream")) as api:
        stream = open_stream(api)
        chunks, then = [], []
        for chunk in stream:
            chunks.append(chunk)
            then.append(chunk.to_dict())
            stream.merged.choices.clear()
        assert [chunk.to_dict() for chunk in chunks] == then


def test_status_and_headers_are_there_at_once() -> None:
    gate = Gate()
    head = HEAD.replace(b"200 OK\r\n", b"201 Created\r\nX-Request-Id: r-1\r\n")
    with serving([head, gate, http_chunk(*HELLO, DONE), LAST_CHUNK]) as api:
        stream = open_stream(api)
        assert stream.status == 201
        assert stream.headers["x-request-id"] == stream.headers["X-REQUEST-ID"] == "r-1"
        gate.open()
        assert text_of(stream.collect()) == "Hello"
        assert stream.headers["X-Request-Id"] == "r-1"


def test_an_error_status_is_raised_by_the_call_itself() -> None:
    with serving(json_response({"message": "no", "code": "unsupported_model"}, 400)) as api:
        error = failure(api, open_stream)
    assert (error.status, error.code, error.message, error.partial) == (400, "unsupported_model", "no", None)


# --- what a server may send besides chunks


def test_comments_and_other_fields_are_no_chunks() -> None:
    body = (
        b"\xef\xbb\xbf: hello\n\nretry: 10\n\n"
        b"event: message\r\nid: 7\r\ndata: %b\r\n\r\n"
        b": ping - 2026-11-23\n\n"
        b"id: 8\rdata:%b\r\revent: chunk\ndata: {\ndata: %b\nunknown: x\n\n: ping\ndata: [DONE]\n\n"
    ) % (
        json.dumps(HELLO[0]).encode(),
        json.dumps(HELLO[1]).encode(),
        json.dumps(HELLO[2]).encode()[1:],
    )
    with serving(stream_response(body)) as api:
        assert [chunk.to_dict() for chunk in open_stream(api)] == HELLO


def test_a_byte_order_mark_is_no_part_of_the_first_event() -> None:
    with serving(stream_response(b"\xef\xbb\xbf", *HELLO, DONE)) as api:
        assert [chunk.to_dict() for chunk in open_stream(api)] == HELLO


@pytest.mark.parametrize("name", [b"error", b"done"])
def test_an_event_without_data_is_no_event_whatever_its_name(name: bytes) -> None:
    with serving(
        stream_response(b"event: " + name + b"\n\n", HELLO[0], b"event: " + name + b"\n\n", *HELLO[1:])
    ) as api:
        assert [chunk.to_dict() for chunk in open_stream(api)] == HELLO


def test_a_server_may_send_nothing_but_heartbeats_for_a_while() -> None:
    gate = Gate()
    pings = [http_chunk(b": ping\n\n")] * 50
    with serving([HEAD, *pings, gate, http_chunk(*HELLO, DONE), LAST_CHUNK]) as api:
        stream = open_stream(api)
        gate.open()
        assert text_of(stream.collect()) == "Hello"


@pytest.mark.parametrize("call", [ask, collect])
def test_a_whole_answer_inside_an_event(call: Callable[[ChatApi], Any]) -> None:
    answer = {
        "id": "c-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": {"total_tokens": 3},
    }
    with serving(stream_response(answer, DONE)) as api:
        merged = call(api).to_dict()
    assert merged["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ]
    assert merged["usage"] == {"total_tokens": 3}


AGENT_ENDS = {
    "type": b'data: {"type": "done"}\n\n',
    "event": b"event: done\ndata: {}\n\n",
    "event-and-type": b'event: done\ndata: {"type": "done", "usage": {}}\n\n',
    "marker": b"data: [DONE]\n\n",
}


@pytest.mark.parametrize("end", AGENT_ENDS)
@pytest.mark.parametrize(
    "call",
    [
        lambda api: open_stream(api).collect(),
        lambda api: open_room(api).collect(),
        ask,
        lambda api: api.chat_completion_on_chatroom("ch_1", chat_completion_request=BODY),
    ],
)
def test_the_events_of_an_agent(call: Callable[[ChatApi], Any], end: str) -> None:
    events = [
        {"type": "say", "text": "I will "},
        b'event: say\ndata: {"type": "say", "text": "remember."}\n\n',
    ]
    with (
        RawServer([stream_response(*events, AGENT_ENDS[end]), HELLO_STREAM]) as server,
        connected(server) as api,
    ):
        answer = call(api)
        assert answer.choices[0].delta.content == "I will remember."
        assert answer.choices[0].delta.role == "assistant"
        assert text_of(call(api)) == "Hello"
    assert server.connections == 1


def test_the_events_of_an_agent_are_chunks_like_any_other() -> None:
    events = [{"type": "say", "text": "Noted."}, {"type": "think", "text": "unseen"}, {"type": "done"}]
    with serving(stream_response(*events)) as api:
        stream = open_room(api)
        assert list(stream.text) == ["Noted."]
        assert stream.merged.choices[0].delta.content == "Noted."


def test_what_an_agent_says_without_an_end_is_truncated() -> None:
    with serving(stream_response({"type": "say", "text": "I will"})) as api:
        error = failure(api, lambda api: open_room(api).collect())
    assert type(error) is StreamTruncatedException
    assert text_of(error.partial) == "I will"


def test_one_json_object_is_a_stream_of_one_chunk() -> None:
    with serving(*[HELLO_WHOLE] * 3) as api:
        stream = open_stream(api)
        assert [text_of(chunk) for chunk in stream] == ["Hello"]
        assert text_of(stream.merged) == "Hello"
        assert list(open_stream(api).text) == ["Hello"]
        assert text_of(collect(api)) == "Hello"


def test_a_plain_call_may_be_answered_by_an_event_stream() -> None:
    with serving(HELLO_STREAM) as api:
        response = api.chat_completion_with_http_info(chat_completion_request=BODY)
    assert response.data.to_dict() == piece("Hello", "stop")
    assert response.raw_data == split_response(HELLO_STREAM)[1]
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("media_type", ["text/event-stream; charset=utf-8", "Text/Event-Stream ;x=y"])
def test_the_media_type_tells_a_stream(media_type: str) -> None:
    with serving(HELLO_STREAM.replace(b"text/event-stream", media_type.encode())) as api:
        assert text_of(collect(api)) == "Hello"
