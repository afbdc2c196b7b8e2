"""Puts a chunk right that says the same as a valid one in another form. No I/O.

It is used where a chunk does not validate, so that a valid one costs nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Repair:
    """Repairs the chunks of one response.

    Attributes:
        halves: The first halves of characters whose second halves have still to come, by their places.
    """

    def __init__(self) -> None:
        self.halves: dict[tuple[Any, ...], str] = {}

    def repaired(self, data: bytes) -> bytes | None:
        """A chunk with its content as text, its arguments as JSON text, and whole characters; None if not JSON.

        Content in parts (`[{"type": "text", "text": ...}]`) becomes the text in them; other parts, such as
        thinking, are in `content_parts`. A surrogate without its other half (RFC 8259, section 8.2) is joined with
        the half in the next chunk, or becomes U+FFFD.
        """
        try:
            chunk = json.loads(data.decode())
        except (ValueError, RecursionError):
            return None
        if not isinstance(chunk, dict):
            return None
        for choice in _dicts(chunk.get("choices")):
            for name in ("delta", "message"):
                if isinstance(message := choice.get(name), dict):
                    _put_right(message)
        try:
            return json.dumps(self._whole_characters(chunk, ())).encode()
        except RecursionError:
            return None

    def _whole_characters(self, value: Any, place: tuple[Any, ...]) -> Any:
        if isinstance(value, str):
            return self._whole_text(value, place)
        if isinstance(value, dict):
            whole = {}
            for key, item in value.items():
                whole[_replaced(key)] = self._whole_characters(item, (*place, key))
            return whole
        if isinstance(value, list):
            # A choice or a tool call has its place by its index, whichever others are in the chunk.
            return [self._whole_characters(item, (*place, _index(item, at))) for at, item in enumerate(value)]
        return value

    def _whole_text(self, text: str, place: tuple[Any, ...]) -> str:
        if text and (half := self.halves.pop(place, None)):
            text = half + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self.halves[place] = text[-1]
            text = text[:-1]
        return _replaced(text)


def _put_right(message: dict[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, Mapping):
        content = [content]
    if isinstance(content, list):
        texts = [_text_of(part) for part in content]
        message["content"] = "".join(text for text in texts if text is not None)
        others = [part for part, text in zip(content, texts, strict=True) if text is None]
        if others:
            message["content_parts"] = others
    calls = message.get("tool_calls")
    if isinstance(calls, Mapping):
        calls = message["tool_calls"] = [calls] if calls else None
    elif not calls:
        message.pop("tool_calls", None)
    if not isinstance(message.get("function_call"), Mapping):
        message.pop("function_call", None)
    functions = [call.get("function") for call in _dicts(calls)]
    for function in _dicts([*functions, message.get("function_call")]):
        if isinstance(function.get("arguments"), (dict, list)):
            function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)


def _text_of(part: Any) -> str | None:
    """The text of a part of the content, None where it is of another kind."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"):
        return part["text"] if isinstance(part.get("text"), str) else None
    return None


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _index(item: Any, position: int) -> Any:
    index = item.get("index") if isinstance(item, dict) else None
    return position if index is None else str(index)


def _replaced(text: str) -> str:
    """The text with whole pairs of surrogates as characters, and U+FFFD for each half."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
