"""Detects errors in the JSON of a successful response. Servers send them in many formats.

A missed error makes a partial response look complete. A false alarm loses a complete response. In an object with
choices, therefore, only properties that cannot mean anything else are errors. A success code never is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tachyon_sdk._errors.body import Found, names_error, plain_names, read_error_body

# Properties that may report an error in an object with choices. Not normalized, to keep chunks cheap.
BESIDE_CHOICES = frozenset(
    {
        *(
            "error",
            "errno",
            "error_code",
            "error_msg",
            "error_message",
            "errorCode",
            "errorMsg",
            "errorMessage",
        ),
        *("base_resp", "x_groq", "object", "status", "type"),
    }
)
_FAILED = {"error", "fail", "failed", "failure"}
_GOOD = {"", "0", "200", "false", "no", "none", "null", "ok", "success", "succeeded"}
# Types of an agent's events that belong to its response.
_AGENT_EVENTS = ("say", "done")  # a tuple: a type may be unhashable
_WRAPPERS = ("response", "responsemetadata", "header")


def error_in(
    properties: Mapping[str, Any], has_choices: bool, kind: str | None = None, *, event: bool = False
) -> Found | None:
    """Return the code and the message of an error, each None if it is missing. Return None if there is no error.

    Args:
        properties: Properties of the object: all, or those that the contract does not define. Or the properties
            of a choice, with a true `has_choices`.
        has_choices: Whether the object has at least one choice.
        kind: Value of the property `object`, if it is not in `properties`.
        event: Whether the object is an event of a stream. There, a `detail` alone is an error.
    """
    if has_choices and kind != "error" and BESIDE_CHOICES.isdisjoint(properties):
        return None
    value = {"object": kind, **properties}
    plain = plain_names(value)
    if not _is_error_anywhere(plain) and (has_choices or not _is_error_alone(plain, event)):
        return None
    return read_error_body(None, value)


def _is_error_anywhere(plain: Mapping[str, Any]) -> bool:
    kind = plain.get("type")
    if plain.get("object") == "error" or kind == "error" or not _means_success(plain.get("error")):
        return True
    for name, code in (("baseresp", "status_code"), ("xgroq", "error")):
        if isinstance(inner := plain.get(name), dict) and not _means_success(inner.get(code)):
            return True
    codes = [plain[name] for name in ("errorcode", "errcode", "errno") if plain.get(name) is not None]
    if codes:
        return not all(map(_means_success, codes))
    if not all(_means_success(plain.get(name)) for name in ("errormsg", "errormessage", "errmsg")):
        return True
    # In an agent's event, the status may be that of a tool.
    return kind is None and _lower(plain.get("status")) in _FAILED


def _is_error_alone(plain: Mapping[str, Any], event: bool) -> bool:
    """Return whether an object without choices is an error."""
    kind = plain.get("type")
    if names_error(kind):
        return True
    if (
        not _means_success(plain.get("code"))
        and not (isinstance(kind, str) and kind in _AGENT_EVENTS)
        and read_error_body(None, dict(plain))[1]
    ):
        return True
    if any(isinstance(inner := plain.get(name), dict) and _is_error(inner) for name in _WRAPPERS):
        return True
    if (
        kind is not None and "title" not in plain
    ):  # an agent's event: the other properties may be about a tool
        return False
    return (
        any(
            (name == "fault" or name.endswith(("error", "errors", "exception"))) and not _means_success(value)
            for name, value in plain.items()
        )
        or any(plain.get(name, True) in (False, "false") for name in ("success", "ok"))
        or any(_is_error_status(plain.get(name)) for name in ("status", "statuscode"))
        or _is_error_detail(plain, event)
    )


def _is_error(properties: dict[str, Any]) -> bool:
    plain = plain_names(properties)
    return _is_error_anywhere(plain) or _is_error_alone(plain, False)


def _is_error_status(value: object) -> bool:
    if isinstance(value, dict):  # google.rpc.Status
        return not _means_success(value.get("code"))
    text = str(value)
    return len(text) == 3 and text.isdecimal() and text >= "400"


def _is_error_detail(plain: Mapping[str, Any], event: bool) -> bool:
    detail = plain.get("detail")
    if isinstance(detail, str):
        return event and {name for name, value in plain.items() if value} == {"detail"}
    return not _means_success(detail)


def _means_success(value: Any) -> bool:
    """Return whether the value of an error or error code means "no error"."""
    if isinstance(value, str):
        return value.strip().lower() in _GOOD
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value == 0 or 200 <= value < 300
    if isinstance(value, dict):
        return all(map(_means_success, value.values()))
    if isinstance(value, list):
        return all(map(_means_success, value))
    return not value


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
