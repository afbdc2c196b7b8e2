"""Turns errors of urllib3, http.client and the operating system into those of the package."""

from __future__ import annotations

import errno
import ssl
import sys
from http.client import HTTPException, IncompleteRead
from typing import Any, TypeVar

from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError as Urllib3TimeoutError,
)
from urllib3.util import parse_url

from tachyon_sdk._transport.connection import NotConnectedError, SendTimeoutError
from tachyon_sdk.exceptions import ConnectionException, TimeoutException

# There, every error of `fetch` is an HTTPException.
_USES_FETCH = sys.platform == "emscripten"

_E = TypeVar("_E", bound=BaseException)


def not_connected(error: NotConnectedError, url: str, context: str) -> ConnectionException:
    """Return the error for an attempt that failed before there was a connection.

    Args:
        error: The error of the connection.
        url: The URL of the request.
        context: What was being done, for the message.
    """
    cause = _innermost(error)
    proxy = f"the proxy {error.proxy}" if error.proxy else None
    permanent = True
    if _is_certificate_error(cause):
        reason = getattr(cause, "verify_message", cause)
        message = f"the certificate of {proxy or parse_url(url).host} is not accepted: {reason}"
    elif "Tunnel connection failed: 407" in str(cause) or type(cause).__name__ == "SOCKS5AuthError":
        message = f"{proxy} refuses the credentials: {_reason(cause)}"
    else:
        permanent = isinstance(cause, ValueError)
        kind = "TLS connection" if isinstance(cause, ssl.SSLError) else "connection"
        message = f"{proxy} could not be used" if proxy else f"no {kind} could be made"
        message += f": {_reason(cause)}"
    exception = TimeoutException if isinstance(cause, TimeoutError) else ConnectionException
    return exception(message=f"{message} ({context})", request_sent=error.sent_before, permanent=permanent)


def never_connected(error: Exception, proxy: str | None) -> NotConnectedError | None:
    """Recognise a failure to connect by its class, for connection classes that do not raise NotConnectedError."""
    # A ProxyError alone may come after the request was sent.
    at_proxy = isinstance(error, ProxyError)
    first = error.original_error if isinstance(error, ProxyError) else error
    if (
        isinstance(first, (ConnectTimeoutError, NewConnectionError))
        or _is_certificate_error(_innermost(error))
        or "Tunnel connection failed" in str(first)
    ):
        found = NotConnectedError(parse_url(proxy).netloc if proxy and at_proxy else None)
        found.__cause__ = error
        return found
    return None


def lost(error: Exception, context: str, **response: Any) -> ConnectionException:
    """Return the error for an attempt that failed after the connection was made.

    Args:
        error: The error of urllib3.
        context: What was being done, for the message.
        response: What is known of the response: status, reason and headers.
    """
    cause = _innermost(error)
    sent = True
    timed_out = isinstance(cause, TimeoutError) or isinstance(error, Urllib3TimeoutError)
    if getattr(cause, "errno", None) == errno.ETIMEDOUT:  # TCP gave up; this is not one of our timeouts.
        timed_out = False
    if isinstance(error, ClosedPoolError):
        message, sent = "the client was closed", False
    elif isinstance(cause, SendTimeoutError):
        message = "sending the request took too long: no progress within the read timeout"
    elif timed_out:
        message = "the server sent nothing within the read timeout"
    elif isinstance(error, SSLError):
        message = f"TLS failed: {_reason(cause)}"
    elif (
        isinstance(cause, HTTPException)
        and not isinstance(cause, (ConnectionError, IncompleteRead))
        and not _USES_FETCH
    ):
        message = f"the server does not speak HTTP: {cause!r}"
    else:
        message = f"the connection was lost: {_reason(cause)}"
    exception = TimeoutException if timed_out else ConnectionException
    return exception(message=f"{message} ({context})", request_sent=sent, **response)


def without_frames(error: _E) -> _E:
    """Drop the tracebacks of a network error and of its causes.

    They end in the socket. A user who sees a refused connection needs the messages, which stay with the causes.
    """
    each: BaseException | None = error
    while each is not None and each.__traceback__ is not None:
        each.__traceback__ = None
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return error


def _is_certificate_error(cause: BaseException) -> bool:
    # urllib3's error for a certificate with another host name is a ValueError that it does not export.
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"


def _reason(cause: BaseException) -> str:
    return str(getattr(cause, "strerror", None) or cause)


def _innermost(error: BaseException) -> BaseException:
    """Return the error of the operating system, of TLS or of HTTP that others wrap."""
    seen: BaseException | None = error
    while seen is not None:
        socks_error = getattr(seen, "socket_err", None)  # PySocks raises subclasses of OSError.
        if isinstance(seen, (OSError, HTTPException, ValueError)) and socks_error is None:
            return seen
        wrapped = socks_error or next(
            (part for part in reversed(seen.args) if isinstance(part, BaseException)), None
        )
        seen = wrapped or seen.__cause__ or seen.__context__
    return error
