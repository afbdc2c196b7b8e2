"""Connection pools, one for each origin, with its proxy and its TLS settings."""

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
from tachyon_sdk._transport.log_filter import redact_queries
from tachyon_sdk._transport.tls import tls_context
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiValueError

# `ApiClient` decides about retries. Redirects are not followed.
_NO_RETRIES = urllib3.Retry(False, redirect=False)

_log = logging.getLogger("tachyon_sdk")

# `Connection` wraps these methods if they come from these modules.
_URLLIB3 = {"urllib3.connection", "urllib3.contrib.socks", "http.client"}
_WRAPPED = ("connect", "request", "endheaders", "send", "getresponse", "close")
# `fetch` has one timeout, for which urllib3 takes the connect timeout. It also applies to the response.
_ONE_TIMEOUT = sys.platform == "emscripten"

_NO_REDACTION = nullcontext()

# Gateways drop idle connections, for example while a model generates, unless TCP keepalive is on.
_KEEPALIVE_SECONDS = 30
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE_SECONDS)
        # The first two are the time to the first probe, on macOS and elsewhere.
        for name in ("TCP_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL")
        if hasattr(socket, name)
    ),
]

# The longest timeout of a socket, in seconds.
_MAX_SECONDS = 2_147_483.0

_PROXY_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080


class _Route(NamedTuple):
    """How requests reach an origin."""

    opener: Any
    """Has `urlopen`. If a proxy forwards requests, this is urllib3's manager, which prepares them for the proxy."""
    takes_whole_url: bool
    pool: urllib3.HTTPConnectionPool


class Pools:
    """The connections of one client in one process, kept open between requests.

    Args:
        configuration: Its settings are read when the first request goes to an origin.
        warned: The origins with a warning that certificates are not verified.
    """

    def __init__(self, configuration: Configuration, warned: dict[str, object]) -> None:
        self._configuration = configuration
        self._warned = warned
        self._routes: dict[str, _Route] = {}
        self._closed = False

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: tuple[float | None, float | None],
    ) -> urllib3.BaseHTTPResponse:
        """Send a request. Return the response, with an unread body, when its headers have arrived.

        Raises:
            ApiValueError: A setting for this origin cannot be used.
            NotConnectedError: No connection could be made.
            HTTPError, OSError: All other errors of urllib3.
        """
        path_start = url.find("/", url.find("//") + 2)
        origin = url if path_start < 0 else url[:path_start]
        route = self._routes.get(origin) or self._find_route(origin)
        target = url if route.takes_whole_url else url[len(origin) :] or "/"
        with redact_queries() if "?" in target else _NO_REDACTION:
            try:
                return _open(route, method, target, body, headers, timeouts)
            except StaleConnectionError:
                _log.debug("%s %s: sent again, the kept connection was closed", method, url.partition("?")[0])
            try:
                return _open(route, method, target, body, headers, timeouts, pool_timeout=NEW)
            except NotConnectedError as error:
                error.sent_before = True
                raise

    def _find_route(self, origin: str) -> _Route:
        proxy = self._configuration.proxy_for(origin)
        manager = _make_manager(proxy, self._configuration)
        pool = manager.connection_from_url(origin)
        is_tls = origin.lower().startswith("https:")
        if is_tls and not self._configuration.verify_ssl:
            _warn_once(origin, self._warned)
        forwards = isinstance(manager, urllib3.ProxyManager) and not is_tls
        # Threads may race; setdefault picks one.
        route = self._routes.setdefault(origin, _Route(manager if forwards else pool, forwards, pool))
        if self._closed:  # Another thread closed all pools, perhaps before this one was added.
            route.pool.close()
        return route

    def close(self) -> None:
        """Close idle connections."""
        self._closed = True
        for route in list(self._routes.values()):
            route.pool.close()


