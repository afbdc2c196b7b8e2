"""What is tried again, after how long, and what the error tells in the end.

The waits are measured by the server. Where their length is not the point, there is none: `backoff=0`.
"""

from __future__ import annotations

import itertools
import math
import pickle
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
import urllib3

from support.raw_server import (
    CLOSE,
    RESET,
    Connection,
    RawServer,
    Response,
    closed_port,
    http_response,
    json_response,
    stream_response,
)
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiTypeError,
    ApiValueError,
    ChatApi,
    ChatCompletionChunkResponse,
    Configuration,
    ConnectionException,
    ResponseDecodeException,
    RetryPolicy,
    ServiceException,
    StreamErrorException,
    StreamTruncatedException,
    TimeoutException,
    TooManyRequestsException,
)

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
FORMS = ["", "_with_http_info", "_without_preload_content", "_stream"]


def chunk(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


ANSWER = json_response(chunk("Hi", "stop"))


def failure(status: int, retry_after: str | None = None, message: str = "later") -> bytes:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return json_response({"message": message}, status, headers)


_clients: list[ApiClient] = []


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().close()


def chat(server: RawServer | str, retries: Any = None) -> ChatApi:
    """Without `retries`, the usual policy but for its waits."""
    policy = RetryPolicy(backoff=0) if retries is None else retries
    host = server if isinstance(server, str) else server.url
    _clients.append(ApiClient(Configuration(host, operator_id="tn_1", access_token="t", retries=policy)))
    return ChatApi(_clients[-1])


def ask(api: ChatApi, **arguments: Any) -> ChatCompletionChunkResponse:
    return api.chat_completion(chat_completion_request=QUESTION, **arguments)


def text_of(api: ChatApi) -> str | None:
    return ask(api).choices[0].delta.content


# The policy alone


def delays(policy: RetryPolicy, attempt: int, status: int | None = 503, **what: Any) -> set[float | None]:
    return {policy.delay(attempt, status, **what) for _ in range(300)}


@pytest.mark.parametrize("status", [429, 502, 503])
def test_answers_without_effect_are_tried_again_twice(status: int) -> None:
    policy = RetryPolicy()
    assert [policy.delay(attempt, status) is not None for attempt in (1, 2, 3, 4)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("status", [*range(300, 429), *range(430, 502), *range(504, 600)])
def test_no_other_answer_is_tried_again(status: int) -> None:
    assert RetryPolicy().delay(1, status) is None
    assert RetryPolicy().delay(1, status, retry_after=0) is None


def test_a_connection_that_was_never_made_is_tried_again_and_a_lost_one_is_not() -> None:
    assert RetryPolicy().delay(1, None, request_sent=False) is not None
    assert RetryPolicy().delay(1, None, request_sent=True) is None
    assert RetryPolicy(lost_connections=True).delay(1, None, request_sent=True) is not None
    assert RetryPolicy(0, lost_connections=True).delay(1, None, request_sent=False) is None


def test_statuses_may_be_chosen() -> None:
    policy = RetryPolicy(1, statuses=[500, 504])
    assert [policy.delay(1, status) is not None for status in (429, 500, 502, 503, 504)] == [
        False,
        True,
        False,
        False,
        True,
    ]
    assert RetryPolicy(statuses=()).delay(1, 503) is None


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (1000, 8.0)]
)
def test_waits_grow_up_to_a_limit_and_are_spread_over_their_whole_length(
    attempt: int, longest: float
) -> None:
    waits = [wait for wait in delays(RetryPolicy(10_000), attempt) if wait is not None]
    assert 0 <= min(waits) < longest * 0.1
    assert longest * 0.9 < max(waits) <= longest


def test_the_length_of_the_waits_may_be_chosen() -> None:
    waits = delays(RetryPolicy(9, backoff=0.01, max_backoff=0.02), 9)
    assert all(wait is not None and wait <= 0.02 for wait in waits)
    assert delays(RetryPolicy(backoff=0), 1) == {0}


