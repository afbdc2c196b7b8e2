"""TEMPORARY until branch errors is merged."""

from collections.abc import Mapping
from typing import Any

from tachyon_sdk._error_body import read_error_body


def error_in(value: Mapping[str, Any], has_choices: bool) -> tuple[str | None, str | None] | None:
    for choice in value.get("choices") or ():
        if choice.get("error"):
            return read_error_body(None, {"error": choice["error"]})
        if choice.get("finish_reason") == "error":
            return None, "the response has the finish reason error"
    if value.get("error"):
        return read_error_body(None, dict(value))
    if value.get("object") == "error" or value.get("type") == "error":
        return read_error_body(None, dict(value))
    base = value.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code"):
        return str(base["status_code"]), base.get("status_msg")
    if not has_choices and value.get("code") and value.get("message"):
        return read_error_body(None, dict(value))
    return None
