"""The connection of a stream: closed if the stream is left early, reused if it ended."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    RESET,
    Connection,
    Disconnected,
    Framing,
    Gate,
    RawServer,
    framed,
    stream_response,
)
from support.streams import (
    DONE,
    HEAD,
    HELLO,
    HELLO_STREAM,
    HELLO_WHOLE,
    LAST_CHUNK,
    ask,
    collect,
    connected,
    http_chunk,
    open_stream,
    piece,
    text_of,
)
from tachyon_sdk import (
    ChatApi,
    Configuration,
)
from tachyon_sdk.rest import RESTClientObject
from tachyon_sdk.streaming.stream import Stream

# --- left early: the connection is closed

ENDLESS = [HEAD + http_chunk(HELLO[0]), AWAIT_CLOSE]


def leave_with_block(api: ChatApi) -> Any:
    with open_stream(api) as stream:
        next(stream)
    assert list(stream) == []
    return stream


def leave_with_block_unread(api: ChatApi) -> Any:
    with open_stream(api) as stream:
        pass
    return stream


def leave_by_close(api: ChatApi) -> Any:
    stream = open_stream(api)
    next(stream)
    stream.close()
    stream.close()
    assert next(stream, None) is None
    return stream


def leave_by_close_unread(api: ChatApi) -> Any:
    stream = open_stream(api)
    stream.close()
    assert list(stream) == []
    return stream


def leave_by_break_and_del(api: ChatApi) -> None:
    stream = open_stream(api)
    for _ in stream:
        break
    del stream


def leave_by_break(api: ChatApi) -> None:
    for _ in open_stream(api):
        break


def leave_unread(api: ChatApi) -> None:
    open_stream(api)


def leave_by_error(api: ChatApi) -> Any:
    with pytest.raises(KeyError) as caught, open_stream(api) as stream:
        next(stream)
        raise KeyError
    return stream, caught


def leave_by_error_in_loop(api: ChatApi) -> Any:
    with pytest.raises(KeyError) as caught:
        for _ in open_stream(api):
            raise KeyError
    return caught


def leave_by_keyboard_interrupt(api: ChatApi) -> Any:
    with pytest.raises(KeyboardInterrupt) as caught, open_stream(api) as stream:
        for _ in stream:
            raise KeyboardInterrupt
    return stream, caught


def leave_text(api: ChatApi) -> None:
    for _ in open_stream(api).text:
        break


def leave_text_held(api: ChatApi) -> None:
    text = open_stream(api).text
    assert next(text) == "Hel"
    del text


# Each returns what a caller may go on holding.
LEAVE = [
    leave_with_block,
    leave_with_block_unread,
    leave_by_close,
    leave_by_close_unread,
    leave_by_break_and_del,
    leave_by_break,
    leave_unread,
    leave_by_error,
    leave_by_error_in_loop,
    leave_by_keyboard_interrupt,
    leave_text,
    leave_text_held,
]


@pytest.mark.parametrize("leave", LEAVE, ids=lambda leave: leave.__name__)
def test_a_stream_left_early_closes_its_connection(leave: Callable[[ChatApi], Any]) -> None:
    gc.disable()  # it is to happen at once, not when the collector runs
    try:
        with RawServer([ENDLESS, HELLO_STREAM]) as server, connected(server) as api:
            held = leave(api)
            server.wait_ended(1)
            assert text_of(collect(api)) == "Hello"  # over a new connection
            assert server.connections == 2
            del held
    finally:
        gc.enable()


def test_a_body_of_json_left_unread_closes_its_connection() -> None:
    response = [HELLO_WHOLE[:-5], AWAIT_CLOSE]
    with RawServer([response, response, HELLO_STREAM]) as server, connected(server) as api:
        with open_stream(api):
            pass
        open_stream(api)
        server.wait_ended(2)
        assert text_of(collect(api)) == "Hello"


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """Interrupts raise, also where they are ignored, as in a job in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupt_while_waiting_closes_the_connection() -> None:
    gate = Gate()
    reader = threading.main_thread().ident
    assert reader is not None

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(HEAD + http_chunk(*HELLO[:2]))
        connection.wait_for(gate)
        # Until the client leaves. A signal that comes just before the wait for bytes begins does not end the wait.
        while not select.select([connection.socket], [], [], 0.02)[0]:
            if sys._current_frames()[reader].f_code.co_name == "readinto":
                signal.pthread_kill(reader, signal.SIGINT)

    with RawServer(handler=handler) as server, connected(server) as api:
        stream = open_stream(api)
        assert [text_of(next(stream)), text_of(next(stream))] == ["Hel", "lo"]
        gate.open()
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        server.wait_ended(1)
        assert text_of(stream.merged) == "Hello"
        assert list(stream) == []


