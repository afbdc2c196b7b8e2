"""The stream: every chunk at once, the end recognised, every fault an error, and the connection kept or closed."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    RESET,
    Connection,
    Disconnected,
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
from tachyon_sdk import (
    ApiClient,
    ChatApi,
    ChatCompletionChunkResponse,
    ChatCompletionWithChatroomStreamResponse,
    Configuration,
)
from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    ResponseDecodeException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)
from tachyon_sdk.rest import RESTClientObject
from tachyon_sdk.streaming.stream import Stream, _tells_its_form as tells_its_form

BODY = {"messages": [{"role": "user", "content": "Hello"}]}
DONE = "[DONE]"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def piece(
    content: str | None = None, finish: str | None = None, index: int = 0, **more: Any
) -> dict[str, Any]:
    """A chunk as a server sends it."""
    delta = {} if content is None else {"content": content}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def http_chunk(*events: Any) -> bytes:
    """Events in one HTTP chunk."""
    data = event_stream(*events)
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
HELLO = [piece("Hel"), piece("lo"), piece(finish="stop")]
HELLO_STREAM = stream_response(*HELLO, DONE)
HELLO_WHOLE = json_response(
    {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
)


@contextmanager
def connected(server: RawServer, **settings: Any) -> Iterator[ChatApi]:
    configuration = Configuration(
        host=server.url, operator_id="tn_1", access_token="token", retries=0, **settings
    )
    with ApiClient(configuration) as client:
        yield ChatApi(client)


@contextmanager
def serving(*responses: Any, **settings: Any) -> Iterator[ChatApi]:
    """The API in front of a server that gives these responses."""
    with RawServer(responses) as server, connected(server, **settings) as api:
        yield api


def open_stream(api: ChatApi) -> Any:
    return api.chat_completion_stream(chat_completion_request=BODY)


def open_room(api: ChatApi) -> Any:
    return api.chat_completion_on_chatroom_stream("ch_1", chat_completion_request=BODY)


def ask(api: ChatApi) -> Any:
    return api.chat_completion(chat_completion_request=BODY)


def collect(api: ChatApi) -> Any:
    return open_stream(api).collect()


def text_of(answer: Any) -> str | None:
    return None if answer is None else answer.choices[0].delta.content


def failure(api: ChatApi, call: Callable[[ChatApi], Any] = collect) -> Any:
    """The error that a call ends with."""
    with pytest.raises(ApiException) as caught:
        call(api)
    return caught.value


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


# --- the end


def ended(*events: Any, how: Any = None) -> list[Any]:
    """A stream of these events that then ends: in order, or as `how` says."""
    return [HEAD + b"".join(map(http_chunk, events)), LAST_CHUNK if how is None else how]


BOTH = [piece("a"), piece("b", index=1)]

COMPLETE = {
    "marker": ended(*HELLO, DONE),
    "marker-without-space": ended(*HELLO, b"data:[DONE]\n\n"),
    "marker-with-one-finish-reason-of-two": ended(*HELLO, piece("b", index=1), DONE),
    "marker-after-a-finish-reason-that-more-text-follows": ended(piece("Hel", "stop"), piece("lo"), DONE),
    "marker-in-an-event-with-a-name": ended(*HELLO, b"event: end\ndata: [DONE]\n\n"),
    "finish-reason": ended(*HELLO),
    "finish-reason-with-text": ended(piece("Hello", "length")),
    "finish-reason-and-connection-ended": ended(*HELLO, how=CLOSE),
    "finish-reason-and-connection-ended-in-the-next-chunk": [HEAD + http_chunk(*HELLO) + b"5\r\nda", CLOSE],
    "finish-reason-and-connection-reset": ended(*HELLO, how=RESET),
    "usage-after-finish-reason": ended(*HELLO, {"choices": [], "usage": {"total_tokens": 1}}, how=CLOSE),
    "finish-reason-in-each-piece": ended(piece("Hel", "stop"), piece("lo", "stop")),
    "finish-reason-then-nothing-new": ended(piece("Hello", "stop"), piece(""), piece()),
    "marker-without-blank-line": ended(*HELLO, b"data: [DONE]\n"),
    "no-blank-line-at-the-end": ended(*HELLO[:2], event_stream(HELLO[2])[:-1]),
    "no-line-end-at-the-end": ended(*HELLO[:2], event_stream(HELLO[2])[:-2]),
    "no-blank-line-and-connection-lost": ended(*HELLO[:2], event_stream(HELLO[2])[:-1], how=RESET),
    "heartbeats": ended(*HELLO[:2], "", "ping", b"event: ping\ndata: 5\n\n", b": ping\n\n", HELLO[2], DONE),
    "another-protocol-beside-it": ended(b'event: tool\ndata: {"id": "x"}\n\n', *HELLO, DONE),
    "one-line-end-between-events": ended(event_stream(*HELLO, DONE).replace(b"\n\n", b"\n")),
}


@pytest.mark.parametrize("case", COMPLETE)
def test_an_answer_is_complete(case: str) -> None:
    head, how = COMPLETE[case]
    gate = Gate()
    with serving([head, gate, how]) as api:
        stream = open_stream(api)
        gate.open()  # now that the client has what was sent, a reset takes nothing away
        assert text_of(stream.collect()) == "Hello"


def test_an_answer_of_several_choices_is_complete_when_all_are() -> None:
    with serving(stream_response(*BOTH, piece(finish="stop", index=1), piece(finish="length"))) as api:
        answer = collect(api)
    assert [(choice.delta.content, choice.finish_reason) for choice in answer.choices] == [
        ("a", "length"),
        ("b", "stop"),
    ]


TRUNCATED: dict[str, tuple[list[Any], str | None]] = {
    "no-finish-reason": (ended(piece("Hel")), "Hel"),
    "connection-ended": (ended(piece("Hel"), how=CLOSE), "Hel"),
    "connection-reset": (ended(piece("Hel"), how=RESET), "Hel"),
    "one-of-two-choices": (ended(*BOTH, piece(finish="stop")), "a"),
    "the-other-of-two-choices": (ended(*BOTH, piece(finish="stop", index=1)), "a"),
    "one-of-two-choices-reset": (ended(*BOTH, piece(finish="stop"), how=RESET), "a"),
    "a-choice-that-comes-late": (ended(piece("a", "stop"), piece("b", index=1)), "a"),
    "empty-finish-reason": (ended(piece("Hel", "")), "Hel"),
    "marker-without-finish-reason": (ended(piece("Hel"), DONE), "Hel"),
    "marker-after-null-as-a-finish-reason": (ended(piece("Hel", "null"), DONE), "Hel"),
    "finish-reason-then-more": (ended(piece("Hel", "stop"), piece("lo")), "Hello"),
    "finish-reason-in-each-piece-then-lost": (
        ended(piece("Hel", "stop"), piece("lo", "stop"), how=RESET),
        "Hello",
    ),
    "finish-reason-then-half-a-call": (
        ended(
            piece("Hel", "stop"),
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"id": "a"}]}}]},
            how=RESET,
        ),
        "Hel",
    ),
    "half-an-event-at-the-end": (ended(piece("Hel"), event_stream(HELLO[2])[:-9]), "Hel"),
    "marker-without-blank-line": (
        [HEAD + http_chunk(piece("Hel")) + http_chunk(b"data: [DONE]\n"), LAST_CHUNK],
        "Hel",
    ),
    "in-the-middle-of-an-event": (
        [HEAD + http_chunk(piece("Hel")) + http_chunk(b'data: {"choices": [{"ind'), CLOSE],
        "Hel",
    ),
    "no-event": ([HEAD, LAST_CHUNK], None),
    "no-event-connection-ended": ([HEAD, CLOSE], None),
    "no-event-connection-reset": ([HEAD, RESET], None),
    "only-comments": (ended(b": ping\n\n", b": ping\n\n"), None),
    "only-the-marker": (ended(DONE), None),
    "only-done": (ended({"type": "done"}), None),
    "only-fields-without-data": (ended(b"event: message\nid: 1\n\n"), None),
}


def check_truncated(error: Any, partial: str | None, connection_ended: bool) -> None:
    assert type(error) is StreamTruncatedException
    assert text_of(error.partial) == partial
    assert error.status == 200
    assert error.headers["content-type"] == "text/event-stream"
    assert isinstance(error.__cause__, ConnectionException) == connection_ended
    assert str(error)


@pytest.mark.parametrize("read", [lambda stream: stream.collect(), list, lambda stream: list(stream.text)])
@pytest.mark.parametrize("case", TRUNCATED)
def test_an_answer_is_truncated(case: str, read: Callable[[Any], Any]) -> None:
    (head, how), partial = TRUNCATED[case]
    gate = Gate()
    with serving([head, gate, how]) as api:
        stream = open_stream(api)
        gate.open()  # now that the client has what was sent, a reset takes nothing away
        check_truncated(failure(api, lambda api: read(stream)), partial, how is not LAST_CHUNK)
        assert list(stream) == []


@pytest.mark.parametrize("case", [case for case in TRUNCATED if RESET not in TRUNCATED[case][0]])
def test_a_plain_answer_that_is_a_truncated_stream(case: str) -> None:
    (head, how), partial = TRUNCATED[case]
    with serving([head, how]) as api:
        check_truncated(failure(api, ask), partial, how is not LAST_CHUNK)


def test_a_reset_does_not_take_away_what_had_arrived() -> None:
    gate = Gate()
    with serving([HEAD + http_chunk(*HELLO[:2]), gate, RESET]) as api:
        stream = open_stream(api)
        gate.open()
        error = failure(api, lambda api: stream.collect())
    assert text_of(error.partial) == text_of(stream.merged) == "Hello"
    assert isinstance(error.__cause__, ConnectionException)
    assert isinstance(error.__cause__.__cause__, Exception)


def test_only_whole_answers_are_collected() -> None:
    """A stream that failed or was closed has no answer to give, however often it is asked."""
    with serving(ended(piece("Hel")), HELLO_STREAM) as api:
        broken = open_stream(api)
        assert type(failure(api, lambda api: broken.collect())) is StreamTruncatedException
        assert type(failure(api, lambda api: broken.collect())) is StreamTruncatedException
        with open_stream(api) as left:
            assert text_of(next(left)) == "Hel"
        assert isinstance(failure(api, lambda api: left.collect()), StreamTruncatedException)


# --- errors in the middle


MIDSTREAM: dict[str, tuple[Any, str | None, str]] = {
    "object": ({"error": {"message": "it broke", "code": "500", "type": "x"}}, "500", "it broke"),
    "object-with-a-number": ({"error": {"message": "it broke", "code": 500}}, "500", "it broke"),
    "text": ({"error": "it broke"}, None, "it broke"),
    "beside-choices": ({**piece(""), "error": {"message": "it broke"}}, None, "it broke"),
    "error-object": ({"object": "error", "message": "it broke", "code": 500}, "500", "it broke"),
    "type": ({"type": "error", "message": "it broke", "code": "busy"}, "busy", "it broke"),
    "code-and-message": ({"code": "busy", "message": "it broke"}, "busy", "it broke"),
    "choice": ({"choices": [{"index": 0, "delta": {}, "error": {"message": "it broke"}}]}, None, "it broke"),
    "event": (b'event: error\ndata: {"message": "it broke", "code": "busy"}\n\n', "busy", "it broke"),
    "event-with-object": (b'event: error\ndata: {"error": {"message": "it broke"}}\n\n', None, "it broke"),
    "event-with-text": (b"event: error\ndata: it broke\n\n", None, "it broke"),
    "event-with-json-text": (b'event: error\ndata: "it broke"\n\n', None, "it broke"),
    "event-with-marker": (b"event: error\ndata: it broke\n\ndata: [DONE]\n\n", None, "it broke"),
}


# --- the form is told by the first bytes

NO_TYPES = [None, "text/plain", "application/octet-stream", "application/json", ""]


def untyped(body: bytes, media_type: str | None, size: int | None = None) -> list[Any]:
    """A response of this media type, in one HTTP chunk or in chunks of so many bytes, that ends as it should."""
    head = HEAD.replace(
        b"Content-Type: text/event-stream\r\n",
        b"" if media_type is None else b"Content-Type: %b\r\n" % media_type.encode(),
    )
    size = size or len(body) or 1
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return [head, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks), LAST_CHUNK]


@pytest.mark.parametrize("call", [collect, ask])
@pytest.mark.parametrize("media_type", NO_TYPES)
@pytest.mark.parametrize(
    "before",
    [b"", b"\n\n", b"\xef\xbb\xbf", b": hello\n\n", b"event: start\ndata: {}\n\n", b"retry: 5\n", b"id: 1\n"],
)
def test_an_event_stream_without_its_media_type(
    before: bytes, media_type: str | None, call: Callable[[ChatApi], Any]
) -> None:
    with serving(untyped(before + event_stream(*HELLO, DONE), media_type)) as api:
        assert text_of(call(api)) == "Hello"


@pytest.mark.parametrize("before", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_json_as_an_event_stream(before: bytes) -> None:
    body = before + json.dumps(piece("Hello", "stop")).encode()
    for size in (1, 2):
        with serving(
            untyped(body, "text/event-stream", size), untyped(body, "text/event-stream", size)
        ) as api:
            assert [text_of(collect(api)), text_of(ask(api))] == ["Hello", "Hello"]


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n", b"\xef\xbb\xbf \n"])
@pytest.mark.parametrize(
    ("rest", "needed"),
    [
        (b'{"a"', 1),
        (b"data: x", 5),
        (b"event: x", 6),
        (b"id: 1", 3),
        (b"retry: 1", 6),
        (b": x", 1),
        (b"dat x", 4),
    ],
)
def test_the_form_is_told_when_enough_of_the_body_is_here(before: bytes, rest: bytes, needed: int) -> None:
    body = before + rest
    told = [length for length in range(len(body) + 1) if tells_its_form(body[:length])]
    assert told == list(range(len(before) + needed, len(body) + 1))


@pytest.mark.parametrize(
    "body", [b"data plane is down", b"database error", b"", b"  ", b"id", b"<html><title>data: x</title>"]
)
def test_text_without_a_media_type_is_no_stream(body: bytes) -> None:
    with serving(untyped(body, None)) as api:
        error = failure(api)
    assert type(error) is ResponseDecodeException
    assert (error.body or "").encode() == body


def test_a_stream_without_its_media_type_arrives_chunk_by_chunk_and_may_be_lost() -> None:
    gate = Gate()
    head, *_ = untyped(b"", None)
    first, second = (event_stream(event) for event in HELLO[:2])
    steps = [
        head,
        b"%x\r\n%b\r\n" % (len(first), first),
        gate,
        b"%x\r\n%b" % (len(second), second[:20]),
        CLOSE,
    ]
    with serving(steps) as api:
        stream = open_stream(api)
        assert text_of(next(stream)) == "Hel"
        gate.open()
        error = failure(api, lambda api: next(stream))
    assert type(error) is StreamTruncatedException
    assert text_of(error.partial) == "Hel"


@pytest.mark.parametrize("part", [b"da", b"data: {", b"event: x"])
def test_a_stream_that_is_lost_in_its_first_event(part: bytes) -> None:
    steps = [*untyped(part, None)[:-1], CLOSE]
    with serving(steps) as api:
        error = failure(api)
    assert isinstance(error, StreamTruncatedException if part[3:] else ConnectionException)
    assert error.partial is None


@pytest.mark.parametrize("call", [collect, ask])
@pytest.mark.parametrize("case", MIDSTREAM)
def test_an_error_in_the_middle(case: str, call: Callable[[ChatApi], Any]) -> None:
    event, code, message = MIDSTREAM[case]
    with RawServer([[HEAD, *map(http_chunk, [*HELLO[:2], event]), AWAIT_CLOSE]]) as server:
        with connected(server) as api:
            error = failure(api, call)
            server.wait_ended(1)
    assert type(error) is StreamErrorException
    assert (error.code, error.message, error.status) == (code, message, 200)
    assert text_of(error.partial) == "Hello"
    assert message in (error.body or "")
    assert str(error).startswith("it broke")


def test_an_error_before_the_first_chunk_has_no_part() -> None:
    with serving(stream_response({"error": {"message": "it broke"}}, DONE)) as api:
        error = failure(api)
    assert type(error) is StreamErrorException
    assert error.partial is None


def test_an_error_after_the_finish_reason_is_an_error() -> None:
    with serving(stream_response(*HELLO, {"error": "not stored"}, DONE)) as api:
        error = failure(api)
    assert type(error) is StreamErrorException
    assert text_of(error.partial) == "Hello"


def test_an_error_that_is_null_is_none() -> None:
    with serving(stream_response(*[{**event, "error": None} for event in HELLO], DONE)) as api:
        assert text_of(collect(api)) == "Hello"


UNDECODABLE = {
    "broken-json": '{"choices": [',
    "no-object": "[]",
    "choices-of-the-wrong-type": '{"choices": {"index": 0}}',
    "text-of-the-wrong-type": '{"choices": [{"index": 0, "delta": {"content": 1}}]}',
}


@pytest.mark.parametrize("call", [collect, ask])
@pytest.mark.parametrize("case", UNDECODABLE)
def test_an_event_that_is_no_chunk(case: str, call: Callable[[ChatApi], Any]) -> None:
    data = UNDECODABLE[case]
    with RawServer([[HEAD, *map(http_chunk, [*HELLO[:2], data]), AWAIT_CLOSE]]) as server:
        with connected(server) as api:
            error = failure(api, call)
            server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert text_of(error.partial) == "Hello"
    assert error.body == data
    assert isinstance(error.__cause__, ValidationError)


@pytest.mark.parametrize("call", [collect, ask])
def test_silence_in_the_middle(call: Callable[[ChatApi], Any]) -> None:
    with RawServer([[HEAD + http_chunk(*HELLO[:2]), AWAIT_CLOSE]]) as server:
        with connected(server, read_timeout=0.5) as api:
            error = failure(api, call)
            server.wait_ended(1)
    assert type(error) is StreamTimeoutException
    assert isinstance(error, StreamTruncatedException)
    assert isinstance(error, TimeoutException)
    assert isinstance(error.__cause__, TimeoutException)
    assert text_of(error.partial) == "Hello"
    assert error.request_sent


def test_silence_before_the_first_event() -> None:
    with serving([HEAD, AWAIT_CLOSE]) as api:
        stream = api.chat_completion_stream(chat_completion_request=BODY, _request_timeout=0.5)
        error = failure(api, lambda api: next(stream))
    assert type(error) is StreamTimeoutException
    assert error.partial is None


def test_silence_after_all_finish_reasons_is_the_end() -> None:
    with serving([HEAD + http_chunk(*HELLO), AWAIT_CLOSE], read_timeout=0.5) as api:
        assert text_of(collect(api)) == "Hello"


@pytest.mark.parametrize("end", [b"\n\n", b""])
def test_an_event_that_is_too_large(end: bytes) -> None:
    gate = Gate()
    large = b"data: " + json.dumps(piece("x" * 1000)).encode() + end
    with RawServer([[HEAD + http_chunk(HELLO[0]), gate, http_chunk(large), AWAIT_CLOSE]]) as server:
        with connected(server, max_event_bytes=1000) as api:
            stream = open_stream(api)
            assert text_of(next(stream)) == "Hel"
            gate.open()
            error = failure(api, lambda api: next(stream))
            server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert "1000 bytes" in str(error)
    assert text_of(error.partial) == "Hel"
    assert error.__cause__ is not None


def test_what_came_before_a_large_event_is_handed_over() -> None:
    events = [*HELLO[:2], piece("x" * 1000), *HELLO[2:]]
    with serving([HEAD + http_chunk(*events, DONE), LAST_CHUNK], max_event_bytes=1000) as api:
        stream = open_stream(api)
        assert [text_of(next(stream)), text_of(next(stream))] == ["Hel", "lo"]
        error = failure(api, lambda api: next(stream))
    assert type(error) is ResponseDecodeException
    assert text_of(error.partial) == "Hello"


def test_the_limit_is_one_of_each_event_and_not_of_the_stream() -> None:
    events = [piece("x" * 500)] * 20
    with serving(
        stream_response(*events, piece(finish="stop"), DONE), max_event_bytes=1000, max_response_bytes=100
    ) as api:
        assert text_of(collect(api)) == "x" * 10_000


@pytest.mark.parametrize("call", [collect, ask])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_plain_answer_that_is_too_large(framing: Framing, call: Callable[[ChatApi], Any]) -> None:
    content = json.dumps(piece("x" * 5000)).encode()
    response = http_response(200, {"Content-Type": "application/json"}, content, framing)
    with serving(response, max_response_bytes=5000) as api:
        error = failure(api, call)
    assert type(error) is ResponseDecodeException
    assert "5000 bytes" in str(error)
    assert content.decode().startswith(error.body)
    assert error.body
    with serving(response, max_response_bytes=len(content)) as api:
        assert text_of(call(api)) == "x" * 5000


def test_an_event_stream_that_is_too_large_for_a_plain_answer() -> None:
    gate = Gate()
    with RawServer([[HEAD + http_chunk(*HELLO), gate, http_chunk(piece("x" * 5000)), AWAIT_CLOSE]]) as server:
        gate.open()
        with connected(server, max_response_bytes=5000) as api:
            error = failure(api, ask)
        server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert "5000 bytes" in str(error)
    assert text_of(error.partial) == "Hello"


def test_a_stream_that_cannot_be_decompressed() -> None:
    parts = framed(stream_response(*HELLO, DONE), "gzip-content-length")
    gate = Gate()
    with RawServer([[*parts[:2], gate, b"not gzip at all", AWAIT_CLOSE]]) as server:
        with connected(server) as api:
            stream = open_stream(api)
            assert text_of(next(stream)) == "Hel"
            gate.open()
            error = failure(api, lambda api: next(stream))
            server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert text_of(error.partial) == "Hel"
    assert error.__cause__ is not None


# --- left early: the connection is closed

ENDLESS = [HEAD + http_chunk(HELLO[0]), AWAIT_CLOSE]


def leave_with_block(api: ChatApi) -> Any:
    with open_stream(api) as stream:
        next(stream)
    assert list(stream) == []
    return stream


def leave_with_block_unread(api: ChatApi) -> Any:
    with open_stream(api) as stream:
        pass
    return stream


def leave_by_close(api: ChatApi) -> Any:
    stream = open_stream(api)
    next(stream)
    stream.close()
    stream.close()
    assert next(stream, None) is None
    return stream


def leave_by_close_unread(api: ChatApi) -> Any:
    stream = open_stream(api)
    stream.close()
    assert list(stream) == []
    return stream


def leave_by_break_and_del(api: ChatApi) -> None:
    stream = open_stream(api)
    for _ in stream:
        break
    del stream


def leave_by_break(api: ChatApi) -> None:
    for _ in open_stream(api):
        break


def leave_unread(api: ChatApi) -> None:
    open_stream(api)


def leave_by_error(api: ChatApi) -> Any:
    with pytest.raises(KeyError) as caught, open_stream(api) as stream:
        next(stream)
        raise KeyError
    return stream, caught


def leave_by_error_in_loop(api: ChatApi) -> Any:
    with pytest.raises(KeyError) as caught:
        for _ in open_stream(api):
            raise KeyError
    return caught


def leave_by_keyboard_interrupt(api: ChatApi) -> Any:
    with pytest.raises(KeyboardInterrupt) as caught, open_stream(api) as stream:
        for _ in stream:
            raise KeyboardInterrupt
    return stream, caught


def leave_text(api: ChatApi) -> None:
    for _ in open_stream(api).text:
        break


def leave_text_held(api: ChatApi) -> None:
    text = open_stream(api).text
    assert next(text) == "Hel"
    del text


# Each returns what a caller may go on holding.
LEAVE = [
    leave_with_block,
    leave_with_block_unread,
    leave_by_close,
    leave_by_close_unread,
    leave_by_break_and_del,
    leave_by_break,
    leave_unread,
    leave_by_error,
    leave_by_error_in_loop,
    leave_by_keyboard_interrupt,
    leave_text,
    leave_text_held,
]


@pytest.mark.parametrize("leave", LEAVE, ids=lambda leave: leave.__name__)
def test_a_stream_left_early_closes_its_connection(leave: Callable[[ChatApi], Any]) -> None:
    gc.disable()  # it is to happen at once, not when the collector runs
    try:
        with RawServer([ENDLESS, HELLO_STREAM]) as server, connected(server) as api:
            held = leave(api)
            server.wait_ended(1)
            assert text_of(collect(api)) == "Hello"  # over a new connection
            assert server.connections == 2
            del held
    finally:
        gc.enable()


def test_a_body_of_json_left_unread_closes_its_connection() -> None:
    response = [HELLO_WHOLE[:-5], AWAIT_CLOSE]
    with RawServer([response, response, HELLO_STREAM]) as server, connected(server) as api:
        with open_stream(api):
            pass
        open_stream(api)
        server.wait_ended(2)
        assert text_of(collect(api)) == "Hello"


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """Interrupts raise, also where they are ignored, as in a job in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupt_while_waiting_closes_the_connection() -> None:
    gate = Gate()
    reader = threading.main_thread().ident
    assert reader is not None

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(HEAD + http_chunk(*HELLO[:2]))
        connection.wait_for(gate)
        # Until the client leaves. A signal that comes just before the wait for bytes begins does not end the wait.
        while not select.select([connection.socket], [], [], 0.02)[0]:
            if sys._current_frames()[reader].f_code.co_name == "readinto":
                signal.pthread_kill(reader, signal.SIGINT)

    with RawServer(handler=handler) as server, connected(server) as api:
        stream = open_stream(api)
        assert [text_of(next(stream)), text_of(next(stream))] == ["Hel", "lo"]
        gate.open()
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        server.wait_ended(1)
        assert text_of(stream.merged) == "Hello"
        assert list(stream) == []


