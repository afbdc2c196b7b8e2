"""Shortcuts to the first choice of a response: its text, tool calls, finish reason and message."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

C = TypeVar("C")
M = TypeVar("M")

# Known properties. `index` and the `tool_*` ones belong to streams and to server-side tools; requests omit them.
_KNOWN_CALL_FIELDS = frozenset({"index", "tool_id", "tool_name", "is_client_tool", "id", "type", "function"})
_KNOWN_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "refusal", "function_call"})
# Spellings of "no arguments".
_NO_ARGUMENTS = frozenset({"", "null", "[]", '""'})
_REASONING_TYPES = frozenset({"thinking", "redacted_thinking", "reasoning", "thought"})


class FirstChoice(Generic[C, M]):
    """Mixin for responses and chunks with `choices`.

    The first choice is the one whose index is 0 or missing. If the server adds a property with the name of one of
    these, such as `text`, read it from `model_extra`.

    Type arguments: the type of a tool call, and the type that `to_message` returns.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        choices: list[Any]

    _message_type: ClassVar[type[Any]]

    @property
    def text(self) -> str:
        """Text of the first choice; `""` if it has none."""
        content = getattr(first_message(self.choices), "content", None)
        if content is None or isinstance(content, str):
            return content or ""
        return "".join(_text_of(part) for part in content)

    @property
    def tool_calls(self) -> list[C]:
        """Tool calls of the first choice, as a new list; empty if there are none.

        A chunk has only the fragments that it carries. A full response has the complete calls, and so has
        `stream.tool_calls` at the end of a stream.
        """
        return list(getattr(first_message(self.choices), "tool_calls", None) or ())

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended: `stop`, `length`, `tool_calls` or `content_filter`; None until it ends."""
        return getattr(_first(self.choices), "finish_reason", None)

    def to_message(self) -> M:
        """Return the first choice as an assistant message for the next request.

        ::

            messages.append(response.to_message())

        The message has the text and the calls of the client's tools. Calls that the server ran itself are
        omitted. A call without an id gets `call_<position>`.

        A message with tool calls keeps all properties that the contract does not define, because several providers
        require them in the next request: signatures (`extra_content`) and reasoning (`reasoning_details`,
        `reasoning_content`). A message without calls omits reasoning, because several providers reject it there.
        """
        message: M = _assistant_message(first_message(self.choices), self._message_type)
        return message


class MessageOfChoice(Generic[M]):
    """Mixin for choices with a `delta`."""

    __slots__ = ()

    if TYPE_CHECKING:
        delta: Any

    _message_type: ClassVar[type[Any]]

    @property
    def message(self) -> M:
        """The choice as an assistant message, built as by `to_message`; a new object each time."""
        message: M = _assistant_message(self.delta, self._message_type)
        return message


def _first(choices: list[Any]) -> Any:
    return next((choice for choice in choices if not choice.index), None)


def first_message(choices: list[Any]) -> Any:
    """Return the `delta` or `message` of the first choice, or None."""
    choice = _first(choices)
    name = "delta" if "delta" in getattr(type(choice), "model_fields", ()) else "message"
    return getattr(choice, name, None)


def _assistant_message(message: Any, message_type: type[Any]) -> Any:
    """Convert the message of a choice to one that a request can send."""
    calls = [
        _request_call(call, position)
        for position, call in enumerate(getattr(message, "tool_calls", None) or ())
        if _is_for_client(call)
    ]
    content = getattr(message, "content", None)
    if isinstance(content, list):
        content = [_request_part(part) for part in content if calls or not _is_reasoning(part)]
    fields: dict[str, Any] = {"role": "assistant"}
    if content or not calls:  # with calls, some servers reject null; all accept an absent content
        fields["content"] = content or ""
    if calls:
        fields |= {"tool_calls": calls, **_other_fields(message.to_dict(), _KNOWN_MESSAGE_FIELDS)}
    return message_type.from_dict(fields)


def _is_for_client(call: Any) -> bool:
    """Return whether the client must run this call. Server-side tools have no function or a false `is_client_tool`."""
    return bool(call.function and call.function.name) and getattr(call, "is_client_tool", None) is not False


def _request_call(call: Any, position: int) -> dict[str, Any]:
    fields = call.to_dict()
    function = fields["function"]
    # Some servers omit empty arguments, but reject a request without them.
    arguments = arguments_text(function.get("arguments"))
    return {
        "id": f"call_{position}" if call.id in (None, "") else str(call.id),
        "type": call.type if call.type and isinstance(call.type, str) else "function",
        "function": {**_other_fields(function, ()), "arguments": arguments},
        **_other_fields(fields, _KNOWN_CALL_FIELDS),
    }


def _other_fields(fields: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the fields that are not known. Nulls are dropped: they carry nothing, and some servers reject them."""
    return {name: value for name, value in fields.items() if name not in known and value is not None}


def arguments_text(arguments: Any) -> str:
    """Return the arguments of a call as the text of a JSON object. Accepts a text, an object or null."""
    if isinstance(arguments, Mapping):
        arguments = dict(arguments)
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    text: str = (arguments or "").strip()
    return "{}" if text in _NO_ARGUMENTS else text


def _request_part(part: Any) -> dict[str, Any]:
    fields = {"text": part} if isinstance(part, str) else _part_fields(part)
    return {**fields, "type": fields.get("type") or "text"}


def _text_of(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = _part_fields(part).get("text")
    return text if isinstance(text, str) and not _is_reasoning(part) else ""


def _is_reasoning(part: Any) -> bool:
    """Return whether a content part is the model's reasoning and not part of its reply."""
    fields = {} if isinstance(part, str) else _part_fields(part)
    return fields.get("type") in _REASONING_TYPES or fields.get("thought") is True


def _part_fields(part: Any) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = part if isinstance(part, Mapping) else part.to_dict()
    return fields
