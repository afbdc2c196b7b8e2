"""Hooks around calls and attempts, and views of a client with other options."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest

from support.chat import ANSWER, BODY, OPERATOR, STREAM, TOKEN, ask, chat
from support.raw_server import AWAIT_CLOSE, CLOSE, RawServer, json_response
from tachyon_sdk import ApiClient, ChatApi, Configuration, RetryPolicy
from tachyon_sdk.exceptions import (
    ApiTypeError,
    ApiValueError,
    BadRequestException,
    ConnectionException,
    StreamTruncatedException,
)
from tachyon_sdk.hooks import Attempt, Call, Hook

BROKEN = [STREAM[: STREAM.index(b"two")], CLOSE]
WAITING = [STREAM[: STREAM.index(b"two")], AWAIT_CLOSE]


class Log(Hook):
    """Writes down what it sees."""

    def __init__(self, lines: list[str] | None = None, name: str = "") -> None:
        self.lines = [] if lines is None else lines
        self.name = name
        self.calls: list[Call] = []

    def write(self, *words: object) -> None:
        self.lines.append(" ".join(map(str, [*([self.name] if self.name else []), *words])))

    def before_call(self, call: Call) -> None:
        self.calls.append(call)
        self.write("call", call.operation)

    def after_call(self, call: Call) -> None:
        self.write("end", call.status, "complete" if call.complete else "closed")

    def on_call_error(self, call: Call, error: BaseException) -> None:
        self.write("failed", type(error).__name__)

    def before_attempt(self, attempt: Attempt) -> None:
        self.write("attempt", attempt.number)

    def after_attempt(self, attempt: Attempt) -> None:
        self.write("response", attempt.status, attempt.delay)

    def on_attempt_error(self, attempt: Attempt, error: BaseException) -> None:
        self.write("no response", type(error).__name__, attempt.delay)


def with_hooks(api: ChatApi, *hooks: Hook) -> ChatApi:
    return ChatApi(api.api_client.with_options(hooks=hooks))


def test_a_call() -> None:
    log = Log()
    with RawServer([ANSWER]) as server, chat(server.url) as api:
        assert ask(with_hooks(api, log)) == "Hello"
        assert log.lines == ["call chat_completion", "attempt 1", "response 200 None", "end 200 complete"]
        (call,) = log.calls
        assert (call.method, call.url) == ("POST", f"{server.url}/v1/llms/chat/completions")
    assert call.body == BODY and call.response.text == "Hello"
    assert (call.response_id, call.model, call.finish_reasons, call.stream) == ("1", "m", ["stop"], False)
    assert call.ended_at is not None and call.seconds == call.ended_at - call.started_at > 0


def test_attempts_and_their_delays() -> None:
    log = Log()
    responses = [json_response({}, 503), json_response({}, 429, {"Retry-After": "0"}), ANSWER]
    with RawServer(responses) as server, chat(server.url) as api:
        assert ask(with_hooks(api, log)) == "Hello"
    assert log.lines[1:] == [
        *("attempt 1", "response 503 0.0", "attempt 2", "response 429 0.0"),
        *("attempt 3", "response 200 None", "end 200 complete"),
    ]
    assert log.calls[0].attempts == 3


@pytest.mark.parametrize(
    ("response", "expected", "lines"),
    [
        (
            [json_response({"message": "no"}, 400)],
            BadRequestException,
            ["response 400 None", "failed BadRequestException"],
        ),
        (
            [CLOSE],
            ConnectionException,
            ["no response ConnectionException None", "failed ConnectionException"],
        ),
        ([ANSWER[:-9], CLOSE], ConnectionException, ["response 200 None", "failed ConnectionException"]),
    ],
    ids=["status", "lost", "cut"],
)
def test_errors(response: Any, expected: type[Exception], lines: list[str]) -> None:
    log = Log()
    with RawServer([response]) as server, chat(server.url) as api, pytest.raises(expected):
        ask(with_hooks(api, log))
    assert log.lines == ["call chat_completion", "attempt 1", *lines]


def test_a_stream_ends_the_call_when_it_ends() -> None:
    log = Log()
    with RawServer([STREAM]) as server, chat(server.url) as api:
        stream = with_hooks(api, log).chat_completion_stream(chat_completion_request=BODY)
        assert log.lines == ["call chat_completion", "attempt 1", "response 200 None"]
        (call,) = log.calls
        next(stream)
        assert call.first_chunk_at is not None and call.ended_at is None
        assert call.response.text == "one"
        assert stream.collect().text == "onetwothree" == call.response.text
    assert log.lines[-1] == "end 200 complete"
    assert call.stream and call.finish_reasons == ["stop"]


@pytest.mark.parametrize("read", [0, 1])
@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_a_stream_that_is_left_early(read: int, how: str) -> None:
    log = Log()
    with RawServer([WAITING]) as server, chat(server.url) as api:
        stream = with_hooks(api, log).chat_completion_stream(chat_completion_request=BODY)
        for _ in range(read):
            next(stream)
        if how == "closed":
            stream.close()
            stream.close()
        else:
            del stream
            gc.collect()
        server.wait_ended(1)
    assert log.lines[3:] == ["end 200 closed"]


def test_a_stream_that_breaks() -> None:
    log = Log()
    with RawServer([BROKEN]) as server, chat(server.url) as api:
        stream = with_hooks(api, log).chat_completion_stream(chat_completion_request=BODY)
        with pytest.raises(StreamTruncatedException) as caught:
            list(stream)
        stream.close()
    assert caught.value.partial.text == "one"
    assert log.lines[3:] == ["failed StreamTruncatedException"]


def test_a_stream_that_another_thread_closes() -> None:
    log, arrived = Log(), threading.Event()
    with RawServer([WAITING]) as server, chat(server.url) as api:
        stream = with_hooks(api, log).chat_completion_stream(chat_completion_request=BODY)

        def read() -> None:
            with pytest.raises(StreamTruncatedException):
                for _ in stream:
                    arrived.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert arrived.wait(20)
        stream.close()
        reader.join(20)
    assert log.lines[3:] == ["failed StreamTruncatedException"]


def test_other_ways_to_call() -> None:
    log = Log()
    with RawServer([ANSWER] * 3) as server, chat(server.url) as api:
        api = with_hooks(api, log)
        api.chat_completion_without_preload_content(chat_completion_request=BODY).release_conn()
        assert api.chat_completion_with_http_info(chat_completion_request=BODY).status_code == 200
        api.api_client.call_api("GET", f"{server.url}/other?key=secret").read()
    assert log.lines.count("end 200 complete") == 3
    assert log.calls[2].operation == "call_api" and log.calls[2].url == f"{server.url}/other"


def test_the_order_of_several_hooks() -> None:
    lines: list[str] = []
    with RawServer([ANSWER]) as server, chat(server.url) as api:
        ask(with_hooks(api, Log(lines, "a"), Log(lines, "b")))
    assert [line[0] for line in lines] == [*"abab", *"baba"]


class Adds(Hook):
    def __init__(self, headers: dict[str, Any]) -> None:
        self.headers = headers

    def before_attempt(self, attempt: Attempt) -> None:
        assert attempt.headers["Authorization"].endswith(TOKEN)
        attempt.headers.update(self.headers)


def test_a_hook_adds_headers_but_not_the_framing() -> None:
    hook = Adds({"traceparent": "00-1-2-01", "Content-Length": "1"})
    with RawServer([json_response({}, 503), ANSWER]) as server, chat(server.url) as api:
        assert ask(with_hooks(api, hook)) == "Hello"
        for request in server.requests:
            assert request.get("traceparent") == "00-1-2-01"
            assert int(request.get("content-length") or 0) == len(request.body)


def test_an_error_of_the_network_in_a_hook_is_not_retried() -> None:
    class Refreshes(Hook):
        attempts = 0

        def before_attempt(self, attempt: Attempt) -> None:
            self.attempts += 1
            raise ConnectionException(message="no token", request_sent=False)

    hook = Refreshes()
    with (
        RawServer([]) as server,
        chat(server.url) as api,
        pytest.raises(ConnectionException, match="no token"),
    ):
        ask(with_hooks(api, hook))
    assert hook.attempts == 1


class Fails(Hook):
    def __init__(self, method: str) -> None:
        def fail(*arguments: object) -> None:
            raise RuntimeError("the hook is wrong")

        setattr(self, method, fail)


@pytest.mark.parametrize("method", ["before_call", "before_attempt"])
def test_an_error_before_the_request_goes_to_the_caller(method: str) -> None:
    log = Log()
    with RawServer([]) as server, chat(server.url) as api:
        with pytest.raises(RuntimeError, match="the hook is wrong"):
            ask(with_hooks(api, log, Fails(method)))
        assert server.connections == 0
    assert log.lines[-1] == "failed RuntimeError"


def test_a_header_that_cannot_be_sent_goes_to_the_caller() -> None:
    with RawServer([]) as server, chat(server.url) as api, pytest.raises(ApiValueError, match="x-bad"):
        ask(with_hooks(api, Adds({"x-bad": "a\nb"})))


@pytest.mark.parametrize("method", ["after_call", "after_attempt", "on_call_error", "on_attempt_error"])
def test_an_error_afterwards_hides_neither_response_nor_error(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    with RawServer([[CLOSE], ANSWER]) as server, chat(server.url) as api:
        api = with_hooks(api, log, Fails(method))
        with pytest.raises(ConnectionException):
            ask(api)
        assert log.lines[-1] == "failed ConnectionException"
        assert ask(api) == "Hello"
    (record,) = [record for record in caplog.records if record.name == "tachyon_sdk.hooks"]
    assert record.levelno == logging.ERROR and record.exc_info is not None
    assert record.exc_info[0] is RuntimeError


def test_without_hooks_their_module_is_not_loaded() -> None:
    code = """
