"""Recorded answers of real servers, as they are.

What each recording amounts to was read off the file by hand. Properties that are null are left out of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.raw_server import (
    RawServer,
    events_of,
    recorded,
    recorded_names,
    split_response,
)
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    BadRequestException,
    ServiceException,
    StreamErrorException,
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
