"""Connections: whatever becomes of the calls, none is left open, and none is used again that should not be."""

from __future__ import annotations

import gc
import itertools
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from support.chat import ANSWER, BODY, ask, chat, chunk
from support.programs import descriptors
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    RESET,
    Connection,
    Gate,
    RawServer,
    json_response,
    stream_response,
)
from support.tls_server import TlsServer
from tachyon_sdk import ApiClient, ChatApi, Configuration, RetryPolicy
from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    StreamErrorException,
    StreamTruncatedException,
)

# How many streams of each kind. What is promised is promised for 10,000: RELIABILITY_STREAMS=10000.
STREAMS = int(os.environ.get("RELIABILITY_STREAMS", "200"))


def open_stream(api: ChatApi) -> Any:
    return api.chat_completion_stream(chat_completion_request=BODY)


# --- many streams


def read_to_the_end(api: ChatApi) -> None:
    with open_stream(api) as stream:
        assert stream.collect().choices[0].delta.content == "one"


def leave_by_close(api: ChatApi) -> None:
    stream = open_stream(api)
    next(stream)
    stream.close()


def leave_the_block(api: ChatApi) -> None:
    with open_stream(api) as stream:
        next(stream)


def drop(api: ChatApi) -> None:
    next(open_stream(api))


def drop_in_a_cycle(api: ChatApi) -> None:
    # Only the collector frees it.
    held: dict[str, Any] = {"stream": open_stream(api)}
    held["itself"] = held
    next(held["stream"])


def fails_with(kind: type[ApiException]) -> Callable[[ChatApi], None]:
    failed = []

    def fail(api: ChatApi) -> None:
        failed.append(open_stream(api))  # it is not to be closed for want of an owner
        with pytest.raises(kind):
            list(failed[-1])

    return fail


WHOLE = stream_response(chunk("one", "stop"), "[DONE]")
ENDLESS = stream_response(chunk("one")).removesuffix(b"0\r\n\r\n")
ERROR = stream_response(chunk("one"), {"error": {"message": "out of order"}}).removesuffix(b"0\r\n\r\n")
# How a stream is used, what the server sends of it, and who ends the connection.
KINDS: dict[str, tuple[Callable[[ChatApi], None], bytes, str]] = {
    "read-to-the-end": (read_to_the_end, WHOLE, "nobody"),
    "left-by-close": (leave_by_close, ENDLESS, "client"),
    "left-by-the-block": (leave_the_block, ENDLESS, "client"),
    "cut-off": (fails_with(StreamTruncatedException), ENDLESS, "server"),
    "error": (fails_with(StreamErrorException), ERROR, "client"),
    "dropped": (drop, ENDLESS, "client"),
    "dropped-in-a-cycle": (drop_in_a_cycle, ENDLESS, "client"),
}