import sys
from tachyon_sdk import ApiClient, ChatApi, Configuration
ChatApi(ApiClient(Configuration())).chat_completion
assert "tachyon_sdk.hooks" not in sys.modules
import tachyon_sdk
tachyon_sdk.hooks.Hook
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_a_view_has_other_options_and_the_same_connections() -> None:
    with RawServer([ANSWER, ANSWER, json_response({}, 503), ANSWER]) as server, chat(server.url) as api:
        client = api.api_client
        view = client.with_options(operator_id="tn_other", headers={"X-One": "1"}, retries=0)
        assert ask(api) == ask(ChatApi(view)) == "Hello"
        first, second = server.requests
        assert (first.get("x-operator-id"), first.get("x-one")) == (OPERATOR, None)
        assert (second.get("x-operator-id"), second.get("x-one")) == ("tn_other", "1")
        with pytest.raises(Exception, match="503"):
            ask(ChatApi(view))
        assert ask(api) == "Hello"
        assert server.connections == 1
        assert client.configuration.operator_id != "tn_other" and "X-One" not in client.default_headers


def test_a_view_of_a_view_and_removed_headers() -> None:
    client = ApiClient(Configuration(), "X-One", "1")
    view = client.with_options(headers={"x-one": None}).with_options(
        retries=RetryPolicy(3), read_timeout=None
    )
    assert "X-One" not in view.default_headers and "User-Agent" in view.default_headers
    assert (
        repr(view.configuration.retries) == repr(RetryPolicy(3)) and view.configuration.read_timeout is None
    )
    assert client.default_headers["X-One"] == "1"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"read_timout": 1}, ApiTypeError, "does not exist; the options are access_token, "),
        ({"verify_ssl": False}, ApiTypeError, "belongs to the connections: make another ApiClient"),
        ({"proxy": "http://localhost"}, ApiTypeError, "belongs to the connections"),
        ({"retries": -1}, ApiValueError, "retries"),
        ({"read_timeout": "1"}, ApiTypeError, "read_timeout"),
        ({"headers": {"a b": "1"}}, ApiValueError, "name of a header"),
        ({"headers": "X-One: 1"}, ApiTypeError, "headers must be a mapping"),
        ({"hooks": Log()}, ApiTypeError, "hooks must be a list of hooks, not Log"),
        ({"hooks": None}, ApiTypeError, "hooks must be a list of hooks, not NoneType"),
        ({"hooks": [Log]}, ApiTypeError, r"instances: Log\(\), not Log"),
        ({"hooks": [print]}, ApiTypeError, "instances of tachyon_sdk.hooks.Hook, not builtin"),
        ({"cancellation": True}, ApiTypeError, "cancellation must be a Cancellation, not bool"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ApiClient(Configuration()).with_options(**options)
