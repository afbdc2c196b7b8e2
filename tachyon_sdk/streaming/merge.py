"""Merges the chunks of a streamed answer into one. No I/O; time and memory are linear in the answer's length.

Chunks are the models of a streaming operation: `choices` of `index`, `delta` and `finish_reason`, with whatever else
a server sends beside these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Strings that name something; where one comes again it is the same name, not a piece of a longer one.
_NAMES = frozenset({"role", "id", "type", "name", "index", "tool_id", "tool_name"})
# The first chunk that tells one of these tells it for the whole answer; `created` may move, for instance.
_OF_THE_ANSWER = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})
_ONLY_TEXT = {"content"}
_ONLY_CALLS = {"tool_calls"}
_ONLY_FUNCTION = {"index", "function"}
_ONLY_ARGUMENTS = {"arguments"}


class Merger:
    """Takes chunks one by one and knows what they amount to so far.

    Attributes:
        chunks: How many it was given.
        complete: Whether the answer is whole, as its reader found.
    """

    def __init__(self) -> None:
        self.chunks = 0
        self.complete = False
        self._answer: dict[str, Any] = {}
        self._choices: dict[Any, _Choice] = {}
        # Where the text of the last chunk went, if that was all there was to add.
        self._growing: list[str] | None = None
        # The properties that no further chunk can change; most chunks have no others.
        self._settled = {"choices"}

    @property
    def finished(self) -> bool:
        """Whether there are choices, and each of them has a finish reason."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def add(self, chunk: Any) -> None:
        """Takes the next chunk, which is left as it is."""
        self.chunks += 1
        self._growing = None
        if not chunk.__pydantic_fields_set__ <= self._settled:
            self._add_to_answer(chunk)
        known = self._choices
        for position, piece in enumerate(chunk.choices):
            index = position if piece.index is None else piece.index
            choice = known.get(index)
            if choice is None:
                choice = known[index] = _Choice()
            self._growing = choice.add(piece)

    def add_text(self, text: str) -> bool:
        """Takes a chunk that is like the last one but for its text; False: the last one was more than text."""
        if self._growing is None:
            return False
        self.chunks += 1
        self._growing.append(text)
        return True

    def merged(self) -> dict[str, Any]:
        """What the chunks so far amount to, as new JSON values in the shape of one chunk."""
        answer = {name: _as_json(value) for name, value in self._answer.items()}
        answer["choices"] = [self._choices[index].merged() for index in sorted(self._choices)]
        return answer

    def _add_to_answer(self, chunk: Any) -> None:
        answer = self._answer
        for name in chunk.__pydantic_fields_set__ - self._settled:
            value = _value(chunk, name)
            if name in _OF_THE_ANSWER:
                answer[name] = value
                if value:
                    self._settled.add(name)
            elif value is not None or name not in answer:
                answer[name] = value


class _Choice:
    """One alternative answer, as far as it has come."""

    __slots__ = ("delta", "finish_reason", "others", "settled", "text")

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.text: list[str] = []
        self.delta: dict[str, Any] = {}
        self.others: dict[str, Any] = {}
        # Of a piece that has no other properties only the delta matters, and a finish reason.
        self.settled = {"delta"}

    def add(self, piece: Any) -> list[str] | None:
        """Adds a piece; gives the text that grew, if nothing else did."""
        delta = piece.delta
        content = delta.content
        growing: list[str] | None = self.text
        if content is None or delta.__pydantic_fields_set__ != _ONLY_TEXT:
            growing = self._add_to_delta(delta)
        else:
            self.text.append(content)
        if not piece.__pydantic_fields_set__ <= self.settled:
            self._add_to_others(piece)
        if piece.finish_reason is not None:
            self.finish_reason = piece.finish_reason or self.finish_reason
        return growing

    def _add_to_delta(self, delta: Any) -> list[str] | None:
        if delta.__pydantic_fields_set__ == _ONLY_CALLS:
            return self._calls().add(delta.tool_calls or ())
        for name in delta.__pydantic_fields_set__:
            value = _value(delta, name)
            if name == "tool_calls":
                self._calls().add(value or ())
            elif name != "content":
                _accumulate(self.delta, name, _plain(value))
            elif value is None:
                self.delta.setdefault(name, None)
            else:
                self.text.append(value)
        return None

    def _calls(self) -> _ToolCalls:
        calls: _ToolCalls = self.delta.setdefault("tool_calls", _ToolCalls())
        return calls

    def _add_to_others(self, piece: Any) -> None:
        for name in piece.__pydantic_fields_set__ - self.settled:
            value = _value(piece, name)
            if name == "finish_reason":
                self.others.setdefault(name, None)
                self.settled.add(name)
            elif name == "logprobs":
                _accumulate(self.others, name, _plain(value))
            else:
                if value is not None or name not in self.others:
                    self.others[name] = value
                if name == "index" and value is not None:
                    self.settled.add(name)

    def merged(self) -> dict[str, Any]:
        choice = {name: _as_json(value) for name, value in self.others.items()}
        if self.finish_reason is not None:
            choice["finish_reason"] = self.finish_reason
        delta = choice["delta"] = {name: _as_json(value) for name, value in self.delta.items()}
        if self.text:
            delta["content"] = "".join(self.text)
        return choice


