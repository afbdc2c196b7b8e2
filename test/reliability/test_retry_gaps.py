"""The gaps between attempts, as the server measures them, and attempts at servers that come and go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest

from support.raw_server import CLOSE, RawServer, Response, http_response, json_response, stream_response
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ChatApi,
    Configuration,
    ConnectionException,
    RetryPolicy,
    ServiceException,
)

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
CHUNK = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
ANSWER = json_response(CHUNK)
LONG = 1000.0  # seconds; no test waits for them


class Noted(RetryPolicy):
    """Remembers the waits that it asked for."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.waits: list[float | None] = []

    def delay(self, *arguments: Any, **what: Any) -> float | None:
        self.waits.append(super().delay(*arguments, **what))
        return self.waits[-1]


@contextmanager
def chat(host: str, retries: Any) -> Iterator[ChatApi]:
    with ApiClient(Configuration(host, operator_id="tn_1", access_token="t", retries=retries)) as client:
        yield ChatApi(client)


def text_of(api: ChatApi, form: str = "") -> str:
    answer = getattr(api, f"chat_completion{form}")(chat_completion_request=QUESTION)
    return "".join(answer.text) if form else answer.choices[0].delta.content


def gaps(server: RawServer) -> list[float]:
    """Seconds from each request to the next."""
    moments = [request.received_at for request in server.requests]
    return [later - earlier for earlier, later in pairwise(moments)]


def assert_kept(server: RawServer, waits: Sequence[float | None], count: int) -> None:
    assert len(waits) == len(gaps(server)) == count
    for gap, wait in zip(gaps(server), waits, strict=True):
        assert wait is not None and gap >= wait


@pytest.mark.parametrize("form", ["", "_stream"])
def test_no_attempt_comes_before_its_wait_is_over(form: str) -> None:
    good = stream_response(CHUNK, "[DONE]") if form else ANSWER
    policy = Noted(4, backoff=0.1, statuses={429, 500, 502, 503}, lost_connections=True)
    failures: list[Response] = [[CLOSE], http_response(503), http_response(429), http_response(500)]
    with RawServer([*failures, good]) as server:
        with chat(server.url, policy) as api:
            assert text_of(api, form) == "Hi"
    assert_kept(server, policy.waits, 4)


def test_the_usual_waits_come_one_after_the_other() -> None:
    policy = Noted()
    with RawServer([http_response(503), http_response(503), http_response(503)]) as server:
        with chat(server.url, policy) as api, pytest.raises(ServiceException):
            text_of(api)
    assert_kept(server, policy.waits[:-1], 2)
    assert policy.waits[-1] is None


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_the_retry_delay_of_the_server_replaces_the_backoff(status: int) -> None:
    answers = [http_response(status, {"Retry-After": seconds}) for seconds in ("0", "0.2")]
    policy = Noted(statuses={429, 500, 502, 503}, backoff=LONG, max_backoff=LONG)
    with RawServer([*answers, ANSWER]) as server:
        with chat(server.url, policy) as api:
            assert text_of(api) == "Hi"
    assert policy.waits == [0, 0.2]
    assert gaps(server)[1] >= 0.2


def test_a_server_that_comes_up_in_the_meantime_is_reached() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # refuses connections until it listens

        class Starting(RetryPolicy):
            def delay(self, attempt: int, *arguments: Any, **what: Any) -> float | None:
                if attempt == 2:
                    listener.listen()
                    server.start()
                return 0

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                size = 0
                while (line := lines.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    size = int(value) if name.lower() == b"content-length" else size
                lines.read(size)
                connection.sendall(ANSWER)

        server = threading.Thread(target=answer)
        with chat(f"http://127.0.0.1:{listener.getsockname()[1]}", Starting()) as api:
            assert text_of(api) == "Hi"
        server.join(30)
        assert not server.is_alive()


def test_a_server_lost_between_attempts_is_reported_with_its_earlier_error() -> None:
    with ExitStack() as running:
        server = running.enter_context(RawServer([http_response(503, {"Connection": "close"})]))

        class Stopping(RetryPolicy):
            def delay(self, *arguments: Any, **what: Any) -> float | None:
                running.close()
                return super().delay(*arguments, **what)

        with chat(server.url, Stopping(backoff=0)) as api, pytest.raises(ConnectionException) as caught:
            text_of(api)
    assert [it.status for it in (*caught.value.previous, caught.value)] == [503, None, None]
    assert caught.value.attempts == 3 and caught.value.request_sent is False
    assert "after 3 attempts" in str(caught.value)


def test_the_previous_errors_are_distinct() -> None:
    bodies = [f'{{"code": "c{number}", "message": "m{number}"}}' for number in range(3)]
    answers = [
        http_response(503, {"Content-Type": "application/json", "X-Request-Id": f"r{number}"}, body)
        for number, body in enumerate(bodies)
    ]
    with RawServer(answers) as server:
        with chat(server.url, RetryPolicy(backoff=0)) as api, pytest.raises(ApiException) as caught:
            text_of(api)
    told = [*caught.value.previous, caught.value]
    assert [it.request_id for it in told] == ["r0", "r1", "r2"]
    assert [it.body for it in told] == bodies
    assert [(it.code, it.message) for it in told] == [("c0", "m0"), ("c1", "m1"), ("c2", "m2")]
