"""A TCP server on 127.0.0.1 that sends exactly the given bytes.

    with RawServer([recorded("llama-stream")]) as server:
        ...  # one response per request, in order, over as many connections as the client makes

A response is `bytes`, or a list of steps that are done in order: bytes to send as a segment of their own, a
`Gate` to wait at, or `CLOSE`, `RESET`, `AWAIT_CLOSE`. `lock_step` builds such a list from a response that was
cut by `framed`:

    gate = Gate()
    with RawServer([lock_step(framed(raw, "chunked"), gate)]) as server:
        gate.open()  # releases one part

A connection stays open after a response that says where it ends; it is closed (FIN) after any other, and
after one with `Connection: close`. Instead of responses a test may hand over a `handler` of connections.

Everything a test needs is importable from here, the helpers of `support.messages` included.
"""

from __future__ import annotations

import atexit
import contextlib
import enum
import json
import selectors
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from support.messages import (
    FRAMINGS,
    Framing,
    cut_every,
    event_stream,
    events_of,
    framed,
    header_of,
    http_response,
    json_response,
    recorded,
    recorded_names,
    reframe,
    split_response,
    stream_response,
)

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = [
    "AWAIT_CLOSE",
    "CLOSE",
    "FRAMINGS",
    "RESET",
    "Connection",
    "Disconnected",
    "Framing",
    "Gate",
    "RawRequest",
    "RawServer",
    "closed_port",
    "cut_every",
    "event_stream",
    "events_of",
    "framed",
    "http_response",
    "json_response",
    "lock_step",
    "recorded",
    "recorded_names",
    "reframe",
    "split_response",
    "stream_response",
]

WAIT = 30.0  # seconds; a longer wait fails the test


class Step(enum.Enum):
    """Steps of a scripted response other than sending bytes."""

    CLOSE = "end the connection in order (FIN)"
    RESET = "break the connection off (RST)"
    AWAIT_CLOSE = "send nothing more; wait until the client ends the connection"


CLOSE, RESET, AWAIT_CLOSE = Step.CLOSE, Step.RESET, Step.AWAIT_CLOSE


class Gate:
    """A point where the server waits for the test. Each `open()` releases one wait, even a future one."""

    def __init__(self) -> None:
        self._passes = threading.Semaphore(0)
        self._cancelled = False

    def open(self, times: int = 1) -> None:
        """Release `times` waits."""
        self._passes.release(times)

    def wait(self) -> bool:
        """Wait for a release. Return False if the server is being closed."""
        if not self._passes.acquire(timeout=WAIT):
            raise TimeoutError("the test did not open the gate")
        return not self._cancelled

    def cancel(self) -> None:
        """End all waits with False."""
        self._cancelled = True
        self._passes.release()


Response = bytes | Sequence[bytes | Gate | Step]


class Disconnected(ConnectionError):
    """The client ended the connection, or the server is being closed."""


@dataclass(frozen=True)
class RawRequest:
    """One request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    raw: bytes
    """The whole request: head and body with their framing."""
    connection: int
    """Index of the connection, starting at 0."""
    received_at: float
    """Arrival time of the last byte, in seconds of `time.monotonic()`."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header (case-insensitive)."""
        return next(iter(self.get_all(name)), default)

    def get_all(self, name: str) -> list[str]:
        """Return all values of a header (case-insensitive)."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self.body)


class Connection:
    """The server's end of one TCP connection. Every method raises `Disconnected` once the client has gone."""

    def __init__(self, server: RawServer, sock: socket.socket, number: int) -> None:
        self.socket = sock
        self.number = number
        self._server = server
        self._buffer = b""

    def read_request(self) -> RawRequest:
        """Wait for the next request, and record it in `server.requests`."""
        head = self._read_until(b"\r\n\r\n")
        raw = head
        body = b""
        if header_of(head, "Transfer-Encoding") == "chunked":
            while size := int((size_line := self._read_until(b"\r\n")).partition(b";")[0], 16):
                data = self._read(size + 2)
                raw += size_line + data
                body += data[:-2]
            raw += size_line + self._read_until(b"\r\n")
        else:
            body = self._read(int(header_of(head, "Content-Length") or 0))
            raw += body
        request_line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = request_line.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        request = RawRequest(method, target, headers, body, raw, self.number, time.monotonic())
        self._server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        """Send these bytes now."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def play(self, response: Response) -> None:
        """Send a response or run its steps; close the connection if only that ends the response."""
        steps = [response] if isinstance(response, bytes) else response
        for step in steps:
            if isinstance(step, bytes):
                self.send(step)
            elif isinstance(step, Gate):
                self.wait_for(step)
            elif step is RESET:
                return self.reset()
            elif step is CLOSE:
                return self.close()
            else:
                self.await_close()
        if _ends_with_the_connection(b"".join(step for step in steps if isinstance(step, bytes))):
            self.close()

    def wait_for(self, gate: Gate) -> None:
        """Wait until the test opens the gate."""
        self._server._watch(gate)
        if not gate.wait():
            raise Disconnected("the server is being closed")

    def await_close(self) -> None:
        """Wait until the client closes the connection; discard what it still sends."""
        while self._receive():
            pass

    def close(self) -> None:
        """Close the connection with a FIN. Unread bytes would turn it into a reset (RFC 2525, section 2.17)."""
        self.socket.close()

    def reset(self) -> None:
        """Reset the connection (RST); the client may lose data that it has not read."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._fill()
        return self._read(self._buffer.index(end) + len(end))

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _fill(self) -> None:
        data = self._receive()
        if not data:
            raise Disconnected("the client ended the connection")
        self._buffer += data

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except OSError as error:
            raise Disconnected(str(error)) from error


