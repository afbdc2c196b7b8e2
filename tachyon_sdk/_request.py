"""Builds what goes on the wire: the URL, the headers and the body of a request. No I/O."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tachyon_sdk._checks import seconds
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# RFC 9110, section 5.6.2 (token) and section 5.5 (field value, here what Latin-1 can carry).
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def build_url(
    host: str, path: str, path_parameters: Mapping[str, Any], query: Mapping[str, Any], safe: str = ""
) -> str:
    """The URL of a request; each path parameter becomes one percent-encoded segment (RFC 3986, section 3.3).

    Raises:
        ApiValueError: A path parameter is missing, empty, or a dot segment, which would change the path.
    """
    for name, value in path_parameters.items():
        try:
            segment = quote(_text(value, name), safe=safe)
        except UnicodeEncodeError as error:
            raise ApiValueError(f"{name} is no text that can be sent: {error.reason}") from error
        if not segment or any(part in (".", "..") for part in segment.split("/")):
            raise ApiValueError(f"{name} must not be {value!r}: it would lead to another path")
        path = path.replace("{" + name + "}", segment)
    # A list is sent as one pair for each of its items ("form" style, exploded).
    pairs = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
    return f"{host}{path}?{pairs}" if pairs else f"{host}{path}"


def build_headers(*layers: Mapping[str, Any]) -> dict[str, str]:
    """One set of headers of several; a later layer wins, names are compared without case, None takes a header away.

    Raises:
        ApiTypeError: A name or a value is no string.
        ApiValueError: A name or a value cannot be sent as it is. The message does not have the value in it.
    """
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
                # The name is not shown: a whole header, with its value, may have been put in its place.
                raise ApiValueError("the name of a header has characters in it that cannot be sent")
            if value is None:
                merged.pop(name.lower(), None)
                continue
            text = _text(value, f"the header {name}")
            if not _HEADER_VALUE.fullmatch(text):
                raise ApiValueError(
                    f"the value of the header {name} has characters in it that cannot be sent"
                )
            merged[name.lower()] = (name, text)
    return dict(merged.values())


def choose_timeouts(
    override: Any, configured: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """The connect and the read timeout in seconds, of `_request_timeout` or of the configuration.

    Raises:
        ApiTypeError: It is neither a number nor a pair.
        ApiValueError: A number is not positive and finite.
    """
    if override is None:
        return configured
    if not isinstance(override, (tuple, list)):
        override = (override, override)
    elif len(override) != 2:
        raise ApiValueError("_request_timeout must be a number of seconds or a pair (connect, read)")
    connect, read = (None if value is None else seconds("_request_timeout", value) for value in override)
    return connect, read


def _text(value: Any, what: str) -> str:
    if value is None:
        raise ApiValueError(f"{what} is missing")
    if isinstance(value, str):
        # Not str(value), which would be the name of the member where it is one of an enumeration.
        return str.__str__(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ApiTypeError(f"{what} must be a string, not {type(value).__name__}")
