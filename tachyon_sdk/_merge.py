"""Merges the chunks of a streamed answer into one. No I/O; time and memory are linear in the answer's length.

Chunks are the models of a streaming operation: `choices` of `index`, `delta` and `finish_reason`, with whatever else
a server sends beside these.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# Strings that name something; where one comes again it is the same name, not a piece of a longer one.
_NAMES = frozenset({"role", "id", "type", "name", "index", "tool_id", "tool_name"})
# The first chunk that tells one of these tells it for the whole answer; `created` may move, for instance.
_OF_THE_ANSWER = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})
_ONLY_TEXT = {"content"}


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

    @property
    def finished(self) -> bool:
        """Whether there are choices, and each of them has a finish reason."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def add(self, chunk: Any) -> None:
        """Takes the next chunk, which is left as it is."""
        self.chunks += 1
        self._add_to_answer(chunk)
        for position, piece in enumerate(chunk.choices):
            index = position if piece.index is None else piece.index
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice()
            choice.add(piece)

    def merged(self) -> dict[str, Any]:
        """What the chunks so far amount to, as new JSON values in the shape of one chunk."""
        answer = {name: _as_json(value) for name, value in self._answer.items()}
        answer["choices"] = [self._choices[index].merged() for index in sorted(self._choices)]
        return answer

    def _add_to_answer(self, chunk: Any) -> None:
        answer = self._answer
        for name in chunk.model_fields_set:
            if name == "choices":
                continue
            value = getattr(chunk, name)
            if name in _OF_THE_ANSWER:
                if not answer.get(name):
                    answer[name] = value
            elif value is not None or name not in answer:
                answer[name] = value


class _Choice:
    """One alternative answer, as far as it has come."""

    __slots__ = ("delta", "finish_reason", "others", "text")

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.text: list[str] = []
        self.delta: dict[str, Any] = {}
        self.others: dict[str, Any] = {}

    def add(self, piece: Any) -> None:
        delta = piece.delta
        content = delta.content
        if content is not None:
            self.text.append(content)
        if delta.model_fields_set != _ONLY_TEXT:
            for name in delta.model_fields_set:
                if name == "tool_calls":
                    self.delta.setdefault(name, _ToolCalls()).add(_plain(delta.tool_calls) or ())
                elif name != "content":
                    _accumulate(self.delta, name, _plain(getattr(delta, name)))
        for name in piece.model_fields_set:
            if name == "finish_reason":
                self.finish_reason = piece.finish_reason or self.finish_reason
                self.others.setdefault(name, None)
            elif name == "logprobs":
                _accumulate(self.others, name, _plain(piece.logprobs))
            elif name != "delta":
                value = getattr(piece, name)
                if value is not None or name not in self.others:
                    self.others[name] = value

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

    def add(self, fragments: Iterable[dict[str, Any]]) -> None:
        for fragment in fragments:
            key = self.last_key = self._key(fragment)
            call = self.current.get(key)
            if call is None or _is_another(call, fragment):
                call = self.current[key] = {}
                self.calls.append(call)
            for name, value in fragment.items():
                _accumulate(call, name, value)

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


def _plain(value: Any) -> Any:
    """A model as a dict of what was set, other values as they are."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    names = getattr(value, "model_fields_set", None)
    return value if names is None else {name: _plain(getattr(value, name)) for name in names}


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
