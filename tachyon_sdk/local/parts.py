"""The typed parts that a message becomes in the history of a chatroom."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tachyon_sdk.local.tokens import text_of
from tachyon_sdk.local.wire import Json, to_text

_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool", "function": "tool"}


class Part(NamedTuple):
    """One part of a message, with the text in which it is searched."""

    role: str
    content: Json
    text: str


def parts_of(message: Json, names: Mapping[str, str]) -> Iterator[Part]:
    """Yield the parts of a message, at least one.

    Args:
        message: The message as it was sent.
        names: The names of the tools by the id of their call, for results, which do not have the name.
    """
    role = _ROLES.get(message["role"], "user")
    if role == "tool":
        call_id = str(message.get("tool_call_id") or "")
        name = names.get(call_id) or message.get("name")
        result = text_of(message)
        content: Json = {
            "type": "tool-result",
            "tool_call_id": call_id,
            "tool_name": name if isinstance(name, str) else "",
            "result": result,
        }
        yield Part(role, content, result)
        return
    calls = message.get("tool_calls") or []
    contents = message.get("content") or ""
    if isinstance(contents, list):
        for each in contents:
            yield _content_part(role, each)
    elif contents or not calls:
        yield Part(role, {"type": "text", "text": contents}, contents)
    for call in calls:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        content = {
            "type": "tool-call",
            "tool_call_id": call["id"],
            "tool_name": name,
            "args": arguments,
            "is_client_tool": True,
        }
        yield Part(role, content, f"{name} {arguments}")


def tool_names(messages: Iterable[Json]) -> dict[str, str]:
    """Return the names of the tools that the messages call, by the id of the call."""
    return {
        call["id"]: call["function"]["name"]
        for message in messages
        for call in message.get("tool_calls") or ()
    }


def _content_part(role: str, part: Json) -> Part:
    kind = part.get("type")
    if kind == "text" or (kind not in ("image_url", "file") and isinstance(part.get("text"), str)):
        text = part.get("text") or ""
        return Part(role, {"type": "text", "text": text}, text)
    address = _address(part.get(kind) if isinstance(kind, str) else None)
    if address is None:
        # A part that only its provider knows, such as audio. Its JSON is better than nothing.
        text = to_text(part)
        return Part(role, {"type": "text", "text": text}, text)
    if kind == "image_url":
        return Part(role, {"type": "image", "image": address}, "")
    return Part(role, {"type": "file", "file": address}, "")


def _address(value: Any) -> str | None:
    """Return the URL in the value of a content part."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for name in ("url", "file_url", "file_data"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return None
