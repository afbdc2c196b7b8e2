"""The event stream decoder against the rules of WHATWG HTML 9.2.5 and 9.2.6, and against a plain second reader."""

from __future__ import annotations

import itertools
import sys
import tracemalloc
from collections.abc import Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from support import reference_sse
from support.messages import cut_at, cut_every, recorded, recorded_names, split_response
from tachyon_sdk.streaming.sse import EventDecoder, EventTooLargeError, ServerSentEvent


def decode(*pieces: bytes, limit: int | None = None) -> list[ServerSentEvent]:
    decoder = EventDecoder(limit)
    return [event for piece in pieces for event in decoder.feed(piece)]


def data_of(*pieces: bytes) -> list[bytes]:
    return [data for _, data, _ in decode(*pieces)]


def assert_like_reference(pieces: Iterable[bytes]) -> None:
    """After every piece the decoder must know just what the reference reads from all bytes so far."""
    decoder = EventDecoder()
    fed = b""
    events: list[tuple[str, str, str]] = []
    for piece in pieces:
        fed += piece
        events += [(kind, data.decode(), event_id) for kind, data, event_id in decoder.feed(piece)]
        assert (events, decoder.last_event_id, decoder.retry) == reference_sse.read(fed)


# Streams in the manner of the standard's examples, and one or more for each rule: (stream, events).
RULES = {
    "nothing": (b"", []),
    "several data lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", b"YHOO\n+2\n10", "")]),
    "comment, id, id reset, leading space": (
        b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
        [("message", b"first", "1"), ("message", b"second", ""), ("message", b" third", "")],
    ),
    "data without value": (b"data\n\ndata\ndata\n\ndata:", [("message", b"", ""), ("message", b"\n", "")]),
    "space is optional": (b"data:test\n\ndata: test\n\n", [("message", b"test", "")] * 2),
    "named events": (
        b"event: add\ndata: 1\n\nevent: remove\ndata: 2\n\n",
        [("add", b"1", ""), ("remove", b"2", "")],
    ),
    "LF": (b"data: 1\n\ndata: 2\n\n", [("message", b"1", ""), ("message", b"2", "")]),
    "CR": (b"data: 1\r\rdata: 2\r\r", [("message", b"1", ""), ("message", b"2", "")]),
    "CRLF": (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [("message", b"1", ""), ("message", b"2", "")]),
    "LF CR is two line ends": (b"data: 1\n\rdata: 2\n\r", [("message", b"1", ""), ("message", b"2", "")]),
    "CR, then CRLF": (b"data: 1\r\r\ndata: 2\r\r\n", [("message", b"1", ""), ("message", b"2", "")]),
    "CRLF, then LF": (b"data: 1\r\n\ndata: 2\r\n\n", [("message", b"1", ""), ("message", b"2", "")]),
    "CR inside a common block": (b": x\n\ndata: 1\rdata: 2\n\n", [("message", b"1\n2", "")]),
    "LF inside a common block": (b": x\n\ndata: 1\ndata: 2\r\n\r\n", [("message", b"1\n2", "")]),
    "no other line ends": (
        "data: \v\f\x1c\x1d\x1e\x85\u2028\u2029\n\n".encode(),
        [("message", "\v\f\x1c\x1d\x1e\x85\u2028\u2029".encode(), "")],
    ),
    "byte order mark": (b"\xef\xbb\xbfdata: 1\n\n", [("message", b"1", "")]),
    "byte order mark before a blank line": (b"\xef\xbb\xbf\n\ndata: 1\n\n", [("message", b"1", "")]),
    "only one byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\ndata: 2\n\n", [("message", b"2", "")]),
    "byte order mark only at the start": (b"\n\xef\xbb\xbfdata: 1\ndata: 2\n\n", [("message", b"2", "")]),
    "byte order mark after a common event": (
        b"data: 1\n\n\xef\xbb\xbfdata: 2\ndata: 3\n\n",
        [("message", b"1", ""), ("message", b"3", "")],
    ),
    "byte order mark in data": (b"data: \xef\xbb\xbf\n\n", [("message", b"\xef\xbb\xbf", "")]),
    "half a byte order mark": (b"\xef\xbbdata: 1\ndata: 2\n\n", [("message", b"2", "")]),
    "comments": (b":\n:data: 0\ndata: 1\n: x\ndata: 2\n:\n\n", [("message", b"1\n2", "")]),
    "heartbeat between events": (b": ping\n\ndata: 1\n\n: ping\n\n", [("message", b"1", "")]),
    "unknown fields": (b"foo: 1\nDATA: 2\ndata : 3\n data: 4\ndatax\ndata: 5\n\n", [("message", b"5", "")]),
    "unknown field that ends like a common event": (b"data: 1\n\nxdata: 2\n\n", [("message", b"1", "")]),
    "comment that ends like a common event": (b"data: 1\r\r:data: 2\n\n", [("message", b"1", "")]),
    "only the first colon counts": (b"data: a:b: c\n\n", [("message", b"a:b: c", "")]),
    "one space is dropped, a tab is not": (
        b"data:   a \ndata:\tb\n\n",
        [("message", b"  a \n\tb", "")],
    ),
    "empty event name": (b"event: add\nevent:\ndata: 1\n\n", [("message", b"1", "")]),
    "last event name": (b"event: a\nevent: b\ndata: 1\n\n", [("b", b"1", "")]),
    "event name lasts for one event": (
        b"event: a\ndata: 1\n\ndata: 2\n\n",
        [("a", b"1", ""), ("message", b"2", "")],
    ),
    "no data, no event, name reset": (b"event: a\n\ndata: 1\n\n", [("message", b"1", "")]),
    "id persists": (b"id: 7\ndata: 1\n\ndata: 2\n\n", [("message", b"1", "7"), ("message", b"2", "7")]),
    "id without data": (b"id: 7\n\ndata: 1\n\n", [("message", b"1", "7")]),
    "id after data": (b"data: 1\nid: 7\n\n", [("message", b"1", "7")]),
    "id with NUL": (b"id: 7\nid: 8\0\ndata: 1\n\n", [("message", b"1", "7")]),
    "NUL elsewhere": (b"event: \0\ndata: \0\n\n", [("\0", b"\0", "")]),
    "not UTF-8 in any field": (
        b"event: \xff\nid: \xc0\xaf\ndata: \xe6\x97\ndata: \xed\xa0\x80\n\n",
        [("\ufffd", "\ufffd\n\ufffd\ufffd\ufffd".encode(), "\ufffd\ufffd")],
    ),
    "not UTF-8 in a field name": (b"\xffdata: 1\ndata: 2\n\n", [("message", b"2", "")]),
    "unfinished line": (b"data: 1\n\ndata: 2", [("message", b"1", "")]),
    "unfinished event": (b"data: 1\n\ndata: 2\n", [("message", b"1", "")]),
}


