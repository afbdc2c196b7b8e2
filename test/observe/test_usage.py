"""UsageMeter: counts of calls, attempts, tokens and costs."""

from __future__ import annotations

import itertools
import pickle
import threading
from typing import Any

import pytest

from support.chat import BODY, STREAM, ask, chat, chunk
from support.raw_server import AWAIT_CLOSE, CLOSE, RawServer, json_response, stream_response
from tachyon_sdk import ApiException, ChatApi, ModelsApi, UsageMeter
from tachyon_sdk.observe.usage import UsageCounts

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "total_cost": 0.25}
METERED = json_response({**chunk("Hello", "stop"), "usage": USAGE})
METERED_STREAM = stream_response(
    chunk("one", "stop"), {**chunk(None), "choices": [], "usage": USAGE}, "[DONE]"
)


def metered(api: ChatApi, meter: UsageMeter) -> ChatApi:
    return ChatApi(api.api_client.with_options(hooks=[meter]))


def test_calls_streams_and_retries() -> None:
    meter = UsageMeter()
    with RawServer([METERED, json_response({}, 503), METERED_STREAM]) as server, chat(server.url) as api:
        ask(metered(api, meter))
        metered(api, meter).chat_completion_stream(chat_completion_request=BODY).collect()
    expected = UsageCounts(
        calls=2, attempts=3, retries=1, prompt_tokens=6, completion_tokens=4, total_tokens=10, total_cost=0.5
    )
    counts = meter.snapshot()
    assert counts.models == {"m": expected}
    assert vars(counts) == {**vars(expected), "models": counts.models}
    assert repr(meter) == "<UsageMeter: 2 calls, 0 errors, 1 retries, 6 + 4 = 10 tokens, total_cost=0.5>"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, {"total_tokens": 5, "total_cost": None}),
        ({"cache_read_input_tokens": 7, "cache_creation_input_tokens": 8}, {"cached_tokens": 7}),
        ({"cache_creation_input_tokens": 8}, {"cache_creation_tokens": 8, "cached_tokens": 0}),
        ({"prompt_tokens_details": {"cached_tokens": 4}}, {"cached_tokens": 4}),
        ({"cache_read_input_tokens": 0, "prompt_tokens_details": {"cached_tokens": 4}}, {"cached_tokens": 0}),
        ({"completion_tokens_details": {"reasoning_tokens": 9}}, {"reasoning_tokens": 9}),
        ({"completion_tokens_details": None, "prompt_tokens_details": [1]}, {"reasoning_tokens": 0}),
        ({"cost": 0.5}, {"total_cost": 0.5}),
        ({"cost": 0.5, "total_cost": 0}, {"total_cost": 0}),
        ({"cost": "0.5"}, {"total_cost": None}),
        ({"cost": True}, {"total_cost": None}),
        ({}, {"calls": 1, "total_tokens": 0}),
    ],
)
def test_what_servers_report(usage: dict[str, Any], expected: dict[str, Any]) -> None:
    meter = UsageMeter()
    response = json_response({**chunk("Hello", "stop"), "usage": usage})
    with RawServer([response]) as server, chat(server.url) as api:
        ask(metered(api, meter))
    assert expected.items() <= vars(meter.snapshot()).items()


@pytest.mark.parametrize(
    ("response", "read", "expected"),
    [
        ([STREAM[: STREAM.index(b"two")], AWAIT_CLOSE], 1, {"streams_closed": 1, "streams_without_usage": 1}),
        ([STREAM[: STREAM.index(b"two")], CLOSE], 9, {"errors": 1, "streams_without_usage": 1}),
        ([STREAM], 9, {"streams_closed": 0, "streams_without_usage": 1}),
        ([METERED_STREAM], 9, {"streams_without_usage": 0, "total_tokens": 5}),
        ([json_response({}, 400)], 9, {"errors": 1, "streams_without_usage": 0}),
    ],
    ids=["closed", "broken", "none sent", "whole", "refused"],
)
def test_streams_without_usage(response: Any, read: int, expected: dict[str, int]) -> None:
    meter = UsageMeter()
    with RawServer([response]) as server, chat(server.url) as api:
        try:
            with metered(api, meter).chat_completion_stream(chat_completion_request=BODY) as stream:
                for _ in zip(range(read), stream, strict=False):
                    pass
        except ApiException:
            pass
    assert {"calls": 1, **expected}.items() <= vars(meter.snapshot()).items()


def test_the_model_of_a_failed_call_is_that_of_the_request() -> None:
    meter = UsageMeter()
    with (
        RawServer([json_response({}, 400), json_response({"models": []})]) as server,
        chat(server.url) as api,
    ):
        with pytest.raises(ApiException):
            metered(api, meter).chat_completion(chat_completion_request={**BODY, "model": "asked"})
        ModelsApi(api.api_client.with_options(hooks=[meter])).get_models()
    assert meter.snapshot().models == {"asked": UsageCounts(calls=1, errors=1, attempts=1)}
    assert meter.snapshot().calls == 2


def test_reset_returns_the_counts_and_snapshots_do_not_change() -> None:
    meter = UsageMeter()
    with RawServer([METERED] * 2) as server, chat(server.url) as api:
        ask(metered(api, meter))
        before = meter.snapshot()
        ask(metered(api, meter))
    assert (before.calls, before.models["m"].calls) == (1, 1)
    copy = pickle.loads(pickle.dumps(meter))
    assert meter.reset().calls == 2
    assert (meter.snapshot().calls, meter.snapshot().models) == (0, {})
    assert copy.snapshot().models["m"].total_tokens == 10
    assert copy.reset().calls == 2


def test_threads_lose_no_count() -> None:
    meter = UsageMeter()
    total = UsageCounts()
    with RawServer(itertools.repeat(METERED)) as server, chat(server.url) as api:

        def work() -> None:
            for _ in range(20):
                ask(metered(api, meter))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            total._add(meter.reset())
        total._add(meter.reset())
    assert (total.calls, total.total_tokens, total.total_cost) == (80, 400, 20)
