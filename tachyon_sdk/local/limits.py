"""Models with a rate limit: `local/limit-<N>`."""

import math
import re
import time
from typing import NamedTuple

_NAME = re.compile(r"local/limit-(\d{1,6}(?:\.\d{1,3})?)((?:-(?:silent|headers|\d{1,6}ms))*)")
_BURST = 1.0  # seconds: so long does an unused limit add up


class Limit(NamedTuple):
    """What the name of a model says about its limit.

    Attributes:
        rate: Requests per second.
        silent: Whether a 429 has no `Retry-After`.
        headers: Whether each response says in headers how much of the limit is left.
        delay: Seconds before a response.
    """

    rate: float
    silent: bool
    headers: bool
    delay: float


def parse_limit(model: str) -> Limit | None:
    """Return the limit in the name of a model; None if it has none."""
    found = _NAME.fullmatch(model)
    if found is None or not (rate := float(found[1])):
        return None
    options = found[2].split("-")
    delay = sum(int(option[:-2]) for option in options if option.endswith("ms")) / 1000
    return Limit(rate, "silent" in options, "headers" in options, delay)


class TokenBucket:
    """Admits `rate` requests per second, and at once as many as one second allows, but at least one.

    Args:
        rate: Requests per second.
        now: The time, in seconds.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.size = max(1.0, rate * _BURST)
        self._tokens = self.size
        self._time = now

    def take(self, now: float) -> bool:
        """Return whether a request is admitted."""
        self._tokens = min(self.size, self._tokens + (now - self._time) * self.rate)
        self._time = now
        # The tolerance is for the rounding of floats: a client that waits exactly as told is admitted.
        if self._tokens < 1 - 1e-6:
            return False
        self._tokens -= 1
        return True

    @property
    def remaining(self) -> int:
        """Number of requests that would be admitted now."""
        return max(0, math.floor(self._tokens + 1e-6))

    @property
    def seconds_to_next(self) -> float:
        """Seconds until one more is admitted."""
        return max(0.0, 1 - self._tokens) / self.rate

    @property
    def seconds_to_full(self) -> float:
        """Seconds until the whole burst is admitted again."""
        return (self.size - self._tokens) / self.rate


class Limits:
    """The limits of a server, one for each name of a model."""

    def __init__(self) -> None:
        self._buckets: dict[str, TokenBucket] = {}

    def admit(self, model: str, limit: Limit) -> tuple[bool, dict[str, str]]:
        """Return whether a request is admitted now, and the headers of the response."""
        now = time.monotonic()
        bucket = self._buckets.setdefault(model, TokenBucket(limit.rate, now))
        admitted = bucket.take(now)
        headers = {}
        if limit.headers:
            headers = {
                "x-ratelimit-limit-requests": str(math.floor(bucket.size)),
                "x-ratelimit-remaining-requests": str(bucket.remaining),
                "x-ratelimit-reset-requests": f"{math.ceil(bucket.seconds_to_full * 1000)}ms",
            }
        if not admitted and not limit.silent:
            headers["retry-after"] = str(max(1, math.ceil(bucket.seconds_to_next)))
        return admitted, headers