def test_whatever_else_goes_wrong_closes_the_connection() -> None:
    class Decoder:
        ignored = None

        def event(self, *args: Any) -> Any:
            raise KeyboardInterrupt  # here it may come as well

        def plain(self, reasons: Any) -> Any:
            return self.event

        whole = merged = event

    with RawServer([ENDLESS]) as server:
        client = RESTClientObject(Configuration())
        response = client.request("POST", server.url, {}, b"", (5, 30))
        stream: Stream[Any] = Stream(response, Decoder(), max_event_bytes=1000, max_response_bytes=1000)
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        server.wait_ended(1)
        assert list(stream) == []


def test_many_streams_left_early_leave_no_descriptor_open() -> None:
    def handler(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.play(ENDLESS)

    with RawServer(handler=handler) as server, connected(server) as api:
        leave_by_break(api)
        server.wait_ended(1)
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(50):
            leave_by_break(api)
        server.wait_ended(51)
        assert not before or len(os.listdir("/proc/self/fd")) <= before


# --- ended well: the connection is used again


@pytest.mark.parametrize(
    "framing", ["chunked", "chunked-one", "content-length", "gzip-chunked", "gzip-content-length"]
)
def test_a_stream_read_to_its_end_returns_its_connection(framing: Framing) -> None:
    stream = stream_response(*HELLO, DONE, framing=framing)
    without_marker = stream_response(*HELLO, framing=framing)
    responses = [stream, HELLO_WHOLE, stream, stream, HELLO_WHOLE, without_marker, stream, HELLO_WHOLE]
    with RawServer(responses) as server, connected(server) as api:
        for number in range(len(responses)):
            assert text_of(ask(api) if number % 3 == 1 else collect(api)) == "Hello"
    assert server.connections == 1
    assert len(server.requests) == len(responses)


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: list(stream.text),
        lambda stream: [next(stream, None) for _ in range(9)],
        lambda stream: stream.__enter__().collect(),
    ],
)
def test_any_way_of_reading_to_the_end_returns_the_connection(read: Callable[[Any], Any]) -> None:
    with RawServer([HELLO_STREAM] * 3) as server, connected(server) as api:
        for _ in range(3):
            stream = open_stream(api)
            read(stream)
            stream.close()
        assert server.connections == 1


def test_the_last_http_chunk_may_come_later_than_the_end_of_the_stream() -> None:
    response = [HEAD + http_chunk(*HELLO[:2]), http_chunk(HELLO[2], DONE), LAST_CHUNK[:1], LAST_CHUNK[1:]]
    with RawServer([response] * 20) as server, connected(server) as api:
        for _ in range(20):
            assert text_of(collect(api)) == "Hello"
        # One that took unusually long is not waited for.
        assert server.connections < 5


LEFTOVERS = {
    "comment": http_chunk(b": bye\n\n"),
    "chunks": http_chunk(piece(" and more")) + http_chunk(DONE),
    "error": http_chunk({"error": "too late"}),
    "no-event": http_chunk(b"\x00\xff" * 1000),
    "trailer": LAST_CHUNK[:-2] + b"X-Trailer: 1\r\n\r\n",
}


