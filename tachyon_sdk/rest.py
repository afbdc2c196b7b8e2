"""One attempt at a request over urllib3: the only module that knows urllib3, and the one that translates its errors.

There is no retry here, and no redirect is followed; `ApiClient` decides about both.
"""

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException, IncompleteRead
from typing import Any

import urllib3
import urllib3.util
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
    TimeoutError as Urllib3TimeoutError,
)

from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import (
    ApiException as ApiException,
    ApiValueError,
    ConnectionException,
    ResponseDecodeException,
    TimeoutException,
)

RESTResponseType = urllib3.BaseHTTPResponse

Timeouts = tuple[float | None, float | None]
"""Seconds to wait for the connection, and for each next byte of the answer; None waits for ever."""

_PIECE_BYTES = 65536
# How much of an answer that cannot be read is kept for the error.
_SHOWN_BYTES = 1024 * 1024
# What may still come after the end of an event stream for its connection to be worth keeping.
_LEFTOVER_BYTES = 65536
_LEFTOVER_SECONDS = 0.1


class RESTResponse:
    """The answer to one attempt, its body not yet read.

    Attributes:
        response: urllib3's response.
        status: HTTP status.
        reason: Reason phrase of the status line.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.response = response
        self.status = response.status
        self.reason = response.reason
        self._data: bytes | None = None
        self._kept: list[bytes] | None = None
        self._kept_bytes = 0
        self._may_keep: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are found whatever their case."""
        return self.response.headers

    def getheaders(self) -> Mapping[str, str]:
        """The headers, under the name that older clients used."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """One header, under the name that older clients used."""
        return self.headers.get(name, default)

    @property
    def data(self) -> bytes | None:
        """The body, once `read` has read it."""
        return self._data

    def read(self, limit: int | None = None) -> bytes:
        """The whole body, decompressed.

        Args:
            limit: Bytes; None for no limit.

        Raises:
            ConnectionException: The body broke off; `body` is what had arrived.
            ResponseDecodeException: The body cannot be decompressed, or is larger than the limit; `body` is what
                had arrived.
        """
        if self._data is None:
            self.keep_pieces(limit)
            try:
                for _ in self.pieces():
                    pass
            except (ConnectionException, ResponseDecodeException) as error:
                error.body = self.kept_pieces()[:_SHOWN_BYTES].decode("utf-8", "replace")
                raise
            self._data = self.kept_pieces()
            self._kept = None
        return self._data

    def pieces(self) -> Iterator[bytes]:
        """The body, decompressed, in pieces that are handed over the moment they arrive.

        Raises:
            TimeoutException: Nothing came for as long as the read timeout allows.
            ConnectionException: The connection was lost before the body was complete.
            ResponseDecodeException: The body cannot be decompressed.
        """
        # read1 hands over what is there, also out of the middle of an HTTP chunk, and loses nothing when the
        # connection breaks. stream() and read_chunked() wait until they have filled a piece or a chunk.
        read1 = self.response.read1
        try:
            while piece := read1(_PIECE_BYTES, decode_content=True):
                if self._kept is not None:
                    self._keep(piece)
                yield piece
        except DecodeError as error:
            self.close()
            raise self._undecodable(f"the answer cannot be decompressed: {error}") from error
        except (HTTPError, OSError) as error:
            self.close()
            raise _translated(error, "while the answer was being read", self) from error

    def keep_pieces(self, limit: int | None) -> None:
        """From now on keeps what `pieces` hands over, at most `limit` bytes, for `kept_pieces`."""
        self._kept = []
        self._kept_bytes = 0
        self._may_keep = limit

    def kept_pieces(self) -> bytes:
        """What `pieces` has handed over."""
        return b"".join(self._kept or ())

    def _keep(self, piece: bytes) -> None:
        assert self._kept is not None
        self._kept.append(piece)
        self._kept_bytes += len(piece)
        if self._may_keep is not None and self._kept_bytes > self._may_keep:
            self.close()
            raise self._undecodable(f"the answer is larger than {self._may_keep} bytes")

    def finish(self) -> None:
        """Makes the connection ready for the next request, where the rest of the body is short and already here.

        Where it is not, the connection is closed.
        """
        response = self.response
        sock = getattr(response.connection, "sock", None)
        if sock is None or response.closed:
            self.close()
            return
        timeout = sock.gettimeout()
        # The connection must not go back to the pool before its socket has its own timeout again.
        response.release_conn = _do_nothing  # type: ignore[method-assign]
        try:
            left, deadline = _LEFTOVER_BYTES, time.monotonic() + _LEFTOVER_SECONDS
            while left > 0 and not response.closed and (seconds := deadline - time.monotonic()) > 0:
                sock.settimeout(seconds)
                left -= len(response.read1(left, decode_content=True))
            complete = response.closed
            sock.settimeout(timeout)
        except (HTTPError, OSError, ValueError, RuntimeError):
            complete = False
        finally:
            del response.release_conn
        if complete:
            response.release_conn()
        else:
            self.close()

    def _undecodable(self, message: str) -> ResponseDecodeException:
        return ResponseDecodeException(self.status, self.reason, headers=self.headers, message=message)

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end and the connection is in use again."""
        self.response.close()
        self.response.release_conn()


