"""Typed events of a stream: what is new in each chunk. `Stream.events` iterates over them. No I/O but in `events_of`.

::

    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        for event in stream.events():
            match event:
                case TextDelta(text):
                    print(text, end="", flush=True)
                case ToolCallStarted(name):
                    print(f"[{name}]")
                case Finished(reason):
                    print(f"({reason})")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from pydantic_core import from_json

from tachyon_sdk.models.tool_call import ToolCall
from tachyon_sdk.models.usage import Usage
from tachyon_sdk.streaming.merge import index_of
from tachyon_sdk.streaming.tool_calls import ToolCall as GrowingCall, ToolCalls

# Properties of a delta that are reasoning as text, and those that are lists of parts. Servers that send several of
# them send the same text in each.
_REASONING_TEXTS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_REASONING_PARTS = ("reasoning_details", "thinking_blocks", "content_parts", "reasoning")
_REASONING_TYPES = ("reasoning", "thinking", "thought")
_TEXTS_OF_PARTS = ("thinking", "reasoning", "text", "summary", "content")
# Arguments of this length or less may be `{}` in the place of the arguments that follow.
_MAX_PLACEHOLDER = 8
_PIECES_IN_A_BLOCK = 1024


class _SoFar:
    """A text that grows. Adding a piece costs the same however long the text is."""

    __slots__ = ("_blocks", "_pieces", "length")

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._pieces: list[str] = []
        self.length = 0

    def add(self, piece: str) -> int:
        """Add a piece, and return the length with it."""
        self._pieces.append(piece)
        self.length += len(piece)
        if len(self._pieces) == _PIECES_IN_A_BLOCK:  # small strings take ten times the memory of their text
            self._blocks.append("".join(self._pieces))
            self._pieces.clear()
        return self.length

    def until(self, end: int) -> str:
        """Return the beginning of the text. Joins only what was added since the last call."""
        text = "".join([*self._blocks, *self._pieces])
        self._blocks, self._pieces = [text], []
        return text[:end]


class _Snapshot:
    """Mixin for events with a text that grows."""

    __slots__ = ()

    text: Any
    _so_far: Any
    _end: int

    @property
    def snapshot(self) -> str:
        """The text so far, up to and including this event. Each access copies it, in time linear in its length."""
        return self.text if self._so_far is None else self._so_far.until(self._end)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class TextDelta(_Snapshot):
    """A piece of the text of a choice.

    Attributes:
        text: The piece.
        index: Index of the choice.
        type: `text`.
    """

    __match_args__ = ("text", "index")

    text: str
    index: int = 0
    _so_far: Any = field(default=None, repr=False, compare=False)
    _end: int = field(default=0, repr=False, compare=False)
    type: ClassVar[Literal["text"]] = "text"


@dataclass(frozen=True, slots=True)
class ReasoningDelta(_Snapshot):
    """A piece of the reasoning of a choice, if the server sends it beside the text.

    It is read from `reasoning_content`, `reasoning` and similar properties, and from content parts of the type
    `thinking`. Reasoning inside the text, such as `<think>...</think>`, is part of the text.

    Attributes:
        text: The piece.
        index: Index of the choice.
        type: `reasoning`.
    """

    __match_args__ = ("text", "index")

    text: str
    index: int = 0
    _so_far: Any = field(default=None, repr=False, compare=False)
    _end: int = field(default=0, repr=False, compare=False)
    type: ClassVar[Literal["reasoning"]] = "reasoning"


@dataclass(frozen=True, slots=True)
class RefusalDelta(_Snapshot):
    """A piece of the text with which the model refuses.

    Attributes:
        text: The piece.
        index: Index of the choice.
        type: `refusal`.
    """

    __match_args__ = ("text", "index")

    text: str
    index: int = 0
    _so_far: Any = field(default=None, repr=False, compare=False)
    _end: int = field(default=0, repr=False, compare=False)
    type: ClassVar[Literal["refusal"]] = "refusal"


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A tool call begins.

    Attributes:
        name: Name of the tool, as far as it arrived. Few servers send it in pieces; `ToolCallDone` has all of it.
        id: Identifier of the call; None if there is none, or none yet.
        position: Number of the call in its choice, from 0, in order of arrival.
        index: Index of the choice.
        type: `tool_call_started`.
    """

    name: str
    id: str | None = None
    position: int = 0
    index: int = 0
    type: ClassVar[Literal["tool_call_started"]] = "tool_call_started"


