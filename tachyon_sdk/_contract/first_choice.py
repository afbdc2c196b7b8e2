"""What an answer says without digging: the text, the tool calls and the end of its first choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

C = TypeVar("C")
M = TypeVar("M")


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
        content = _content(self.choices)
        if content is None or isinstance(content, str):
            return content or ""
        return "".join(part.text or "" for part in content)

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
        """
        content = _content(self.choices)
        if isinstance(content, list):
            content = [part.to_dict() for part in content]
        calls = [_as_sent(call, place) for place, call in enumerate(self.tool_calls) if _is_for_client(call)]
        message = {"role": "assistant", "content": content if content or calls else ""}
        made: M = self._message_type.from_dict({**message, "tool_calls": calls} if calls else message)
        return made


def _first(choices: list[Any]) -> Any:
    return next((choice for choice in choices if not choice.index), None)


def said(choices: list[Any]) -> Any:
    """What is said in the first choice, which a chunk calls `delta`."""
    choice = _first(choices)
    name = "delta" if "delta" in getattr(type(choice), "model_fields", ()) else "message"
    return getattr(choice, name, None)


def _content(choices: list[Any]) -> Any:
    return getattr(said(choices), "content", None)


def _is_for_client(call: Any) -> bool:
    """Whether it is for the client to run: the platform's tools have no function, or are marked as not for it."""
    return bool(call.function and call.function.name) and getattr(call, "is_client_tool", None) is not False


def _as_sent(call: Any, place: int) -> dict[str, Any]:
    # Some servers send no arguments where there are none, and then cannot read that themselves.
    arguments = (call.function.arguments or "").strip() or "{}"
    return {
        "id": call.id or f"call_{place}",
        "type": call.type or "function",
        "function": {"name": call.function.name, "arguments": arguments},
    }