def _open(
    route: _Route,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeouts: tuple[float | None, float | None],
    pool_timeout: float | None = None,
) -> urllib3.BaseHTTPResponse:
    response: urllib3.BaseHTTPResponse = route.opener.urlopen(
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


def _make_manager(proxy: str | None, configuration: Configuration) -> urllib3.PoolManager:
    """Make a manager whose connections are `Connection`s where urllib3 allows it.

    Raises:
        ApiValueError: It is a SOCKS proxy, and the extra `socks` is not installed. Or a header or a certificate
            for the proxy cannot be used.
    """
    shared_tls_context = lru_cache(maxsize=1)(partial(tls_context, configuration))
    manager = _urllib3_manager(proxy, configuration)
    pool_classes = getattr(manager, "pool_classes_by_scheme", None)
    if not isinstance(pool_classes, dict):
        _log.debug("urllib3 has no pool_classes_by_scheme: its own connections are used")
        maxsize = configuration.connection_pool_maxsize
        return _urllib3_manager(proxy, configuration, ssl_context=shared_tls_context(), maxsize=maxsize)
    idle = IdleConnections(configuration.connection_pool_maxsize, configuration.keepalive_expiry)
    settings = {
        "tls_context": staticmethod(shared_tls_context),
        "idle": idle,
        "proxy_address": proxy and _address_of(proxy),
    }
    own_classes: dict[str, Any] = {}
    for scheme, pool in pool_classes.items():
        members: dict[str, Any] = {
            "ConnectionCls": _ConnectionClass(pool, settings),
            "QueueCls": staticmethod(lambda _: idle),
        }
        if not configuration.verify_ssl:
            members["_validate_conn"] = _connect_without_warning
        own_classes[scheme] = type(pool.__name__, (pool,), members)
    manager.pool_classes_by_scheme = own_classes
    return manager


def _urllib3_manager(proxy: str | None, configuration: Configuration, **more: Any) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "cert_reqs": ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE,
        "assert_hostname": configuration.assert_hostname,
        "server_hostname": configuration.tls_server_name,
        "socket_options": configuration.socket_options,
        **more,
    }
    options = {name: value for name, value in options.items() if value is not None}
    options.setdefault("socket_options", _SOCKET_OPTIONS)
    if not proxy:
        return urllib3.PoolManager(**options)
    url = urllib3.util.parse_url(proxy)
    if (url.scheme or "").startswith("socks"):
        if find_spec("socks") is None:  # urllib3 would also warn.
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


def _address_of(proxy: str) -> str:
    url = urllib3.util.parse_url(proxy)
    return f"{url.host}:{url.port or _PROXY_PORTS.get(url.scheme or '', _SOCKS_PORT)}"


def _proxy_headers(credentials: str | None, configuration: Configuration) -> Mapping[str, str]:
    headers = {}
    if credentials:
        encoded = base64.b64encode(unquote(credentials).encode()).decode("ascii")
        headers["Proxy-Authorization"] = f"Basic {encoded}"  # RFC 7617, in UTF-8
    return build_headers(headers, configuration.proxy_headers or {})


class _ConnectionClass:
    """Chooses the connection class of a pool: urllib3's class with the mixin `Connection`.

    Another package may have replaced urllib3's class: vcrpy while it records or replays, and urllib3 itself if there
    are no sockets. If the replacement overrides what `Connection` wraps, it is used without the mixin. The class is
    looked up for every new connection, because it may be replaced and restored while a client exists.
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
        _log.debug("connections are made by %s.%s", given.__module__, given.__qualname__)
        # `fetch` has its own TLS settings.
        if self._pool_class.scheme == "https" and "http.client" in {
            each.__module__ for each in given.__mro__
        }:
            return type("Connection", (TlsSettings, given), {"tls_context": self._settings["tls_context"]})
        return given


def _module_of(cls: type, method: str) -> str | None:
    """Return the module of the class that defines a method."""
    return next((each.__module__ for each in cls.__mro__ if method in vars(each)), None)


def _connect_without_warning(pool: object, connection: Any) -> None:
    """Replace a method of urllib3's pools that connects, and warns before each request that is not verified.

    `_warn_once` has warned already.
    """
    if connection.is_closed:
        connection.connect()


class _Timeout(urllib3.Timeout):
    """Timeouts without a `total`. They have no state, so one object serves all requests."""

    def clone(self) -> urllib3.Timeout:
        return self

    def start_connect(self) -> float:
        return 0.0


@lru_cache(maxsize=16)
def _timeout(connect: float | None, read: float | None) -> urllib3.Timeout:
    if _ONE_TIMEOUT:
        connect = read
    seconds = _MAX_SECONDS if connect is None else connect
    return _Timeout(connect=ConnectTimeout(seconds, sending=read), read=read)


def _warn_once(origin: str, warned: dict[str, object]) -> None:
    this_call = object()
    if warned.setdefault(origin, this_call) is not this_call:
        return
    from tachyon_sdk._contract.caller import stack_level  # rarely needed

    warnings.warn(
        f"verify_ssl is off: the certificate of {origin} is not verified, and others may read the credentials",
        InsecureRequestWarning,
        stacklevel=stack_level(),
    )
