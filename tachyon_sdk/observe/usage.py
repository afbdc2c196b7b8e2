"""Counts calls, tokens and costs.

::

    meter = UsageMeter()
    client = ApiClient(configuration, hooks=[meter])
    ...
    print(meter.snapshot().total_tokens)
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tachyon_sdk.hooks import Call, Hook


@dataclass
class UsageCounts:
    """Counts of a number of calls. A count of tokens is the sum over the calls whose response reports it.

    Attributes:
        calls: Calls that have ended, those with an error included.
        errors: Calls that raised an error, and streams whose reading raised one.
        attempts: Requests that were sent for these calls.
        retries: Attempts after the first one of a call.
        streams_closed: Streams that the program closed before their end.
        streams_without_usage: Streams that ended before their usage arrived: closed early, broken, or the server sends
            none. The server may have counted tokens for them that are not in the counts here.
        prompt_tokens: Tokens in the requests.
        completion_tokens: Tokens in the responses.
        total_tokens: Total number of tokens.
        cached_tokens: Tokens in the requests that were read from a cache of the provider.
        cache_creation_tokens: Tokens in the requests that were written to a cache of the provider.
        reasoning_tokens: Tokens in the responses that were used for reasoning.
        total_cost: Sum of the costs, in the unit of the server (credits of the platform). None if no response
            reports a cost.
    """

    calls: int = 0
    errors: int = 0
    attempts: int = 0
    retries: int = 0
    streams_closed: int = 0
    streams_without_usage: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    total_cost: float | None = None

    def _add(self, other: UsageCounts) -> None:
        for each in fields(UsageCounts):
            mine, more = getattr(self, each.name), getattr(other, each.name)
            if more is not None:
                setattr(self, each.name, more if mine is None else mine + more)


@dataclass
class UsageSnapshot(UsageCounts):
    """The counts of a `UsageMeter` at one time. It does not change later.

    Attributes:
        models: The counts for each model, by the name in the response, or in the request if the response has none.
            Calls without a model, such as those of `ChatroomApi`, are in the sums only.
    """

    models: dict[str, UsageCounts] = field(default_factory=dict)


class UsageMeter(Hook):
    """Counts calls, attempts, tokens and costs over all calls of the clients that have it as a hook.

    A call is counted when it ends: a plain call when it returns or raises an error, a stream when it was read, failed
    or was closed. Threads and clients may share a meter. A pickle contains the counts at that time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = UsageSnapshot()

    def __repr__(self) -> str:
        counts = self.snapshot()
        cost = "" if counts.total_cost is None else f", total_cost={counts.total_cost:.6g}"
        return (
            f"<UsageMeter: {counts.calls} calls, {counts.errors} errors, {counts.retries} retries, "
            f"{counts.prompt_tokens} + {counts.completion_tokens} = {counts.total_tokens} tokens{cost}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"_counts": self.snapshot()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def snapshot(self) -> UsageSnapshot:
        """Return a copy of the counts."""
        with self._lock:
            return self._copy()

    def reset(self) -> UsageSnapshot:
        """Set all counts to zero. Return the counts until then: no call is lost or counted twice."""
        with self._lock:
            counts, self._counts = self._counts, UsageSnapshot()
            return counts

    def after_call(self, call: Call) -> None:
        self._count(call, UsageCounts(streams_closed=int(call.stream and not call.complete)))

    def on_call_error(self, call: Call, error: BaseException) -> None:
        self._count(call, UsageCounts(errors=1))

    def _count(self, call: Call, counts: UsageCounts) -> None:
        counts.calls, counts.attempts, counts.retries = 1, call.attempts, max(call.attempts - 1, 0)
        started = call.stream and call.status is not None and call.status < 400
        counts.streams_without_usage = int(started and call.usage is None)
        read_usage(call.usage, counts)
        model = call.model or requested_model(call)
        with self._lock:
            self._counts._add(counts)
            if model is not None:
                self._counts.models.setdefault(model, UsageCounts())._add(counts)

    def _copy(self) -> UsageSnapshot:
        copy = UsageSnapshot()
        copy._add(self._counts)
        for model, counts in self._counts.models.items():
            copy.models[model] = UsageCounts()
            copy.models[model]._add(counts)
        return copy


def read_usage(usage: Any, counts: UsageCounts) -> None:
    """Set the tokens and the cost of a response, also where other servers report them."""
    prompt, completion = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    total = _tokens(usage, "total_tokens")
    counts.prompt_tokens, counts.completion_tokens = prompt or 0, completion or 0
    counts.total_tokens = counts.prompt_tokens + counts.completion_tokens if total is None else total
    read = _tokens(usage, "cache_read_input_tokens")
    if read is None:
        read = _tokens(_property(usage, "prompt_tokens_details"), "cached_tokens")
    counts.cached_tokens = read or 0
    counts.cache_creation_tokens = _tokens(usage, "cache_creation_input_tokens") or 0
    details = _property(usage, "completion_tokens_details")
    counts.reasoning_tokens = _tokens(details, "reasoning_tokens") or 0
    costs = (_number(_property(usage, name)) for name in ("total_cost", "cost"))
    counts.total_cost = next((cost for cost in costs if cost is not None), None)


def requested_model(call: Call) -> str | None:
    """Return the model that the request names, or None."""
    try:
        body = call.body
    except ValueError:  # call_api may send anything
        return None
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) and model else None


def _property(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _tokens(value: Any, name: str) -> int | None:
    number = _number(_property(value, name))
    return int(number) if number is not None and number >= 0 else None
