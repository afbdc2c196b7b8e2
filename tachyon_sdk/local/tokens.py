"""Tokens, the unit in which this server counts, cuts and streams texts.

A token is one word with the white space in front of it, one punctuation mark or symbol, or one Chinese or
Japanese character. White space at the end of a text is a token of its own. So the tokens of a text, joined,
are exactly that text.
"""

import re
from collections.abc import Iterable

from tachyon_sdk.local.wire import Json

# Kana, CJK ideographs (with extension A and compatibility forms), and full-width forms.
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_TOKEN = re.compile(rf"\s*(?:[{_CJK}]|[^\W{_CJK}]+|[^\w\s])|\s+")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def split(text: str) -> list[str]:
    """Return the tokens of a text, in order."""
    return _TOKEN.findall(text)


def is_japanese(text: str) -> bool:
    """Return whether a text contains kana or ideographs."""
    return _JAPANESE.search(text) is not None


def text_of(message: Json) -> str:
    """Return the text of a message; text parts are on lines of their own."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("text"))
    return content or ""


def images_in(message: Json) -> int:
    """Return the number of images in a message."""
    content = message.get("content")
    return sum(part.get("type") == "image_url" for part in content) if isinstance(content, list) else 0


def count(messages: Iterable[Json]) -> int:
    """Return the number of tokens of a prompt: of all texts and tool call arguments, and one for each image."""
    total = 0
    for message in messages:
        total += len(split(text_of(message))) + images_in(message)
        for call in message.get("tool_calls") or ():
            total += len(split(call["function"]["arguments"]))
    return total