def test_no_number_of_attempts_is_too_large() -> None:
    wait = RetryPolicy(10**9, backoff=1e300).delay(10**9, 503)
    assert wait is not None and wait <= 8


@pytest.mark.parametrize("seconds", [0.0, 0.25, 7.5, 60.0])
def test_the_server_says_how_long_to_wait(seconds: float) -> None:
    assert delays(RetryPolicy(), 1, retry_after=seconds) == {seconds}


@pytest.mark.parametrize("seconds", [60.01, 61, 1e9, math.inf])
def test_a_longer_wait_than_allowed_is_no_wait_at_all(seconds: float) -> None:
    assert RetryPolicy().delay(1, 503, retry_after=seconds) is None
    assert RetryPolicy(max_retry_after=1e9).delay(1, 503, retry_after=61) == 61
    assert RetryPolicy(max_retry_after=0).delay(1, 503, retry_after=0.1) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"retries": math.nan},
        {"retries": 1.5},
        {"retries": "2"},
        {"retries": None},
        {"backoff": -0.1},
        {"backoff": math.nan},
        {"backoff": "1"},
        {"backoff": True},
        {"max_backoff": math.inf},
        {"max_backoff": -1},
        {"max_retry_after": -1},
        {"max_retry_after": math.nan},
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ApiValueError, ApiTypeError), match=next(iter(wrong))):
        RetryPolicy(**wrong)


def test_a_policy_shows_what_it_is_and_survives_pickling() -> None:
    policy = RetryPolicy(3, statuses={500, 429}, lost_connections=True, backoff=0.1)
    assert "3" in repr(policy) and "[429, 500]" in repr(policy)
    twin = pickle.loads(pickle.dumps(policy))
    assert vars(twin) == vars(policy)


# Answers that are tried again


@pytest.mark.parametrize("status", [429, 502, 503])
@pytest.mark.parametrize("form", FORMS)
def test_a_call_goes_on_after_answers_without_effect(status: int, form: str) -> None:
    good = stream_response(chunk("Hi", "stop"), "[DONE]") if form == "_stream" else ANSWER
    with RawServer([failure(status), failure(status), good]) as server:
        answered = getattr(chat(server), f"chat_completion{form}")(chat_completion_request=QUESTION)
        if form == "_stream":
            assert "".join(answered.text) == "Hi"
        elif form == "_without_preload_content":
            assert answered.status == 200 and answered.data
        else:
            data = answered.data if form else answered
            assert data.choices[0].delta.content == "Hi"
    first, *others = (request.raw for request in server.requests)
    assert others == [first, first]  # the same request, to the byte
    assert server.connections == 1  # the failed answers were read, so their connection was free


@pytest.mark.parametrize("status", [429, 502, 503])
def test_the_last_error_tells_of_those_before(status: int) -> None:
    raw = [failure(status, message=f"no {number}") for number in (1, 2, 3)]
    with RawServer(raw) as server:
        with pytest.raises(ApiException) as caught:
            ask(chat(server))
    error = caught.value
    assert (error.status, error.message, error.attempts) == (status, "no 3", 3)
    assert [(it.status, it.message) for it in error.previous] == [(status, "no 1"), (status, "no 2")]
    assert all(type(it) is type(error) for it in error.previous)
    assert "no 3" in str(error) and "3 attempts" in str(error)
    assert len(server.requests) == 3


def test_the_last_answer_is_handed_over_raw_where_that_was_asked_for() -> None:
    with RawServer([failure(503, message=f"no {number}") for number in (1, 2, 3)]) as server:
        response = chat(server).chat_completion_without_preload_content(chat_completion_request=QUESTION)
        assert response.status == 503 and b"no 3" in response.data


def test_different_failures_in_a_row() -> None:
    with RawServer([failure(429), failure(502), failure(400, message="bad")]) as server:
        with pytest.raises(ApiException) as caught:
            ask(chat(server))
    assert [it.status for it in (*caught.value.previous, caught.value)] == [429, 502, 400]
    assert caught.value.attempts == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 418, 422, 500, 501, 504, 599])
