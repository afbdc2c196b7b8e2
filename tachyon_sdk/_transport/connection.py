"""A connection to a server: the differences from urllib3's connections."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse, parse_headers
from time import monotonic
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from tachyon_sdk._transport.idle import IdleConnections

# Bodies up to this size are sent in one piece with the headers.
_JOINED_BYTES = 65536
# Larger bodies are sent in pieces, so that the timeout applies to each piece.
_SENT_BYTES = 2 * _JOINED_BYTES
_MAX_INTERIM_RESPONSES = 100
_SWITCHING_PROTOCOLS = 101

# A reused connection that ends this soon after a request was most likely closed by the server before the request.
# The limit is _STALE_SECONDS, because server and client may be busy, plus some round trips, up to _MAX_STALE_SECONDS.
_STALE_SECONDS = 0.2
_STALE_ROUND_TRIPS = 2
_MAX_STALE_SECONDS = 1.0

socket_watcher: ContextVar[Callable[[Any], None] | None] = ContextVar("socket_watcher", default=None)
"""Called before a request is sent and before its response is awaited, with the socket, or None before there is one.
Called with each new socket, too, before a tunnel or TLS is set up over it.

Another thread can shut the socket down to end the wait. An error that is raised here ends the request.
"""


class NotConnectedError(Exception):
    """A connection could not be made, so nothing of the request was sent. `__cause__` has the reason.

    Attributes:
        proxy: Host and port of the proxy that failed. None if there is no proxy, or the failure was beyond it.
        sent_before: Whether the request was sent before, over a reused connection.
    """

    def __init__(self, proxy: str | None) -> None:
        super().__init__(proxy)
        self.proxy = proxy
        self.sent_before = False


class UnansweredError(ConnectionResetError):
    """The connection ended before the first byte of the response."""


class StaleConnectionError(Exception):
    """A reused connection ended so soon after the request that the server had most likely closed it before."""


class SendTimeoutError(TimeoutError):
    """No byte of the request could be sent within the timeout."""


class ConnectTimeout(float):
    """The connect timeout, which urllib3 passes to the connection. It carries the timeout for sending.

    urllib3 has no timeout for sending. It would apply the connect timeout to it.
    """

    sending: float | None

    def __new__(cls, seconds: float, sending: float | None) -> ConnectTimeout:
        timeout = super().__new__(cls, seconds)
        timeout.sending = sending
        return timeout


class Response(HTTPResponse):
    """A response that skips interim responses (RFC 9110, section 15.2)."""

    _interim_responses = 0

    def begin(self) -> None:
        try:
            ended = not self.fp.peek(1)
        except ConnectionError as error:
            raise UnansweredError(error.errno, error.strerror) from error
        except AttributeError:  # Without `fp.peek`, http.client raises its own errors.
            ended = False
        if ended:
            raise UnansweredError("the server closed the connection without a response")
        super().begin()
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True  # What follows is not HTTP.

    def _read_status(self) -> tuple[str, int, str]:
        # http.client skips status 100 only, and without a limit.
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200 or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            source: Any = getattr(self, "fp", None)
            if not hasattr(source, "readline"):
                return version, status, reason
            self._interim_responses += 1
            if self._interim_responses > _MAX_INTERIM_RESPONSES:
                raise HTTPException("too many interim responses")
            parse_headers(source)


class TlsSettings:
    """A mixin with the TLS settings of a client, for connection classes of other packages such as vcrpy."""

    ssl_context: ssl.SSLContext | None
    tls_context: Callable[[], ssl.SSLContext]

    def connect(self) -> None:
        self.ssl_context = self.tls_context()
        super().connect()  # type: ignore[misc]


class Connection:
    """A mixin for urllib3's connection classes."""

    # Attributes of urllib3's connections.
    sock: Any
    is_closed: bool
    timeout: Any
    proxy: Any
    proxy_config: Any
    proxy_is_forwarding: bool
    ssl_context: ssl.SSLContext | None
    assert_hostname: Any
    server_hostname: str | None

    response_class = Response
    # Settings of the origin. `pools` makes a class for each origin.
    tls_context: Callable[[], ssl.SSLContext]
    idle: IdleConnections
    proxy_address: str | None

    failing_proxy: str | None
    chunked = False
    made_at = 0.0
    idle_since = 0.0
    responses = 0
    sent_at = 0.0
    round_trip = 0.0
    """Shortest time, in seconds, to make the connection or to receive the first byte of a response."""
    held: bytes | None = None
    """Request headers that wait for the body. Empty while they are being built."""

    def connect(self) -> None:
        if self.responses:  # It was reused, and urllib3 found it closed.
            self.idle.closed_by_server(self)
            self.responses = 0
        self.failing_proxy = self.proxy_address
        if hasattr(self, "ssl_context"):
            if self.proxy_is_forwarding:
                # TLS ends at the proxy, and the settings for the server do not apply to it.
                self.ssl_context = self.proxy_config.ssl_context
                self.assert_hostname = self.server_hostname = None
            else:
                self.ssl_context = self.tls_context()
        self.made_at = monotonic()
        try:
            super().connect()  # type: ignore[misc]
        except LocationValueError:
            raise
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            # A ValueError: the certificate has another host name, or a setting for TLS cannot be used.
            raise NotConnectedError(self.failing_proxy) from error
        self.round_trip = monotonic() - self.made_at
        with suppress(AttributeError):  # Without `sock`, urllib3's timeout stays.
            self.sock.settimeout(self.timeout.sending)

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        if (watch := socket_watcher.get()) is not None:
            try:
                watch(sock)
            except OSError:
                sock.close()  # The connection does not have it yet.
                raise
        if not self.proxy:  # A SOCKS proxy has done its part.
            self.failing_proxy = None
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        self.failing_proxy = None

    def request(self, *args: Any, **options: Any) -> None:
        if not self.is_closed:
            # urllib3 sets this timeout on the socket of a reused connection.
            self.timeout = getattr(self.timeout, "sending", self.timeout)
        self.sent_at = monotonic()
        if (watch := socket_watcher.get()) is not None:
            watch(getattr(self, "sock", None))
        try:
            super().request(*args, **options)  # type: ignore[misc]
            if self.held:
                self._flush()
            if watch is not None:
                watch(getattr(self, "sock", None))
        except TimeoutError as error:
            if error.errno is not None:  # TCP gave up.
                raise
            raise SendTimeoutError(*error.args) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionAbortedError) as error:
            # For this error urllib3 reads the response that the server may have sent before it closed.
            raise BrokenPipeError(errno.EPIPE, "the server closed the connection") from error

    def endheaders(self, *args: Any, **options: Any) -> None:
        # urllib3 sends headers and body separately. Small ones fit in one packet.
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
        # urllib3 drops the socket if the end of the connection ends the response.
        sock = getattr(self, "sock", None)
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
        self.chunked = getattr(response, "chunked", False) is True
        response.sock = sock  # type: ignore[attr-defined]
        return response
