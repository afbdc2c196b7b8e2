"""An interrupt (Ctrl-C) in the middle of a call: it comes through, leaves nothing open, and the client stays usable."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from support.chat import ANSWER, chunk
from support.programs import Program
from support.raw_server import (
    AWAIT_CLOSE,
    Connection,
    Gate,
    RawServer,
    framed,
    json_response,
    split_response,
    stream_response,
)

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="only Linux shows whether a process waits"
)

INTERRUPTED = """
import gc, json, os, signal, sys
from tachyon_sdk import ApiClient, ChatApi, Configuration

# A shell starts programs in the background with interrupts ignored, and so on to their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

client = ApiClient(Configuration("http://localhost", operator_id="tn_1", access_token="t", read_timeout=60))
api = ChatApi(client)
request = {"chat_completion_request": {"messages": []}}
for line in sys.stdin:
    client.configuration.host, form, timeout = json.loads(line)
    before = descriptors()
    print(json.dumps("begins"), flush=True)
    try:
        if form == "plain":
            outcome = api.chat_completion(**request, _request_timeout=timeout).choices[0].delta.content
        else:
            with api.chat_completion_stream(**request, _request_timeout=timeout) as stream:
                for text in stream.text:
                    print(json.dumps(text), flush=True)
            outcome = "ended"
    except BaseException as error:
        outcome = type(error).__name__
    stream = None
    print(json.dumps([outcome, descriptors() - before]), flush=True)
client.close()
"""


@pytest.fixture(scope="module")
def interrupted() -> Iterator[Program]:
    """A program that makes calls, and tells how each ended and how many descriptors it left open."""
    with Program(INTERRUPTED) as program:
        yield program


PARTS = framed(stream_response(chunk("one"), chunk("two", "stop"), "[DONE]"), "chunked")
HEAD, HALF = split_response(ANSWER)
# The bytes sent before the interrupt, and the form of the call.
MOMENTS: dict[str, tuple[str, bytes]] = {
    "before-the-answer": ("plain", b""),
    "in-the-head": ("plain", HEAD[:-10]),
    "in-the-body": ("plain", HEAD + HALF[:20]),
    "in-a-compressed-body": (
        "plain",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b\x08",
    ),
    "in-an-error": ("plain", b"HTTP/1.1 402 No\r\nContent-Length: 100\r\n\r\n{"),
    "before-a-stream": ("stream", b""),
    "in-a-stream": ("stream", PARTS[0] + PARTS[1]),
    "in-a-stream-without-an-event": ("stream", PARTS[0]),
}


class Interrupting:
    """A handler that stops in the middle of one response; all others are complete."""

    def __init__(self, begun: bytes) -> None:
        self.begun = Gate()
        self._beginnings = iter([begun])

    def __call__(self, connection: Connection) -> None:
        connection.read_request()
        for beginning in self._beginnings:
            connection.send(beginning)
            self.begun.open()
            return connection.await_close()
        connection.send(ANSWER)
        connection.await_close()


def begin(program: Program, url: str, form: str = "plain") -> None:
    program.say(url, form, 60)
    assert program.hear() == "begins"


def interrupt(program: Program) -> None:
    """Interrupt what the program waits for: it leaves nothing open."""
    program.wait_until_asleep()
    program.interrupt()
    assert program.hear() == ["KeyboardInterrupt", 0]


def assert_usable(program: Program, server: RawServer) -> None:
    begin(program, server.url)
    outcome, _ = program.hear()
    assert outcome == "Hello"


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_leaves_nothing_open(moment: str, interrupted: Program) -> None:
    form, begun = MOMENTS[moment]
    handler = Interrupting(begun)
    with RawServer(handler=handler) as server:
        begin(interrupted, server.url, form)
        assert handler.begun.wait()
        if PARTS[1] in begun:
            assert interrupted.hear() == "one"
        interrupt(interrupted)
        server.wait_ended(1)
        assert interrupted.errors() == ""
        assert_usable(interrupted, server)
        assert server.connections == 2


def assert_at_most_unclosed(errors: str) -> None:
    # A socket that is not yet part of a connection is closed with the last reference to it, and says so.
    assert "Error" not in errors and errors.count("ResourceWarning: unclosed") == errors.count("Warning") <= 1


def test_an_interrupt_while_the_connection_is_made_leaves_nothing_open(interrupted: Program) -> None:
    # A TLS handshake without a reply.
    def handler(connection: Connection) -> None:
        hello.append(connection.socket.recv(10))
        begun.open()
        connection.await_close()

    hello: list[bytes] = []
    begun = Gate()
    with RawServer(handler=handler) as server:
        begin(interrupted, server.url.replace("http:", "https:"))
        assert begun.wait()
        interrupt(interrupted)
        server.wait_ended(1)
    assert hello[0].startswith(b"\x16\x03")
    assert_at_most_unclosed(interrupted.errors())
    with RawServer([ANSWER]) as server:
        assert_usable(interrupted, server)


def test_an_interrupt_while_no_connection_is_made_leaves_nothing_open(interrupted: Program) -> None:
    # The accept queue is full, so the next connection gets no reply.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy:
        port = busy.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        begin(interrupted, f"http://127.0.0.1:{port}")
        interrupt(interrupted)
        for sock in waiting:
            sock.close()
    assert_at_most_unclosed(interrupted.errors())
    with RawServer([ANSWER]) as server:
        assert_usable(interrupted, server)


def test_an_interrupt_before_the_next_attempt_leaves_nothing_open(interrupted: Program) -> None:
    later = json_response({}, 503, {"Retry-After": "50", "Connection": "close"})
    with RawServer([[later, AWAIT_CLOSE], ANSWER]) as server:
        begin(interrupted, server.url)
        # The client closes the connection after the complete response, then only waits.
        server.wait_ended(1)
        interrupt(interrupted)
        assert interrupted.errors() == ""
        assert_usable(interrupted, server)
    assert len(server.requests) == 2