class RESTClientObject:
    """Connections to one or more hosts, kept open between requests.

    Args:
        configuration: TLS, proxy and pool settings; they are read when the first connection is made.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        # By process: a connection that a fork copied still belongs to the parent.
        self._managers: dict[int, urllib3.PoolManager] = {}

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> RESTResponse:
        """Sends a request once and returns as soon as the headers of its answer are here.

        Raises:
            ApiValueError: The URL cannot be requested.
            TimeoutException: No connection, or no answer, within the timeouts.
            ConnectionException: No connection, or it was lost. `request_sent` is False where the server cannot
                have seen the request.
        """
        connect, read = timeouts
        try:
            response = self._pool_manager().urlopen(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=connect, read=read),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except LocationValueError as error:
            raise ApiValueError(f"the URL cannot be requested: {error}") from error
        except (HTTPError, OSError) as error:
            # Without the query, which may hold a credential.
            raise _translated(error, f"{method} {url.partition('?')[0]}") from error
        return RESTResponse(response)

    def close(self) -> None:
        """Closes the connections that are not in use. The next request makes new ones."""
        managers, self._managers = self._managers, {}
        for manager in managers.values():
            # clear() alone leaves a pool open for as long as somebody holds an answer that came through it.
            for key in manager.pools.keys():  # noqa: SIM118 (it cannot be iterated over)
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
            manager.clear()

    def _pool_manager(self) -> urllib3.PoolManager:
        process = os.getpid()
        manager = self._managers.get(process)
        if manager is None:
            # One of several threads wins; no lock, because a fork could copy it while it is held.
            manager = self._managers.setdefault(process, _new_pool_manager(self._configuration))
        return manager


class _UnhurriedConnection:
    """Part of a connection class: once the connection is made, the timeout for reading holds.

    urllib3 gives the sending of the whole body the timeout for connecting, which a large upload may well need.
    """

    send_timeout: float | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock.settimeout(self.send_timeout)  # type: ignore[attr-defined]


def _new_pool_manager(configuration: Configuration) -> urllib3.PoolManager:
    manager = _pool_manager_of(configuration)
    settings = {"send_timeout": configuration.read_timeout}
    pool_classes: dict[str, Any] = {}
    for scheme, pool in manager.pool_classes_by_scheme.items():
        bases = (_UnhurriedConnection, pool.ConnectionCls)  # type: ignore[attr-defined]
        pool_classes[scheme] = type(
            pool.__name__, (pool,), {"ConnectionCls": type("Connection", bases, settings)}
        )
    manager.pool_classes_by_scheme = pool_classes
    return manager


def _pool_manager_of(configuration: Configuration) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "maxsize": configuration.connection_pool_maxsize,
        "cert_reqs": ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE,
        "ca_certs": configuration.ssl_ca_cert,
        "ca_cert_data": configuration.ca_cert_data,
        "cert_file": configuration.cert_file,
        "key_file": configuration.key_file,
        "assert_hostname": configuration.assert_hostname,
        "server_hostname": configuration.tls_server_name,
        "socket_options": configuration.socket_options,
    }
    options = {name: value for name, value in options.items() if value is not None}
    proxy = configuration.proxy
    if not proxy or _bypasses_proxy(configuration):
        return urllib3.PoolManager(**options)
    if proxy.lower().startswith("socks"):
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            raise ApiValueError(
                "a SOCKS proxy needs the extra 'socks': pip install 'tachyon-sdk[socks]'"
            ) from error
        return SOCKSProxyManager(proxy, **options)
    return urllib3.ProxyManager(
        proxy,
        proxy_headers=_proxy_headers(configuration),
        proxy_ssl_context=configuration.proxy_ssl_context,
        **options,
    )


def _proxy_headers(configuration: Configuration) -> Mapping[str, str] | None:
    credentials = urllib3.util.parse_url(configuration.proxy or "").auth
    if not credentials:
        return configuration.proxy_headers
    from urllib.parse import unquote

    return {
        **urllib3.util.make_headers(proxy_basic_auth=unquote(credentials)),
        **(configuration.proxy_headers or {}),
    }


def _bypasses_proxy(configuration: Configuration) -> bool:
    if not configuration.no_proxy:
        return False
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    host = urllib3.util.parse_url(configuration.host)
    return bool(proxy_bypass_environment(host.netloc or "", {"no": configuration.no_proxy}))


def _translated(error: Exception, doing: str, response: RESTResponse | None = None) -> ConnectionException:
    """Our error for one of urllib3's or of the operating system's."""
    cause = _innermost(error)
    reason = getattr(cause, "strerror", None) or cause
    timed_out = isinstance(cause, TimeoutError) or isinstance(error, Urllib3TimeoutError)
    if isinstance(error, ProxyError):
        what, sent = f"the proxy could not be reached: {reason}", False
    elif isinstance(error, (NewConnectionError, ConnectTimeoutError)):
        what, sent = f"no connection could be made: {reason}", False
        timed_out = isinstance(cause, TimeoutError)
    elif isinstance(error, ClosedPoolError):
        what, sent = "the client was closed meanwhile", False
    elif isinstance(error, SSLError):
        what, sent = f"TLS failed: {reason}", True
    elif isinstance(error, ReadTimeoutError):
        what, sent = "the server sent nothing within the read timeout", True
    elif isinstance(cause, HTTPException) and not isinstance(cause, (ConnectionError, IncompleteRead)):
        what, sent = f"the server does not speak HTTP: {cause!r}", True
    else:
        what, sent = f"the connection was lost: {reason}", True
    kind = TimeoutException if timed_out else ConnectionException
    answered = {} if response is None else {"status": response.status, "headers": response.headers}
    return kind(message=f"{what} ({doing})", request_sent=sent, **answered)


def _innermost(error: BaseException) -> BaseException:
    """The error of the operating system, of TLS or of HTTP behind those of urllib3 that wrap it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (OSError, HTTPException)):
            return seen
        wrapped = next((part for part in reversed(seen.args) if isinstance(part, BaseException)), None)
        seen = wrapped or seen.__cause__ or seen.__context__
    return error


def _do_nothing() -> None:
    """Stands in for `release_conn` while a connection is held back."""
