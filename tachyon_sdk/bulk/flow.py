"""When a request may be sent: one gate for all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import random
from typing import Any

from tachyon_sdk._errors.rate_limit import Quota, read_rate_limit
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

_CATCH_UP = 0.25  # seconds: a late thread does not lower the rate
# Growth of a learned rate per second. The first one is rough: what the server had saved up is in it.
_PROBE, _FIRST_PROBE = 0.01, 0.05
_SILENT_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds


@dataclass(frozen=True)
class Adaptive:
    """A number of requests in flight that follows the server: it grows until the first 429.

    Args:
        start: Requests in flight at first.
        maximum: The most requests in flight.

    Raises:
        ApiValueError: A number is less than 1, or `start` is greater than `maximum`.
    """

    start: int = 8
    maximum: int = 256

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.maximum:
            raise ApiValueError(f"start and maximum must be 1 <= start <= maximum, not {self}")


@dataclass(frozen=True)
class Pace:
    """Limits of the account, which are kept from the first request.

    Args:
        requests_per_minute: None: no limit.
        tokens_per_minute: Tokens of requests and responses, as `usage` reports them. None: no limit.

    Raises:
        ApiValueError: A limit is not greater than 0.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def __post_init__(self) -> None:
        for limit in (self.requests_per_minute, self.tokens_per_minute):
            if limit is not None and not limit > 0:
                raise ApiValueError(f"a limit must be greater than 0, not {limit}")


class Gate:
    """Lets threads through: not too many at once, not too fast, and none while the server asked to wait.

    Args:
        concurrency: Requests in flight.
        pace: Limits of requests and tokens.
    """

    def __init__(self, concurrency: int | Adaptive, pace: Pace | None) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, (int, Adaptive)):
            raise ApiTypeError(f"concurrency must be a number or bulk.Adaptive(), not {concurrency!r}")
        if isinstance(concurrency, int) and concurrency < 1:
            raise ApiValueError(f"concurrency must be at least 1, not {concurrency}")
        self.adaptive = isinstance(concurrency, Adaptive)
        self.window = float(concurrency.start if isinstance(concurrency, Adaptive) else concurrency)
        self.maximum = concurrency.maximum if isinstance(concurrency, Adaptive) else concurrency
        self.pace = pace or Pace()
        self.in_flight = 0
        self.refused = 0
        self.successes = 0
        self.rate: float | None = None  # requests per second, learned from refusals
        self._told: float | None = None  # requests per second, from headers
        self._told_tokens: float | None = None
        self._slow = False  # no fast growth after a refusal or a fault
        self._turn = threading.Lock()  # one thread waits for the time, the others for it
        self._changed = threading.Condition()
        self._paused_until = 0.0
        self._last_sent = 0.0
        self._tokens_at = 0.0
        self._mean_tokens = 0.0
        self._measured = 0
        self._episode = time.monotonic()
        self._successes_at_episode = 0
        self._episodes = 0
        self._silent = 0

    def enter(self, stop: threading.Event, tokens: float) -> bool:
        """Wait until a request may be sent. Return False if the run has stopped.

        Args:
            stop: Set when the run stops.
            tokens: Estimated tokens, used until the server has reported some.
        """
        with self._turn, self._changed:
            while not stop.is_set():
                if self.in_flight >= max(1, int(self.window)):
                    self._changed.wait()
                    continue
                now = time.monotonic()
                wait = self._ready_at(now) - now
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                self.in_flight += 1
                rate = self._rate()
                if rate:
                    self._last_sent = max(self._last_sent + 1 / rate, now - _CATCH_UP)
                token_rate = self._token_rate()
                if token_rate:
                    cost = (self._mean_tokens if self._measured else tokens) / token_rate
                    self._tokens_at = max(self._tokens_at, now) + cost
                return True
        return False

    def leave(self) -> None:
        """Count a request as finished."""
        with self._changed:
            self.in_flight -= 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Let the waiting threads see that the run has stopped."""
        with self._changed:
            self._changed.notify_all()

    def succeeded(self, tokens: int) -> None:
        """Report a response."""
        with self._changed:
            self.successes += 1
            self._silent = 0
            if tokens:
                estimated = self._mean_tokens if self._measured else tokens
                self._measured += 1
                self._mean_tokens += (tokens - self._mean_tokens) / min(self._measured, 100)
                if rate := self._token_rate():
                    self._tokens_at += (tokens - estimated) / rate
            if self.adaptive:
                step = 0.05 / self.window if self._slow else 0.5
                self.window = min(float(self.maximum), self.window + step)
            if self.rate is not None:
                probe = _PROBE if self._episodes > 1 else _FIRST_PROBE
                self.rate *= 1 + probe / max(self.rate, 1.0)

    def failed(self) -> None:
        """Report a fault of the server or the connection: the number in flight no longer grows fast."""
        with self._changed:
            self._slow = True

    def refuse(self, retry_after: float | None) -> None:
        """Report a 429. All threads wait. The first of an episode also lowers the rate."""
        with self._changed:
            self.refused += 1
            now = time.monotonic()
            new = now >= self._paused_until
            if new and retry_after is None:
                self._silent += 1
            silent = min(_LONGEST_PAUSE, _SILENT_PAUSE * 2.0 ** min(self._silent - 1, 30))
            pause = silent if retry_after is None else retry_after
            if new or retry_after is not None:
                self._paused_until = max(self._paused_until, now + pause + random() * min(0.2, 0.1 * pause))
            if new:
                self._episodes += 1
                # From one refusal to the next, the server admitted as much as its limit is.
                elapsed = self._paused_until - self._episode if self.rate is None else now - self._episode
                admitted = self.successes - self._successes_at_episode
                if admitted:
                    self.rate = max(admitted / max(elapsed, 0.001), 0.01)
                elif self.rate is not None:
                    self.rate /= 2
                if self.adaptive:
                    self.window = max(1.0, self.in_flight - max(1, self.in_flight // 10))
                self._slow = True
                self._episode, self._successes_at_episode = now, self.successes
            self._changed.notify_all()

    def read_headers(self, headers: Mapping[str, str] | None) -> None:
        """Set the pace from the rate limit in the headers of a response."""
        if (limit := read_rate_limit(headers)) is None:
            return
        requests, tokens = map(_told_rate, limit)
        if requests or tokens:
            with self._changed:
                self._told = requests or self._told
                self._told_tokens = tokens or self._told_tokens

    def _rate(self) -> float | None:
        """Requests per second."""
        limits = [self._told or self.rate, (self.pace.requests_per_minute or 0) / 60]
        return min((each for each in limits if each), default=None)

    def _token_rate(self) -> float | None:
        limits = [self._told_tokens, (self.pace.tokens_per_minute or 0) / 60]
        return min((each for each in limits if each), default=None)

    def _ready_at(self, now: float) -> float:
        at = self._paused_until
        if rate := self._rate():
            at = max(at, self._last_sent + 1 / rate)
        if self._token_rate():
            at = max(at, self._tokens_at)
        return at


def _told_rate(quota: Quota | None) -> float | None:
    """Requests or tokens per second that use up what remains exactly until the reset."""
    if quota is None or quota.remaining is None or quota.reset is None:
        return None
    return max(quota.remaining, 1) / max(quota.reset, 0.001)


def estimate_tokens(body: Any) -> float:
    """Return a rough number of tokens of a request."""
    return len(str(body)) / 4