def test_whatever_else_goes_wrong_closes_the_connection() -> None:
    class Decoder:
        ignored = None

        def event(self, *args: Any) -> Any:
            raise KeyboardInterrupt  # here it may come as well

        def plain(self, reasons: Any) -> Any:
            return self.event

        whole = merged = event

    with RawServer([ENDLESS]) as server:
        client = RESTClientObject(Configuration())
        response = client.request("POST", server.url, {}, b"", (5, 30))
        stream: Stream[Any] = Stream(response, Decoder(), max_event_bytes=1000, max_response_bytes=1000)
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        server.wait_ended(1)
        assert list(stream) == []


def test_many_streams_left_early_leave_no_descriptor_open() -> None:
    def handler(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.play(ENDLESS)

    with RawServer(handler=handler) as server, connected(server) as api:
        leave_by_break(api)
        server.wait_ended(1)
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(50):
            leave_by_break(api)
        server.wait_ended(51)
        assert not before or len(os.listdir("/proc/self/fd")) <= before


# --- ended well: the connection is used again


@pytest.mark.parametrize(
    "framing", ["chunked", "chunked-one", "content-length", "gzip-chunked", "gzip-content-length"]
)
def test_a_stream_read_to_its_end_returns_its_connection(framing: Framing) -> None:
    stream = stream_response(*HELLO, DONE, framing=framing)
    without_marker = stream_response(*HELLO, framing=framing)
    responses = [stream, HELLO_WHOLE, stream, stream, HELLO_WHOLE, without_marker, stream, HELLO_WHOLE]
    with RawServer(responses) as server, connected(server) as api:
        for number in range(len(responses)):
            assert text_of(ask(api) if number % 3 == 1 else collect(api)) == "Hello"
    assert server.connections == 1
    assert len(server.requests) == len(responses)


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: list(stream.text),
        lambda stream: [next(stream, None) for _ in range(9)],
        lambda stream: stream.__enter__().collect(),
    ],
)
def test_any_way_of_reading_to_the_end_returns_the_connection(read: Callable[[Any], Any]) -> None:
    with RawServer([HELLO_STREAM] * 3) as server, connected(server) as api:
        for _ in range(3):
            stream = open_stream(api)
            read(stream)
            stream.close()
        assert server.connections == 1