@pytest.mark.parametrize(("stream", "events"), RULES.values(), ids=RULES)
def test_rules(stream: bytes, events: list[ServerSentEvent]) -> None:
    assert decode(stream) == events
    assert decode(*cut_every(stream, 1)) == events
    assert_like_reference([stream])
    assert_like_reference([b"\n", stream])


@pytest.mark.parametrize("stream", [stream for stream, _ in RULES.values()], ids=RULES)
def test_every_pair_of_cuts(stream: bytes) -> None:
    decoded = decode(stream)
    for positions in itertools.combinations(range(len(stream) + 1), 2):
        assert decode(*cut_at(stream, positions)) == decoded


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_an_event_is_returned_with_the_first_byte_that_completes_it(end: bytes) -> None:
    decoder = EventDecoder()
    for number in (b"1", b"2"):
        assert decoder.feed(b"data: " + number + end) == []
        # CR is a line end of its own: waiting for LF would hold the event back until more arrives.
        assert decoder.feed(end[:1]) == [("message", number, "")]
        assert decoder.feed(end[1:]) == []


def test_empty_pieces_change_nothing() -> None:
    pieces = [b"data: 1\r", b"\n", b"data: 2\r", b"\n\r", b"\n", b"data: 3\n\n"]
    assert decode(*[part for piece in pieces for part in (b"", piece, b"")]) == decode(*pieces)
    assert data_of(*pieces) == [b"1\n2", b"3"]


@pytest.mark.parametrize(
    ("field", "retry"),
    [
        (b"retry: 1500", 1500),
        (b"retry:0", 0),
        (b"retry: 007", 7),
        (b"retry: " + b"9" * 640, int("9" * 640)),
        (b"retry", None),
        (b"retry:", None),
        (b"retry: -1", None),
        (b"retry: +1", None),
        (b"retry: 1.5", None),
        (b"retry: 1_000", None),
        (b"retry:  1", None),
        (b"retry: 1 ", None),
        ("retry: ١".encode(), None),
        ("retry: ²".encode(), None),
        (
            b"retry: " + b"9" * 10_000,
            None,
        ),  # more than int() may accept: our own limit, the standard has none
    ],
    ids=lambda value: repr(value)[:20],
)
def test_retry(field: bytes, retry: int | None) -> None:
    decoder = EventDecoder()
    assert decoder.feed(field) == []
    assert decoder.retry is None
    decoder.feed(b"\n")
    assert decoder.retry == retry
    decoder.feed(b"retry: 20\nretry: x\n")
    assert decoder.retry == 20


def test_last_event_id_counts_from_the_blank_line() -> None:
    decoder = EventDecoder()
    decoder.feed(b"id: 1\n\nid: 2\n")
    assert decoder.last_event_id == "1"
    assert decoder.feed(b"\ndata: x\n\n") == [("message", b"x", "2")]
    assert decoder.last_event_id == "2"


BYTES_AT_THE_EDGES_OF_UTF8 = bytes.fromhex("00417f80898f909fa0bfc1c2dfe0e1ecedeeeff0f1f3f4f5ff")


def test_invalid_utf8_is_replaced_as_the_standard_says() -> None:
    sequences = [
        bytes(sequence)
        for length in (1, 2, 3)
        for sequence in itertools.product(BYTES_AT_THE_EDGES_OF_UTF8, repeat=length)
    ]
    sequences += [
        bytes([lead, *rest])
        for lead in b"\xf0\xf1\xf3\xf4"
        for rest in itertools.product(b"A\x7f\x80\x8f\x90\xbf\xc2\xe0\xf4\xff", repeat=3)
    ]
    decoder = EventDecoder()
    decoder.feed(b"\n")
    for sequence in sequences:
        expected = reference_sse.utf8_decode(b"data: " + sequence)[6:].encode()
        assert decoder.feed(b"data: " + sequence + b"\n\n") == [("message", expected, "")]
        assert decoder.feed(b"data:" + sequence + b"\n\n") == [("message", expected, "")]


def test_invalid_utf8_does_not_join_over_the_end_of_an_event() -> None:
    block = b"data: \xe6\x97\n\ndata: \xa5\n\n"
    assert data_of(b"\n", block) == ["\ufffd".encode()] * 2
    assert data_of(b"\n", block.replace(b"\n", b"\r\n")) == ["\ufffd".encode()] * 2


SYNTAX = [
    b"data",
    b"event",
    b"id",
    b"retry",
    b":",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\n\r\n",
    b"7",
    b"x",
]
FIELDS = [
    b"data: x",
    b"data:x\n",
    b"event: e\n",
    b"id: 1\n",
    b"id: 2\0\n",
    b"retry: 3\n",
    b": c\n",
    b"data\n",
]
COMMON = [b"data: x\n\n", b'data: {"a": 1}\n\n', "data: 日本\n\n".encode(), b"data: x\r\n\r\n", b"data: \n\n"]
TEXT = [
    b"\xef\xbb\xbf",
    b"\xef\xbb",
    b"\xbf",
    b"\xe6\x97",
    b"\xa5",
    b"\xff",
    b"\0",
    b"\v",
    "\x85\u2028".encode(),
]

tokens = st.sampled_from(SYNTAX) | st.sampled_from(FIELDS) | st.sampled_from(COMMON) | st.sampled_from(TEXT)
mostly_common = st.integers(0, 9).flatmap(lambda die: tokens if die == 0 else st.sampled_from(COMMON))
streams = (
    st.lists(tokens, max_size=30).map(b"".join)
    | st.lists(mostly_common, max_size=15).map(b"".join)
    | st.binary(max_size=60)
)


@settings(deadline=None, max_examples=500)
@given(stream=streams, positions=st.lists(st.integers(0, 250), max_size=8))
@example(stream=b"data: x\r\n\r\ndata: y\r\n\r\n", positions=[10, 10, 11])
def test_like_the_reference_for_any_bytes_and_any_cuts(stream: bytes, positions: list[int]) -> None:
    pieces = cut_at(stream, positions)
    assert_like_reference(pieces)
    assert_like_reference([b"\n", *pieces])


