"""Recorded answers of real servers: whole, cut anew at every byte, and cut off at every byte.

What each recording amounts to was read off the file by hand. Properties that are null are left out of it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.raw_server import (
    CLOSE,
    RESET,
    Framing,
    Gate,
    RawServer,
    events_of,
    framed,
    recorded,
    recorded_names,
    reframe,
    split_response,
)
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    BadRequestException,
    ConnectionException,
    ResponseDecodeException,
    ServiceException,
    StreamErrorException,
    StreamTruncatedException,
    TooManyRequestsException,
    UnauthorizedException,
)

BODY = {"messages": [{"role": "user", "content": "Hello"}]}


def text(content: str, finish_reason: str = "stop", index: int = 0, **more: Any) -> dict[str, Any]:
    delta = {"role": "assistant", "content": content, **more}
    return {"index": index, "delta": delta, "finish_reason": finish_reason}


def timings(*values: float) -> dict[str, float]:
    """The figures of llama-server, in the order in which it sends them."""
    names = "cache_n prompt_n prompt_ms prompt_per_token_ms prompt_per_second predicted_n predicted_ms"
    names += " predicted_per_token_ms predicted_per_second"
    return dict(zip(names.split(), values, strict=True))


def llama(id: str, created: int, *choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": "tiny",
        "system_fingerprint": "b1-0c1e570",
        "choices": list(choices),
    }
    return {**answer, **more}


def litellm(id: str, created: int, *choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = llama(id, created, *choices, **{"model": "mock", **more})
    del answer["system_fingerprint"]
    return answer


def tokens(prompt: int, completion: int, cached: int) -> dict[str, Any]:
    return {
        "completion_tokens": completion,
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def weather(id: str, arguments: str, **more: Any) -> dict[str, Any]:
    """A call of the tool that the recordings offer."""
    return {
        "id": id,
        "type": "function",
        "function": {"name": "get_weather", "arguments": arguments},
        **more,
    }


MOCKED = "Hello there, naïve café 你好 🙂 — this is a mocked answer."
OSLO = '{"city": "Oslo", "unit": "c"}'

ANSWERS: dict[str, dict[str, Any]] = {
    "litellm-nonstream": litellm(
        "c030e8b4-c469-4cfd-a8f1-5fe5dfef865b",
        1795407603,
        text(MOCKED),
        object="chat.completion",
        usage={"completion_tokens": 20, "prompt_tokens": 10, "total_tokens": 30},
    ),
    "litellm-stream": litellm("7539d9f1-65ec-40f8-9896-9435179c4f26", 1795407604, text(MOCKED)),
    "litellm-stream-usage": litellm(
        "d9a54dcd-2b45-40b0-9867-1108faa883c4",
        1795407605,
        text(MOCKED),
        usage={
            "completion_tokens": 16,
            "prompt_tokens": 17,
            "total_tokens": 33,
            "completion_tokens_details": {"reasoning_tokens": 0, "text_tokens": 16},
            "cost": 0.000012149999999999999,
        },
    ),
    "litellm-tools-stream": litellm(
        "bbb8d263-82b1-491c-b035-1942abe1b6d4",
        1795407605,
        text("This is a mock request"),
        model="mock-tools",
    ),
    "llama-nginx-stream": llama(
        "9ymaWzwu6vfIynwWIgJXob5cw57owywM",
        1795407770,
        text("Hello there, perhaps The model. 本 🙂 ok. 🙂", "length"),
        timings=timings(
            46, 1, 0.552, 0.552, 1811.5942028985505, 24, 4.016, 0.1746086956521739, 5727.091633466135
        ),
    ),
    "llama-nonstream": llama(
        "m0qm1xOpk3vskUTrNlO06s0505Pk4zVe",
        1795407769,
        text(
            "A server is a tiny model. 本 The model is a tiny and the lazy dog. "
            'It writes gibberish: naé, perhaps " or\tlater. A',
            "length",
        ),
        object="chat.completion",
        usage=tokens(47, 40, 0),
        timings=timings(
            0,
            47,
            2.65,
            0.05638297872340425,
            17735.849056603773,
            40,
            5.044,
            0.12933333333333333,
            7731.958762886598,
        ),
    ),
    "llama-nonstream-n2": llama(
        "hQ6GEHyykaYUk956vuhI0mtgNHo5dcKC",
        1795407769,
        text("Then it stops, this is tiny model", "length"),
        text("It writes gibberish: naïve", "length", 1),
        object="chat.completion",
        usage=tokens(47, 8, 46),
        timings=timings(
            46, 1, 0.465, 0.465, 2150.537634408602, 8, 1.73, 0.24714285714285714, 4046.242774566474
        ),
    ),
    "llama-reason-stream": llama(
        "uQJZ9abJ5O0eHdAf9YeDvRAMv0dje6Pa",
        1795407771,
        text(
            "Then it stops, The model. Hello",
            "length",
            reasoning_content="I should say hello politely.\n",
        ),
        model="tiny-think",
        usage=tokens(47, 16, 46),
        timings=timings(
            46, 1, 0.533, 0.533, 1876.172607879925, 16, 2.521, 0.16806666666666667, 5950.019833399445
        ),
    ),
    "llama-stream": llama(
        "T6tyPRQgANdU11sH4lZSU8XnUaH8aDPF",
        1795407769,
        text(
            "Hello there, perhaps The quick brown fox jumps over the server streams tokens"
            " one by one by one by one by one",
            "length",
        ),
        timings=timings(
            46, 1, 0.321, 0.321, 3115.264797507788, 24, 4.006, 0.17417391304347826, 5741.387918122816
        ),
    ),
    "llama-stream-n2": llama(
        "Cb1XSsAMXPSJYkI6uN7UktkQsetAPdBn",
        1795407769,
        text("Then it stops, The quick brown", "length"),
        text("It writes gibberish: naé,", "length", 1),
        # Each choice brings its own; the last one stays.
        timings=timings(
            46, 1, 0.372, 0.372, 2688.1720430107525, 8, 2.388, 0.34114285714285714, 2931.323283082077
        ),
    ),
    "llama-stream-usage": llama(
        "5nof2RH3yW3ef5dBoStvG98bXOq9gNxr",
        1795407769,
        text(
            "A server is tiny model. It writes gibberish: naé, this is real. A server is real",
            "length",
        ),
        usage=tokens(47, 24, 46),
        timings=timings(
            46, 1, 0.295, 0.295, 3389.8305084745766, 24, 3.796, 0.16504347826086957, 6059.009483667019
        ),
    ),
    "llama-tools": llama(
        "QM39LtAjibooFbbEA4GZeP42cwe7LzRp",
        1795407771,
        text("", "tool_calls", tool_calls=[weather("Rfwt3PxQU5R3CKorEUtXkvNwzH75FVBi", OSLO)]),
        model="tiny-tools",
        object="chat.completion",
        usage=tokens(633, 7, 0),
        timings=timings(
            0,
            633,
            36.092,
            0.0570173775671406,
            17538.512689792755,
            7,
            2.849,
            0.4748333333333334,
            2106.002106002106,
        ),
    ),
    "llama-tools-stream": llama(
        "uudyt647BmKdar2DihCTqp5CIlMkOpAU",
        1795407771,
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "tool_calls": [weather("RXO7C7SYnnWnuA1FcrxlD3HoDrSiaBcY", OSLO, index=0)],
            },
            "finish_reason": "tool_calls",
        },
        model="tiny-tools",
        timings=timings(632, 1, 1.049, 1.049, 953.2888465204958, 7, 2.13, 0.355, 2816.9014084507044),
    ),
}


def tool_call_so_far(arguments: str | None) -> dict[str, Any]:
    """What `llama-tools-stream` amounts to before its end."""
    delta: dict[str, Any] = {"role": "assistant"}
    if arguments is not None:
        delta["tool_calls"] = [weather("RXO7C7SYnnWnuA1FcrxlD3HoDrSiaBcY", arguments, index=0)]
    answer = {**ANSWERS["llama-tools-stream"], "choices": [{"index": 0, "delta": delta}]}
    del answer["timings"]
    return answer


# After no event, after the first, and so on.
TOOL_CALL_PARTS = [
    None,
    tool_call_so_far(None),
    tool_call_so_far("{"),
    tool_call_so_far('{"city":'),
    tool_call_so_far('{"city": "Oslo", "unit":'),
    tool_call_so_far(OSLO),
]

MIDSTREAM_PART = llama(
    "lYPmVbhMRrRJCPRTaNozC8XneVDoqxqb", 1795407783, {"index": 0, "delta": {"content": "Then"}}
)

# Class, status, code, message, request id.
ERRORS: dict[str, tuple[type[ApiException], int, str | None, str | None, str | None]] = {
    "litellm-bad-model": (
        BadRequestException,
        400,
        "400",
        "/chat/completions: Invalid model name passed in model=no-such-model. "
        "Call `/v1/models` to view available models for your key.",
        "0d126527-5152-4514-8ee1-d09213325ccb",
    ),
    "litellm-context-400": (
        BadRequestException,
        400,
        "400",
        "litellm.ContextWindowExceededError: litellm.BadRequestError: this is a mock context window exceeded "
        "error\nmodel=mock-context. context_window_fallbacks=None. fallbacks=None.\n\nSet "
        "'context_window_fallback' - https://docs.litellm.ai/docs/routing#fallbacks\n\nLiteLLM: model group "
        "'mock-context' failed with the error above. No fallback was attempted.",
        "ffa38801-de62-4ff5-a3bd-e7daf1ff04db",
    ),
    "litellm-midstream-error": (
        StreamErrorException,
        200,
        "500",
        "litellm.APIConnectionError: APIConnectionError: OpenAIException - Response payload is not completed: "
        "<TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>",
        None,
    ),
    "litellm-rate-limited-429": (
        TooManyRequestsException,
        429,
        "429",
        "litellm.RateLimitError: this is a mock rate limit error\n\nLiteLLM: model group 'mock-429' failed "
        "with the error above. No fallback was attempted.",
        "8b9ef81c-2a79-421c-b568-8063977ddbf0",
    ),
    "litellm-wrong-key": (
        UnauthorizedException,
        401,
        "401",
        "Authentication Error, Invalid API key",
        None,
    ),
    "llama-malformed-json": (
        ServiceException,
        500,
        "500",
        "[json.exception.parse_error.101] parse error at line 1, column 31: syntax error while parsing object "
        "key - unexpected end of input; expected string literal",
        None,
    ),
    "llama-too-long": (
        BadRequestException,
        400,
        "400",
        "request (30092 tokens) exceeds the available context size (1024 tokens), try increasing it",
        None,
    ),
    "llama-wrong-key": (UnauthorizedException, 401, "401", "Invalid API Key", None),
    "nginx-dead-upstream-502": (ServiceException, 502, None, "502 Bad Gateway", None),
}

STREAMS = sorted(name for name in ANSWERS if b"text/event-stream" in recorded(name))

Call = Callable[[ChatApi], Any]
CALLS: dict[str, Call] = {
    "plain": lambda api: api.chat_completion(chat_completion_request=BODY),
    "stream": lambda api: api.chat_completion_stream(chat_completion_request=BODY).collect(),
    "chatroom": lambda api: api.chat_completion_on_chatroom("ch_1", chat_completion_request=BODY),
    "chatroom-stream": lambda api: api.chat_completion_on_chatroom_stream(
        "ch_1", chat_completion_request=BODY
    ).collect(),
}


@contextmanager
def serving(responses: Iterable[Any]) -> Iterator[ChatApi]:
    """The API in front of a server that gives these responses."""
    with RawServer(responses) as server:
        settings = Configuration(host=server.url, operator_id="tn_1", access_token="token", retries=0)
        with ApiClient(settings) as client:
            yield ChatApi(client)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def seen(model: Any) -> Any:
    """An answer as the tables above have it."""
    return None if model is None else without_nulls(model.to_dict())


def test_every_recording_has_its_expectation() -> None:
    assert sorted([*ANSWERS, *ERRORS]) == recorded_names()
    assert not set(ANSWERS) & set(ERRORS)
    assert len(STREAMS) == 9


def test_the_recordings_are_unchanged_copies() -> None:
    originals = Path(__file__).resolve().parents[2] / "shared" / "wire"
    if not originals.is_dir():
        pytest.skip("the recordings that these were copied from are not here")
    assert {path.stem: path.read_bytes() for path in originals.glob("*.http")} == {
        name: recorded(name) for name in recorded_names()
    }


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer(name: str, call: str) -> None:
    with serving([recorded(name)]) as api:
        assert seen(CALLS[call](api)) == ANSWERS[name]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_error(name: str, call: str) -> None:
    kind, status, code, message, request_id = ERRORS[name]
    with serving([recorded(name)]) as api:
        with pytest.raises(ApiException) as caught:
            CALLS[call](api)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, message)
    assert error.request_id == request_id
    assert error.headers is not None
    assert error.headers["SERVER"] in ("llama.cpp", "nginx/1.22.1")
    if kind is StreamErrorException:
        assert seen(error.partial) == MIDSTREAM_PART
        assert json.loads(error.body or "")["error"]["code"] == code
    else:
        assert error.partial is None
        assert error.body == split_response(recorded(name))[1].decode()


@pytest.mark.parametrize("name", STREAMS)
def test_each_chunk_is_its_event_and_nothing_is_lost(name: str) -> None:
    _, body = split_response(recorded(name))
    events = [event.removeprefix(b"data: ") for event in events_of(body)]
    assert events.pop() == b"[DONE]\n\n"
    with serving([recorded(name)] * 2) as api:
        chunks = list(api.chat_completion_stream(chat_completion_request=BODY))
        assert [chunk.to_dict() for chunk in chunks] == [json.loads(event) for event in events]
        response = api.chat_completion_with_http_info(chat_completion_request=BODY)
        assert response.raw_data == body


# --- cut anew

RECUT_FRAMINGS: tuple[Framing, ...] = (
    "chunked",
    "chunked-one",
    "content-length",
    "until-close",
    "gzip-chunked",
    "gzip-content-length",
)
# One byte in so many is where a stream is cut; the streams take turns with the rest.
STEPS = dict.fromkeys(RECUT_FRAMINGS, 23) | {"chunked": 7}
CUT_EVERYWHERE = {"llama-tools-stream", "litellm-midstream-error"}
CUT_EVERYWHERE_IF_CHUNKED = {"litellm-stream-usage", "llama-stream-n2"}


def parts_of(raw: bytes, framing: Framing) -> list[bytes]:
    """A stream in another framing: its head, and a part for each event, the last with the end of the body."""
    if framing != "chunked-one":
        head, *parts, end = framed(raw, framing)
        return [head, *parts[:-1], parts[-1] + end]
    events = events_of(split_response(raw)[1])
    size = b"%x\r\n" % sum(map(len, events))
    return [
        framed(raw, framing)[0],
        size + events[0],
        *events[1:-1],
        events[-1] + b"\r\n0\r\n\r\n",
    ]


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


@pytest.mark.parametrize("framing", RECUT_FRAMINGS)
@pytest.mark.parametrize("name", [*STREAMS, "litellm-midstream-error"])
def test_a_stream_cut_anywhere_is_the_same(name: str, framing: Framing) -> None:
    parts = parts_of(recorded(name), framing)
    step = STEPS[framing]
    if name in CUT_EVERYWHERE:
        step = 1 if framing != "until-close" else 3  # there each needs a connection of its own
    elif framing == "chunked" and name in CUT_EVERYWHERE_IF_CHUNKED:
        step = 1
    offsets = range(len(name) % step, max(map(len, parts[1:])), step)
    gate = Gate()
    with serving(cut(parts, offset, gate) for offset in offsets) as api:
        for offset in offsets:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            error = None
            for _ in parts[1:]:
                gate.open()
                try:
                    next(stream, None)
                except StreamErrorException as caught:
                    error = caught
            assert seen(stream.merged) == ANSWERS.get(name, MIDSTREAM_PART), offset
            assert (error is not None) == (name in ERRORS), offset


@pytest.mark.parametrize("name", ["litellm-nonstream", "llama-tools"])
@pytest.mark.parametrize("framing", ["chunked", "gzip-content-length"])
def test_a_whole_answer_cut_anywhere_is_the_same(name: str, framing: Framing) -> None:
    head, *rest = framed(recorded(name), framing)
    body = b"".join(rest)
    gate = Gate()
    with serving([head + body[:at], gate, body[at:]] for at in range(len(body))) as api:
        for at in range(len(body)):
            # The streamed call returns when it has the head, and with it the first segment.
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            gate.open()
            assert seen(stream.collect()) == ANSWERS[name], at


@pytest.mark.parametrize("name", ["llama-tools-stream", "llama-tools"])
def test_a_head_cut_anywhere_is_the_same(name: str) -> None:
    raw = recorded(name)
    positions = range(1, len(split_response(raw)[0]) + 1)
    with serving([raw[:at], raw[at:]] for at in positions) as api:
        for at in positions:
            assert seen(CALLS["plain"](api)) == ANSWERS[name], at


# --- cut off


def ends_of(raw: bytes, framing: Framing) -> list[int]:
    """How many bytes of the response it takes to have each event."""
    head, *parts, _ = framed(raw, framing)
    ends, start = [], len(head)
    for part, event in zip(parts, events_of(split_response(raw)[1]), strict=True):
        ends.append(start + part.index(event) + len(event))
        start += len(part)
    return ends


def check_cut_off(api: ChatApi, gate: Gate | None, expected: Any, complete: bool) -> None:
    """Reads a stream that is cut off; what had arrived is `expected`, as in the tables."""
    stream = api.chat_completion_stream(chat_completion_request=BODY)
    if gate is not None:
        gate.open()
    if complete:
        assert seen(stream.collect()) == expected
        return
    with pytest.raises(ApiException) as caught:
        stream.collect()
    assert type(caught.value) is StreamTruncatedException
    assert seen(caught.value.partial) == expected


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close"])
def test_a_stream_cut_off_anywhere_is_an_error_with_the_part_that_came(framing: Framing, how: Any) -> None:
    name = "llama-tools-stream"
    raw = reframe(recorded(name), framing)
    ends = ends_of(recorded(name), framing)
    first = len(split_response(raw)[0])
    # Where there are no chunks to be cut the two ways take turns.
    step = 1 if (framing, how) == ("chunked", CLOSE) else 2
    positions = range(first + (how is RESET), len(raw), step)
    # What was sent before a reset may be lost to a client that has not read it yet. Here it has: it has the head,
    # and what came with it.
    gate = Gate() if how is RESET else None
    steps = [how] if gate is None else [gate, how]
    with serving([raw[:position], *steps] for position in positions) as api:
        for position in positions:
            arrived = sum(end <= position for end in ends)
            complete = arrived >= len(TOOL_CALL_PARTS)
            check_cut_off(api, gate, ANSWERS[name] if complete else TOOL_CALL_PARTS[arrived], complete)


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("framing", RECUT_FRAMINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_ends_between_events_is_complete_only_when_all_choices_are(
    name: str, framing: Framing, how: Any
) -> None:
    parts = parts_of(recorded(name), framing)
    events = events_of(split_response(recorded(name))[1])
    gate = Gate()
    with serving([b"".join(parts[:count]), gate, how] for count in range(1, len(parts))) as api:
        texts: dict[int, str] = {}
        finished: dict[int, bool] = {}
        for event in [b"", *events[:-1]]:
            for choice in json.loads(event.removeprefix(b"data: "))["choices"] if event else []:
                index = choice["index"]
                texts[index] = texts.get(index, "") + (choice["delta"].get("content") or "")
                finished[index] = bool(finished.get(index) or choice.get("finish_reason"))
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            gate.open()
            if finished and all(finished.values()):
                answer = stream.collect()
            else:
                with pytest.raises(StreamTruncatedException) as caught:
                    stream.collect()
                answer = caught.value.partial
            came = {} if answer is None else {part.index: part.delta.content or "" for part in answer.choices}
            assert came == texts


@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close"])
def test_a_whole_answer_cut_off_anywhere_is_an_error(framing: Framing) -> None:
    name = "litellm-nonstream"
    head, body, end = framed(recorded(name), framing)
    raw = head + body + end
    # A chunked body of which the size of the last chunk has arrived is whole.
    positions = range(len(head), len(raw) - (len("\r\n\r\n") if framing == "chunked" else 0))
    _, content = split_response(recorded(name))
    begins = len(head) + body.index(content)
    with serving([raw[:position], CLOSE] for position in positions) as api:
        for position in positions:
            with pytest.raises(ApiException) as caught:
                CALLS["plain"](api)
            assert type(caught.value) is (
                ResponseDecodeException if framing == "until-close" else ConnectionException
            )
            came = content[: max(0, position - begins)].decode(errors="replace")
            assert caught.value.body == came, position


@pytest.mark.parametrize("call", ["plain", "stream"])
@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("name", ["llama-tools-stream", "llama-tools"])
def test_a_head_cut_off_anywhere_is_an_error(name: str, how: Any, call: str) -> None:
    raw = recorded(name)
    positions = range(len(split_response(raw)[0]))
    with serving([raw[:position], how] for position in positions) as api:
        for _ in positions:
            with pytest.raises(ApiException) as caught:
                CALLS[call](api)
            # A connection that ends between two header lines looks like the end of the head.
            assert isinstance(
                caught.value, (ConnectionException, StreamTruncatedException, ResponseDecodeException)
            )
            assert caught.value.partial is None
