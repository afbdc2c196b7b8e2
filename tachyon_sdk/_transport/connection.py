"""One connection to a server: what it does differently from one of urllib3's."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse, parse_headers
from time import monotonic
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util.ssl_match_hostname import CertificateError

from tachyon_sdk._transport.idle import IdleConnections

# A body up to this size is sent together with the head.
_JOINED_BYTES = 65536
# A larger one is sent in pieces: the timeout holds for each.
_SENT_BYTES = 2 * _JOINED_BYTES
_MAX_INTERIM_RESPONSES = 100
_SWITCHING_PROTOCOLS = 101

# A kept connection that ends so soon after a request was sent had most likely been closed by the server before: within
# this time, in which server and client may be busy, plus some round trips of the connection; at most within the last.
_STALE_SECONDS = 0.2
_STALE_ROUND_TRIPS = 2
_MAX_STALE_SECONDS = 1.0

socket_watcher: ContextVar[Callable[[Any], None] | None] = ContextVar("socket_watcher", default=None)
"""Called before a request is sent and before its response is awaited, with the socket, or None before there is one.

Another thread can shut the socket down to end the wait. An error that is raised here ends the request.
"""


class NotConnectedError(Exception):
    """A connection was not made, so nothing of the request was sent; `__cause__` says why.

    Attributes:
        host: Name or address of the server.
        proxy: Host and port of the proxy that failed, None where there is none or it did its part.
        sent_before: Whether the request was sent over a kept connection before.
    """

    def __init__(self, host: str, proxy: str | None) -> None:
        super().__init__(host, proxy)
        self.host = host
        self.proxy = proxy
        self.sent_before = False


class UnansweredError(ConnectionResetError):
    """The connection ended before a byte of the response had come."""


class StaleConnectionError(Exception):
    """A kept connection ended so soon after the request that the server had most likely closed it before."""


class SendTimeoutError(TimeoutError):
    """The network took nothing of the request for as long as the timeout allows."""


class ConnectTimeout(float):
    """The timeout for connecting, which urllib3 hands to the connection, with the one for sending.

    urllib3 knows none for sending: the whole body would have to be sent within the one for connecting.
    """

    sending: float | None

    def __new__(cls, seconds: float, sending: float | None) -> ConnectTimeout:
        timeout = super().__new__(cls, seconds)
        timeout.sending = sending
        return timeout


class Response(HTTPResponse):
    """A response, without the interim ones before it (RFC 9110, section 15.2)."""

    _interim_responses = 0

    def begin(self) -> None:
        try:
            ended = not self.fp.peek(1)
        except ConnectionError as error:
            raise UnansweredError(error.errno, error.strerror) from error
        if ended:
            raise UnansweredError("the server closed the connection without a response")
        super().begin()
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True  # what follows is no HTTP

    def _read_status(self) -> tuple[str, int, str]:
        # http.client skips those with status 100 only, without a limit.
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200 or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            self._interim_responses += 1
            if self._interim_responses > _MAX_INTERIM_RESPONSES:
                raise HTTPException("too many interim responses")
            parse_headers(self.fp)


class TlsSettings:
    """The TLS settings of a client, for a connection class of another package such as vcrpy; stands before it."""

    ssl_context: ssl.SSLContext | None
    tls_context: Callable[[], ssl.SSLContext]

    def connect(self) -> None:
        self.ssl_context = self.tls_context()
        super().connect()  # type: ignore[misc]


class Connection:
    """What our connections do differently from urllib3's: a mixin for its classes."""

    # All of urllib3's connections have these.
    sock: Any
    timeout: Any
    host: str
    proxy: Any
    proxy_config: Any
    ssl_context: ssl.SSLContext | None
    assert_hostname: Any
    server_hostname: str | None
    _tunnel_host: str | None

    response_class = Response
    # Of the origin; `pools` makes a class for each.
    tls_context: Callable[[], ssl.SSLContext]
    idle: IdleConnections

    failing_proxy: str | None
    chunked = False
    made_at = 0.0
    idle_since = 0.0
    responses = 0
    sent_at = 0.0
    round_trip = 0.0
    """Seconds: the shortest time in which the connection was made, or delivered the first byte of a response."""
    held: bytes | None = None
    """The head of a request that waits for its body; empty while it is being put together."""

    def connect(self) -> None:
        if self.responses:  # It was kept, and urllib3 found it closed.
            self.idle.closed_by_server(self)
            self.responses = 0
        host = self._tunnel_host or self.host
        self.failing_proxy = self._proxy_address()
        if hasattr(self, "ssl_context"):
            if self.proxy and self._tunnel_host is None:
                # The connection ends at the proxy, and what is set for the server does not hold for it.
                self.ssl_context = self.proxy_config.ssl_context
                self.assert_hostname = self.server_hostname = None
            else:
                self.ssl_context = self.tls_context()
        self.made_at = monotonic()
        try:
            super().connect()  # type: ignore[misc]
        except LocationValueError:
            raise
        except (HTTPError, HTTPException, OSError, CertificateError) as error:
            raise NotConnectedError(host, self.failing_proxy) from error
        self.round_trip = monotonic() - self.made_at
        self.sock.settimeout(self.timeout.sending)

    def _proxy_address(self) -> str | None:
        if socks := getattr(self, "_socks_options", None):
            return f"{socks['proxy_host']}:{socks['proxy_port']}"
        return f"{self.proxy.host}:{self.proxy.port}" if self.proxy else None

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        if not self.proxy:  # a SOCKS proxy is through with its part
            self.failing_proxy = None
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        self.failing_proxy = None

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            # urllib3 sets this timeout on a socket that is connected already.
            self.timeout = self.timeout.sending
        self.sent_at = monotonic()
        if (watch := socket_watcher.get()) is not None:
            watch(self.sock)
        try:
            super().request(*args, **options)  # type: ignore[misc]
            if self.held:
                self._flush()
            if watch is not None:
                watch(self.sock)
        except TimeoutError as error:
            if error.errno is not None:  # TCP has given up
                raise
            raise SendTimeoutError(*error.args) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionAbortedError) as error:
            # The error that urllib3 expects: it reads the response that the server may have sent before it closed.
            raise BrokenPipeError(errno.EPIPE, "the server closed the connection") from error

    def endheaders(self, *args: Any, **options: Any) -> None:
        # Head and body go in one packet where they fit: urllib3 sends each on its own.
        self.held = b""
        super().endheaders(*args, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.held == b"":
            self.held = data
            return
        if self.held:
            if isinstance(data, bytes) and len(data) <= _JOINED_BYTES:
                data = self.held + data
                self.held = None
            else:
                self._flush()
        if len(data) <= _SENT_BYTES:
            super().send(data)  # type: ignore[misc]
            return
        with memoryview(data) as view:
            for start in range(0, len(view), _SENT_BYTES):
                super().send(view[start : start + _SENT_BYTES])  # type: ignore[misc]

    def _flush(self) -> None:
        held, self.held = self.held, None
        super().send(held)  # type: ignore[misc]

    def close(self) -> None:
        self.held = None
        super().close()  # type: ignore[misc]

    def getresponse(self) -> urllib3.HTTPResponse:
        # urllib3 gives up the socket where the response ends with the connection.
        sock = self.sock
        try:
            response: urllib3.HTTPResponse = super().getresponse()  # type: ignore[misc]
        except UnansweredError as error:
            if not self.responses:
                raise
            limit = _STALE_SECONDS + _STALE_ROUND_TRIPS * self.round_trip
            if monotonic() - self.sent_at > min(limit, _MAX_STALE_SECONDS):
                raise
            self.idle.closed_by_server(self)
            raise StaleConnectionError from error
        if (waited := monotonic() - self.sent_at) < self.round_trip:
            self.round_trip = waited
        self.responses += 1
        self.chunked = response.chunked
        response.sock = sock  # type: ignore[attr-defined]
        return response
