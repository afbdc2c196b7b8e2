"""One client for many threads: each gets its own answers, and may end what another one is waiting for."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from support.chat import ANSWER, BODY, ask, chat, chunk
from support.programs import descriptors
from support.raw_server import (
    AWAIT_CLOSE,
    WAIT,
    Connection,
    Gate,
    RawServer,
    framed,
    json_response,
    stream_response,
)
from support.readers import Reader, wait_until_blocked
from support.tls_server import TlsServer
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import (
    ConnectionException,
    NotFoundException,
    StreamErrorException,
    StreamTruncatedException,
)

THREADS = 64


def asking(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


# --- no mixed-up answer


class Echo:
    """A handler that answers each question with itself, in the way that the question asks for."""

    def __init__(self) -> None:
        self.open = 0
        self.most_open = 0
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        with self._lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            while True:
                text = connection.read_request().json()["messages"][0]["content"]
                connection.send(self.answer(text))
        finally:
            with self._lock:
                self.open -= 1

    def answer(self, text: str) -> bytes:
        pieces = [chunk(text[:3]), chunk(text[3:8])]
        end = chunk(text[8:], "stop")
        kind = text.partition(" ")[0]
        if kind == "plain":
            return json_response(chunk(text, "stop"))
        if kind == "stream":
            return stream_response(*pieces, end, "[DONE]")
        if kind == "gzip":
            return stream_response(*pieces, end, "[DONE]", framing="gzip-chunked")
        if kind == "missing":
            return json_response({"message": text}, 404)
        if kind == "error":
            return stream_response(*pieces, {"error": {"message": text}})
        return stream_response(*pieces, end).removesuffix(b"0\r\n\r\n")


def echoed(api: ChatApi, text: str) -> str | None:
    """What came of a question: its text, or the beginning of it where the answer is left early."""
    kind = text.partition(" ")[0]
    if kind in ("plain", "missing"):
        try:
            answer = api.chat_completion(chat_completion_request=asking(text))
        except NotFoundException as error:
            return error.message
        return answer.choices[0].delta.content
    with api.chat_completion_stream(chat_completion_request=asking(text)) as stream:
        if kind == "left":
            return (next(stream).choices[0].delta.content or "") + text[3:]
        try:
            return stream.collect().choices[0].delta.content
        except StreamErrorException as error:
            part = error.partial.choices[0].delta.content
            return error.message if part == text[:8] else part


@pytest.mark.parametrize(("maxsize", "calls"), [(THREADS, 12), (8, 4)])
def test_many_threads_get_each_their_own_answers(
    maxsize: int, calls: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    kinds = ["plain", "stream", "gzip", "missing", "plain", "error", "stream", "left"]
    start = threading.Barrier(THREADS)
    echo = Echo()

    def ask_often(thread: int) -> list[tuple[str, str | None]]:
        start.wait(WAIT)
        texts = [f"{kinds[(number + thread) % 8]} {thread}/{number} 日本" for number in range(calls)]
        return [(text, echoed(api, text)) for text in texts]

    with RawServer(handler=echo) as server, caplog.at_level(logging.WARNING):
        before = descriptors()
        settings = {"connection_pool_maxsize": maxsize, "retries": 0, "read_timeout": WAIT}
        with chat(server.url, **settings) as api:
            with ThreadPoolExecutor(THREADS) as pool:
                results = [pair for pairs in pool.map(ask_often, range(THREADS)) for pair in pairs]
        server.wait_ended(server.connections)
        assert descriptors() <= before
    assert len(results) == len(server.requests) == THREADS * calls
    assert [answer for _, answer in results] == [text for text, _ in results]
    assert echo.most_open <= THREADS
    if maxsize == THREADS:
        # A stream that fails, or is left, costs its connection; nothing else does.
        assert server.connections <= THREADS + THREADS * calls // 4
    assert caplog.records == []
    assert capfd.readouterr().err == ""


# --- a stream is closed while another thread waits for its next chunk


def begun(framing: Any) -> list[Any]:
    head, part, *_ = framed(stream_response(chunk("one"), chunk("two", "stop"), "[DONE]"), framing)
    return [head + part, AWAIT_CLOSE]


@contextmanager
def waiting_reader(
    framing: Any, tls: bool, read: Callable[[Any], Any]
) -> Iterator[tuple[Any, Reader, RawServer]]:
    """A stream, a thread that waits for its second chunk, and the server that does not send it."""
    answers: list[Any] = [begun(framing), ANSWER]
    with TlsServer(answers) if tls else RawServer(answers) as server:
        settings = {"ssl_ca_cert": server.ca_file} if isinstance(server, TlsServer) else {}
        with chat(server.url, **settings) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            reader = Reader(stream, read)
            wait_until_blocked(reader)
            yield stream, reader, server
            assert ask(api) == "Hello"
            assert server.connections == 2


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close", "gzip-chunked"])
def test_a_stream_may_be_closed_while_another_thread_waits_for_it(framing: Any, tls: bool) -> None:
    with waiting_reader(framing, tls, Reader.each) as (stream, reader, server):
        stream.close()
        error = reader.ended()
        assert error is None or isinstance(error, StreamTruncatedException)
        if error is not None:
            assert error.partial.choices[0].delta.content == "one"
        assert reader.chunks == ["one"]
        server.wait_ended(1)
        stream.close()
        assert list(stream) == []
        assert stream.merged.choices[0].delta.content == "one"


@pytest.mark.parametrize("read", [Reader.text, Reader.collect], ids=["text", "collect"])
def test_whichever_way_it_is_read(read: Callable[[Any], Any]) -> None:
    with waiting_reader("chunked", False, read) as (stream, reader, server):
        with stream:
            pass
        error = reader.ended()
        assert isinstance(error, StreamTruncatedException) or (error is None and read is Reader.text)
        server.wait_ended(1)


def test_a_stream_may_be_closed_by_many_threads_at_once() -> None:
    with waiting_reader("chunked", False, Reader.each) as (stream, reader, server):
        start = threading.Barrier(16)

        def close() -> None:
            start.wait(WAIT)
            stream.close()

        with ThreadPoolExecutor(16) as pool:
            for future in [pool.submit(close) for _ in range(16)]:
                assert future.result(WAIT) is None
        error = reader.ended()
        assert error is None or isinstance(error, StreamTruncatedException)
        server.wait_ended(1)


def test_a_client_that_is_closed_leaves_a_stream_alone_that_is_being_read() -> None:
    gate = Gate()
    head, *parts = framed(stream_response(chunk("one"), chunk("two", "stop"), "[DONE]"), "chunked")
    with RawServer([[head + parts[0], gate, b"".join(parts[1:])]]) as server, chat(server.url) as api:
        reader = Reader(api.chat_completion_stream(chat_completion_request=BODY), Reader.each)
        wait_until_blocked(reader)
        api.api_client.close()
        gate.open()
        assert reader.ended() is None
        assert reader.chunks == ["one", "two"]
        server.wait_ended(1)  # it does not go back to a pool that is no more


@pytest.fixture
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_take_turns_often")
def test_closing_at_any_moment_disturbs_no_other_call() -> None:
    # Whoever closes late, when the stream has just ended, must not meet the call that has its connection now.
    def call_after_closing(number: int) -> str | None:
        stream = api.chat_completion_stream(chat_completion_request=asking(f"stream {number} 日本"))
        closing = pool.submit(stream.close)
        with suppress(StreamTruncatedException):
            stream.collect()
        answer = echoed(api, f"plain {number}")
        assert closing.result(WAIT) is None
        return answer

    with RawServer(handler=Echo()) as server, ThreadPoolExecutor(2) as pool:
        with chat(server.url, retries=0) as api:
            answers = [call_after_closing(number) for number in range(100)]
        server.wait_ended(server.connections)
    assert answers == [f"plain {number}" for number in range(100)]


# --- a client is closed while calls are in flight


def test_calls_in_flight_outlive_the_client() -> None:
    gate, arrived = Gate(), Gate()

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(ANSWER[:-1])
        arrived.open()
        connection.wait_for(gate)
        connection.send(ANSWER[-1:])
        connection.await_close()

    with RawServer(handler=handler) as server, chat(server.url) as api, ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, api) for _ in range(8)]
        assert all(arrived.wait() for _ in calls)
        api.api_client.close()
        gate.open(8)
        assert [call.result(WAIT) for call in calls] == ["Hello"] * 8
        server.wait_ended(8)


def test_a_client_may_be_closed_again_and_again_while_threads_use_it() -> None:
    def ask_often(thread: int) -> int:
        answered = 0
        for number in range(20):
            text = f"{('plain', 'stream')[number % 2]} {thread}/{number} 日本"
            try:
                answer = echoed(api, text)
            except ConnectionException as error:
                # All that may come between, and it is safe to ask again then.
                if error.request_sent:
                    raise
            else:
                assert answer == text
                answered += 1
        return answered

    with RawServer(handler=Echo()) as server:
        before = descriptors()
        with chat(server.url, retries=0) as api, ThreadPoolExecutor(8) as pool:
            results = [pool.submit(ask_often, thread) for thread in range(8)]
            while not all(result.done() for result in results):
                api.api_client.close()
                wait(results, 0.001)
            assert sum(result.result() for result in results) > 0
        server.wait_ended(server.connections)
        assert descriptors() <= before
