"""Answers on a connection that fails: cut off, broken off, silent or cut anew, at every byte and in all framings.

What is right after each byte is worked out here from the bytes that were sent, never with the package.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from reliability.fault_server import FaultServer

from support.messages import received_body
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    RESET,
    Framing,
    Gate,
    RawServer,
    Step,
    events_of,
    framed,
    http_response,
    recorded,
    recorded_names,
    reframe,
    split_response,
    stream_response,
)
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    ResponseDecodeException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)

pytestmark = pytest.mark.exhaustive

BODY = {"messages": [{"role": "user", "content": "Hello"}]}

# The content of the recordings, as short as possible: each byte is tested many times.
STREAM = stream_response(
    '{"choices":[{"delta":{"role":"assistant"}}]}',
    '{"choices":[{"delta":{"content":"né"}}]}',
    '{"choices":[{"delta":{"content":"🙂"}}]}',
    '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
    '{"choices":[],"usage":{"total_tokens":3}}',
    "[DONE]",
)
WHOLE = http_response(
    200,
    {"Content-Type": "application/json"},
    '{"choices":[{"message":{"role":"assistant","content":"né🙂"},"finish_reason":"stop"}],'
    '"usage":{"total_tokens":3}}',
)
ANSWER: dict[str, Any] = {
    "choices": [{"delta": {"role": "assistant", "content": "né🙂"}, "finish_reason": "stop"}],
    "usage": {"total_tokens": 3},
}
# The merged response after no event, after the first, and so on.
PARTS: list[dict[str, Any] | None] = [
    None,
    {"choices": [{"delta": {"role": "assistant"}}]},
    {"choices": [{"delta": {"role": "assistant", "content": "né"}}]},
    {"choices": [{"delta": {"role": "assistant", "content": "né🙂"}}]},
    {"choices": ANSWER["choices"]},
    ANSWER,
    ANSWER,
]
FINISHED = 4  # events: every choice has its finish reason

Call = Callable[..., Any]
CALLS: dict[str, Call] = {
    "plain": lambda api, body=BODY, **options: api.chat_completion(chat_completion_request=body, **options),
    "stream": lambda api, body=BODY, **options: api.chat_completion_stream(
        chat_completion_request=body, **options
    ).collect(),
}

Outcome = tuple[type[ApiException] | None, Any, str]
"""Class of the error or None, full or partial response, and body of the error."""


def seen(value: Any) -> Any:
    """Return a response as JSON values, without nulls."""
    value = value.to_dict() if hasattr(value, "to_dict") else value
    if isinstance(value, dict):
        return {name: seen(part) for name, part in value.items() if part is not None}
    return [seen(part) for part in value] if isinstance(value, list) else value


def outcome_of(call: Call, *args: Any, **options: Any) -> Outcome:
    try:
        answer = call(*args, **options)
    except ApiException as caught:
        error = caught
    else:
        return None, seen(answer), ""
    assert (error.attempts, error.previous) == (1, ())
    return type(error), seen(error.partial), error.body or ""


def events_in(body: bytes) -> int:
    """How many events have arrived; the last one may lack its blank line."""
    *whole, rest = body.split(b"\n\n")
    try:
        json.loads(rest.removeprefix(b"data: "))
    except ValueError:
        return len(whole)
    return len(whole) + 1


def right(raw: bytes, position: int, fault: Step) -> list[Outcome]:
    """What is right where a fault comes after so many bytes of the response."""
    sent = raw[:position]
    silent, ended = fault is AWAIT_CLOSE, fault is CLOSE
    lost = TimeoutException if silent else ConnectionException
    is_stream = b"text/event-stream" in sent
    # A head truncated between two lines looks complete.
    if b"\r\n\r\n" not in sent and not (ended and is_stream):
        return [(lost, None, "")]
    body = received_body(sent)
    if is_stream:
        events = events_in(body)
        if events >= FINISHED:
            return [(None, PARTS[events], "")]
        return [(StreamTimeoutException if silent else StreamTruncatedException, PARTS[events], "")]
    error = lost, None, body.decode(errors="replace")
    if ended and b"\r\nConnection: close\r\n" in raw:
        if body == split_response(WHOLE)[1]:
            return [(None, ANSWER, "")]
        return [(ResponseDecodeException if body else lost, *error[1:])]
    if ended and b"\r\nTransfer-Encoding: chunked\r\n" in raw and position >= len(raw) - len("\r\n\r\n"):
        # The last chunk size has arrived, so the response is complete; only the final line ends are missing.
        return [(None, ANSWER, ""), error]
    return [error]


RESPONSES = {
    (shape, framing): reframe(raw, framing)
    for shape, raw in {"stream": STREAM, "whole": WHOLE}.items()
    for framing in FRAMINGS
}


def _positions() -> dict[tuple[str, Framing], list[int]]:
    """Where each may break off, but for the places where the same was sent in one that comes before it."""
    positions: dict[tuple[str, Framing], list[int]] = {}
    sent: set[bytes] = set()
    for key, raw in RESPONSES.items():
        positions[key] = [position for position in range(len(raw)) if raw[:position] not in sent]
        sent.update(raw[:position] for position in positions[key])
    return positions


POSITIONS = _positions()
every_response = pytest.mark.parametrize(("shape", "framing"), [key for key in RESPONSES if POSITIONS[key]])


@contextmanager
def client_of(url: str) -> Iterator[ChatApi]:
    settings = Configuration(host=url, operator_id="tn_1", access_token="token", retries=0)
    with ApiClient(settings) as client:
        yield ChatApi(client)


# --- cut off, broken off


@every_response
def test_a_response_closed_anywhere_is_complete_or_an_error_with_the_partial_response(
    shape: str, framing: Framing
) -> None:
    raw = RESPONSES[shape, framing]
    with FaultServer() as server, client_of(server.url) as api:
        for position in POSITIONS[shape, framing]:
            server.answer(raw[:position], CLOSE)
            outcome = outcome_of(CALLS["stream" if position % 2 else "plain"], api)
            assert outcome in right(raw, position, CLOSE), position
        assert server.requests == len(POSITIONS[shape, framing])


@every_response
def test_a_response_reset_anywhere_is_complete_or_an_error_with_the_partial_response(
    shape: str, framing: Framing
) -> None:
    raw = RESPONSES[shape, framing]
    with FaultServer() as server, client_of(server.url) as api:
        for position in POSITIONS[shape, framing]:
            came = [position]
            if position % 2 and b"\r\n\r\n" in raw[:position]:
                server.answer(raw[:position], AWAIT_CLOSE)
                # It returns when it has the head, and with it the rest of what was sent.
                stream = api.chat_completion_stream(chat_completion_request=BODY)
                server.reset()
                outcome = outcome_of(stream.collect)
            else:
                server.answer(raw[:position], RESET)
                outcome = outcome_of(CALLS["plain"], api)
                # A reset may take away what the client has not read yet.
                came = list(range(position, -1, -1))
            assert any(outcome in right(raw, end, RESET) for end in came), position
        assert server.requests == len(POSITIONS[shape, framing])


TWO_CHOICES = stream_response(
    '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    '{"choices":[{"index":1,"delta":{"content":"b"}}]}',
    '{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}',
)


def test_two_choices_closed_anywhere_are_complete_if_both_are() -> None:
    head = len(split_response(TWO_CHOICES)[0])
    with FaultServer() as server, client_of(server.url) as api:
        for position in range(head, len(TWO_CHOICES)):
            events = events_in(received_body(TWO_CHOICES[:position]))
            server.answer(TWO_CHOICES[:position], CLOSE)
            ask = CALLS["stream" if position % 2 else "plain"]
            kind, answer, _ = outcome_of(lambda ask=ask: ask(api, body={**BODY, "n": 2}))
            assert kind is (None if events >= 4 else StreamTruncatedException), position
            texts = {
                index: text for index, text in texts_of(answer["choices"] if answer else []).items() if text
            }
            assert texts == ({0: "a", 1: "b"} if events > 2 else {0: "a"} if events else {}), position


# --- silent


@every_response
def test_a_response_stalled_anywhere_is_complete_or_an_error_with_the_partial_response(
    shape: str, framing: Framing
) -> None:
    raw = RESPONSES[shape, framing]
    outcomes: dict[int, Outcome] = {}
    seconds = 0.2
    with FaultServer() as server, client_of(server.url) as api:
        while missing := [place for place in POSITIONS[shape, framing] if place not in outcomes]:
            outcomes |= silent_at(missing, raw, server, api, seconds)
            seconds *= 2
        server.wait_ended()
    for position, outcome in outcomes.items():
        assert outcome in right(raw, position, AWAIT_CLOSE), position


def silent_at(
    positions: list[int], raw: bytes, server: FaultServer, api: ChatApi, seconds: float
) -> dict[int, Outcome]:
    """The outcomes of calls that all wait at the same time; without those where it is not certain for what."""
    with ThreadPoolExecutor(len(positions)) as threads:
        calls: dict[int, Future[Outcome]] = {}
        for position in positions:
            server.answer(raw[:position], AWAIT_CLOSE)
            call = CALLS["plain" if position % 2 else "stream"]
            started = time.monotonic()
            future = threads.submit(outcome_of, call, api, _request_timeout=(5, seconds))
            # Where the machine is so slow that this does not hold, the client may have given up before.
            if server.wait_sent() - started < seconds:
                calls[position] = future
        return {position: future.result() for position, future in calls.items()}


# --- cut anew


@every_response
def test_a_response_split_anywhere_is_the_same(shape: str, framing: Framing) -> None:
    raw = RESPONSES[shape, framing]
    head = len(split_response(raw)[0])
    positions = [position for position in POSITIONS[shape, framing] if position]
    gate = Gate()
    answers: list[list[bytes | Gate]] = [
        [raw[:position], *([gate] if position >= head else ()), raw[position:]] for position in positions
    ]
    with RawServer(answers) as server, client_of(server.url) as api:
        for position in positions:
            if position < head:
                answer = CALLS["plain"](api)
            else:
                # It returns when it has the head, and with it the first segment: nothing can join the two.
                stream = api.chat_completion_stream(chat_completion_request=BODY)
                gate.open()
                answer = stream.collect()
            assert seen(answer) == ANSWER, position


def parts_of(raw: bytes, framing: Framing) -> list[bytes]:
    """A stream in another framing: its head, and a part for each event, the last with the end of the body."""
    head, *parts, end = framed(raw, framing)
    return [head, *parts[:-1], parts[-1] + end]


def cut(parts: list[bytes], offset: int, gate: Gate) -> list[bytes | Gate]:
    """The response in segments, cut at an offset in every part (before its last byte where it is shorter).

    A segment goes out when the event that the segment before completed has been handed over, that is, when the
    client has taken in all that was sent: nothing can join two segments.
    """
    head, *parts = parts
    cuts = [min(offset, len(part) - 1) for part in parts]
    steps: list[bytes | Gate] = [head + parts[0][: cuts[0]]]
    for (part, at), (following, following_at) in itertools.pairwise(zip(parts, cuts, strict=True)):
        steps += [gate, part[at:] + following[:following_at]]
    return [*steps, gate, parts[-1][cuts[-1] :]]


STREAMS = [name for name in recorded_names() if b"text/event-stream" in recorded(name)]
# In bytes; the recordings take turns with the rest.
RECUT_STEP = 17
CUT_OFF_STEP = 67


@pytest.mark.parametrize("framing", ["chunked", "gzip-content-length"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_cut_in_every_event_is_the_same(name: str, framing: Framing) -> None:
    parts = parts_of(recorded(name), framing)
    offsets = range(STREAMS.index(name) % RECUT_STEP, max(map(len, parts[1:])), RECUT_STEP)
    gates = [Gate() for _ in offsets]
    answers = [cut(parts, offset, gate) for offset, gate in zip(offsets, gates, strict=True)]
    with RawServer([recorded(name), *answers]) as server, client_of(server.url) as api:
        uncut = outcome_of(CALLS["stream"], api)
        assert uncut[0] in (None, StreamErrorException)
        for offset, gate in zip(offsets, gates, strict=True):
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            assert outcome_of(read_in_step, stream, gate, len(parts) - 1) == uncut, offset


def read_in_step(stream: Any, gate: Gate, count: int) -> Any:
    for _ in range(count):
        gate.open()
        next(stream, None)
    return stream.collect()


# --- recordings cut off


def texts_of(choices: list[dict[str, Any]]) -> dict[int, str]:
    """By index, the text of each choice, and what it has of arguments for tools."""
    texts = {}
    for choice in choices:
        delta = choice["delta"]
        calls = delta.get("tool_calls") or ()
        texts[choice["index"]] = "".join(
            [delta.get("content") or "", *(call["function"]["arguments"] for call in calls)]
        )
    return texts


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "litellm-midstream-error"])
def test_a_recorded_stream_is_complete_only_when_all_its_choices_are(name: str) -> None:
    raw = recorded(name)
    # After no event, after the first, and so on.
    came: list[tuple[dict[int, str], bool]] = [({}, False)]
    finished: dict[int, bool] = {}
    for event in events_of(split_response(raw)[1])[:-1]:
        texts = dict(came[-1][0])
        choices = json.loads(event.removeprefix(b"data: "))["choices"]
        for index, text in texts_of(choices).items():
            texts[index] = texts.get(index, "") + text
        for choice in choices:
            index = choice["index"]
            finished[index] = bool(finished.get(index) or choice.get("finish_reason"))
        came.append((texts, all(finished.values())))
    came.append(came[-1])
    with FaultServer() as server, client_of(server.url) as api:
        for position in range(len(split_response(raw)[0]) + STREAMS.index(name), len(raw), CUT_OFF_STEP):
            texts, complete = came[events_in(received_body(raw[:position]))]
            server.answer(raw[:position], CLOSE)
            kind, answer, _ = outcome_of(CALLS["stream"], api)
            assert kind is (None if complete else StreamTruncatedException), position
            assert texts_of(answer["choices"] if answer else []) == texts, position
