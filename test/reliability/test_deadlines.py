"""A deadline, or another thread, ends a call in whatever it waits for, whichever the way to the server."""

from __future__ import annotations

import gc
import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.chat import ANSWER, BODY, STREAM, ask, chat
from support.proxies import SocksProxies
from support.raw_server import CLOSE, Connection, Gate, RawServer, closed_port, json_response
from support.tunnels import reached
from tachyon_sdk import Cancellation, ChatApi, Configuration, RetryPolicy
from tachyon_sdk.exceptions import (
    ApiTypeError,
    ApiValueError,
    BadRequestException,
    CancelledException,
    ConnectionException,
    DeadlineException,
    StreamTruncatedException,
    TimeoutException,
    TooManyRequestsException,
)
from tachyon_sdk.hooks import Call, Hook

WAYS = [("direct", "http"), ("direct", "https"), ("http", "http"), ("http", "https"), ("tls", "https")]
DEADLINE = 0.2
PACE = 0.01
# More than the sockets on the way hold.
LARGE = {"messages": [{"role": "user", "content": "x" * 12_000_000}]}
FIRST = STREAM[: STREAM.index(b"two")]


class Phase:
    """A server that makes a call wait in one of its phases.

    Attributes:
        waits: Set as soon as it does.
        over: Set by the test at its end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.waits = threading.Event()
        self.over = threading.Event()

    def __call__(self, connection: Connection) -> None:
        if self.name == "upload":
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.socket.recv(1000)
            self.waits.set()
            assert self.over.wait(30)
            return
        connection.read_request()
        if self.name == "dripping headers":
            self.drip(connection, b"HTTP/1.1 200 OK\r\nX-Long: ", b"x")
        elif self.name == "dripping body":
            self.drip(connection, ANSWER[: ANSWER.index(b"Hello")], b" ")
        elif self.name == "dripping stream":
            self.drip(connection, FIRST, b":\n")
        elif self.name == "stalled stream":
            connection.send(FIRST)
        self.waits.set()
        connection.await_close()

    def drip(self, connection: Connection, head: bytes, piece: bytes) -> None:
        if self.name == "dripping stream":  # in HTTP chunks
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
            head = head[: head.rindex(b"\r\n") + 2] if not head.endswith(b"\r\n") else head
        connection.send(head)
        self.waits.set()
        while not self.over.wait(PACE):
            connection.send(piece)

    @property
    def is_stream(self) -> bool:
        return "stream" in self.name

    def call(self, api: ChatApi, **options: Any) -> object:
        if not self.is_stream:
            body = LARGE if self.name == "upload" else BODY
            return api.chat_completion(chat_completion_request=body, **options)
        with api.chat_completion_stream(chat_completion_request=BODY, **options) as stream:
            return list(stream)


PHASES = [
    "upload",
    "stalled headers",
    "dripping headers",
    "dripping body",
    "dripping stream",
    "stalled stream",
]


@contextmanager
def waiting(name: str, way: tuple[str, str], socks: SocksProxies) -> Iterator[tuple[Phase, ChatApi]]:
    phase = Phase(name)
    try:
        with reached(*way, socks, phase) as (_, settings), chat(**settings, read_timeout=30) as api:
            try:
                yield phase, api
            finally:
                phase.over.set()
    finally:
        phase.over.set()


@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("name", PHASES)
def test_a_deadline(name: str, way: tuple[str, str], socks: SocksProxies) -> None:
    with waiting(name, way, socks) as (phase, api), pytest.raises(DeadlineException) as caught:
        phase.call(api, _deadline=DEADLINE)
    error = caught.value
    assert str(error).startswith(f"the call did not end within its deadline of {DEADLINE} s") or error.status
    assert error.message == f"the call did not end within its deadline of {DEADLINE} s"
    assert isinstance(error, TimeoutException) and error.request_sent
    assert isinstance(error.__cause__, (ConnectionException, StreamTruncatedException))
    if phase.is_stream:
        assert error.partial.text == "one"
    if name == "dripping body":
        assert error.body and error.status == 200


@pytest.mark.parametrize("way", [WAYS[0], WAYS[1], WAYS[3]], ids="-".join)
@pytest.mark.parametrize("name", PHASES)
def test_another_thread_cancels(name: str, way: tuple[str, str], socks: SocksProxies) -> None:
    cancellation = Cancellation()
    with waiting(name, way, socks) as (phase, api):
        canceller = threading.Thread(target=lambda: (phase.waits.wait(20), cancellation.cancel()))
        canceller.start()
        with pytest.raises(CancelledException, match="the call was cancelled") as caught:
            phase.call(api, _cancellation=cancellation)
        canceller.join()
    assert cancellation.cancelled
    if phase.is_stream and caught.value.partial:
        assert caught.value.partial.text == "one"


def test_a_tunnel_that_is_not_set_up() -> None:
    with (
        RawServer(handler=lambda connection: (connection.read_request(), connection.await_close())) as proxy,
        chat("https://tachyon.example", proxy=proxy.url, connect_timeout=30) as api,
        pytest.raises(DeadlineException) as caught,
    ):
        api.chat_completion(chat_completion_request=BODY, _deadline=DEADLINE)
    assert not caught.value.request_sent


def test_a_tls_handshake_that_does_not_come() -> None:
    with (
        RawServer(handler=lambda connection: connection.await_close()) as server,
        chat(server.url.replace("http:", "https:"), connect_timeout=30, retries=0) as api,
        pytest.raises(DeadlineException) as caught,
    ):
        api.chat_completion(chat_completion_request=BODY, _deadline=DEADLINE)
    assert not caught.value.request_sent


@pytest.mark.parametrize("scheme", ["direct", "proxy"])
def test_a_wait_that_would_be_too_long_is_not_begun(scheme: str) -> None:
    busy = json_response({"message": "later"}, 429, {"Retry-After": "30"})
    with RawServer([busy]) as server:
        settings = (
            {"host": server.url} if scheme == "direct" else {"host": "http://a.test", "proxy": server.url}
        )
        with chat(**settings, deadline=20) as api, pytest.raises(DeadlineException) as caught:  # type: ignore[arg-type]
            ask(api)
    error = caught.value
    assert isinstance(error.__cause__, TooManyRequestsException) and error.status == 429
    assert error.partial is None


def test_a_wait_is_cancelled() -> None:
    cancellation, waits = Cancellation(), threading.Event()

    class Waits(Hook):
        def on_attempt_error(self, attempt: Any, error: BaseException) -> None:
            waits.set()

    canceller = threading.Thread(target=lambda: (waits.wait(20), cancellation.cancel()))
    canceller.start()
    retries = RetryPolicy(5, backoff=100, max_backoff=100)
    with chat(f"http://127.0.0.1:{closed_port()}", retries=retries) as api:
        view = ChatApi(api.api_client.with_options(hooks=[Waits()], cancellation=cancellation))
        with pytest.raises(CancelledException) as caught:
            ask(view)
        assert isinstance(caught.value.__cause__, ConnectionException)
        with pytest.raises(CancelledException) as again:  # nothing is sent any more
            ask(view)
    canceller.join()
    assert not again.value.request_sent


def test_attempts_share_the_deadline() -> None:
    gate = Gate()
    with RawServer([json_response({}, 503), [gate, ANSWER]]) as server, chat(server.url) as api:
        with pytest.raises(DeadlineException) as caught:
            api.chat_completion(chat_completion_request=BODY, _deadline=DEADLINE)
        gate.open()
    assert [type(error).__name__ for error in caught.value.previous] == ["ServiceException"]
    assert caught.value.attempts == 2


def test_a_call_within_its_deadline() -> None:
    with RawServer([ANSWER, STREAM, ANSWER, ANSWER]) as server, chat(server.url, deadline=60) as api:
        assert ask(api) == "Hello"
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            assert stream.collect().text == "onetwothree"
        response = api.chat_completion_without_preload_content(chat_completion_request=BODY)
        assert b"Hello" in response.data
        assert ask(ChatApi(api.api_client.with_options(deadline=None))) == "Hello"
        assert server.connections == 1  # it was not interrupted by a late timer
    join_timers()


def test_a_stream_that_is_left_keeps_no_timer() -> None:
    with RawServer([[FIRST, CLOSE]]) as server, chat(server.url, deadline=60) as api:
        stream = api.chat_completion_stream(chat_completion_request=BODY)
        assert next(stream).text == "one"
        stream.close()
    join_timers()


def join_timers() -> None:
    for thread in threading.enumerate():
        if thread.name == "tachyon_sdk deadline":
            thread.join(20)
            assert not thread.is_alive()


def test_an_error_of_the_server_stays_what_it_is() -> None:
    with RawServer([json_response({"message": "no"}, 400)]) as server, chat(server.url, deadline=60) as api:
        with pytest.raises(BadRequestException):
            ask(api)


def test_the_stream_is_cancelled_between_two_chunks() -> None:
    cancellation = Cancellation()
    with RawServer([[FIRST, Gate()]]) as server, chat(server.url) as api:
        stream = api.chat_completion_stream(chat_completion_request=BODY, _cancellation=cancellation)
        assert next(stream).text == "one"
        cancellation.cancel()
        with pytest.raises(CancelledException) as caught:
            list(stream)
    assert caught.value.partial.text == "one"


def test_hooks_see_the_deadline() -> None:
    seen: list[str] = []

    class Log(Hook):
        def on_call_error(self, call: Call, error: BaseException) -> None:
            seen.append(type(error).__name__)

    with RawServer([[FIRST, Gate()], [Gate()]]) as server, chat(server.url, deadline=DEADLINE) as api:
        api = ChatApi(api.api_client.with_options(hooks=[Log()]))
        with pytest.raises(DeadlineException):
            list(api.chat_completion_stream(chat_completion_request=BODY))
        with pytest.raises(DeadlineException):
            ask(api)
    assert seen == ["DeadlineException"] * 2


@pytest.mark.parametrize("method", ["before_attempt", "after_attempt"])
def test_a_call_that_a_hook_makes_has_its_own_connection(method: str, socks: SocksProxies) -> None:
    class Asks(Hook):
        def __init__(self, api: ChatApi) -> None:
            setattr(self, method, lambda attempt: ask(api))

    with RawServer([ANSWER, ANSWER]) as other, chat(other.url) as inner:
        with waiting("stalled stream", WAYS[0], socks) as (phase, api), pytest.raises(DeadlineException):
            phase.call(ChatApi(api.api_client.with_options(hooks=[Asks(inner)])), _deadline=DEADLINE)
        assert ask(inner) == "Hello"
        assert other.connections == 1  # the deadline of the other call did not close it


def test_a_connection_that_comes_too_late_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    cancellation, lookup = Cancellation(), socket.getaddrinfo

    def slow_lookup(*arguments: Any) -> Any:
        cancellation.cancel()
        return lookup(*arguments)

    with RawServer(handler=lambda connection: connection.await_close()) as server, chat(server.url) as api:
        monkeypatch.setattr(socket, "getaddrinfo", slow_lookup)
        with pytest.raises(CancelledException) as caught:
            api.chat_completion(chat_completion_request=BODY, _cancellation=cancellation)
    assert not caught.value.request_sent
    del caught
    gc.collect()  # A socket that was left open is a warning, and so an error.


@pytest.mark.parametrize("which", [0, 1])
def test_a_call_may_have_a_cancellation_beside_that_of_its_client(which: int) -> None:
    both = Cancellation(), Cancellation()
    with RawServer([[FIRST, Gate()]]) as server, chat(server.url) as api:
        view = ChatApi(api.api_client.with_options(cancellation=both[0]))
        stream = view.chat_completion_stream(chat_completion_request=BODY, _cancellation=both[1])
        assert next(stream).text == "one"
        both[which].cancel()
        with pytest.raises(CancelledException):
            list(stream)


def test_retries_of_one_call() -> None:
    busy = json_response({}, 503)
    with RawServer([busy, busy, ANSWER]) as server, chat(server.url) as api:
        with pytest.raises(Exception, match="503"):
            api.chat_completion(chat_completion_request=BODY, _retries=0)
        policy = RetryPolicy(1, backoff=0)
        assert api.chat_completion(chat_completion_request=BODY, _retries=policy).text == "Hello"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"_deadline": 0}, ApiValueError, "_deadline must be above 0"),
        ({"_deadline": "1"}, ApiTypeError, "_deadline must be a number of seconds"),
        ({"_retries": -1}, ApiValueError, "_retries"),
        ({"_cancellation": True}, ApiTypeError, "_cancellation must be a Cancellation"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with RawServer([]) as server, chat(server.url) as api, pytest.raises(error, match=message):
        api.chat_completion(chat_completion_request=BODY, **options)


def test_the_errors_can_be_pickled() -> None:
    for kind in (DeadlineException, CancelledException):
        assert pickle.loads(pickle.dumps(kind(message="late"))).message == "late"


def test_the_setting() -> None:
    assert Configuration().deadline is None
    with pytest.raises(ApiValueError, match="deadline"):
        Configuration(deadline=0)
