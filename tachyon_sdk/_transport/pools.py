"""Pools of connections, one for each origin: whether a proxy leads there, and which TLS settings apply."""

from __future__ import annotations

import base64
import logging
import socket
import ssl
import sys
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import unquote

import urllib3
import urllib3.util
from urllib3.exceptions import InsecureRequestWarning

from tachyon_sdk._transport.connection import (
    Connection,
    ConnectTimeout,
    NotConnectedError,
    StaleConnectionError,
    TlsSettings,
)
from tachyon_sdk._transport.headers import build_headers
from tachyon_sdk._transport.idle import NEW, IdleConnections
from tachyon_sdk._transport.log_filter import hidden_query
from tachyon_sdk._transport.tls import tls_context
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiValueError

# Retries are decided in one place, which is not urllib3, and redirects are not followed.
_NO_RETRIES = urllib3.Retry(False, redirect=False)

_log = logging.getLogger("tachyon_sdk")

# Whose methods `Connection` wraps, and which.
_URLLIB3 = {"urllib3.connection", "urllib3.contrib.socks", "http.client"}
_WRAPPED = ("connect", "request", "endheaders", "send", "getresponse", "close")
# `fetch` has one timeout, and urllib3 takes the one for connecting. It would then also hold for the response.
_ONE_TIMEOUT = sys.platform == "emscripten"

_NOTHING = nullcontext()

# Gateways forget a connection that is silent, as while a model generates, unless TCP keeps it alive.
_KEEPALIVE_SECONDS = 30
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE_SECONDS)
        # To the first probe, on macOS and elsewhere, and between two.
        for name in ("TCP_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL")
        if hasattr(socket, name)
    ),
]

# Seconds; the longest that a socket takes for a timeout.
_FOREVER = 2_147_483.0


class _Way(NamedTuple):
    """How requests reach an origin."""

    opener: Any
    """Has `urlopen`. Where a proxy forwards requests this is urllib3's manager, which prepares them for it."""
    takes_whole_url: bool
    pool: urllib3.HTTPConnectionPool


class Pools:
    """The connections of one client in one process, kept open between requests.

    Args:
        configuration: Its settings are read for each origin when the first request goes there.
        warned: The origins for which there was a warning that certificates are not verified.
    """

    def __init__(self, configuration: Configuration, warned: dict[str, object]) -> None:
        self._configuration = configuration
        self._warned = warned
        self._ways: dict[str, _Way] = {}
        self._closed = False

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: tuple[float | None, float | None],
    ) -> urllib3.BaseHTTPResponse:
        """Sends a request and returns the response once its headers have arrived, nothing of its body read.

        Raises:
            ApiValueError: A setting for this origin cannot be used.
            NotConnectedError: No connection was made.
            HTTPError, OSError: What urllib3 raises besides.
        """
        path_start = url.find("/", url.find("//") + 2)
        origin = url if path_start < 0 else url[:path_start]
        way = self._ways.get(origin) or self._find_way(origin)
        target = url if way.takes_whole_url else url[len(origin) :] or "/"
        with hidden_query() if "?" in target else _NOTHING:
            try:
                return _open(way, method, target, body, headers, timeouts)
            except StaleConnectionError:
                _log.debug("%s %s: sent again, the kept connection was closed", method, url.partition("?")[0])
            try:
                return _open(way, method, target, body, headers, timeouts, pool_timeout=NEW)
            except NotConnectedError as error:
                error.sent_before = True
                raise

    def _find_way(self, origin: str) -> _Way:
        proxy = self._configuration.proxy_for(origin)
        manager = _with_our_connections(_manager(proxy, self._configuration), self._configuration)
        pool = manager.connection_from_url(origin)
        is_tls = origin.lower().startswith("https:")
        if is_tls and not self._configuration.verify_ssl:
            _warn_once(origin, self._warned)
        forwards = isinstance(manager, urllib3.ProxyManager) and not is_tls
        # One of several threads wins.
        way = self._ways.setdefault(origin, _Way(manager if forwards else pool, forwards, pool))
        if self._closed:  # by another thread, which may not have seen this one
            way.pool.close()
        return way

    def close(self) -> None:
        """Closes the connections that are not in use."""
        self._closed = True
        for way in list(self._ways.values()):
            way.pool.close()


def _open(
    way: _Way,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeouts: tuple[float | None, float | None],
    pool_timeout: float | None = None,
) -> urllib3.BaseHTTPResponse:
    response: urllib3.BaseHTTPResponse = way.opener.urlopen(
        method,
        target,
        body=body,
        headers=headers,
        timeout=_timeout(*timeouts),
        pool_timeout=pool_timeout,
        retries=_NO_RETRIES,
        redirect=False,
        preload_content=False,
    )
    return response


