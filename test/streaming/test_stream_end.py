"""The end of a stream: complete, truncated, or with an error; and the form of a body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    RESET,
    Framing,
    Gate,
    RawServer,
    event_stream,
    framed,
    http_response,
    stream_response,
)
from support.streams import (
    BODY,
    DONE,
    HEAD,
    HELLO,
    HELLO_STREAM,
    LAST_CHUNK,
    ask,
    collect,
    connected,
    failure,
    http_chunk,
    open_stream,
    piece,
    serving,
    text_of,
)
from tachyon_sdk import (
    ChatApi,
)
from tachyon_sdk.exceptions import (
    ConnectionException,
    ResponseDecodeException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)
from tachyon_sdk.streaming.stream import _tells_its_form as tells_its_form

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