@pytest.mark.parametrize("case", LEFTOVERS)
def test_what_follows_the_end_is_passed_over(case: str) -> None:
    end = b"" if case == "trailer" else LAST_CHUNK
    response = HEAD + http_chunk(*HELLO, DONE) + LEFTOVERS[case] + end
    with RawServer([response, HELLO_WHOLE, response]) as server, connected(server) as api:
        assert text_of(collect(api)) == "Hello"
        assert text_of(ask(api)) == "Hello"
        assert text_of(ask(api)) == "Hello"
    assert server.connections == 1


NOT_WORTH_KEEPING = {
    "too-much": [HEAD + http_chunk(*HELLO, DONE) + http_chunk(b"x" * 300_000) + LAST_CHUNK],
    "never-ends": [HEAD + http_chunk(*HELLO, DONE), AWAIT_CLOSE],
    "never-ends-until-close": [
        stream_response(*HELLO, DONE, framing="until-close").replace(b"Connection: close\r\n", b""),
        AWAIT_CLOSE,
    ],
    "never-as-long-as-announced": [
        stream_response(*HELLO, DONE, framing="content-length").replace(b"Length: ", b"Length: 1"),
        AWAIT_CLOSE,
    ],
    "never-ends-gzip": [
        b"".join(framed(stream_response(*HELLO, DONE), "gzip-chunked")[:-1]),
        AWAIT_CLOSE,
    ],
    "cut-off": [HEAD + http_chunk(*HELLO, DONE), CLOSE],
    "reset": [HEAD + http_chunk(*HELLO, DONE), RESET],
    "no-chunk": [HEAD + http_chunk(*HELLO, DONE) + b"this is no chunk\r\n", AWAIT_CLOSE],
    "connection-close": [HELLO_STREAM.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)],
    "until-close": [stream_response(*HELLO, DONE, framing="until-close")],
    "gzip-until-close": [stream_response(*HELLO, DONE, framing="gzip-until-close")],
    "http-1.0": [stream_response(*HELLO, DONE, framing="until-close").replace(b"HTTP/1.1", b"HTTP/1.0")],
}


@pytest.mark.parametrize("case", NOT_WORTH_KEEPING)
def test_a_connection_not_worth_keeping_is_closed_without_an_error(case: str) -> None:
    answer, *then = NOT_WORTH_KEEPING[case]
    gate = Gate()
    with RawServer([[answer, gate, *then], HELLO_WHOLE]) as server, connected(server) as api:
        stream = open_stream(api)
        gate.open()  # now that the client has what was sent, a reset takes nothing away
        assert text_of(stream.collect()) == "Hello"
        server.wait_ended(1)
        assert text_of(ask(api)) == "Hello"
    assert server.connections == 2


def test_a_server_that_goes_on_slowly_after_the_end_is_left() -> None:
    left: list[bool] = []

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(HEAD + http_chunk(*HELLO, DONE))
        for _ in range(80):
            # Again and again before the wait for leftovers is over. Only a client that leaves can be read from.
            if select.select([connection.socket], [], [], 0.05)[0]:
                left.append(True)
                return
            try:
                connection.send(http_chunk(b": ping\n\n"))
            except Disconnected:
                left.append(True)
                return
        left.append(False)

    with RawServer(handler=handler) as server, connected(server) as api:
        assert text_of(collect(api)) == "Hello"
        server.wait_ended(1)
    assert left == [True]


def test_streams_side_by_side_have_connections_of_their_own() -> None:
    gate = Gate()
    slow = [HEAD + http_chunk(HELLO[0]), gate, http_chunk(*HELLO[1:], DONE) + LAST_CHUNK]
    with RawServer([slow, slow, HELLO_WHOLE, HELLO_STREAM]) as server, connected(server) as api:
        first, second = open_stream(api), open_stream(api)
        assert (text_of(next(first)), text_of(next(second))) == ("Hel", "Hel")
        assert text_of(ask(api)) == "Hello"
        gate.open(2)
        assert (text_of(second.collect()), text_of(first.collect())) == ("Hello", "Hello")
        assert text_of(collect(api)) == "Hello"
    assert server.connections == 3