def test_the_last_http_chunk_may_come_later_than_the_end_of_the_stream() -> None:
    response = [HEAD + http_chunk(*HELLO[:2]), http_chunk(HELLO[2], DONE), LAST_CHUNK[:1], LAST_CHUNK[1:]]
    with RawServer([response] * 20) as server, connected(server) as api:
        for _ in range(20):
            assert text_of(collect(api)) == "Hello"
        # One that took unusually long is not waited for.
        assert server.connections < 5


LEFTOVERS = {
    "comment": http_chunk(b": bye\n\n"),
    "chunks": http_chunk(piece(" and more")) + http_chunk(DONE),
    "error": http_chunk({"error": "too late"}),
    "no-event": http_chunk(b"\x00\xff" * 1000),
    "trailer": LAST_CHUNK[:-2] + b"X-Trailer: 1\r\n\r\n",
}


@pytest.mark.parametrize("case", LEFTOVERS)
def test_what_follows_the_end_is_passed_over(case: str) -> None:
    end = b"" if case == "trailer" else LAST_CHUNK
    response = HEAD + http_chunk(*HELLO, DONE) + LEFTOVERS[case] + end
    with RawServer([response, HELLO_WHOLE, response]) as server, connected(server) as api:
        assert text_of(collect(api)) == "Hello"
        assert text_of(ask(api)) == "Hello"
        assert text_of(ask(api)) == "Hello"
    assert server.connections == 1


