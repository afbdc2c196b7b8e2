"""A server whose connections fail: it sends the beginning of a response, then a fault.

    with FaultServer() as server:
        server.answer(raw[:100], CLOSE)
        ...  # one call

It is lean, so that a fault can be tried at every byte of an answer: one thread, one request on each connection,
and nothing is kept of the requests. `RawServer` is for everything else.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from types import TracebackType

from support.messages import header_of
from support.raw_server import CLOSE, RESET, WAIT, Step

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


class FaultServer:
    """Listens on a free port of 127.0.0.1 for as long as its `with` block lasts."""

    def __init__(self) -> None:
        self.requests = 0
        """How many requests came."""
        self._answer: tuple[bytes, Step] = b"", CLOSE
        self._sent = threading.Event()
        self._sent_at = 0.0
        self._held: list[socket.socket] = []
        self._error: BaseException | None = None
        self._closing = False

    def answer(self, part: bytes, fault: Step) -> None:
        """Give the next request these bytes and this fault; `AWAIT_CLOSE` is silence."""
        self._answer = part, fault
        self._sent.clear()

    def wait_sent(self) -> float:
        """Wait until the part is sent; when that was, in seconds of `time.monotonic()`."""
        if not self._sent.wait(WAIT):
            raise TimeoutError("there was no request")
        return self._sent_at

    def reset(self) -> None:
        """Break off the latest of the connections that have fallen silent."""
        _reset(self._held.pop())

    def wait_ended(self) -> None:
        """Wait until the client has ended every connection that fell silent."""
        while self._held:
            with self._held.pop() as sock, contextlib.suppress(ConnectionResetError):
                while sock.recv(65536):
                    pass

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="FaultServer", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with contextlib.suppress(OSError):  # the thread has failed
            socket.create_connection(("127.0.0.1", self._port), WAIT).close()
        self._thread.join(WAIT)
        for sock in self._held:
            sock.close()
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        try:
            with self._listener:
                while not self._closing:
                    self._talk(self._listener.accept()[0])
        except BaseException as error:  # it belongs to the test, not to this thread
            self._error = error

    def _talk(self, sock: socket.socket) -> None:
        sock.settimeout(WAIT)
        if not _read_request(sock):
            sock.close()
            return
        self.requests += 1
        part, fault = self._answer
        silent = fault not in (CLOSE, RESET)
        if silent:
            self._held.append(sock)
        with contextlib.suppress(ConnectionError):  # the client has given up already
            sock.sendall(part)
        self._sent_at = time.monotonic()
        self._sent.set()
        if not silent:
            (_reset if fault is RESET else socket.socket.close)(sock)


def _read_request(sock: socket.socket) -> bool:
    """Read a request to its end. Bytes that are left unread would turn a FIN into an RST (RFC 2525, 2.17)."""
    request, size = b"", 0
    while not size or len(request) < size:
        piece = sock.recv(65536)
        if not piece:
            return False
        request += piece
        head, end, _ = request.partition(b"\r\n\r\n")
        if end:
            size = len(head + end) + int(header_of(head, "Content-Length") or 0)
    return True


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