@pytest.mark.parametrize("retry_after", [None, "0"])
def test_other_error_statuses_are_not_tried_again(status: int, retry_after: str | None) -> None:
    with RawServer([failure(status, retry_after)]) as server:
        with pytest.raises(ApiException) as caught:
            ask(chat(server))
    assert (caught.value.status, caught.value.attempts, caught.value.previous) == (status, 1, ())
    assert len(server.requests) == 1
    assert "attempts" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "framing", "connections"),
    [
        (b"", "content-length", 1),
        (b"x" * 300_000, "chunked", 1),
        (b"x", "gzip-chunked", 1),
        (b"x", "until-close", 2),
    ],
)
def test_a_failed_answer_is_read_so_that_its_connection_is_used_again(
    body: bytes, framing: Any, connections: int
) -> None:
    with RawServer([http_response(503, body=body, framing=framing), ANSWER]) as server:
        assert text_of(chat(server)) == "Hi"
    assert server.connections == connections


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_failed_answer_that_breaks_off_is_tried_again_like_a_whole_one(end: Any) -> None:
    with RawServer([[failure(503)[:-3], end], ANSWER]) as server:
        assert text_of(chat(server)) == "Hi"
    assert server.connections == 2


# Settings


@pytest.mark.parametrize(
    ("retries", "attempts"),
    [
        (0, 1),
        (False, 1),
        (1, 2),
        (RetryPolicy(0), 1),
        (RetryPolicy(4, backoff=0), 5),
        (urllib3.Retry(0), 1),
        (urllib3.Retry(1), 2),
    ],
)
def test_how_often_may_be_set(retries: Any, attempts: int) -> None:
    with RawServer(itertools.repeat(failure(503, "0"))) as server:
        with pytest.raises(ServiceException) as caught:
            ask(chat(server, retries))
    assert len(server.requests) == caught.value.attempts == attempts


def test_by_default_there_are_two_retries() -> None:
    with RawServer(itertools.repeat(failure(503, "0"))) as server:
        api = ChatApi(ApiClient(Configuration(server.url, operator_id="tn_1", access_token="t")))
        with pytest.raises(ServiceException):
            ask(api)
        assert len(server.requests) == 3
        api.api_client.configuration.retries = 0
        with pytest.raises(ServiceException):
            ask(api)
        assert len(server.requests) == 4


def test_a_policy_may_allow_more() -> None:
    with RawServer([failure(500), failure(504), ANSWER]) as server:
        assert text_of(chat(server, RetryPolicy(statuses={500, 504}, backoff=0))) == "Hi"
    with RawServer([failure(503)]) as server:
        with pytest.raises(ServiceException):
            ask(chat(server, RetryPolicy(statuses={500}, backoff=0)))


def test_any_object_that_says_how_long_to_wait_is_a_policy() -> None:
    class OnceOnly:
        def delay(self, attempt: int, status: int | None, **more: Any) -> float | None:
            seen.append((attempt, status))
            return 0 if attempt == 1 else None

    seen: list[tuple[int, int | None]] = []
    with RawServer([failure(404), failure(418)]) as server:
        with pytest.raises(ApiException) as caught:
            ask(chat(server, OnceOnly()))
    assert (caught.value.status, seen) == (418, [(1, 404), (2, 418)])


# Connections


def test_a_refused_connection_is_tried_again() -> None:
    with pytest.raises(ConnectionException) as caught:
        ask(chat(f"http://127.0.0.1:{closed_port()}"))
    error = caught.value
    assert error.attempts == 3 and len(error.previous) == 2
    for it in (error, *error.previous):
        assert isinstance(it, ConnectionException) and it.request_sent is False
    assert "3 attempts" in str(error)
    assert error.__cause__ is not None


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("form", FORMS)
def test_a_connection_that_is_lost_after_the_request_was_sent_is_not_tried_again(end: Any, form: str) -> None:
    with RawServer([[end]]) as server:
        with pytest.raises(ConnectionException) as caught:
            getattr(chat(server), f"chat_completion{form}")(chat_completion_request=QUESTION)
    assert caught.value.request_sent is True
    assert (caught.value.attempts, len(server.requests)) == (1, 1)


