"""Makes the error of a response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from tachyon_sdk._errors.body import Found, one_line, read_error_body
from tachyon_sdk._settings.checks import hidden_url
from tachyon_sdk.exceptions import (
    ApiException,
    ResponseDecodeException,
    StreamErrorException,
    exception_class,
)

_MAX_BODY_BYTES = 1024 * 1024
_MAX_SHOWN_BYTES = 65_536
_NOT_JSON = object()


class Response(Protocol):
    """What every error tells of its response."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...


class UnreadResponse(Response, Protocol):
    """A response whose body the error may still have to read."""

    def read(self, limit: int | None = None) -> bytes: ...


def status_error(response: UnreadResponse) -> ApiException:
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


def raise_for_status(response: UnreadResponse, previous: tuple[ApiException, ...] = ()) -> None:
    """Raise the error of a response whose status is no success.

    Args:
        response: The response.
        previous: The errors of the attempts before it.
    """
    if not 200 <= response.status < 300:
        raise status_error(response).after(previous)


def reported_error(response: Response, body: bytes, found: Found | None = None) -> StreamErrorException:
    """Return the error that a server reported inside a successful response.

    Args:
        response: The response.
        body: Its body, or the data of the event.
        found: The code and the message, if they have been read already.
    """
    error = StreamErrorException(response.status, response.reason, headers=response.headers, body=body)
    if found is not None:
        error.code, error.message = found
    elif error.message is None and not body.lstrip().startswith(b"{"):
        error.message = (error.body or "").strip() or None
    return error


def undecodable_error(response: Response, body: bytes, name: str, detail: str) -> ResponseDecodeException:
    """Return the error of a response that is not what was expected.

    Args:
        response: The response.
        body: Its body, or the data of the event.
        name: Name of the type that was expected.
        detail: Where the body does not fit.
    """
    message = undecodable_message(response.headers, body, name, detail)
    return ResponseDecodeException(
        response.status, response.reason, headers=response.headers, body=body, message=message
    )


def undecodable_message(headers: Mapping[str, str], body: bytes, name: str, detail: str) -> str:
    """Say why a body is not what was expected, and what it is if it is not even JSON."""
    text = body[:_MAX_SHOWN_BYTES].decode("utf-8", "replace").removeprefix("\ufeff").strip()
    media_type = one_line(headers.get("Content-Type", "").partition(";")[0], 80).lower()
    value = _parsed(text)
    if not text:
        detail = "it is empty"
    elif text[0] == "<":
        title = one_line(read_error_body(text)[1], 120)
        kind = "XML" if text.startswith("<?xml") or media_type.endswith("/xml") else "a web page"
        detail = f"it is {kind}, {title!r}" if title else f"it is {kind}"
    elif isinstance(value, dict):
        said = one_line(read_error_body(None, value)[1], 120)
        detail += f"; it says {said!r}" if said else ""
    elif value is _NOT_JSON and text[0] not in "{[":  # else it was cut
        detail = f"it is not JSON and begins with {one_line(text, 60)!r}"
    if not media_type:
        detail += " (there is no content type)"
    elif not media_type.endswith(("json", "/event-stream")):
        detail += f" (the content type is {media_type})"
    return f"the response is not a valid {name}: {detail}"


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON
