"""Reads the headers of an error: the request id, and how long to wait. Nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "x-litellm-call-id",
    "x-amzn-requestid",
    "x-amz-request-id",
)
_MILLISECONDS_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")
# The three forms of RFC 9110, section 5.6.7; the parser takes much else for a date.
_HTTP_DATE = r"[A-Z][a-z]{2,8},? .+ \d\d:\d\d:\d\d (GMT|\d{4})"


def header_items(headers: Any) -> Iterator[tuple[str, str]]:
    """The names and values of headers in any form: a mapping, pairs, text or bytes, or None."""
    for name, value in headers.items() if hasattr(headers, "items") else headers or ():
        yield _header_text(name), _header_text(value)


def read_request_id(headers: Any) -> str | None:
    """Return the identifier of the request in the server's own logs."""
    return _header(headers, *_REQUEST_ID_HEADERS)


def read_error_headers(headers: Any) -> tuple[str | None, str | None]:
    """Return the code and the message of an error whose body does not have them, each None if it does not say.

    They are in the challenge of a 401 or 403 (RFC 6750, section 3), and in a header of AWS.
    """
    challenge = _header(headers, "www-authenticate") or ""
    found = dict(re.findall(r'\b(error|error_description)="([^"]+)"', challenge))
    kind = (_header(headers, "x-amzn-errortype") or "").partition(":")[0]
    return found.get("error") or kind or None, found.get("error_description")


def read_retry_after(headers: Any) -> float | None:
    """Return the seconds that the server asks to wait; None if it does not say, or not clearly.

    The milliseconds of some providers are more exact and win over Retry-After (RFC 9110, section 10.2.3), which is
    a number of seconds or a date.
    """
    milliseconds = _number(_header(headers, *_MILLISECONDS_HEADERS))
    if milliseconds is not None:
        return milliseconds / 1000
    text = _header(headers, "retry-after")
    seconds = _number(text)
    return _seconds_until(text) if seconds is None and text else seconds


def _number(text: str | None) -> float | None:
    # Digits with at most one point: neither a sign nor "nan" nor a date passes.
    if text is None or not text.isascii() or not text.replace(".", "", 1).isdigit():
        return None
    return float(text)


def _seconds_until(http_date: str) -> float | None:
    if not re.fullmatch(_HTTP_DATE, http_date):
        return None
    # Imported here because it is rarely needed and slow to import.
    from datetime import datetime, timezone

    from dateutil.parser import parse

    try:
        moment = parse(http_date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _header(headers: Any, *names: str) -> str | None:
    """The first of these headers that is there and not empty, by names without case (RFC 9110, 5.1)."""
    found: dict[str, str] = {}
    for name, value in header_items(headers):
        found.setdefault(name.lower(), value.strip())
    return next((found[name] for name in names if found.get(name)), None)


def _header_text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
