"""The headers of a request: checked, put together, and shown without credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# RFC 9110, section 5.6.2 (token) and section 5.5 (field value, here what Latin-1 can carry).
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# All others may be credentials: a program can send them under any name.
_HARMLESS = {"accept", "accept-encoding", "accept-language", "content-type", "user-agent", "x-operator-id"}

_SCHEMES = {"basic", "bearer", "digest", "token"}


class Headers(dict[str, str]):
    """Headers by name. What is shown of them has no credentials in it, only their schemes."""

    def __repr__(self) -> str:
        # Also of what a program has put there past the checks.
        return repr({name: _shown(str(name), value) for name, value in self.items()})


def _shown(name: str, value: str) -> str:
    if not isinstance(value, str):
        return f"<{type(value).__name__}>"
    if name.lower() in _HARMLESS:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} <hidden>" if space and scheme.lower() in _SCHEMES else "<hidden>"


def build_headers(*layers: Mapping[str, Any]) -> Headers:
    """One set of headers of several; a later layer wins, names are compared without case, None takes a header away.

    Raises:
        ApiTypeError: A name or a value is no string.
        ApiValueError: A name or a value cannot be sent as it is. The message does not have the value in it.
    """
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            _check_name(name)
            if value is None:
                merged.pop(name.lower(), None)
                continue
            text = value if type(value) is str else text_of(value, f"the header {name}")
            # Most values are plain; to find that out is cheaper than the whole rule.
            if not (text.isascii() and text.isprintable()) and not _HEADER_VALUE.fullmatch(text):
                raise ApiValueError(
                    f"the value of the header {name} has characters in it that cannot be sent"
                )
            merged[name.lower()] = (name, text)
    return Headers(merged.values())


@lru_cache(maxsize=128)  # it does not keep what is refused
def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        # The name is not shown: a whole header, with its value, may have been put in its place.
        raise ApiValueError("the name of a header has characters in it that cannot be sent")


def text_of(value: Any, what: str) -> str:
    """The text of a parameter that is no part of the body.

    Raises:
        ApiTypeError, ApiValueError: There is none.
    """
    if value is None:
        raise ApiValueError(f"{what} is missing")
    if isinstance(value, str):
        # Not str(value), which would be the name of the member where it is one of an enumeration.
        return str.__str__(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ApiTypeError(f"{what} must be a string, not {type(value).__name__}")