def test_neither_is_one_that_runs_into_the_read_timeout() -> None:
    def read_and_wait(connection: Connection) -> None:
        connection.read_request()
        connection.await_close()

    with RawServer(handler=read_and_wait) as server:
        with pytest.raises(TimeoutException) as caught:
            ask(chat(server), _request_timeout=0.2)
        server.wait_ended()
    assert (caught.value.attempts, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_unless_the_policy_allows_it(end: Any) -> None:
    with RawServer([[end], [end], ANSWER]) as server:
        assert text_of(chat(server, RetryPolicy(lost_connections=True, backoff=0))) == "Hi"
    assert server.connections == 3


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
CUT_STREAM = stream_response(chunk("Hi"))[:-5]  # without its last chunk


@pytest.mark.parametrize("begun", ["whole", "streamed"])
def test_that_holds_for_an_answer_lost_before_any_of_it_was_handed_out(begun: str) -> None:
    response = [HEAD + b'{"id":', CLOSE] if begun == "whole" else [CUT_STREAM, CLOSE]
    with RawServer([response, ANSWER]) as server:
        assert text_of(chat(server, RetryPolicy(lost_connections=True, backoff=0))) == "Hi"
    with RawServer([response]) as server:
        with pytest.raises(ConnectionException if begun == "whole" else StreamTruncatedException) as caught:
            ask(chat(server))
    assert caught.value.attempts == 1


# Answers that have begun


@pytest.mark.parametrize(
    ("form", "response", "kind"),
    [
        ("_stream", [HEAD + b'{"id":', CLOSE], ConnectionException),
        ("_stream", [CUT_STREAM, CLOSE], StreamTruncatedException),
        ("_stream", stream_response(chunk("Hi")), StreamTruncatedException),
        ("_stream", stream_response(), StreamTruncatedException),
        ("_stream", stream_response(chunk("Hi"), {"error": {"message": "x"}}), StreamErrorException),
        ("_stream", http_response(200, body="<html>"), ResponseDecodeException),
    ],
)
def test_a_stream_that_has_begun_is_never_asked_for_again(
    form: str, response: Response, kind: type[ApiException]
) -> None:
    # The policy allows all it can, and still does not.
    policy = RetryPolicy(statuses={200, 500, 502, 503}, lost_connections=True, backoff=0)
    with RawServer([response, ANSWER]) as server:
        with pytest.raises(kind) as caught:
            answered = getattr(chat(server, policy), f"chat_completion{form}")(
                chat_completion_request=QUESTION
            )
            list(answered)
    assert len(server.requests) == 1
    assert caught.value.attempts == 1


@pytest.mark.parametrize(
    ("form", "response"),
    [
        ("", http_response(200, body="<html>")),
        ("", [HEAD + b"{", CLOSE]),
        ("", stream_response(chunk("Hi"))),
        ("_stream", http_response(200, body="<html>")),
        ("_stream", stream_response(chunk("Hi"))),
        ("_stream", stream_response(chunk("Hi"), {"error": {"message": "x"}})),
    ],
)
def test_an_answer_that_fails_later_tells_of_the_attempts_before(form: str, response: Response) -> None:
    with RawServer([failure(503, message="busy"), response]) as server:
        with pytest.raises(ApiException) as caught:
            list(getattr(chat(server), f"chat_completion{form}")(chat_completion_request=QUESTION))
    assert caught.value.attempts == 2
    assert [it.message for it in caught.value.previous] == ["busy"]


# Retry-After (RFC 9110, section 10.2.3)


def test_seconds_are_obeyed() -> None:
    with RawServer([failure(429, "1"), ANSWER]) as server:
        assert text_of(chat(server)) == "Hi"
    first, second = server.requests
    assert second.received_at - first.received_at >= 1


def test_milliseconds_are_obeyed() -> None:
    # A wait as long as the seconds say would be longer than allowed, and so none at all.
    busy = json_response({"message": "later"}, 429, {"Retry-After": "3600", "retry-after-ms": "20"})
    with RawServer([busy, busy, busy]) as server:
        with pytest.raises(TooManyRequestsException) as caught:
            ask(chat(server))
    assert (caught.value.attempts, caught.value.retry_after) == (3, 0.02)


def test_a_date_is_obeyed() -> None:
    moments: list[float] = []

    def busy_until_a_date(connection: Connection) -> None:
        connection.read_request()
        # A date has whole seconds: this one is between 1 and 2 seconds away.
        moment = datetime.fromtimestamp(int(time.time()) + 2, timezone.utc)
        moments.append(time.monotonic() + moment.timestamp() - time.time())
        connection.send(failure(503, format_datetime(moment, usegmt=True)))
        connection.read_request()
        connection.send(ANSWER)

    with RawServer(handler=busy_until_a_date) as server:
        assert text_of(chat(server)) == "Hi"
    assert server.requests[1].received_at >= moments[0] - 0.05  # the two clocks are read one after the other


FORMATS: list[Callable[[datetime], str]] = [
    lambda moment: format_datetime(moment, usegmt=True),  # IMF-fixdate
    lambda moment: moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),  # RFC 850
    lambda moment: moment.strftime("%a %b ") + f"{moment.day:2}" + moment.strftime(" %H:%M:%S %Y"),  # asctime
]


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_later_date_than_allowed_is_handed_to_the_caller_at_once(
    written: Callable[[datetime], str], status: int
) -> None:
    moment = datetime.now(timezone.utc) + timedelta(hours=1)
    with RawServer([failure(status, written(moment))]) as server:
        with pytest.raises((TooManyRequestsException, ServiceException)) as caught:
            ask(chat(server))
    assert (len(server.requests), caught.value.attempts) == (1, 1)
    assert caught.value.retry_after is not None
    assert 3500 < caught.value.retry_after <= 3600


