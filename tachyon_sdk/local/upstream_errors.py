"""Turns errors of the upstream into those of the contract."""

import re

from tachyon_sdk.exceptions import ApiException
from tachyon_sdk.local.wire import ApiError

_MAX_MESSAGE = 500  # characters
# Statuses that mean the same to the client. With all others, this server or the upstream has to be fixed.
_KEPT = {
    400: (400, "invalid_request"),
    402: (402, "insufficient_credit"),
    413: (400, "invalid_request"),
    422: (422, "validation_error"),
    429: (429, "rate_limited"),
    503: (503, "overloaded"),
}
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|model\b.{0,200}\b(not found|not exist|not supported)|(invalid|unknown|no such) model",
    re.IGNORECASE | re.DOTALL,
)


def api_error(error: ApiException) -> ApiError:
    """Return the error response for an error of the upstream."""
    status = error.status if error.status is not None and error.status >= 400 else None
    message = " ".join((error.message or str(error)).split())[:_MAX_MESSAGE]
    if status in (400, 404) and _UNKNOWN_MODEL.search(f"{error.code} {message}"):
        return ApiError(400, "unsupported_model", f"the upstream does not have the model: {message}")
    if status in _KEPT:
        own_status, code = _KEPT[status]
        return ApiError(own_status, code, f"the upstream answered {status}: {message}", _retry_after(error))
    if status in (401, 403):
        # What it says may contain a part of the key.
        text = (
            f"the upstream answered {status}: it requires another key (upstream_key=, or --upstream-key-env)"
        )
    elif status == 404:
        text = f"the upstream answered 404: {message}; its URL usually ends with /v1"
    elif status is not None:
        text = f"the upstream answered {status}: {message}"
    else:
        text = f"the upstream failed: {message}"
    return ApiError(502, "provider_error", text)


def _retry_after(error: ApiException) -> dict[str, str]:
    return (
        {}
        if error.retry_after is None
        else {"retry-after": f"{error.retry_after:.3f}".rstrip("0").rstrip(".")}
    )