NOT_WORTH_KEEPING = {
    "too-much": [HEAD + http_chunk(*HELLO, DONE) + http_chunk(b"x" * 300_000) + LAST_CHUNK],
    "never-ends": [HEAD + http_chunk(*HELLO, DONE), AWAIT_CLOSE],
    "never-ends-until-close": [
        stream_response(*HELLO, DONE, framing="until-close").replace(b"Connection: close\r\n", b""),
        AWAIT_CLOSE,
    ],
    "never-as-long-as-announced": [
        stream_response(*HELLO, DONE, framing="content-length").replace(b"Length: ", b"Length: 1"),
        AWAIT_CLOSE,
    ],
    "never-ends-gzip": [
        b"".join(framed(stream_response(*HELLO, DONE), "gzip-chunked")[:-1]),
        AWAIT_CLOSE,
    ],
    "cut-off": [HEAD + http_chunk(*HELLO, DONE), CLOSE],
    "reset": [HEAD + http_chunk(*HELLO, DONE), RESET],
    "no-chunk": [HEAD + http_chunk(*HELLO, DONE) + b"this is no chunk\r\n", AWAIT_CLOSE],
    "connection-close": [HELLO_STREAM.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)],
    "until-close": [stream_response(*HELLO, DONE, framing="until-close")],
    "gzip-until-close": [stream_response(*HELLO, DONE, framing="gzip-until-close")],
    "http-1.0": [stream_response(*HELLO, DONE, framing="until-close").replace(b"HTTP/1.1", b"HTTP/1.0")],
}


