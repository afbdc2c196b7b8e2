"""Reads the headers of an error: request id, code and message, retry delay. The functions never raise."""

from __future__ import annotations

import re
import time
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
# The three formats of RFC 9110, section 5.6.7. The parser accepts many other texts as dates.
_HTTP_DATE = r"[A-Z][a-z]{2,8},? .+ \d\d:\d\d:\d\d (GMT|\d{4})"
_RFC_3339 = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


def header_items(headers: Any) -> Iterator[tuple[str, str]]:
    """Yield names and values of headers: a mapping or pairs, of text or bytes, or None."""
    for name, value in headers.items() if hasattr(headers, "items") else headers or ():
        yield _header_text(name), _header_text(value)


def read_request_id(headers: Any) -> str | None:
    """Return the server's id of the request."""
    return _header(headers, *_REQUEST_ID_HEADERS)


def read_error_headers(headers: Any) -> tuple[str | None, str | None]:
    """Return the code and the message of an error from its headers, each None if it is missing.

    Sources: the challenge of a 401 or 403 (RFC 6750, section 3) and a header of AWS.
    """
    challenge = _header(headers, "www-authenticate") or ""
    found = dict(re.findall(r'\b(error|error_description)="([^"]+)"', challenge))
    kind = (_header(headers, "x-amzn-errortype") or "").partition(":")[0]
    return found.get("error") or kind or None, found.get("error_description")


def read_retry_after(headers: Any) -> float | None:
    """Return the retry delay in seconds; None if it is missing or invalid.

    The millisecond headers of some providers take precedence over Retry-After (RFC 9110, section 10.2.3), which
    contains a number of seconds or a date.
    """
    milliseconds = number(_header(headers, *_MILLISECONDS_HEADERS))
    if milliseconds is not None:
        return milliseconds / 1000
    text = _header(headers, "retry-after")
    seconds = number(text)
    if seconds is not None or text is None or not re.fullmatch(_HTTP_DATE, text):
        return seconds
    moment = time_of(text)
    return None if moment is None else max(0.0, moment - time.time())


def number(text: str | None) -> float | None:
    """Return an unsigned decimal number; None for any other text."""
    # Only digits with at most one point: no sign, no "nan", no date.
    if text is None or not text.isascii() or not text.replace(".", "", 1).isdigit():
        return None
    return float(text)


def time_of(text: str) -> float | None:
    """Return a date and time of HTTP or RFC 3339 in seconds since 1970; None if it is neither."""
    if not re.fullmatch(f"{_HTTP_DATE}|{_RFC_3339}", text):
        return None
    # Imported here because it is rarely needed and slow to import.
    from datetime import timezone

    from dateutil.parser import parse

    try:
        moment = parse(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def _header(headers: Any, *names: str) -> str | None:
    """Return the first of these headers that is not empty. Names are case-insensitive (RFC 9110, section 5.1)."""
    found: dict[str, str] = {}
    for name, value in header_items(headers):
        found.setdefault(name.lower(), value.strip())
    return next((found[name] for name in names if found.get(name)), None)


def _header_text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
