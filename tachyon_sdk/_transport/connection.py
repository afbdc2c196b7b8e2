"""One connection to a server: what it does differently from one of urllib3's."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util.ssl_match_hostname import CertificateError

# A larger body is not copied for the sake of one packet.
_JOINED_BYTES = 65536
_MOST_INTERIM_ANSWERS = 100
_SWITCHING_PROTOCOLS = 101


class NotConnectedError(Exception):
    """A connection was not made, so nothing of the request was sent; `__cause__` says why.

    Attributes:
        host: Name or address of the server.
        proxy: Host and port of the proxy that failed, None where there is none or it did its part.
    """

    def __init__(self, host: str, proxy: str | None) -> None:
        super().__init__(host, proxy)
        self.host = host
        self.proxy = proxy


class _Response(HTTPResponse):
    """An answer, with the interim ones before it passed over (RFC 9110, section 15.2)."""

    _interim_answers = 0

    def begin(self) -> None:
        super().begin()
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True  # what follows is no HTTP

    def _read_status(self) -> tuple[str, int, str]:
        # http.client passes over 100 alone, and over any number of them.
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200 or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            self._interim_answers += 1
            if self._interim_answers > _MOST_INTERIM_ANSWERS:
                raise HTTPException("there is no answer after a hundred interim ones")
            parse_headers(self.fp)


class Connection:
    """What our connections do differently from urllib3's; stands before its class."""

    # All of urllib3's connections have these.
    sock: Any
    host: str
    proxy: Any
    proxy_config: Any
    ssl_context: ssl.SSLContext | None
    assert_hostname: Any
    server_hostname: str | None
    _tunnel_host: str | None

    send_timeout: float | None
    response_class = _Response
    tls_context: Callable[[], ssl.SSLContext]
    failing_proxy: str | None
    held: bytes | None = None
    """The head of a request that waits for its body; empty while it is being put together."""

    def connect(self) -> None:
        host = self._tunnel_host or self.host
        self.failing_proxy = self._proxy_address()
        if hasattr(self, "ssl_context"):
            if self.proxy and self._tunnel_host is None:
                # The connection ends at the proxy, and what is set for the server does not hold for it.
                self.ssl_context = self.proxy_config.ssl_context
                self.assert_hostname = self.server_hostname = None
            else:
                self.ssl_context = self.tls_context()
        try:
            super().connect()  # type: ignore[misc]
        except LocationValueError:
            raise
        except (HTTPError, HTTPException, OSError, CertificateError) as error:
            raise NotConnectedError(host, self.failing_proxy) from error
        # urllib3 gives the sending of the whole body the timeout for connecting, which a large upload may need.
        self.sock.settimeout(self.send_timeout)

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

    def endheaders(self, *args: Any, **options: Any) -> None:
        # Head and body go in one packet where they fit: urllib3 sends each on its own.
        self.held = b""
        super().endheaders(*args, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.held == b"":
            self.held = data
            return
        if self.held and isinstance(data, bytes) and len(data) <= _JOINED_BYTES:
            data = self.held + data
            self.held = None
        self._flush()
        super().send(data)  # type: ignore[misc]

    def _flush(self) -> None:
        held, self.held = self.held, None
        if held:
            super().send(held)  # type: ignore[misc]

    def close(self) -> None:
        self.held = None
        super().close()  # type: ignore[misc]

    def getresponse(self) -> urllib3.HTTPResponse:
        self._flush()
        # urllib3 lets go of the socket where the answer ends with the connection.
        sock = self.sock
        response: urllib3.HTTPResponse = super().getresponse()  # type: ignore[misc]
        response.sock = sock  # type: ignore[attr-defined]
        return response