@pytest.mark.parametrize("written", FORMATS)
def test_a_date_that_has_passed_is_no_wait(written: Callable[[datetime], str]) -> None:
    moment = datetime.now(timezone.utc) - timedelta(days=1)
    with RawServer([failure(503, written(moment)), failure(500, written(moment))]) as server:
        with pytest.raises(ServiceException) as caught:
            ask(chat(server, RetryPolicy(backoff=1000, max_backoff=1000)))  # not what is waited for
    assert caught.value.attempts == 2
    assert caught.value.retry_after == caught.value.previous[0].retry_after == 0


@pytest.mark.parametrize("seconds", ["61", "3600", "9" * 400])
def test_more_seconds_than_allowed_are_handed_to_the_caller_at_once(seconds: str) -> None:
    with RawServer([failure(429, seconds)]) as server:
        with pytest.raises(TooManyRequestsException) as caught:
            ask(chat(server))
    assert (len(server.requests), caught.value.attempts) == (1, 1)
    assert caught.value.retry_after == float(seconds)


def test_how_long_is_allowed_may_be_set() -> None:
    with RawServer([failure(503, "0.2")]) as server:
        with pytest.raises(ServiceException):
            ask(chat(server, RetryPolicy(max_retry_after=0.1)))


UNCLEAR = [
    "soon",
    "-1",
    "1, 2",
    "1e1",
    "10 s",
    "5,5",
    "0x10",
    "nan",
    "Infinity",
    "+5",
    "Monday",
    "12:00",
    "²",
    "{}",
]


@pytest.mark.parametrize(
    "value",
    [
        *UNCLEAR,
        "Sun, 06 Nov 2095 08:49:37 PST",
        "Sun, 99 Nov 2095 08:49:37 GMT",
        "Sun, 06 Nov 2095 08:49:37 GMT+0900",
    ],
)
def test_what_is_neither_seconds_nor_a_date_is_as_if_it_were_not_there(value: str) -> None:
    with RawServer([failure(503, value), failure(429, value), failure(500, value)]) as server:
        with pytest.raises(ServiceException) as caught:
            ask(chat(server))
    assert caught.value.attempts == 3
    assert [it.retry_after for it in (*caught.value.previous, caught.value)] == [None, None, None]