def _manager(proxy: str | None, configuration: Configuration) -> urllib3.PoolManager:
    """Makes the pool for an origin that this proxy leads to.

    Raises:
        ApiValueError: It is a SOCKS proxy, and the extra `socks` is not installed; or a header or a certificate
            for the proxy cannot be used.
    """
    options: dict[str, Any] = {
        "cert_reqs": ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE,
        "assert_hostname": configuration.assert_hostname,
        "server_hostname": configuration.tls_server_name,
        "socket_options": configuration.socket_options,
    }
    options = {name: value for name, value in options.items() if value is not None}
    options.setdefault("socket_options", _SOCKET_OPTIONS)
    if not proxy:
        return urllib3.PoolManager(**options)
    url = urllib3.util.parse_url(proxy)
    if (url.scheme or "").startswith("socks"):
        if find_spec("socks") is None:  # urllib3 would warn as well
            raise ApiValueError(
                "a SOCKS proxy needs the extra 'socks' of tachyon-chat-sdk: PySocks is not installed"
            )
        from urllib3.contrib.socks import SOCKSProxyManager

        user, colon, password = (url.auth or "").partition(":")
        # urllib3 before 2.8 does not decode them.
        return SOCKSProxyManager(
            proxy, unquote(user) if url.auth else None, unquote(password) if colon else None, **options
        )
    context = configuration.proxy_ssl_context
    if context is None and url.scheme == "https":
        context = tls_context(configuration)
    return urllib3.ProxyManager(
        proxy, proxy_headers=_proxy_headers(url.auth, configuration), proxy_ssl_context=context, **options
    )


def _proxy_headers(credentials: str | None, configuration: Configuration) -> Mapping[str, str]:
    headers = {}
    if credentials:
        encoded = base64.b64encode(unquote(credentials).encode()).decode("ascii")
        headers["Proxy-Authorization"] = f"Basic {encoded}"  # RFC 7617, in UTF-8
    return build_headers(headers, configuration.proxy_headers or {})


def _with_our_connections(manager: urllib3.PoolManager, configuration: Configuration) -> urllib3.PoolManager:
    idle = IdleConnections(configuration.connection_pool_maxsize, configuration.keepalive_expiry)
    settings = {
        "tls_context": staticmethod(lru_cache(maxsize=1)(partial(tls_context, configuration))),
        "idle": idle,
    }
    pool_classes: dict[str, Any] = {}
    for scheme, pool in manager.pool_classes_by_scheme.items():
        members: dict[str, Any] = {
            "ConnectionCls": _ConnectionClass(pool, settings),
            "QueueCls": staticmethod(lambda _: idle),
        }
        if not configuration.verify_ssl:
            members["_validate_conn"] = _connect_without_warning
        pool_classes[scheme] = type(pool.__name__, (pool,), members)
    manager.pool_classes_by_scheme = pool_classes
    return manager


class _ConnectionClass:
    """The class of the connections of a pool: `Connection` before urllib3's class.

    Another package may have put a class of its own in the place of urllib3's: vcrpy while it records or replays, and
    urllib3 itself where there are no sockets. If it does the work in its own way, it is used as it is. The class is
    looked up for every new connection, because a client may be older than such a change, and may outlive it.
    """

    def __init__(self, pool_class: Any, settings: dict[str, Any]) -> None:
        self._pool_class = pool_class
        self._settings = settings
        self._made: tuple[Any, Any] = (None, None)

    def __get__(self, pool: Any, owner: Any = None) -> Any:
        given = self._pool_class.ConnectionCls
        known, made = self._made
        if known is not given:
            made = self._class_for(given)
            self._made = given, made
        return made

    def _class_for(self, given: Any) -> Any:
        if {_module_of(given, name) for name in _WRAPPED} <= _URLLIB3:
            return type("Connection", (Connection, given), self._settings)
        _log.debug("the connections are those of %s", given.__module__)
        # `fetch` has TLS settings of its own.
        if self._pool_class.scheme == "https" and "http.client" in {
            each.__module__ for each in given.__mro__
        }:
            return type("Connection", (TlsSettings, given), {"tls_context": self._settings["tls_context"]})
        return given


def _module_of(cls: type, method: str) -> str | None:
    """Return the module of the class that a method comes from."""
    return next((each.__module__ for each in cls.__mro__ if method in vars(each)), None)


def _connect_without_warning(pool: object, connection: Any) -> None:
    """Replaces what urllib3 does before each request over TLS: it connects, and warns if nothing was verified.

    `_warn_once` has warned already.
    """
    if connection.is_closed:
        connection.connect()


class _Timeout(urllib3.Timeout):
    """Timeouts that keep no time: they have no `total`, so one object serves all requests."""

    def clone(self) -> urllib3.Timeout:
        return self

    def start_connect(self) -> float:
        return 0.0


@lru_cache(maxsize=16)
def _timeout(connect: float | None, read: float | None) -> urllib3.Timeout:
    if _ONE_TIMEOUT:
        connect = read
    seconds = _FOREVER if connect is None else connect
    return _Timeout(connect=ConnectTimeout(seconds, sending=read), read=read)


def _warn_once(origin: str, warned: dict[str, object]) -> None:
    this_call = object()
    if warned.setdefault(origin, this_call) is not this_call:
        return
    package = __name__.partition(".")[0]
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"verify_ssl is off: anybody on the way to {origin} can pose as it, and read the credentials",
        InsecureRequestWarning,
        stacklevel=level,
    )
