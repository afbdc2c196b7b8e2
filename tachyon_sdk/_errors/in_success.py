"""Tells whether the JSON of a successful response is an error. Servers send those in many forms.

An error that is passed over makes half an answer look whole. Anything else that is taken for one costs the whole
answer. So beside choices only what cannot be anything else is an error; a success code never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tachyon_sdk._errors.body import Found, names_error, plain_names, read_error_body

# What can be an error although there are choices. Compared as it comes, so that it costs a chunk next to nothing.
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
# The types of an agent's events that are part of its answer.
_AGENT_EVENTS = ("say", "done")  # a tuple: a type may be anything, also what cannot be in a set
_WRAPPERS = ("response", "responsemetadata", "header")


def error_in(
    properties: Mapping[str, Any], has_choices: bool, kind: str | None = None, *, event: bool = False
) -> Found | None:
    """Return the code and the message of an error, each None if it does not say; None if this is no error.

    Args:
        properties: Properties of the object: all of them, or those that the contract does not name. They may
            also be those of one choice; `has_choices` is then true.
        has_choices: Whether the object has at least one choice.
        kind: The value of its property `object`, if `properties` does not have it.
        event: Whether it is an event of a stream. A body with nothing but a `detail` may be anything.
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
    if plain.get("object") == "error" or kind == "error" or not _is_nothing(plain.get("error")):
        return True
    for name, code in (("baseresp", "status_code"), ("xgroq", "error")):
        if isinstance(inner := plain.get(name), dict) and not _is_nothing(inner.get(code)):
            return True
    codes = [plain[name] for name in ("errorcode", "errcode", "errno") if plain.get(name) is not None]
    if codes:
        return not all(map(_is_nothing, codes))
    if not all(_is_nothing(plain.get(name)) for name in ("errormsg", "errormessage", "errmsg")):
        return True
    # An agent's event may have the status of a tool.
    return kind is None and _lower(plain.get("status")) in _FAILED


def _is_error_alone(plain: Mapping[str, Any], event: bool) -> bool:
    """For an object without choices."""
    kind = plain.get("type")
    if names_error(kind):
        return True
    if (
        not _is_nothing(plain.get("code"))
        and not (isinstance(kind, str) and kind in _AGENT_EVENTS)
        and read_error_body(None, dict(plain))[1]
    ):
        return True
    if any(isinstance(inner := plain.get(name), dict) and _is_error(inner) for name in _WRAPPERS):
        return True
    if kind is not None and "title" not in plain:  # of an agent: the rest may be about a tool
        return False
    return (
        any(
            (name == "fault" or name.endswith(("error", "errors", "exception"))) and not _is_nothing(value)
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
        return not _is_nothing(value.get("code"))
    text = str(value)
    return len(text) == 3 and text.isdecimal() and text >= "400"


def _is_error_detail(plain: Mapping[str, Any], event: bool) -> bool:
    detail = plain.get("detail")
    if isinstance(detail, str):
        return event and {name for name, value in plain.items() if value} == {"detail"}
    return not _is_nothing(detail)


def _is_nothing(value: Any) -> bool:
    """Whether the value of an error, or of its code, says that there is none."""
    if isinstance(value, str):
        return value.strip().lower() in _GOOD
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value == 0 or 200 <= value < 300
    if isinstance(value, dict):
        return all(map(_is_nothing, value.values()))
    if isinstance(value, list):
        return all(map(_is_nothing, value))
    return not value


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
