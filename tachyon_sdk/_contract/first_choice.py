"""What an answer says without digging: the text, the tool calls and the end of its first choice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

C = TypeVar("C")
M = TypeVar("M")

# What is known and not part of a request: how fragments are put together, and tools that the platform runs itself.
_NOT_OF_A_CALL = frozenset({"index", "tool_id", "tool_name", "is_client_tool", "id", "type", "function"})
_NOT_OF_A_MESSAGE = frozenset({"role", "content", "tool_calls", "refusal", "function_call"})
# Ways to say that there are no arguments.
_NO_ARGUMENTS = frozenset({"", "null", "[]", '""'})
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "thought"})


class FirstChoice(Generic[C, M]):
    """Base of the answers, whole and in pieces, beside that of all models.

    The first choice is the one whose index is 0 or not told. A property of the same name that a server adds to the
    answer itself is not in the way; it is in `model_extra`.

    The type arguments are those of a tool call, and of the message that `to_message` makes.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        choices: list[Any]

    _message_type: ClassVar[type[Any]]

    @property
    def text(self) -> str:
        """The text of the first choice, or `""` if it has none."""
        content = getattr(said(self.choices), "content", None)
        if content is None or isinstance(content, str):
            return content or ""
        return "".join(_text_of(part) for part in content)

    @property
    def tool_calls(self) -> list[C]:
        """The tool calls of the first choice, in a new list; empty if there are none.

        A chunk has the fragments that came with it; the calls are whole in a whole answer, and at the end of a
        stream in `stream.tool_calls`.
        """
        return list(getattr(said(self.choices), "tool_calls", None) or ())

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended: `stop`, `length`, `tool_calls` or `content_filter`; None before its end."""
        return getattr(_first(self.choices), "finish_reason", None)

    def to_message(self) -> M:
        """The first choice as the assistant's message, for the next request: `messages.append(answer.to_message())`.

        It has the text, and the calls of the client's own tools with their arguments. What the server did with
        tools of the platform is not part of it. A call without an id gets one, `call_` and its place.

        Where it calls tools, it also has what the contract does not know of the calls and of the message, as it
        came: several providers refuse the next request without their signatures (`extra_content`) and what the
        model thought (`reasoning_details`, `reasoning_content`). Without calls, thoughts are left out: several
        providers refuse them there.
        """
        made: M = _message_of(said(self.choices), self._message_type)
        return made


class MessageOfChoice(Generic[M]):
    """Base of a choice that has a `delta`, beside that of all models."""

    __slots__ = ()

    if TYPE_CHECKING:
        delta: Any

    _message_type: ClassVar[type[Any]]

    @property
    def message(self) -> M:
        """The assistant's message of a whole answer, as `to_message` makes it of the first choice; new each time."""
        made: M = _message_of(self.delta, self._message_type)
        return made


def _first(choices: list[Any]) -> Any:
    return next((choice for choice in choices if not choice.index), None)


def said(choices: list[Any]) -> Any:
    """What is said in the first choice, which a chunk calls `delta`."""
    choice = _first(choices)
    name = "delta" if "delta" in getattr(type(choice), "model_fields", ()) else "message"
    return getattr(choice, name, None)


def _message_of(said: Any, message_type: type[Any]) -> Any:
    """The assistant's message of what was said in a choice."""
    every_call = enumerate(getattr(said, "tool_calls", None) or ())
    calls = [_call_as_sent(call, place) for place, call in every_call if _is_for_client(call)]
    content = getattr(said, "content", None)
    if isinstance(content, list):
        content = [_part_as_sent(part) for part in content if calls or not _is_thought(part)]
    message: dict[str, Any] = {"role": "assistant"}
    if content or not calls:  # with calls, some servers refuse null; all take it left out
        message["content"] = content or ""
    if calls:
        message |= {"tool_calls": calls, **_others(said.to_dict(), _NOT_OF_A_MESSAGE)}
    return message_type.from_dict(message)


def _is_for_client(call: Any) -> bool:
    """Whether it is for the client to run: the platform's tools have no function, or are marked as not for it."""
    return bool(call.function and call.function.name) and getattr(call, "is_client_tool", None) is not False


def _call_as_sent(call: Any, place: int) -> dict[str, Any]:
    fields = call.to_dict()
    function = fields["function"]
    # Some servers send no arguments where there are none, and then cannot read that themselves.
    arguments = arguments_text(function.get("arguments"))
    return {
        "id": f"call_{place}" if call.id in (None, "") else str(call.id),
        "type": call.type if call.type and isinstance(call.type, str) else "function",
        "function": {**_others(function, ()), "arguments": arguments},
        **_others(fields, _NOT_OF_A_CALL),
    }


def _others(fields: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The properties that are not known; what is null says nothing, and some servers refuse it."""
    return {name: value for name, value in fields.items() if name not in known and value is not None}


def arguments_text(arguments: Any) -> str:
    """The arguments of a call as the text of a JSON object, in whichever form they came: text, object, null."""
    if isinstance(arguments, Mapping):
        arguments = dict(arguments)
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    text: str = (arguments or "").strip()
    return "{}" if text in _NO_ARGUMENTS else text


def _part_as_sent(part: Any) -> dict[str, Any]:
    fields = {"text": part} if isinstance(part, str) else _part_fields(part)
    return {**fields, "type": fields.get("type") or "text"}


def _text_of(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = _part_fields(part).get("text")
    return text if isinstance(text, str) and not _is_thought(part) else ""


def _is_thought(part: Any) -> bool:
    """Whether a part of the content is what the model thought, not what it said."""
    fields = {} if isinstance(part, str) else _part_fields(part)
    return fields.get("type") in _THOUGHTS or fields.get("thought") is True


def _part_fields(part: Any) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = part if isinstance(part, Mapping) else part.to_dict()
    return fields
