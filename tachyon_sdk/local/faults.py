"""Which models the built-in model answers for, and which of them simulate a fault.

- `provider/model`, `provider:model`, `large`, `small`: answered by the built-in model.
- `local/echo`: the name of the built-in model. It also answers when the request names no model.
- `local/error-<status>`: an error response with that status, 400 to 599; 429 has `Retry-After: 1`.
- `local/rate-limit-once`: 429 with `Retry-After: 0`, then a response, in turns, for each operator.
- `local/limit-<N>`: answers N requests per second, in a burst at most those of one second, and the others with 429 and
  `Retry-After`. Each name has its own limit, which all operators share. It may be followed by `-silent` (no
  `Retry-After`), `-headers` (`x-ratelimit-limit-requests`, `-remaining-requests` and `-reset-requests`) and a time
  (`-200ms`, before each response but the 429), such as `local/limit-50-silent-200ms`.
- `local/truncate`: a stream ends in order after about half of its pieces, without finish reason, usage
  and `[DONE]`; the connection of a plain response closes in the middle of the body.
- `local/midstream-error`: a stream sends about half of its pieces, then an error object; plain is a 500.
- `local/slow`: 0.2 seconds before each event of a stream but the first, or before a plain response.
- `local/delay-<N>ms`: that time before a response.

After a fault nothing is stored in the chatroom. With an upstream, only names that begin with `local/` mean these
models.
"""

import enum
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from tachyon_sdk.local.limits import Limits, parse_limit
from tachyon_sdk.local.wire import ApiError

DEFAULT_MODEL = "local/echo"
PREFIXES = ("local/", "local:")
_NAME = re.compile(r"large|small|[^\s/:]+[/:]\S+")
_ERROR_STATUS = re.compile(r"local/error-([45]\d\d)")
_DELAY = re.compile(r"local/delay-(\d{1,6})ms")
_PAUSE = 0.2  # seconds
_ERRORS = {
    400: ("invalid_request", "the request is not valid"),
    401: ("unauthorized", "not authenticated"),
    402: ("insufficient_credit", "not enough credit; nothing was stored"),
    403: ("forbidden", "not allowed"),
    404: ("not_found", "no such chatroom"),
    409: ("conflict", "the chatroom is busy with another request"),
    422: ("validation_error", "the request failed validation"),
    429: ("rate_limited", "too many requests"),
    500: ("internal_error", "the server failed; the request may or may not have taken effect"),
    502: ("provider_error", "the model provider failed; nothing was billed or stored"),
    503: ("overloaded", "the server is overloaded; the request was not processed"),
    504: ("provider_timeout", "the model provider did not answer in time"),
}


class Ending(enum.Enum):
    """How a response ends."""

    COMPLETE = enum.auto()
    TRUNCATED = enum.auto()
    ERROR = enum.auto()
    DISCONNECTED = enum.auto()
    STALLED = enum.auto()


class Plan(NamedTuple):
    """How a response is delivered.

    Attributes:
        ending: How it ends.
        code: The `code` of the ending ERROR, None for the usual one.
        message: The `message` of the ending ERROR, None for the usual one.
        pause: Seconds before each event of a stream but the first.
        heartbeat: Whether a stream begins with a comment.
        delay: Seconds before the response.
        headers: Headers to add to it.
    """

    ending: Ending = Ending.COMPLETE
    code: str | None = None
    message: str | None = None
    pause: float = 0.0
    heartbeat: bool = False
    delay: float = 0.0
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def breaks_off(self) -> bool:
        """Whether the response ends without its end, in both its forms."""
        return self.ending in (Ending.DISCONNECTED, Ending.STALLED)


_PLANS = {
    DEFAULT_MODEL: Plan(),
    "local/truncate": Plan(ending=Ending.TRUNCATED),
    "local/midstream-error": Plan(ending=Ending.ERROR),
    "local/slow": Plan(pause=_PAUSE, heartbeat=True),
}
_RATE_LIMIT_ONCE = "local/rate-limit-once"
_OTHERS = (_RATE_LIMIT_ONCE, "local/error-<status>", "local/limit-<N>", "local/delay-<N>ms")


class FaultPlanner:
    """Decides by the name of the model how a response is delivered; remembers whose turn for a 429 it is."""

    def __init__(self) -> None:
        self._limited: set[str] = set()
        self._limits = Limits()

    def plan(self, model: str, operator_id: str) -> Plan:
        """Return how to deliver the response of a model.

        Raises:
            ApiError: The model is not known (400), or it simulates an error status.
        """
        status = _ERROR_STATUS.fullmatch(model)
        if status:
            raise status_error(int(status[1]))
        if model == _RATE_LIMIT_ONCE:
            return self._in_turns(operator_id)
        if limit := parse_limit(model):
            admitted, headers = self._limits.admit(model, limit)
            if not admitted:
                raise ApiError(429, *_ERRORS[429], headers)
            return Plan(delay=limit.delay, headers=headers)
        if delay := _DELAY.fullmatch(model):
            return Plan(delay=int(delay[1]) / 1000)
        if model in _PLANS:
            return _PLANS[model]
        if model.startswith(PREFIXES):
            raise unsupported_model(model, f"local models are {', '.join([*_PLANS, *_OTHERS])}")
        if not _NAME.fullmatch(model):
            raise unsupported_model(model, "use provider/model, provider:model, large or small")
        return Plan()

    def _in_turns(self, operator_id: str) -> Plan:
        if operator_id in self._limited:
            self._limited.remove(operator_id)
            return Plan()
        self._limited.add(operator_id)
        raise ApiError(429, *_ERRORS[429], {"retry-after": "0"})


def unsupported_model(model: str, hint: str) -> ApiError:
    """Return the error for a model that the server does not have."""
    return ApiError(400, "unsupported_model", f"model: {model!r} is not supported; {hint}")


def status_error(status: int, code: str | None = None, message: str | None = None) -> ApiError:
    """Return the error of a status, with its usual code and message where None is given."""
    if status in _ERRORS:
        usual_code, usual_message = _ERRORS[status]
    else:
        known = status in list(HTTPStatus)
        usual_code, usual_message = (
            f"error_{status}",
            HTTPStatus(status).phrase if known else f"status {status}",
        )
    headers = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}}.get(status)
    return ApiError(
        status, usual_code if code is None else code, usual_message if message is None else message, headers
    )
