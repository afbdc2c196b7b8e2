"""Creates the exception for a response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from tachyon_sdk._errors.body import Found, one_line, read_error_body
from tachyon_sdk._settings.checks import redact_url
from tachyon_sdk.exceptions import (
    ApiException,
    ResponseDecodeException,
    StreamErrorException,
    exception_class,
)

_MAX_BODY_BYTES = 1024 * 1024
_MAX_INSPECTED_BYTES = 65_536
_NOT_JSON = object()


class Response(Protocol):
    """The attributes of a response that every exception has."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...


class UnreadResponse(Response, Protocol):
    """A response whose body may not have been read yet."""

    def read(self, limit: int | None = None) -> bytes: ...


def status_error(response: UnreadResponse) -> ApiException:
    """Return the exception for an error status. Reads the body; a truncated one is accepted."""
    try:
        body = response.read(_MAX_BODY_BYTES)
    except ApiException as error:
        body = (error.body or "").encode()
    message = None
    if 300 <= response.status < 400:
        # Without its query, which may contain a credential.
        target = redact_url(response.headers.get("Location", "nowhere"))
        message = f"the server redirects to {target}; redirects are not followed"
    return exception_class(response.status)(
        response.status, response.reason, headers=response.headers, body=body, message=message
    )


def raise_for_status(response: UnreadResponse, previous: tuple[ApiException, ...] = ()) -> None:
    """Raise the exception for an error status.

    Args:
        response: The response.
        previous: The exceptions of the previous attempts.
    """
    if not 200 <= response.status < 300:
        raise status_error(response).after(previous)


def reported_error(response: Response, body: bytes, found: Found | None = None) -> StreamErrorException:
    """Return the exception for an error in a successful response.

    Args:
        response: The response.
        body: The body, or the data of the event.
        found: The code and the message, if already known.
    """
    error = StreamErrorException(response.status, response.reason, headers=response.headers, body=body)
    if found is not None:
        error.code, error.message = found
    elif error.message is None and not body.lstrip().startswith(b"{"):
        error.message = (error.body or "").strip() or None
    return error


def undecodable_error(response: Response, body: bytes, name: str, detail: str) -> ResponseDecodeException:
    """Return the exception for a response that cannot be decoded.

    Args:
        response: The response.
        body: The body, or the data of the event.
        name: Name of the expected type.
        detail: The mismatch between the body and the type.
    """
    message = undecodable_message(response.headers, body, name, detail)
    return ResponseDecodeException(
        response.status, response.reason, headers=response.headers, body=body, message=message
    )


def undecodable_message(headers: Mapping[str, str], body: bytes, name: str, detail: str) -> str:
    """Describe why a body cannot be decoded, and what it is if it is not JSON."""
    text = body[:_MAX_INSPECTED_BYTES].decode("utf-8", "replace").removeprefix("\ufeff").strip()
    media_type = one_line(headers.get("Content-Type", "").partition(";")[0], 80).lower()
    value = _parsed(text)
    if not text:
        detail = "it is empty"
    elif text[0] == "<":
        title = one_line(read_error_body(text)[1], 120)
        kind = "XML" if text.startswith("<?xml") or media_type.endswith("/xml") else "a web page"
        detail = f"it is {kind}, {title!r}" if title else f"it is {kind}"
    elif isinstance(value, dict):
        message = one_line(read_error_body(None, value)[1], 120)
        detail += f"; it says {message!r}" if message else ""
    elif value is _NOT_JSON and text[0] not in "{[":  # otherwise it is truncated JSON
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