@pytest.mark.parametrize("case", NOT_WORTH_KEEPING)
def test_a_connection_not_worth_keeping_is_closed_without_an_error(case: str) -> None:
    answer, *then = NOT_WORTH_KEEPING[case]
    gate = Gate()
    with RawServer([[answer, gate, *then], HELLO_WHOLE]) as server, connected(server) as api:
        stream = open_stream(api)
        gate.open()  # now that the client has what was sent, a reset takes nothing away
        assert text_of(stream.collect()) == "Hello"
        server.wait_ended(1)
        assert text_of(ask(api)) == "Hello"
    assert server.connections == 2


def test_a_server_that_goes_on_slowly_after_the_end_is_left() -> None:
    left: list[bool] = []

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(HEAD + http_chunk(*HELLO, DONE))
        for _ in range(80):
            # Again and again before the wait for leftovers is over. Only a client that leaves can be read from.
            if select.select([connection.socket], [], [], 0.05)[0]:
                left.append(True)
                return
            try:
                connection.send(http_chunk(b": ping\n\n"))
            except Disconnected:
                left.append(True)
                return
        left.append(False)

    with RawServer(handler=handler) as server, connected(server) as api:
        assert text_of(collect(api)) == "Hello"
        server.wait_ended(1)
    assert left == [True]


def test_streams_side_by_side_have_connections_of_their_own() -> None:
    gate = Gate()
    slow = [HEAD + http_chunk(HELLO[0]), gate, http_chunk(*HELLO[1:], DONE) + LAST_CHUNK]
    with RawServer([slow, slow, HELLO_WHOLE, HELLO_STREAM]) as server, connected(server) as api:
        first, second = open_stream(api), open_stream(api)
        assert (text_of(next(first)), text_of(next(second))) == ("Hel", "Hel")
        assert text_of(ask(api)) == "Hello"
        gate.open(2)
        assert (text_of(second.collect()), text_of(first.collect())) == ("Hello", "Hello")
        assert text_of(collect(api)) == "Hello"
    assert server.connections == 3
