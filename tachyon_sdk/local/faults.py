"""Which models there are, and the ones that rehearse a fault.

- `provider/model`, `provider:model`, `large`, `small`: answered by the built-in model.
- `local/echo`: the built-in model by its name; it also answers when no model is named.
- `local/error-<status>`: that status, 400 to 599, in the shape of the server; 429 with `Retry-After: 1`.
- `local/rate-limit-once`: 429 with `Retry-After: 0`, then an answer, by turns, for each operator.
- `local/truncate`: a stream ends in good order after about half of its pieces, without finish reason, usage
  and `[DONE]`; the connection of a plain answer closes in the middle of the body.
- `local/midstream-error`: a stream sends about half of its pieces, then an error object; plain is a 500.
- `local/slow`: 0.2 seconds before each event of a stream but the first, or before a plain answer.

After a fault nothing is stored in the chatroom.
"""

import enum
import re
from http import HTTPStatus
from typing import NamedTuple

from tachyon_sdk.local.wire import ApiError

DEFAULT_MODEL = "local/echo"
_NAME = re.compile(r"large|small|[^\s/:]+[/:]\S+")
_ERROR_STATUS = re.compile(r"local/error-([45]\d\d)")
_SLOW = 0.2  # seconds
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
    """How an answer ends."""

    COMPLETE = enum.auto()
    TRUNCATED = enum.auto()
    ERROR = enum.auto()


class Plan(NamedTuple):
    """How an answer is delivered; `pause` is in seconds before each piece."""

    ending: Ending = Ending.COMPLETE
    pause: float = 0.0


_PLANS = {
    DEFAULT_MODEL: Plan(),
    "local/truncate": Plan(ending=Ending.TRUNCATED),
    "local/midstream-error": Plan(ending=Ending.ERROR),
    "local/slow": Plan(pause=_SLOW),
}
_RATE_LIMIT_ONCE = "local/rate-limit-once"
_OTHERS = (_RATE_LIMIT_ONCE, "local/error-<status>")


class Rehearsal:
    """Decides from the model's name what happens to a request; remembers who was told to come again."""

    def __init__(self) -> None:
        self._told_to_wait: set[str] = set()

    def plan(self, model: str, operator_id: str) -> Plan:
        """How to deliver the answer of `model`.

        Raises:
            ApiError: the model is not known (400), or it rehearses a status.
        """
        status = _ERROR_STATUS.fullmatch(model)
        if status:
            raise status_error(int(status[1]))
        if model == _RATE_LIMIT_ONCE:
            return self._in_turns(operator_id)
        if model in _PLANS:
            return _PLANS[model]
        if model.startswith(("local/", "local:")):
            raise _unsupported(model, f"local models are {', '.join([*_PLANS, *_OTHERS])}")
        if not _NAME.fullmatch(model):
            raise _unsupported(model, "use provider/model, provider:model, large or small")
        return Plan()

    def _in_turns(self, operator_id: str) -> Plan:
        if operator_id in self._told_to_wait:
            self._told_to_wait.remove(operator_id)
            return Plan()
        self._told_to_wait.add(operator_id)
        raise ApiError(429, *_ERRORS[429], {"retry-after": "0"})


def _unsupported(model: str, hint: str) -> ApiError:
    return ApiError(400, "unsupported_model", f"model: {model!r} is not supported; {hint}")


def status_error(status: int) -> ApiError:
    """The error of a status, with the code and message that go with it. Retry-After is in seconds."""
    if status in _ERRORS:
        code, message = _ERRORS[status]
    else:
        known = status in list(HTTPStatus)
        code, message = f"error_{status}", HTTPStatus(status).phrase if known else f"status {status}"
    headers = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}}.get(status)
    return ApiError(status, code, message, headers)