class _ToolCalls:
    """The tool calls of one alternative answer, put together from fragments."""

    __slots__ = ("calls", "current", "last_key")

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.current: dict[Any, dict[str, Any]] = {}
        self.last_key: Any = None

    def add(self, pieces: Sequence[Any]) -> list[str] | None:
        """Adds fragments; gives the text that grew, if nothing else did."""
        growing: list[str] | None = None
        for piece in pieces:
            if piece.__pydantic_fields_set__ == _ONLY_FUNCTION and (growing := self._more_of(piece)):
                continue
            fragment = _plain(piece)
            key = self.last_key = self._key(fragment)
            call = self.current.get(key)
            if call is None or _is_another(call, fragment):
                call = self.current[key] = {}
                self.calls.append(call)
            for name, value in fragment.items():
                _accumulate(call, name, value)
        return growing if len(pieces) == 1 else None

    def _more_of(self, piece: Any) -> list[str] | None:
        """Adds a piece that is only more of the arguments of a known call, as most are; None: it is not that."""
        function = piece.function
        if function is None or function.__pydantic_fields_set__ != _ONLY_ARGUMENTS:
            return None
        key = ("index", piece.index)
        begun = self.current.get(key, {}).get("function")
        arguments = begun.get("arguments") if begun else None
        if not isinstance(arguments, _Text) or function.arguments is None:
            return None
        arguments.append(function.arguments)
        self.last_key = key
        return arguments

    def _key(self, fragment: dict[str, Any]) -> Any:
        """Tells the calls apart: by index, else by id; a fragment with neither goes on with the last call."""
        for name in ("index", "id", "tool_id"):
            if fragment.get(name) is not None:
                return name, fragment[name]
        return self.last_key

    def as_json(self) -> list[Any] | None:
        if not self.calls:
            return None
        calls = [_as_json(call) for call in self.calls]
        if all(call.get("index") is not None for call in calls):
            calls.sort(key=lambda call: call["index"])
        return calls


def _is_another(call: Mapping[str, Any], fragment: Mapping[str, Any]) -> bool:
    """Whether a fragment begins another call than the one its index belongs to.

    Some servers give all calls the same index, others a new id to every fragment. What names a function again is
    another call where its id is another one, or, without ids to compare, where the name is.
    """
    new_id, old_id = fragment.get("id"), call.get("id")
    new_name = (fragment.get("function") or {}).get("name")
    old_name = (call.get("function") or {}).get("name")
    if not (new_name and old_name):
        return False
    return bool(new_id != old_id if new_id and old_id else new_name != old_name)


class _Text(list[str]):
    """The pieces of a string that is still growing."""


def _accumulate(into: dict[str, Any], name: str, value: Any) -> None:
    """Adds a piece of a value to what came before: strings and lists grow, objects merge, the rest is replaced."""
    before = into.get(name)
    if value is None:
        into.setdefault(name, None)
    elif isinstance(value, str):
        if name in _NAMES:
            into[name] = before or value
        elif isinstance(before, _Text):
            before.append(value)
        else:
            into[name] = _Text([value])
    elif isinstance(value, dict):
        if not isinstance(before, dict):
            before = into[name] = {}
        for inner, part in value.items():
            _accumulate(before, inner, part)
    elif isinstance(value, list):
        if isinstance(before, list) and not isinstance(before, _Text):
            before.extend(value)
        else:
            into[name] = list(value)
    else:
        into[name] = value


def _value(model: Any, name: str) -> Any:
    # As an attribute, an unknown property may have the name of a method.
    unknown = model.__pydantic_extra__
    return unknown[name] if unknown and name in unknown else getattr(model, name)


def _plain(value: Any) -> Any:
    """A model as a dict of what was set, other values as they are."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    names = getattr(value, "model_fields_set", None)
    return value if names is None else {name: _plain(_value(value, name)) for name in names}


def _as_json(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, _ToolCalls):
        return value.as_json()
    value = _plain(value)
    if isinstance(value, dict):
        return {name: _as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    return value
