"""Reads the code and the message of an error body.

The server, the gateways before it and the model providers behind it each have their own shape of body. All of
them are read here and nowhere else. Nothing here raises: a body that does not say gives None.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import islice

# Names are compared as `plain_names` gives them. The first that says something is the message. A value may be a
# text, or an object or a list with the text further down.
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
# An object that has the error in it. As a text, the value is no message.
_WRAPPERS = ("baseresp", "fault", "response", "responsemetadata", "header", "status", "xgroq", "data")
# Where in the request an error of a list is. A list at the top is one of whole bodies, which may have a `path`.
_LOCATIONS = ("loc", "field", "pointer", "path", "param", "property")
# Objects that may list the findings for each field of the request by its name.
_FIELDS = ("message", "error", "errors", "detail", "details")
# A title stands near the top of a page; a longer search would only cost time.
_MAX_MARKUP = 65_536
_MAX_EVENTS = 16

Found = tuple[str | None, str | None]
"""The code and the message."""


def read_error_body(body: str | None, data: object = None) -> Found:
    """Return ``(code, message)`` as the server put them, each None if it did not say.

    Args:
        body: The text of the response.
        data: The same, if it was parsed already. A dict or a list is preferred to the text.

    The shapes read, each also inside a list or below a name such as ``error``, whatever the case of the names:

    - ``{"message"}``, ``{"msg"}``, ``{"detail"}``, ``{"description"}``, ``{"reason"}``, ``{"title"}`` and more
      of that kind, with a ``code``, an ``error_code`` or, below ``error``, a ``type``;
    - ``{"error": "text"}``, ``{"error", "error_description"}`` (RFC 6749), ``{"errors": [...]}``;
    - findings of a validator, ``{"detail": [{"loc", "msg"}]}`` or ``{"errors": {field: [text]}}``;
    - ``{"base_resp": {"status_code", "status_msg"}}``, ``{"fault": {"faultstring"}}``, ``{"__type", "Message"}``;
    - a message that is JSON or a web page itself, as gateways pass it on;
    - a JSON string; plain text; the data of events; the title of a web page; an error in XML.
    """
    try:
        if isinstance(data, (dict, list)):
            return _from_json(data)
        text = (body or (data if isinstance(data, str) else "")).removeprefix("\ufeff").strip()
        try:
            return _from_json(json.loads(text))
        except ValueError:
            return _from_text(text)
    except (ValueError, RecursionError):  # a number with more digits than str() takes, or hostile nesting
        return None, None


def plain_names(properties: dict[str, object]) -> dict[str, object]:
    """Return the properties by names without case and separators: `error_msg`, `errorMsg`, `ErrorMsg` are one."""
    plain: dict[str, object] = {}
    for name, value in properties.items():
        plain.setdefault(str(name).replace("_", "").replace("-", "").lower(), value)
    return plain


def names_error(kind: object) -> bool:
    """Whether a type is that of an error, such as `invalid_request_error` or `ThrottlingException`."""
    return isinstance(kind, str) and kind.lower().endswith(("error", "exception"))


def _from_json(value: object, inside: bool = False) -> Found:
    """``inside`` is true below a name such as ``error``: only there is any ``type`` the name of the error."""
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
            # Often no more than "Bad Request", with the reason beside it.
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
        # What the provider said, beside a message that only says that it failed (OpenRouter).
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
    """One entry of a list: a finding of a validator (``loc``, ``msg``) or an error of its own."""
    if not isinstance(item, dict):
        return _from_json(item, inside)
    plain = plain_names(item)
    code, message = _from_json(item, inside)
    if "msg" in plain or "loc" in plain:  # the type of such a finding is the name of a rule, not of an error
        code = _own_code({**plain, "type": None}, False, message)
    names = _LOCATIONS if inside else _LOCATIONS[:1]
    where = next((where for name in names if (where := _location(plain.get(name)))), "")
    return code, f"{where}: {message}" if where and message else message


def _location(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    where = ""
    for step in value if isinstance(value, (list, tuple)) else ():
        where += f"[{step}]" if isinstance(step, int) else f".{step}"
    return where.removeprefix(".")


def _from_fields(value: object) -> str | None:
    """The findings of an object that has texts by the names of fields, and nothing else."""
    if not isinstance(value, dict) or "role" in value:  # that is a message of a conversation
        return None
    found = []
    for name, findings in value.items():
        texts = findings if isinstance(findings, list) else [findings]
        if not texts or not all(isinstance(text, str) for text in texts):
            return None
        found.append(f"{name}: {', '.join(texts)}")
    return "; ".join(found) or None


def _from_message(text: str) -> Found:
    """A message, or what is in it, where it is JSON or a page that a gateway passed on."""
    text = text.strip()
    found: Found = (None, None)
    if text[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            found = _from_json(json.loads(text), True)
    elif text[:1] == "<":
        found = _from_markup(text)
    return found if found[1] else (None, text or None)


def _from_text(text: str) -> Found:
    """A body that is no JSON."""
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
    """The title or heading of a page, or the message of an error in XML."""
    markup = markup[:_MAX_MARKUP]
    for name in ("title", "message", "faultstring", "h1"):
        if text := _element(markup, name):
            return _element(markup, "code") if name == "message" else None, text
    return None, None


def _element(markup: str, name: str) -> str | None:
    """The text at the beginning of an element."""
    opening = re.search(rf"<{name}[\s>]", markup, re.IGNORECASE)
    if opening is None:
        return None
    # Plain searches, each over the text once: a pattern for the whole element can take quadratic time.
    content = markup.find(">", opening.start()) + 1
    # Imported here because it is rarely needed, and brings a long table.
    import html

    return " ".join(html.unescape(markup[content:].partition("<")[0]).split()) or None if content else None


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def one_line(text: str | None, limit: int) -> str:
    """Fit a text from outside into a line of a log: one line, no control characters, no passwords of URLs."""
    if not text:
        return ""
    # Cut first, so that a body of megabytes costs nothing. The two joiners are part of words and emoji.
    text = str(text)[: limit * 8]
    text = "".join(char if char.isprintable() or char in "\u200c\u200d" else " " for char in text)
    text = " ".join(re.sub(r"://[^/\s]*@", "://<hidden>@", text).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."