@dataclass(frozen=True, slots=True)
class ToolArgumentsDelta(_Snapshot):
    """A piece of the arguments of a tool call. The pieces of a call are the text of one JSON object.

    `snapshot` is the text so far.

    Attributes:
        text: The piece.
        position: Number of the call in its choice, as in `ToolCallStarted`.
        index: Index of the choice.
        type: `tool_arguments`.
    """

    __match_args__ = ("text", "position", "index")

    text: str
    position: int = 0
    index: int = 0
    _so_far: Any = field(default=None, repr=False, compare=False)
    _end: int = field(default=0, repr=False, compare=False)
    type: ClassVar[Literal["tool_arguments"]] = "tool_arguments"

    @property
    def parsed(self) -> Any:
        """The arguments so far as a JSON value: complete properties, and the beginning of a string that is open.

        A number at the end may be incomplete. None if nothing can be parsed. Each access parses the arguments so far,
        in time linear in their length: access to long arguments at each event takes quadratic time.
        """
        return _parsed(self.snapshot)


@dataclass(frozen=True, slots=True)
class ToolCallDone:
    """A tool call is complete.

    Attributes:
        call: The call. `Toolbox.call` runs it.
        position: Number of the call in its choice, as in `ToolCallStarted`.
        index: Index of the choice.
        type: `tool_call_done`.
    """

    call: ToolCall
    position: int = 0
    index: int = 0
    type: ClassVar[Literal["tool_call_done"]] = "tool_call_done"

    @property
    def name(self) -> str:
        """Name of the tool."""
        return (self.call.function and self.call.function.name) or self.call.tool_name or ""

    @property
    def id(self) -> str | None:
        """Identifier of the call, or None if the server sent none."""
        return self.call.id or self.call.tool_id

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them: JSON text, or `""`."""
        return (self.call.function and self.call.function.arguments) or ""

    @property
    def parsed(self) -> Any:
        """The arguments as a JSON value, parsed on each access. If the text is cut, its beginning; None if invalid."""
        return _parsed(self.arguments)


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The server reports the token usage. Some servers report it with each chunk; the last report is final.

    Attributes:
        usage: Usage of the whole response, including all choices.
        type: `usage`.
    """

    usage: Usage
    type: ClassVar[Literal["usage"]] = "usage"


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice is complete. These are the last events of a stream, one for each choice, in order of the index.

    Attributes:
        reason: The finish reason, such as `stop` or `length`; None if the server sent none.
        index: Index of the choice.
        type: `finished`.
    """

    __match_args__ = ("reason", "index")

    reason: str | None
    index: int = 0
    _so_far: Any = field(default=None, repr=False, compare=False)
    type: ClassVar[Literal["finished"]] = "finished"

    @property
    def snapshot(self) -> str:
        """The whole text of the choice."""
        return "" if self._so_far is None else self._so_far.until(self._so_far.length)


StreamEvent: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolArgumentsDelta
    | ToolCallDone
    | UsageReported
    | Finished
)
"""Any of the events."""


class Completed(Protocol):
    """Which choices have ended."""

    reasons: dict[int, str | None]


class Reader(Protocol):
    """The state of a stream."""

    complete: bool
    completion: Any

    @property
    def chunks_read(self) -> int: ...
    def merged(self) -> Any: ...


def events_of(chunks: Iterator[Any], reader: Reader) -> Iterator[StreamEvent]:
    """Iterate over the events of a stream.

    Args:
        chunks: The stream.
        reader: Its state. What was read elsewhere is part of the snapshots, and causes no events.
    """
    if reader.complete:
        return
    assembler, seen = Assembler(), 0
    while True:
        if reader.chunks_read != seen:
            assembler = Assembler()
            assembler.feed(reader.merged())
        try:
            chunk = next(chunks)
        except StopIteration:
            break
        seen = reader.chunks_read
        yield from assembler.feed(chunk)
    if reader.complete:
        yield from assembler.finish(reader.completion.reasons)


class Assembler:
    """Turns chunks into events."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def feed(self, chunk: Any) -> list[StreamEvent]:
        """Return the events of the next chunk."""
        events: list[StreamEvent] = []
        for position, choice in enumerate(chunk.choices):
            self._choice(index_of(choice.index, position)).feed(choice, events)
        usage = chunk.usage
        if isinstance(usage, Usage) and usage != self._usage:
            self._usage = usage
            events.append(UsageReported(usage))
        return events

    def finish(self, reasons: Mapping[int, str | None]) -> Iterator[StreamEvent]:
        """Iterate over the events at the end of a complete stream.

        Args:
            reasons: The finish reason of each choice. They count only here: a reason that more text follows was none.
        """
        for index in sorted(reasons):
            choice = self._choice(index)
            events: list[StreamEvent] = []
            choice.end_calls(events)
            yield from events
            yield Finished(reasons[index], index, choice.text)

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        return choice


