"""Reads the rate limit in the headers of a response. Nothing here raises."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

from tachyon_sdk._errors.headers import header_items, number, time_of

_PLACES = ("limit", "remaining", "reset")
# The parts of the names of common headers, such as x-ratelimit-limit-requests, anthropic-ratelimit-tokens-reset,
# ratelimit-remaining and x-rate-limit-reset. The headers of a provider that a proxy passes on have a prefix.
_NAME = re.compile(
    r"(?:.*-)?rate-?limit-(?:(?P<kind>[a-z]+)-(?P<place>limit|remaining|reset)"
    r"|(?P<place2>limit|remaining|reset)(?:-(?P<kind2>[a-z]+))?)"
)
_KINDS = {
    "requests": "requests",
    "request": "requests",
    "tokens": "tokens",
    "token": "tokens",
    "": "requests",
}
# A duration as Go writes it: 6m0s, 1h2m3.5s, 120ms.
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
# Larger numbers are points in time, in seconds or milliseconds since 1970.
_FIRST_TIME, _FIRST_MILLISECONDS = 1e8, 1e11


class Quota(NamedTuple):
    """What a server allows in its current window. A part that it does not name is None.

    Attributes:
        limit: Number of requests or tokens in a window.
        remaining: The number that is left.
        reset: Seconds until the window ends, from the time of the response.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


class RateLimit(NamedTuple):
    """The rate limit of a server, read from the headers of a response.

    Attributes:
        requests: The quota of requests, or None.
        tokens: The quota of tokens, or None.
    """

    requests: Quota | None = None
    tokens: Quota | None = None


def read_rate_limit(headers: Any) -> RateLimit | None:
    """Return the rate limit, or None without one.

    Understood are `x-ratelimit-*` with `-requests`, `-tokens` or neither, the same names without `x-` or with another
    prefix, and the fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). If a proxy passes
    on the headers of a provider, its own take precedence.
    """
    found: dict[str, dict[str, float]] = {}
    items = [(name.lower(), value.strip()) for name, value in header_items(headers)]
    sent_at = next((value for name, value in items if name == "date"), None)
    for name, value in sorted(items, key=lambda item: len(item[0])):  # those without a prefix first
        if name in ("ratelimit", "ratelimit-policy"):
            _read_fields(value, found)
        elif match := _NAME.fullmatch(name):
            kind = _KINDS.get(match["kind"] or match["kind2"] or "")
            place = match["place"] or match["place2"]
            # A policy may follow, as in `10, 10;w=60`.
            amount = (
                _seconds(value, sent_at) if place == "reset" else number(re.split("[,;]", value)[0].strip())
            )
            if kind and amount is not None:
                found.setdefault(kind, {}).setdefault(place, amount)
    quotas = {kind: _quota(values) for kind, values in found.items()}
    return RateLimit(**quotas) if quotas else None


def _quota(values: dict[str, float]) -> Quota:
    limit, remaining = (int(values[place]) if place in values else None for place in _PLACES[:2])
    return Quota(limit, remaining, values.get("reset"))


def _read_fields(text: str, found: dict[str, dict[str, float]]) -> None:
    """Read `limit=100, remaining=5, reset=30`, or `"default";r=5;t=30` and `"default";q=100;w=60`; the first item."""
    names = {
        "limit": "limit",
        "remaining": "remaining",
        "reset": "reset",
        "q": "limit",
        "r": "remaining",
        "t": "reset",
    }
    first = text.partition(",")[0] if ";" in text else text
    for name, amount in re.findall(r"\b([a-z]+)=(\d+(?:\.\d+)?)", first.lower()):
        if name in names:
            found.setdefault("requests", {}).setdefault(names[name], float(amount))


def _seconds(text: str, sent_at: str | None) -> float | None:
    """Read a duration or a point in time as seconds from the time of the response."""
    amount = number(text)
    if amount is not None and amount < _FIRST_TIME:
        return amount
    if amount is None and text and (match := _DURATION.fullmatch(text.lower().replace(" ", ""))):
        return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)
    moment = time_of(text) if amount is None else amount / 1000 if amount > _FIRST_MILLISECONDS else amount
    if moment is None:
        return None
    # By the clock of the server, if it is known.
    now = time_of(sent_at) if sent_at else None
    return max(0.0, moment - (time.time() if now is None else now))