@settings(deadline=None)
@given(stream=streams, positions=st.lists(st.integers(0, 250), max_size=8), limit=st.integers(1, 30))
def test_the_limit_does_not_depend_on_the_cuts(stream: bytes, positions: list[int], limit: int) -> None:
    def outcome(pieces: Iterable[bytes]) -> list[ServerSentEvent] | type[ValueError]:
        try:
            return decode(b"\n", *pieces, limit=limit)
        except EventTooLargeError:
            return EventTooLargeError

    cut = outcome(cut_at(stream, positions))
    assert cut == outcome([stream])
    if cut is not EventTooLargeError:
        assert cut == decode(b"\n", stream)


@pytest.mark.parametrize(
    "name",
    [name for name in recorded_names() if b"text/event-stream" in recorded(name).partition(b"\r\n\r\n")[0]],
)
def test_recorded_streams(name: str) -> None:
    _, body = split_response(recorded(name))
    expected = reference_sse.read(body).events
    assert len(expected) > 1
    for size in (1, 2, 7, 300, len(body)):
        decoded = decode(*cut_every(body, size))
        assert [(kind, data.decode(), event_id) for kind, data, event_id in decoded] == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_many_events_in_large_pieces(end: bytes) -> None:
    payloads = [b'{"number": %d, "text": "\xe6\x97\xa5"}' % number for number in range(5000)]
    stream = b"".join(b"data: " + payload + 2 * end for payload in payloads)
    for size in (997, 65536):
        assert data_of(*cut_every(stream, size)) == payloads


def test_limit() -> None:
    line = b"data: 4567"
    for pieces in ([line + b"\n\n"], cut_every(line + b"\n\n", 1), [b"\n", line + b"\n\n"]):
        assert decode(*pieces, limit=10) == [("message", b"4567", "")]
        with pytest.raises(EventTooLargeError, match="more than 9 bytes") as caught:
            decode(*pieces, limit=9)
        assert caught.value.limit == 9
        assert isinstance(caught.value, ValueError)
    # Each event counts for itself, and so does each comment.
    assert len(decode(b"data: 1\n\n" * 100, limit=10)) == 100
    assert decode(b": a comment\n" * 100, limit=12) == []
    with pytest.raises(EventTooLargeError):
        decode(b"data: 1\n" * 10, limit=20)


@pytest.mark.parametrize(
    "text", [b"x", b"data: " + b"x" * 100 + b"\n", b"data\n"], ids=["line", "data", "no value"]
)
def test_limit_holds_before_memory_grows(text: bytes) -> None:
    limit, size = 2**16, 1024
    piece = (text * size)[:size]
    decoder = EventDecoder(limit)
    decoder.feed(b"data: ")
    tracemalloc.start()
    try:
        with pytest.raises(EventTooLargeError):
            for _ in range(10 * limit // len(piece)):
                assert decoder.feed(piece) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.25 * limit + 64 * size  # a bytearray that grows takes an eighth more at once


PENDING = 4 * 2**20


@pytest.mark.parametrize(
    ("pending", "piece"),
    [
        (b"data: " + b"x" * PENDING, b"x" * 64),
        (b"data: " + b"x" * PENDING + b"\ndata: ", b"x" * 64),
        (b"data: " + b"x" * PENDING + b"\n", b"data: " + b"x" * 57 + b"\n"),
        (b"data: " + b"x" * PENDING + b"\r\n", b"data: " + b"x" * 56 + b"\r\n"),
    ],
    ids=["first line", "second line", "whole lines", "whole CRLF lines"],
)
def test_a_piece_costs_what_it_weighs_whatever_is_pending(pending: bytes, piece: bytes) -> None:
    """Linear time, without a clock: no call looks at the pending bytes again, and nothing copies them."""
    looked_at = 0

    def count(frame: FrameType, event: str, function: Any) -> None:
        nonlocal looked_at
        if event == "c_call" and function.__name__ != "append":  # that takes the same time at any length
            owner = function.__self__
            looked_at += len(owner) if isinstance(owner, bytes | bytearray) else 0

    decoder = EventDecoder()
    pieces = [piece] * 100
    tracemalloc.start()
    try:
        for part in cut_every(pending, 65536):
            decoder.feed(part)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        sys.setprofile(count)
        for part in pieces:
            decoder.feed(part)
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        sys.setprofile(None)
        tracemalloc.stop()
    assert before > PENDING
    assert peak - before < PENDING // 4  # a bytearray that grows takes an eighth more at once
    assert 0 < looked_at < 10 * len(piece) * len(pieces)


def test_ten_megabytes_in_one_line() -> None:
    line = b"x" * 10 * 2**20
    assert data_of(*cut_every(b"data: " + line + b"\n\n", 1024)) == [line]
