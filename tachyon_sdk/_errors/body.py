"""Reads the code and the message of an error body.

The server, gateways in front of it and model providers behind it use different formats. Only this module knows
them. Its functions never raise: what a body does not contain is None.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import islice

# Names as normalized by `plain_names`, in order of preference. A value may be a text, or an object or a list that
# contains the text.
_MESSAGES = (
    "message",
    "msg",
    "errordescription",
    "errormessage",
    "errormsg",
    "errmsg",
    "statusmsg",
    "faultstring",
    "error",
    "errors",
    "detail",
    "details",
    "errordetails",
    "description",
    "reason",
    "exception",
    "title",
)
_CODES = ("code", "errorcode", "errcode", "errno", "errortype")
# Objects that wrap the error. If the value is a text, it is not the message.
_WRAPPERS = ("baseresp", "fault", "response", "responsemetadata", "header", "status", "xgroq", "data")
# Location of an error within the request. In a top-level list, only `loc` counts: a whole body may have a `path`.
_LOCATIONS = ("loc", "field", "pointer", "path", "param", "property")
# Objects that may map the fields of the request to validation errors.
_FIELDS = ("message", "error", "errors", "detail", "details")
# The title of a page is near its top; a longer search would only take time.
_MAX_MARKUP = 65_536
_MAX_EVENTS = 16

Found = tuple[str | None, str | None]
"""The code and the message."""


def read_error_body(body: str | None, data: object = None) -> Found:
    """Return ``(code, message)`` of an error, each None if it is missing.

    Args:
        body: The text of the response.
        data: The parsed text, if available. A dict or a list takes precedence over the text.

    Supported formats, each also inside a list or nested in an object such as ``error``, with names in any case:

    - ``{"message"}``, ``{"msg"}``, ``{"detail"}``, ``{"description"}``, ``{"reason"}``, ``{"title"}`` and
      similar names, with a ``code``, an ``error_code`` or, below ``error``, a ``type``;
    - ``{"error": "text"}``, ``{"error", "error_description"}`` (RFC 6749), ``{"errors": [...]}``;
    - validation errors, ``{"detail": [{"loc", "msg"}]}`` or ``{"errors": {field: [text]}}``;
    - ``{"base_resp": {"status_code", "status_msg"}}``, ``{"fault": {"faultstring"}}``, ``{"__type", "Message"}``;
    - a message that contains JSON or a web page, as forwarded by gateways;
    - a JSON string; plain text; the data of events; the title of a web page; an XML error.
    """
    try:
        if isinstance(data, (dict, list)):
            return _from_json(data)
        text = (body or (data if isinstance(data, str) else "")).removeprefix("\ufeff").strip()
        try:
            return _from_json(json.loads(text))
        except ValueError:
            return _from_text(text)
    except (ValueError, RecursionError):  # an integer too long for str(), or deep nesting
        return None, None


def plain_names(properties: dict[str, object]) -> dict[str, object]:
    """Normalize names: lower case, no separators. `error_msg`, `errorMsg` and `ErrorMsg` become the same."""
    plain: dict[str, object] = {}
    for name, value in properties.items():
        plain.setdefault(str(name).replace("_", "").replace("-", "").lower(), value)
    return plain


def names_error(kind: object) -> bool:
    """Return whether a type names an error, such as `invalid_request_error` or `ThrottlingException`."""
    return isinstance(kind, str) and kind.lower().endswith(("error", "exception"))


def _from_json(value: object, inside: bool = False) -> Found:
    """Read a JSON value. ``inside`` is true below a name such as ``error``, where any ``type`` is an error code."""
    if isinstance(value, str):
        return _from_message(value)
    if isinstance(value, list):
        found = [_from_item(item, inside) for item in value]
        code = next((code for code, _ in found if code), None)
        return code, "; ".join(message for _, message in found if message) or None
    if not isinstance(value, dict):
        return None, None
    plain = plain_names(value)
    code = other_code = message = None
    brief = ""
    for name in _MESSAGES:
        if name not in plain:
            continue
        inner_code, inner_message = _from_json(plain[name], True)
        if name in _FIELDS and not inner_code and not inner_message:
            inner_message = _from_fields(plain[name])
        if message is None or name == "error":
            code = inner_code or code
        other_code = other_code or inner_code
        if name == "error" and message is None and isinstance(plain[name], str):
            # Often only "Bad Request", with the reason in another property.
            brief = inner_message or ""
        else:
            message = message or inner_message
    if brief:
        message = f"{brief}: {message}" if message not in (None, brief) else brief
    for name in (*_WRAPPERS, *(name for name in plain if name.endswith("exception"))):
        if message is None and isinstance(plain.get(name), (dict, list)):
            inner_code, message = _from_json(plain[name], True)
            code = code or inner_code
    metadata = plain.get("metadata")
    if isinstance(metadata, dict) and (raw := _from_json(metadata.get("raw"), True)[1]):
        # OpenRouter: the provider's message; the outer one only says that the provider failed.
        message = f"{message}: {raw}" if message else raw
    return code or _own_code(plain, inside, message) or other_code, message


def _own_code(plain: dict[str, object], inside: bool, message: str | None) -> str | None:
    for name in _CODES:
        if code := _text(plain.get(name)):
            return code
    error, kind = plain.get("error"), _text(plain.get("type"))
    if "errordescription" in plain or (message and isinstance(error, int)):
        return _text(error)
    if kind and (inside or (names_error(kind) and kind.lower() != "error")):
        return kind.rpartition("#")[2]  # "com.amazon.coral.service#ThrottlingException"
    return (_text(plain.get("statuscode")) or _text(plain.get("status"))) if inside else None


def _from_item(item: object, inside: bool) -> Found:
    """Read an item of a list: a validation error (``loc``, ``msg``) or a complete error."""
    if not isinstance(item, dict):
        return _from_json(item, inside)
    plain = plain_names(item)
    code, message = _from_json(item, inside)
    if "msg" in plain or "loc" in plain:  # the type of a validation error names a rule
        code = _own_code({**plain, "type": None}, False, message)
    names = _LOCATIONS if inside else _LOCATIONS[:1]
    location = next((found for name in names if (found := _location(plain.get(name)))), "")
    return code, f"{location}: {message}" if location and message else message


def _location(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    location = ""
    for step in value if isinstance(value, (list, tuple)) else ():
        location += f"[{step}]" if isinstance(step, int) else f".{step}"
    return location.removeprefix(".")


def _from_fields(value: object) -> str | None:
    """Read an object that maps field names to texts. Any other object returns None."""
    if not isinstance(value, dict) or "role" in value:  # a chat message
        return None
    found = []
    for name, errors in value.items():
        texts = errors if isinstance(errors, list) else [errors]
        if not texts or not all(isinstance(text, str) for text in texts):
            return None
        found.append(f"{name}: {', '.join(texts)}")
    return "; ".join(found) or None


def _from_message(text: str) -> Found:
    """Read a message. If a gateway put JSON or a web page into it, read that."""
    text = text.strip()
    found: Found = (None, None)
    if text[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            found = _from_json(json.loads(text), True)
    elif text[:1] == "<":
        found = _from_markup(text)
    return found if found[1] else (None, text or None)


def _from_text(text: str) -> Found:
    """Read a body that is not JSON."""
    if text[:1] == "<":
        return _from_markup(text)
    if re.match(r"(event|data|id)?:", text):
        lines = (line for line in text.splitlines() if line.startswith("data:"))
        for line in islice(lines, _MAX_EVENTS):
            try:
                found = _from_json(json.loads(line[5:]))
            except ValueError:
                continue
            if found[1]:
                return found
    return None, text or None


def _from_markup(markup: str) -> Found:
    """Read the title or heading of a web page, or the message of an XML error."""
    markup = markup[:_MAX_MARKUP]
    for name in ("title", "message", "faultstring", "h1"):
        if text := _element(markup, name):
            return _element(markup, "code") if name == "message" else None, text
    return None, None


def _element(markup: str, name: str) -> str | None:
    """Return the text at the start of an element."""
    opening = re.search(rf"<{name}[\s>]", markup, re.IGNORECASE)
    if opening is None:
        return None
    # Linear searches: a regular expression for the whole element can take quadratic time.
    content = markup.find(">", opening.start()) + 1
    # Imported here because it is rarely needed and loads a large table.
    import html

    return " ".join(html.unescape(markup[content:].partition("<")[0]).split()) or None if content else None


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def one_line(text: str | None, limit: int) -> str:
    """Make a foreign text safe for a log: one line, no control characters, no credentials of URLs."""
    if not text:
        return ""
    # Truncate first, so that large bodies are cheap. Keep the zero-width joiners of words and emoji.
    text = str(text)[: limit * 8]
    text = "".join(char if char.isprintable() or char in "\u200c\u200d" else " " for char in text)
    text = " ".join(re.sub(r"://[^/\s]*@", "://<hidden>@", text).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."