class RawServer:
    """Listens on a free port of 127.0.0.1 during its `with` block.

    `responses`: one response per request, in the order in which requests arrive; any iterable, so
    `itertools.repeat(raw)` answers for ever. A request beyond the last one is an error.
    `handler`: called in a thread of its own with each `Connection`, which is closed when it returns.
    Neither: connections are accepted and never answered.

    Leaving the block ends every connection, joins all threads and raises the first error of a handler, unless
    the block itself is left by an error.
    """

    scheme = "http"

    def __init__(
        self,
        responses: Iterable[Response] | None = None,
        *,
        handler: Callable[[Connection], object] | None = None,
    ) -> None:
        if responses is not None and handler is not None:
            raise TypeError("either responses or a handler, not both")
        self._responses = iter(responses) if responses is not None else None
        self._handler = handler
        self.requests: list[RawRequest] = []
        """Every request, in the order of arrival."""
        self.connections = 0
        """Number of accepted TCP connections."""
        self.errors: list[BaseException] = []
        """Exceptions of the server's threads."""
        self._ended = 0
        self._state = threading.Condition()
        self._closing = False
        self._gates: list[Gate] = []
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def wait_ended(self, connections: int = 1) -> None:
        """Wait until this number of connections has ended, closed by either side."""
        with self._state:
            if not self._state.wait_for(lambda: self._ended >= connections, WAIT):
                raise TimeoutError(f"{self._ended} of {connections} connections have ended")

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._wake_up, self._woken = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, name="RawServer", daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wake_up.close()
        self._accepting.join()
        with self._state:
            self._closing = True
            for gate in self._gates:
                gate.cancel()
            for sock in self._open.values():
                _shut_down(sock)
        for thread in self._threads:
            thread.join(WAIT)
            if thread.is_alive():
                self.errors.append(RuntimeError(f"{thread.name} is still busy"))
        if self.errors and error is None:
            raise self.errors[0]
        for late in self.errors:  # an exception of the block propagates; this is often its cause
            traceback.print_exception(late)

    def _accept(self) -> None:
        with self._listener, self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                sock, _ = self._listener.accept()
                number = self.connections
                thread = threading.Thread(
                    target=self._serve, args=(sock, number), name=f"RawServer-{number}", daemon=True
                )
                self.connections += 1
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self._wrap(sock)
            with self._state:
                self._open[number] = sock
                if self._closing:
                    _shut_down(sock)
            self._talk(Connection(self, sock, number))
        except Disconnected:
            pass
        except BaseException as error:  # re-raised in the test
            self.errors.append(error)
        finally:
            with self._state:
                self._open.pop(number, None)
                sock.close()
                self._ended += 1
                self._state.notify_all()

    def _wrap(self, sock: socket.socket) -> socket.socket:
        """Hook for TLS servers: return the socket to use instead, before the handshake."""
        return sock

    def _talk(self, connection: Connection) -> None:
        if self._handler is not None:
            self._handler(connection)
        elif self._responses is None:
            connection.await_close()
        else:
            while connection.socket.fileno() != -1:
                request = connection.read_request()
                connection.play(self._next_response(request))

    def _next_response(self, request: RawRequest) -> Response:
        assert self._responses is not None
        with self._state:
            for response in self._responses:
                return response
        raise AssertionError(
            f"no response is left for request {len(self.requests)}: {request.method} {request.target}"
        )

    def _watch(self, gate: Gate) -> None:
        with self._state:
            self._gates.append(gate)
            if self._closing:
                gate.cancel()


def lock_step(parts: Sequence[bytes], gate: Gate) -> list[bytes | Gate]:
    """Return a response that waits at the gate before each part except the first (the head, from `framed`)."""
    steps: list[bytes | Gate] = [parts[0]]
    for part in parts[1:]:
        steps += [gate, part]
    return steps


def closed_port() -> int:
    """Return a port of 127.0.0.1 that refuses connections until the process ends."""
    sock = socket.socket()  # reserves the port
    atexit.register(sock.close)
    sock.bind(("127.0.0.1", 0))
    port: int = sock.getsockname()[1]
    return port


def _ends_with_the_connection(response: bytes) -> bool:
    """Return whether the end of the connection ends this response (RFC 9112, sections 6.3 and 9.6)."""
    head, complete, _ = response.partition(b"\r\n\r\n")
    if not complete or (header_of(head, "Connection") or "").lower() == "close":
        return True
    if head[9:12] in (b"204", b"304"):
        return False
    return not (header_of(head, "Content-Length") or header_of(head, "Transfer-Encoding"))


def _shut_down(sock: socket.socket) -> None:
    # Not SSLSocket.shutdown, which drops the TLS state that another thread is using.
    with contextlib.suppress(OSError):  # already closed
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
