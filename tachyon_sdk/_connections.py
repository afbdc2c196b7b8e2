"""Pools of connections, as a configuration describes them: TLS, proxies, timeouts and sizes."""

from __future__ import annotations

import queue
import ssl
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from http.client import HTTPException
from typing import Any

import urllib3
import urllib3.util
from urllib3.exceptions import HTTPError, InsecureRequestWarning, LocationValueError
from urllib3.util.ssl_match_hostname import CertificateError

from tachyon_sdk._proxies import pool_manager
from tachyon_sdk._tls import tls_context
from tachyon_sdk.configuration import Configuration

# A larger body is not copied for the sake of one packet.
_JOINED_BYTES = 65536


# Neither is for urllib3 to do: what is tried again is decided in one place, and redirects are not followed.
_NO_RETRIES = urllib3.Retry(False, redirect=False)


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


class Connections:
    """The connections of one client in one process, kept open between requests.

    Raises:
        ApiValueError: A SOCKS proxy is set, and the extra `socks` is not installed.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._manager = _with_our_connections(_pool_manager_of(configuration), configuration)
        # A proxy is told the whole URL. Without one, finding the pool each time costs a fifth of a call.
        self._by_origin: dict[str, urllib3.HTTPConnectionPool] | None = (
            None if isinstance(self._manager, urllib3.ProxyManager) else {}
        )

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: tuple[float | None, float | None],
    ) -> urllib3.BaseHTTPResponse:
        """Sends a request and returns as soon as the headers of its answer are here, nothing of the body read.

        Raises:
            NotConnectedError: There was no connection.
            HTTPError, OSError: What urllib3 raises besides.
        """
        opener, target = self._opener_of(url)
        response: urllib3.BaseHTTPResponse = opener.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            timeout=_timeout(*timeouts),
            retries=_NO_RETRIES,
            redirect=False,
            preload_content=False,
        )
        return response

    def _opener_of(self, url: str) -> tuple[Any, str]:
        path_begins = url.find("/", url.find("//") + 2)
        if self._by_origin is None or path_begins < 0:
            return self._manager, url
        origin = url[:path_begins]
        pool = self._by_origin.get(origin)
        if pool is None or pool.pool is None:
            pool = self._by_origin[origin] = self._manager.connection_from_url(origin)
        return pool, url[path_begins:]

    def close(self) -> None:
        """Closes the connections that are not in use."""
        # clear() alone leaves a pool open for as long as somebody holds an answer that came through it.
        for key in self._manager.pools.keys():  # noqa: SIM118 (it cannot be iterated over)
            if (pool := self._manager.pools.get(key)) is not None:
                pool.close()
        self._manager.clear()


class _Connection:
    """What our connections do differently from urllib3's; stands before its class."""

    # All of urllib3's connections have these.
    sock: Any
    host: str
    proxy: Any
    proxy_config: Any
    is_verified: bool
    ssl_context: ssl.SSLContext | None
    assert_hostname: Any
    server_hostname: str | None
    _tunnel_host: str | None

    send_timeout: float | None
    unverified: bool
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
        if self.unverified:
            # It would warn again with every request.
            self.is_verified = True

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


class _IdleConnections(queue.LifoQueue[Any]):
    """Connections that wait for the next request; one too many is closed, which urllib3 would warn of."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        try:
            super().put(item, block, timeout)
        except queue.Full:
            item.close()


@lru_cache(maxsize=16)
def _timeout(connect: float | None, read: float | None) -> urllib3.Timeout:
    return urllib3.Timeout(connect=connect, read=read)


def _with_our_connections(manager: urllib3.PoolManager, configuration: Configuration) -> urllib3.PoolManager:
    settings = {
        "send_timeout": configuration.read_timeout,
        "unverified": not configuration.verify_ssl,
        "tls_context": staticmethod(lru_cache(maxsize=1)(partial(tls_context, configuration))),
    }
    pool_classes: dict[str, Any] = {}
    for scheme, pool in manager.pool_classes_by_scheme.items():
        connection = type("Connection", (_Connection, pool.ConnectionCls), settings)  # type: ignore[attr-defined]
        members = {"ConnectionCls": connection, "QueueCls": _IdleConnections}
        pool_classes[scheme] = type(pool.__name__, (pool,), members)
    manager.pool_classes_by_scheme = pool_classes
    return manager


def _pool_manager_of(configuration: Configuration) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "maxsize": configuration.connection_pool_maxsize,
        "cert_reqs": ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE,
        "assert_hostname": configuration.assert_hostname,
        "server_hostname": configuration.tls_server_name,
        "socket_options": configuration.socket_options,
    }
    options = {name: value for name, value in options.items() if value is not None}
    return pool_manager(configuration, **options)


def warn_of_unverified(host: str) -> None:
    package = __name__.partition(".")[0]
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"verify_ssl is off: anybody on the way to {host} can pose as it, and read the credentials",
        InsecureRequestWarning,
        stacklevel=level,
    )
