"""Reads the code and the message of an error body.

The server, the gateways before it and the model providers behind it each have their own shape of body. All of
them are read here and nowhere else. Nothing here raises: a body that does not say gives None.
"""

from __future__ import annotations

import json
import re

# A title stands near the top of a page; a longer search would only cost time.
_MAX_MARKUP = 65_536


def read_error_body(body: str | None, data: object = None) -> tuple[str | None, str | None]:
    """Return ``(code, message)`` as the server put them, each None if it did not say.

    Args:
        body: The text of the answer.
        data: The same, if it was parsed already. A dict or a list is preferred to the text.

    The shapes read: ``{"message"}``, ``{"code", "message"}``, ``{"error": {"message", "type", "code"}}`` (the
    type stands in for a missing code), ``{"error": "text"}``, ``{"detail": "text"}``,
    ``{"detail": [{"loc", "msg"}]}``, ``{"title"}`` (RFC 9457), each also inside a list; a JSON string; plain
    text; the title of an HTML page.
    """
    try:
        if isinstance(data, (dict, list)):
            return _from_json(data)
        text = (body or (data if isinstance(data, str) else "")).removeprefix("\ufeff").strip()
        try:
            return _from_json(json.loads(text))
        except ValueError:
            return None, (_title(text) if text.startswith("<") else text or None)
    except (ValueError, RecursionError):  # a number with more digits than str() takes, or hostile nesting
        return None, None


def _from_json(value: object, inside: bool = False) -> tuple[str | None, str | None]:
    """``inside`` is true below a key such as ``error``: only there does ``type`` name the error."""
    if isinstance(value, str):
        return None, _text(value)
    if isinstance(value, list):
        found = [_from_item(item, inside) for item in value]
        code = next((code for code, _ in found if code), None)
        return code, "; ".join(message for _, message in found if message) or None
    if not isinstance(value, dict):
        return None, None
    code = _text(value.get("code")) or (_text(value.get("type")) if inside else None)
    message = None
    for key in ("message", "error", "detail"):
        inner_code, inner_message = _from_json(value.get(key), True)
        code = inner_code or code
        message = message or inner_message
    return code, message or _text(value.get("title"))


def _from_item(item: object, inside: bool) -> tuple[str | None, str | None]:
    """One entry of a list: a finding of a validator (``loc``, ``msg``) or an error of its own."""
    if not (isinstance(item, dict) and isinstance(item.get("msg"), str)):
        return _from_json(item, inside)
    location = item.get("loc")
    where = ""
    for step in location if isinstance(location, (list, tuple)) else ():
        where += f"[{step}]" if isinstance(step, int) else f".{step}"
    where = where.removeprefix(".")
    return None, f"{where}: {item['msg']}" if where else item["msg"]


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def _title(markup: str) -> str | None:
    markup = markup[:_MAX_MARKUP]
    opening = re.search(r"<title[\s>]", markup, re.IGNORECASE)
    if opening is None:
        return None
    # Plain searches, each over the text once: a pattern for the whole element can take quadratic time.
    content = markup.find(">", opening.start()) + 1
    # Imported here because it is rarely needed, and brings a long table.
    import html

    return " ".join(html.unescape(markup[content:].partition("<")[0]).split()) or None if content else None


def one_line(text: str | None, limit: int) -> str:
    """Fit a text from outside into a line of a log: one line, no control characters, no passwords of URLs."""
    if not text:
        return ""
    # Cut first, so that a body of megabytes costs nothing. The two joiners are part of words and emoji.
    text = str(text)[: limit * 8]
    text = "".join(char if char.isprintable() or char in "\u200c\u200d" else " " for char in text)
    text = " ".join(re.sub(r"://[^/\s]*@", "://<hidden>@", text).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."