# Of objects that it frees together, the collector may finalize the socket first, which then complains.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_many_streams_leave_no_descriptor_open(kind: str) -> None:
    use, response, ended_by = KINDS[kind]
    # Two ways to do the same share the number.
    count = STREAMS if kind == "read-to-the-end" else STREAMS // 2

    def handler(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.send(response)
            if ended_by == "server":
                return

    with RawServer(handler=handler) as server:
        with chat(server.url) as api:
            use(api)
            gc.collect()
            server.wait_ended(0 if ended_by == "nobody" else 1)
            before = descriptors()
            for number in range(count - 1):
                use(api)
                if number % 100 == 0:
                    gc.collect()
            gc.collect()
            server.wait_ended(0 if ended_by == "nobody" else count)
            assert descriptors() <= before
        assert len(server.requests) == count
        assert server.connections == (1 if ended_by == "nobody" else count)


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    gc.freeze()  # what is not of the test makes each collection slow
    yield
    gc.unfreeze()
    gc.enable()


def collect_at(moment: int) -> Callable[..., None]:
    """A profile function that runs the collector once, at an event within the pool: the moment-th, from 0."""
    left = moment

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        if os.path.basename(frame.f_code.co_filename) in ("queue.py", "connectionpool.py", "pools.py"):
            if left == 0:
                sys.setprofile(None)
                gc.collect()
            left -= 1

    return profile


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("_no_collector")
def test_a_stream_may_be_collected_in_the_middle_of_another_call() -> None:
    # Also while that call holds a lock of the pool, to which the stream gives its connection back.
    def handler(connection: Connection) -> None:
        while True:
            streams = connection.read_request().json().get("stream")
            connection.send(ENDLESS if streams else ANSWER)

    with RawServer(handler=handler) as server, chat(server.url) as api:
        for moment in itertools.count():
            drop_in_a_cycle(api)
            sys.setprofile(collect_at(moment))
            assert ask(api) == "Hello"
            if sys.getprofile() is not None:  # the call was over before that moment
                sys.setprofile(None)
                break
        assert moment > 10
        gc.collect()
        server.wait_ended(moment + 1)


# --- idle connections that the server has ended


def end_idle(how: str) -> Callable[[Connection], None]:
    """A server that sends one response per connection and closes it while it is idle."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER)
        if how == "reset":
            connection.reset()
        elif how == "answer":
            # Some servers send this, unrequested, when they close an idle connection.
            connection.send(json_response({"message": "too late"}, 408, {"Connection": "close"}))

    return handler


@pytest.mark.parametrize("how", ["end", "reset", "answer"])
@pytest.mark.parametrize("form", ["plain", "stream"])
def test_an_idle_connection_that_has_ended_is_replaced_unnoticed(how: str, form: str) -> None:
    with RawServer(handler=end_idle(how)) as server, chat(server.url, retries=0) as api:
        for number in range(1, 6):
            if form == "plain":
                assert ask(api) == "Hello"
            else:
                assert list(open_stream(api).text) == ["Hello"]
            server.wait_ended(number)
        assert server.connections == 5


def test_several_idle_connections_that_have_ended_are_replaced_by_one() -> None:
    gate = Gate()
    slow = [ANSWER[:-1], gate, ANSWER[-1:], CLOSE]
    with RawServer([slow, slow, slow, ANSWER, ANSWER]) as server, chat(server.url, retries=0) as api:
        streams = [open_stream(api) for _ in range(3)]
        gate.open(3)
        for stream in streams:
            assert stream.collect().choices[0].delta.content == "Hello"
        server.wait_ended(3)
        assert [ask(api), ask(api)] == ["Hello", "Hello"]
        assert server.connections == 4


def test_an_idle_tls_connection_that_has_ended_is_replaced_unnoticed() -> None:
    ended = threading.Event()

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER)
        assert isinstance(connection.socket, ssl.SSLSocket)
        timeout = connection.socket.gettimeout()
        connection.socket.settimeout(0)
        with suppress(OSError):
            connection.socket.unwrap()  # sends the server's part of the end, and does not wait
        ended.set()
        connection.socket.settimeout(timeout)
        with suppress(OSError):
            connection.socket.unwrap()  # waits for the client's, which comes when the connection is replaced

    with TlsServer(handler=handler) as server:
        with chat(server.url, retries=0, ssl_ca_cert=server.ca_file) as api:
            assert ask(api) == "Hello"
            assert ended.wait(30)
            assert ask(api) == "Hello"
            server.wait_ended(1)
        assert server.connections == 2


# --- connections that end when the request is there


def end_with_the_second_request(how: Any) -> Callable[[Connection], None]:
    """A server that sends one response per connection, then truncates the second."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER)
        connection.read_request()
        connection.play([b"HTTP/1.1 ", how])

    return handler


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("form", ["chat_completion", "chat_completion_stream"])
def test_a_request_that_the_server_may_have_acted_on_is_not_sent_again(how: Any, form: str) -> None:
    with RawServer(handler=end_with_the_second_request(how)) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
        with pytest.raises(ConnectionException) as caught:
            getattr(api, form)(chat_completion_request=BODY)
        assert caught.value.request_sent is True
        assert (caught.value.attempts, caught.value.previous) == (1, ())
        assert ask(api) == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1]


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("form", ["chat_completion", "chat_completion_stream"])
def test_unless_the_policy_allows_it(how: Any, form: str) -> None:
    policy = RetryPolicy(lost_connections=True, backoff=0)
    with (
        RawServer(handler=end_with_the_second_request(how)) as server,
        chat(server.url, retries=policy) as api,
    ):
        assert ask(api) == "Hello"
        answer = getattr(api, form)(chat_completion_request=BODY)
        if form == "chat_completion_stream":
            answer = answer.collect()
        assert answer.choices[0].delta.content == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1]