class _Choice:
    """One choice, as far as it has arrived."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = _SoFar()
        self._reasoning = _SoFar()
        self._refusal = _SoFar()
        self._growing = ToolCalls()
        self._calls: dict[int, _Call] = {}
        self._function_call = GrowingCall()
        self._has_tool_calls = False
        self._is_open = False  # whether a call may be open

    def feed(self, choice: Any, events: list[StreamEvent]) -> None:
        delta, index = choice.delta, self.index
        if (extra := delta.model_extra) and (reasoning := _reasoning_in(extra)):
            so_far = self._reasoning
            events.append(ReasoningDelta(reasoning, index, so_far, so_far.add(reasoning)))
        if content := delta.content:
            events.append(TextDelta(content, index, self.text, self.text.add(content)))
        if (refusal := delta.refusal) and isinstance(refusal, str):
            so_far = self._refusal
            events.append(RefusalDelta(refusal, index, so_far, so_far.add(refusal)))
        for fragment in delta.tool_calls or ():
            self._has_tool_calls = True
            self._grow(self._growing.add_one(fragment.to_dict()), False, events)
        # Some servers send the same call in both forms.
        if delta.function_call is not None and not self._has_tool_calls:
            self._function_call.add_function(delta.function_call.to_dict())
            self._grow(self._function_call, True, events)
        if choice.finish_reason and self._is_open:
            self.end_calls(events, only_whole=True)

    def _grow(self, growing: GrowingCall, alone: bool, events: list[StreamEvent]) -> None:
        call = self._calls.get(id(growing))
        if call is None:
            self.end_calls(events, only_whole=True)
            call = self._calls[id(growing)] = _Call(growing, len(self._calls), self.index, alone)
            self._is_open = True
        call.advance(events)

    def end_calls(self, events: list[StreamEvent], only_whole: bool = False) -> None:
        """Add the end of the calls that are open, or of those whose arguments are a whole object."""
        if not self._is_open:
            return
        for call in self._calls.values():
            if not call.done and (not only_whole or call.is_whole()):
                call.end(events)
        self._is_open = not all(call.done for call in self._calls.values())


class _Call:
    """One tool call, as far as events have told it."""

    def __init__(self, growing: GrowingCall, position: int, index: int, alone: bool) -> None:
        self._growing = growing
        self._position = position
        self._index = index
        self._alone = alone  # it is a `function_call`
        self._started = False
        self._arguments = _SoFar()
        self.done = False

    def is_whole(self) -> bool:
        return self._arguments.length > 0 and self._growing.is_whole()

    def advance(self, events: list[StreamEvent], at_end: bool = False) -> None:
        growing = self._growing
        name, length = growing.tool_name, growing.length
        if self.done or not (name or length or at_end):
            return
        if not self._started:
            self._started = True
            events.append(ToolCallStarted(name, growing.id, self._position, self._index))
        new = length - self._arguments.length
        if new <= 0:
            return
        if not at_end and length <= _MAX_PLACEHOLDER and growing.arguments().strip() == "{}":
            return
        text = growing.last_piece
        if len(text) != new:  # what came before came again with it
            text = growing.arguments()[-new:]
        end = self._arguments.add(text)
        events.append(ToolArgumentsDelta(text, self._position, self._index, self._arguments, end))

    def end(self, events: list[StreamEvent]) -> None:
        self.advance(events, at_end=True)
        self.done = True
        growing = self._growing
        made = (
            {"type": "function", "function": growing.function_as_json()} if self._alone else growing.as_json()
        )
        events.append(ToolCallDone(ToolCall.from_dict(made), self._position, self._index))


def _reasoning_in(extra: Mapping[str, Any]) -> str:
    """Return the reasoning in a delta."""
    for name in _REASONING_TEXTS:
        if (value := extra.get(name)) and isinstance(value, str):
            return value
    for name in _REASONING_PARTS:
        if text := _text_of_parts(extra.get(name), name == "content_parts"):
            return text
    return ""


def _text_of_parts(value: Any, mixed: bool) -> str:
    """Return the text of one or more parts. `mixed`: only those are reasoning whose type says so."""
    if isinstance(value, str):
        return "" if mixed else value
    if isinstance(value, list):
        return "".join(_text_of_parts(part, mixed) for part in value)
    if not isinstance(value, Mapping) or (mixed and not str(value.get("type")).startswith(_REASONING_TYPES)):
        return ""
    return next((text for name in _TEXTS_OF_PARTS if (text := _text_of_parts(value.get(name), False))), "")


def _parsed(text: str) -> Any:
    """Parse a JSON text that may be cut."""
    mode: Any
    for mode in ("trailing-strings", True):
        try:
            return from_json(text, allow_partial=mode)
        except TypeError:  # an older pydantic has no modes, and leaves out a string that is cut
            continue
        except ValueError:
            break
    return None
