"""Makes the error of a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tachyon_sdk._settings.checks import hidden_url
from tachyon_sdk.exceptions import ApiException, exception_class

_MAX_BODY_BYTES = 1024 * 1024


class Response(Protocol):
    """What an error needs of a response that has not been read."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...
    def read(self, limit: int | None = None) -> bytes: ...


def status_error(response: Response) -> ApiException:
    """Return the error of a response whose status is no success. It reads the body, which may break off."""
    try:
        body = response.read(_MAX_BODY_BYTES)
    except ApiException as error:
        body = (error.body or "").encode()
    message = None
    if 300 <= response.status < 400:
        # Without its query, in which a credential may have come back.
        target = hidden_url(response.headers.get("Location", "nowhere"))
        message = f"the server redirects to {target}, which is not followed"
    return exception_class(response.status)(
        response.status, response.reason, headers=response.headers, body=body, message=message
    )


def raise_for_status(response: Response, previous: tuple[ApiException, ...] = ()) -> None:
    """Raise the error of a response whose status is no success.

    Args:
        response: The response.
        previous: The errors of the attempts before it.
    """
    if not 200 <= response.status < 300:
        raise status_error(response).after(previous)
