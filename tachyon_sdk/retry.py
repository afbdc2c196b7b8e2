"""The retry policy: whether a failed attempt is repeated, and after how many seconds. No I/O, no clock."""

import math
from collections.abc import Collection
from random import random

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# Statuses of requests that certainly had no effect: rate limit, failed provider, overload.
NO_EFFECT = frozenset({429, 502, 503})


class RetryPolicy:
    """Decides whether and when a failed request is repeated.

    By default, a request is repeated only if it certainly had no effect: the connection was never made, or the server
    responded with 429, 502 or 503. GET requests are also repeated after a lost connection. The delay grows
    exponentially, with full jitter, so that many clients do not retry at the same time. A `Retry-After` header
    (RFC 9110, section 10.2.3) replaces it. A stream that has begun is never repeated, nor is a request that failed
    because of a certificate or the credentials for a proxy.

    ::

        configuration = Configuration(retries=RetryPolicy(4, statuses={429, 503}, max_retry_after=10))

    A subclass may override `delay`.

    Args:
        retries: Maximum number of attempts after the first one.
        statuses: HTTP statuses that are retried. With 500 or 504, a request that had an effect may be repeated and
            billed twice.
        lost_connections: Whether to retry if the connection was lost after the request was sent. Such a request may
            also be billed twice.
        backoff: Seconds. The delay before the n-th retry is a random part of `backoff * 2 ** (n - 1)`.
        max_backoff: Seconds; the longest delay if the server sends no `Retry-After`.
        max_retry_after: Seconds. If the server asks for a longer delay, its error is raised at once.

    Raises:
        ApiTypeError: `retries` is not an int, or a delay is not a number.
        ApiValueError: A number is negative or not finite.
    """

    def __init__(
        self,
        retries: int = 2,
        *,
        statuses: Collection[int] = NO_EFFECT,
        lost_connections: bool = False,
        backoff: float = 0.5,
        max_backoff: float = 8.0,
        max_retry_after: float = 60.0,
    ) -> None:
        if isinstance(retries, bool) or not isinstance(retries, int):
            raise ApiTypeError(f"retries must be an int, not {retries!r}", valid_classes=(int,))
        if retries < 0:
            raise ApiValueError(f"retries must be at least 0, not {retries}")
        for name, seconds in (
            ("backoff", backoff),
            ("max_backoff", max_backoff),
            ("max_retry_after", max_retry_after),
        ):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise ApiTypeError(
                    f"{name} must be a number of seconds, not {seconds!r}", valid_classes=(float,)
                )
            if not (seconds >= 0 and math.isfinite(seconds)):
                raise ApiValueError(f"{name} must be a number of seconds, at least 0, not {seconds}")
        self.retries = retries
        self.statuses = frozenset(statuses)
        self.lost_connections = lost_connections
        self.backoff = backoff
        self.max_backoff = max_backoff
        self.max_retry_after = max_retry_after

    def delay(
        self, attempt: int, status: int | None, *, request_sent: bool = True, retry_after: float | None = None
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None if there must be none.

        Args:
            attempt: Number of the attempt that failed, counted from 1.
            status: HTTP status of the response, None if there was no response.
            request_sent: Whether the server may have seen the request.
            retry_after: Seconds that the server asked for, or None.
        """
        if attempt > self.retries:
            return None
        if status is None:
            if request_sent and not self.lost_connections:
                return None
        elif status not in self.statuses:
            return None
        if retry_after is not None:
            return retry_after if retry_after <= self.max_retry_after else None
        # The exponent is bounded so that a large number of attempts does not overflow.
        return random() * min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 60))

    def __repr__(self) -> str:
        statuses = sorted(self.statuses)
        return f"RetryPolicy({self.retries}, statuses={statuses}, lost_connections={self.lost_connections})"
