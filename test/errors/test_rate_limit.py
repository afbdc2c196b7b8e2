"""The rate limit in the headers of responses, as services and proxies send it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.chat import BODY, ask, chat, chunk
from support.raw_server import RawServer, event_stream, http_response, json_response
from tachyon_sdk._errors.rate_limit import Quota, RateLimit, read_rate_limit
from tachyon_sdk.exceptions import TooManyRequestsException

DATE = ("Date", "Wed, 25 Nov 2026 08:00:00 GMT")  # 1795593600


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        pytest.param(
            {
                "x-ratelimit-limit-requests": "5000",
                "x-ratelimit-remaining-requests": "4999",
                "x-ratelimit-reset-requests": "12ms",
                "x-ratelimit-limit-tokens": "160000",
                "x-ratelimit-remaining-tokens": "159976",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            (5000, 4999, 0.012),
            (160000, 159976, 360.0),
            id="openai",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-25T08:00:07Z",
                "anthropic-ratelimit-tokens-reset": "2026-11-25T17:00:30+09:00",
            },
            (50, 0, 7.0),
            (None, None, 30.0),
            id="anthropic",
        ),
        pytest.param(
            {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "56", "X-RateLimit-Reset": "1795593660"},
            (60, 56, 60.0),
            None,
            id="epoch seconds",
        ),
        pytest.param(
            {"X-RateLimit-Limit": '10, 10;w=1;name="a", 99;w=60', "RateLimit-Remaining": "3;w=1"},
            (10, 3, None),
            None,
            id="with policies, as Envoy sends them",
        ),
        pytest.param({"X-RateLimit-Reset": "1795593601500"}, (None, None, 1.5), None, id="milliseconds"),
        pytest.param({"X-Rate-Limit-Remaining": "3"}, (None, 3, None), None, id="rate-limit"),
        pytest.param({"RateLimit-Limit": "10", "RateLimit-Reset": "5"}, (10, None, 5.0), None, id="draft 3"),
        pytest.param(
            {"RateLimit": "limit=100, remaining=50, reset=5"}, (100, 50, 5.0), None, id="draft 7"
        ),
        pytest.param(
            {"RateLimit": '"burst";r=50;t=30, "day";r=5;t=9', "RateLimit-Policy": '"burst";q=100;w=60,"day";q=9'},
            (100, 50, 30.0),
            None,
            id="draft 9",
        ),
        pytest.param(
            {
                "llm_provider-x-ratelimit-remaining-requests": "7",
                "x-ratelimit-remaining-requests": "3",
                "llm_provider-x-ratelimit-remaining-tokens": "9",
            },
            (None, 3, None),
            (None, 9, None),
            id="behind a proxy",
        ),
        pytest.param({"x-ratelimit-reset-tokens": "1h2m3.5s"}, None, (None, None, 3723.5), id="hours"),
        pytest.param({"x-ratelimit-reset-tokens": "2m59.56s"}, None, (None, None, 179.56), id="groq"),
        pytest.param({"x-ratelimit-reset-requests": "1d"}, (None, None, 86400.0), None, id="days"),
        pytest.param({"x-ratelimit-reset": "0"}, (None, None, 0.0), None, id="now"),
        pytest.param({"x-ratelimit-reset": "1795593000"}, (None, None, 0.0), None, id="past"),
    ],
)  # fmt: skip
def test_forms(headers: dict[str, str], requests: Any, tokens: Any) -> None:
    found = read_rate_limit([*headers.items(), DATE])
    assert found == RateLimit(requests and Quota(*requests), tokens and Quota(*tokens))


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Retry-After": "5"},
        {"x-ratelimit-limit-images": "5"},
        {"x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon", "x-ratelimit-limit": "-1"},
        {"x-ratelimit-reset": ""},
        {"ratelimit": "unlimited", "x-ratelimit": "5"},
        {"x-ratelimit-reset": "2026-99-99T00:00:00Z"},
    ],
    ids=str,
)
def test_without_a_rate_limit(headers: Any) -> None:
    assert read_rate_limit(headers) is None


def test_a_point_in_time_without_the_clock_of_the_server() -> None:
    found = read_rate_limit({"x-ratelimit-reset": str(int(time.time()) + 1000)})
    assert found is not None and found.requests is not None and found.requests.reset is not None
    assert 900 < found.requests.reset <= 1000


def test_it_is_at_responses_streams_and_errors() -> None:
    headers = {"x-ratelimit-remaining-requests": "3", "x-request-id": "r-1"}
    responses = [
        json_response(chunk("Hello", "stop"), 200, headers),
        http_response(
            200,
            {**headers, "Content-Type": "text/event-stream"},
            event_stream(chunk("Hello", "stop"), "[DONE]"),
        ),
        json_response({}, 429, headers),
    ]
    expected = RateLimit(Quota(remaining=3))
    with RawServer(responses) as server, chat(server.url, retries=0) as api:
        response = api.chat_completion_with_http_info(chat_completion_request=BODY)
        assert (response.rate_limit, response.request_id) == (expected, "r-1")
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            assert (stream.rate_limit, stream.request_id) == (expected, "r-1")
            stream.collect()
        with pytest.raises(TooManyRequestsException) as caught:
            ask(api)
    assert (caught.value.rate_limit, caught.value.request_id) == (expected, "r-1")
