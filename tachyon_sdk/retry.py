"""The retry policy: may a failed attempt be made again, and after how many seconds. No I/O, no clock."""

import math
from collections.abc import Collection
from random import random

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# Answers after which the request certainly took no effect: rate limit, failed provider, overload.
NO_EFFECT = frozenset({429, 502, 503})


class RetryPolicy:
    """When a failed attempt is made again.

    A request is repeated only where the one before it certainly took no effect: the connection was never made, or
    the server answered 429, 502 or 503. The wait grows exponentially, with full jitter, so that clients which failed
    together do not come back together; a `Retry-After` that the server sends (RFC 9110, section 10.2.3) takes its
    place. Whatever the policy says, a stream that has begun is not made again, nor what a certificate or a proxy's
    credentials have made fail.

    ::

        configuration = Configuration(retries=RetryPolicy(4, statuses={429, 503}, max_retry_after=10))

    A subclass with a `delay` of its own may decide otherwise.

    Args:
        retries: Attempts after the first one, 0 for none.
        statuses: HTTP statuses that are tried again. Adding 500 or 504 means that a request which did take effect
            may be made, and billed, twice.
        lost_connections: Whether to try again where the connection was lost after the request was sent, with
            the same consequence.
        backoff: Seconds; the wait before the n-th retry is a random share of `backoff * 2 ** (n - 1)`.
        max_backoff: Seconds; the longest wait of our own choosing.
        max_retry_after: Seconds; where the server asks for a longer wait, its answer is handed to the caller.

    Raises:
        ApiTypeError: `retries` is no int, or a wait is no number.
        ApiValueError: A number is negative, or no finite number of seconds.
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
        """Seconds to wait before the next attempt, or None where there must be none.

        Args:
            attempt: Number of the attempt that failed, counted from 1.
            status: HTTP status of its answer, None where no answer came.
            request_sent: Whether the server may have seen the request.
            retry_after: Seconds that the server asked for, None where it did not ask.
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
