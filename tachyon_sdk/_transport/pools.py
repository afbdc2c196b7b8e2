"""Pools of connections, as a configuration describes them: TLS, proxies, timeouts and sizes."""

from __future__ import annotations

import queue
import ssl
import sys
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import Any

import urllib3
import urllib3.util
from urllib3.exceptions import InsecureRequestWarning

from tachyon_sdk._transport.connection import Connection
from tachyon_sdk._transport.log_filter import hidden_query
from tachyon_sdk._transport.proxies import pool_manager
from tachyon_sdk._transport.tls import tls_context
from tachyon_sdk.configuration import Configuration

# Neither is for urllib3 to do: what is tried again is decided in one place, and redirects are not followed.
_NO_RETRIES = urllib3.Retry(False, redirect=False)

_NOTHING = nullcontext()


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
        with hidden_query() if "?" in target else _NOTHING:
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


class _IdleConnections:
    """Connections that wait for the next request, the last one first; one too many is closed.

    It takes the place of `queue.LifoQueue`, whose lock may be held by the very thread in which a stream that was
    dropped is collected, and gives its connection back.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._idle: list[Any] = []

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if len(self._idle) < self._maxsize:
            self._idle.append(item)
        elif item is not None:
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
        connection = type("Connection", (Connection, pool.ConnectionCls), settings)  # type: ignore[attr-defined]
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
