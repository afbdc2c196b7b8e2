"""Request headers: validation, merging, and a repr without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# RFC 9110, section 5.6.2 (token) and section 5.5 (field value, limited to Latin-1).
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# Any other header may contain a credential.
_SAFE_HEADERS = {
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "user-agent",
    "x-operator-id",
}

_SCHEMES = {"basic", "bearer", "digest", "token"}


class Headers(dict[str, str]):
    """Headers by name. The repr hides credentials and shows only their schemes."""

    def __repr__(self) -> str:
        # Programs may have added names and values that were not validated.
        return repr({name: _redact(str(name), value) for name, value in self.items()})


def _redact(name: str, value: str) -> str:
    if not isinstance(value, str):
        return f"<{type(value).__name__}>"
    if name.lower() in _SAFE_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} <hidden>" if space and scheme.lower() in _SCHEMES else "<hidden>"


def build_headers(*layers: Mapping[str, Any]) -> Headers:
    """Merge headers. Later layers win, names are not case-sensitive, and None removes a header.

    Raises:
        ApiTypeError: A name or a value is not a string.
        ApiValueError: A name or a value has characters that cannot be sent. The message does not show the value.
    """
    merged: dict[str, tuple[str, str]] = {}
    texts = []
    for layer in layers:
        for name, value in layer.items():
            key = _key_of(name)
            if value is None:
                merged.pop(key, None)
                continue
            text = value if type(value) is str else text_of(value, f"the header {name}")
            texts.append(text)
            merged[key] = (name, text)
    # Most values are printable ASCII, and one check of all is cheaper than the pattern for each.
    together = "".join(texts)
    if not (together.isascii() and together.isprintable()):
        _check_values(layers)
    return Headers(merged.values())


@lru_cache(maxsize=128)  # Exceptions are not cached.
def _key_of(name: object) -> str:
    """Return the name in lower case, by which headers are merged."""
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        # The name is not shown: it may be a whole header with its value.
        raise ApiValueError("the name of a header has characters that cannot be sent")
    return name.lower()


def _check_values(layers: Iterable[Mapping[str, Any]]) -> None:
    for name, value in (item for layer in layers for item in layer.items()):
        if isinstance(value, str) and not _HEADER_VALUE.fullmatch(value):
            raise ApiValueError(f"the value of the header {name} has characters that cannot be sent")


def text_of(value: Any, what: str) -> str:
    """Return the text of a header, path or query parameter.

    Args:
        value: The parameter.
        what: Its name, for the message.

    Raises:
        ApiTypeError, ApiValueError: The value is None or has another type.
    """
    if value is None:
        raise ApiValueError(f"{what} is missing")
    if isinstance(value, str):
        # str(value) would be the name of the member if the value is an enumeration.
        return str.__str__(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ApiTypeError(f"{what} must be a string, not {type(value).__name__}")