def test_a_request_that_was_sent_only_in_part_may_have_been_seen() -> None:
    def handler(connection: Connection) -> None:
        assert connection.socket.recv(1000)
        connection.reset()

    body = {"messages": [{"role": "user", "content": "x" * 8_000_000}]}
    with RawServer(handler=handler) as server, chat(server.url) as api:
        with pytest.raises(ConnectionException) as caught:
            api.chat_completion(chat_completion_request=body)
    assert (caught.value.request_sent, caught.value.attempts) == (True, 1)
    assert server.connections == 1


# --- interim, missing and surplus responses


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize("form", ["chat_completion", "chat_completion_stream"])
def test_interim_responses_are_skipped(interim: bytes, form: str) -> None:
    # RFC 9110, section 15.2: any number of them may precede the response.
    before = b"HTTP/1.1 " + interim + b"\r\nLink: </style.css>\r\n\r\n"

    def handler(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.send(before * 3 + ANSWER)

    with RawServer(handler=handler) as server, chat(server.url) as api:
        for _ in range(2):
            answer = getattr(api, form)(chat_completion_request=BODY)
            if form == "chat_completion_stream":
                answer = answer.collect()
            assert answer.choices[0].delta.content == "Hello"
    assert server.connections == 1


def test_a_connection_that_has_switched_protocols_is_closed() -> None:
    # RFC 9110, section 15.2.2. The following bytes are not HTTP, and not a response to the next request.
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    with RawServer([[switched, AWAIT_CLOSE], ANSWER]) as server, chat(server.url) as api:
        with pytest.raises(ApiException):
            ask(api)
        server.wait_ended(1)
        assert ask(api) == "Hello"


def test_surplus_bytes_are_not_the_response_to_the_next_request() -> None:
    wrong = json_response(chunk("wrong", "stop"))
    with RawServer([ANSWER + wrong, ANSWER + wrong, ANSWER]) as server, chat(server.url) as api:
        assert [ask(api), ask(api), ask(api)] == ["Hello"] * 3
    assert server.connections == 3


# --- a client is closed


def test_a_closed_client_leaves_nothing_open_and_makes_new_connections() -> None:
    def handler(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.send(ANSWER)

    with RawServer(handler=handler) as server:
        client = ApiClient(Configuration(server.url, operator_id="tn_1", access_token="t"))
        before = descriptors()
        for number in range(1, 20):
            assert ask(ChatApi(client)) == "Hello"
            client.close()
            server.wait_ended(number)
        assert descriptors() <= before


def test_a_client_that_is_dropped_closes_its_connections() -> None:
    with RawServer([ANSWER, [ENDLESS, AWAIT_CLOSE]]) as server:
        api = ChatApi(ApiClient(Configuration(server.url, operator_id="tn_1", access_token="t")))
        assert ask(api) == "Hello"
        stream = open_stream(api)
        next(stream)
        del api
        gc.collect()
        assert stream.merged.choices[0].delta.content == "one"
        del stream
        gc.collect()
        server.wait_ended(1)
