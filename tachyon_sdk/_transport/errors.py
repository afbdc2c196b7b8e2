"""Our errors for those of urllib3, of http.client and of the operating system."""

from __future__ import annotations

import errno
import ssl
import sys
from http.client import HTTPException, IncompleteRead
from typing import Any

from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError as Urllib3TimeoutError,
)
from urllib3.util import parse_url
from urllib3.util.ssl_match_hostname import CertificateError

from tachyon_sdk._transport.connection import NotConnectedError, SendTimeoutError
from tachyon_sdk.exceptions import ConnectionException, TimeoutException

# There the errors of `fetch` come as an HTTPException, whatever happened.
_FETCHES = sys.platform == "emscripten"


def not_connected(error: NotConnectedError, doing: str) -> ConnectionException:
    """The error of an attempt that ended before there was a connection.

    Args:
        error: What the connection raised.
        doing: What was being done, for the message.
    """
    cause = _innermost(error)
    proxy = f"the proxy {error.proxy}" if error.proxy else None
    permanent = True
    if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
        why = getattr(cause, "verify_message", cause)
        what = f"the certificate of {proxy or error.host} is not accepted: {why}"
    elif "Tunnel connection failed: 407" in str(cause) or type(cause).__name__ == "SOCKS5AuthError":
        what = f"{proxy} refuses the credentials: {_reason(cause)}"
    else:
        permanent = False
        made = "TLS connection" if isinstance(cause, ssl.SSLError) else "connection"
        what = f"{proxy} could not be used" if proxy else f"no {made} could be made"
        what += f": {_reason(cause)}"
    kind = TimeoutException if isinstance(cause, TimeoutError) else ConnectionException
    return kind(message=f"{what} ({doing})", request_sent=error.sent_before, permanent=permanent)


def never_connected(error: Exception, url: str, proxy: str | None) -> NotConnectedError | None:
    """Tell by the class of an error that there was no connection, for connections that do not raise it themselves."""
    # A ProxyError alone may come after the request was sent.
    at_proxy = isinstance(error, ProxyError)
    first = error.original_error if isinstance(error, ProxyError) else error
    if (
        isinstance(first, (ConnectTimeoutError, NewConnectionError))
        or isinstance(_innermost(error), (ssl.SSLCertVerificationError, CertificateError))
        or "Tunnel connection failed" in str(first)
    ):
        address = parse_url(proxy).netloc if proxy and at_proxy else None
        found = NotConnectedError(parse_url(url).host or "", address)
        found.__cause__ = error
        return found
    return None


def lost(error: Exception, doing: str, **answered: Any) -> ConnectionException:
    """The error of an attempt whose connection failed after it was made.

    Args:
        error: What urllib3 raised.
        doing: What was being done, for the message.
        answered: What is known of the answer: the status, the reason and the headers.
    """
    cause = _innermost(error)
    sent = True
    timed_out = isinstance(cause, TimeoutError) or isinstance(error, Urllib3TimeoutError)
    if getattr(cause, "errno", None) == errno.ETIMEDOUT:  # TCP has given up, which is no timeout of ours
        timed_out = False
    if isinstance(error, ClosedPoolError):
        what, sent = "the client was closed meanwhile", False
    elif isinstance(cause, SendTimeoutError):
        what = "sending the request took too long: no progress within the read timeout"
    elif timed_out:
        what = "the server sent nothing within the read timeout"
    elif isinstance(error, SSLError):
        what = f"TLS failed: {_reason(cause)}"
    elif (
        isinstance(cause, HTTPException)
        and not isinstance(cause, (ConnectionError, IncompleteRead))
        and not _FETCHES
    ):
        what = f"the server does not speak HTTP: {cause!r}"
    else:
        what = f"the connection was lost: {_reason(cause)}"
    kind = TimeoutException if timed_out else ConnectionException
    return kind(message=f"{what} ({doing})", request_sent=sent, **answered)


def _reason(cause: BaseException) -> str:
    return str(getattr(cause, "strerror", None) or cause)


def _innermost(error: BaseException) -> BaseException:
    """The error of the operating system, of TLS or of HTTP behind those that wrap it."""
    seen: BaseException | None = error
    while seen is not None:
        socks_error = getattr(seen, "socket_err", None)  # the errors of PySocks are OSErrors themselves
        if isinstance(seen, (OSError, HTTPException, CertificateError)) and socks_error is None:
            return seen
        wrapped = socks_error or next(
            (part for part in reversed(seen.args) if isinstance(part, BaseException)), None
        )
        seen = wrapped or seen.__cause__ or seen.__context__
    return error
