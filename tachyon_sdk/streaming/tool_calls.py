"""Puts tool calls together from fragments, in the forms in which servers send them. No I/O.

A fragment belongs to a call by `index`, else by `id`. Servers repeat an index for every call, give a new id to every
fragment, repeat or split the name, or send the whole call again; each of these is told apart by what a call can be:
its arguments are the text of one JSON object, and a fragment that begins a call names its function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

# Strings that name something; where one comes again it is the same name, not a piece of a longer one.
_NAMES = frozenset({"role", "id", "type", "name", "index", "tool_id", "tool_name"})
# The beginning of an object, up to the first letter of a name.
_BEGUN = re.compile(r'\s*\{\s*"\w')
# Characters of arguments that are parsed to see whether they are whole, besides some times their length.
_FREE_PARSING = 65536


class Text(list[str]):
    """The pieces of a string that is still growing."""


class ToolCalls:
    """The tool calls of one alternative response."""

    __slots__ = ("_by_key", "_calls", "_last")

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._by_key: dict[Any, ToolCall] = {}
        self._last: ToolCall | None = None

    def add(self, fragments: Sequence[dict[str, Any]]) -> None:
        for fragment in fragments:
            self.add_one(fragment)

    def add_one(self, fragment: dict[str, Any]) -> ToolCall:
        """Takes a fragment, and returns the call that it belongs to."""
        key = _key(fragment)
        call = self._by_key.get(key) if key else self._last
        if call is None and self._last is not None and _only_continues(fragment):
            call = self._last
        if call is None or call.is_another(fragment):
            call = ToolCall()
            self._calls.append(call)
        if key:
            self._by_key[key] = call
        self._last = call
        call.add(fragment)
        return call

    def as_json(self) -> list[dict[str, Any]]:
        calls = [call.as_json() for call in self._calls]
        if all(isinstance(call.get("index"), int) for call in calls):
            calls.sort(key=lambda call: call["index"])
        return calls


class ToolCall:
    """One tool call, as far as it has arrived.

    Attributes:
        name: Name of the function, or "".
        length: Characters of the arguments.
    """

    __slots__ = ("_arguments", "_came", "_fields", "_function", "_parsed", "length", "name")

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._function: dict[str, Any] | None = None
        self.name = ""
        self._arguments: list[str] = []
        self.length = 0
        self._parsed = 0  # characters of arguments that were parsed to see whether they are whole
        self._came: dict[str, Any] = {}

    @property
    def id(self) -> str | None:
        """Identifier of the call."""
        return self._fields.get("id") or self._fields.get("tool_id") or None

    @property
    def tool_name(self) -> str:
        """Name of the function, or of the platform's tool."""
        return self.name or self._fields.get("tool_name") or ""

    @property
    def last_piece(self) -> str:
        """The last piece of the arguments."""
        return self._arguments[-1] if self._arguments else ""

    def is_another(self, fragment: Mapping[str, Any]) -> bool:
        """Whether a fragment begins another call than this one, which has its index, its id, or came last."""
        function = fragment.get("function") or {}
        name, arguments = function.get("name"), function.get("arguments")
        if not name or not self.name:
            return False
        new, known = fragment.get("id"), self._fields.get("id")
        if new and known and new != known:
            return True
        if new and new == known and self._is_repeated(arguments):
            return False
        if name == self.name or (not self.length and name.startswith(self.name)):
            return bool(arguments) and self.is_whole()
        if new and new == known:
            return self.is_whole()
        # Only the first fragment of a call has its id. Another name is a further piece of it before the arguments.
        return bool(self.length or (new and not known))

    def add(self, fragment: Mapping[str, Any]) -> None:
        for name, value in fragment.items():
            if name == "function":
                self.add_function(value)
            elif name in _NAMES:
                accumulate(self._fields, name, value)
            elif value is None or self._came.get(name) != value:
                # What comes again unchanged, such as a signature in every fragment, is the same thing.
                self._came[name] = value
                accumulate(self._fields, name, value)

    def add_function(self, function: Any) -> None:
        if not isinstance(function, Mapping):
            return
        if self._function is None:
            self._function = {}
        for key, value in function.items():
            if key == "arguments" and value:
                self._add_arguments(value)
            elif key == "name" and value:
                self._add_name(value)
            else:
                accumulate(self._function, key, value)

    def _add_name(self, name: str) -> None:
        if name.startswith(self.name):  # it is the first, comes again, or grows
            self.name = name
        elif name != self.name:
            self.name += name

    def _add_arguments(self, text: str) -> None:
        if self.length and text.lstrip().startswith("{") and self._is_repeated(text):
            self._arguments, self.length = [], 0
        self._arguments.append(text)
        self.length += len(text)

    def _is_repeated(self, text: str | None) -> bool:
        """Whether arguments are all that came before once more, and perhaps go on.

        A continuation cannot begin like that: its first quote would end a string that is open, and a letter cannot
        follow there.
        """
        if not text:
            return False
        if self.length <= len(text):
            before = self.arguments()
            if before.strip() == "{}" or (_BEGUN.match(before) and text.startswith(before)):
                return True
        return self.is_whole() and _object(text) == _object(self.arguments())

    def is_whole(self) -> bool:
        """Whether the arguments are a whole JSON object."""
        if not self.length or not self._arguments[-1].rstrip().endswith("}"):
            return False
        if self._parsed > 16 * self.length + _FREE_PARSING:  # more would take quadratic time
            return False
        self._parsed += self.length
        return _object(self.arguments()) is not None

    def arguments(self) -> str:
        """The arguments so far."""
        text = "".join(self._arguments)
        self._arguments = [text]
        return text

    def as_json(self) -> dict[str, Any]:
        call: dict[str, Any] = {name: as_json(value) for name, value in self._fields.items()}
        if self._function is not None:
            call["function"] = self.function_as_json()
        return call

    def function_as_json(self) -> dict[str, Any]:
        function = {key: as_json(value) for key, value in (self._function or {}).items()}
        if self.name:
            function["name"] = self.name
        if self._arguments:
            function["arguments"] = self.arguments()
        return function


def _key(fragment: Mapping[str, Any]) -> tuple[str, Any] | None:
    """What tells a call from the others: its index, else its id; an empty id is none."""
    if isinstance(index := fragment.get("index"), (int, str)):
        return "index", index
    for name in ("id", "tool_id"):
        if isinstance(identity := fragment.get(name), (int, str)) and identity != "":
            return name, identity
    return None


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object of a text, None where it is not one."""
    try:
        value = from_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _only_continues(fragment: Mapping[str, Any]) -> bool:
    """Whether a fragment has more arguments and names no function."""
    function = fragment.get("function") or {}
    return bool(function.get("arguments")) and not (function.get("name") or fragment.get("tool_name"))


def accumulate(into: dict[str, Any], name: str, value: Any) -> None:
    """Adds a piece of a value to what came before: strings and lists grow, objects merge, the rest is replaced."""
    before = into.get(name)
    if value is None:
        into.setdefault(name, None)
    elif isinstance(value, str):
        if name in _NAMES:
            into[name] = before or value
        elif isinstance(before, Text):
            before.append(value)
        else:
            into[name] = Text([value])
    elif isinstance(value, dict):
        if not isinstance(before, dict):
            before = into[name] = {}
        for inner, part in value.items():
            accumulate(before, inner, part)
    elif isinstance(value, list):
        if isinstance(before, list) and not isinstance(before, Text):
            before.extend(value)
        else:
            into[name] = list(value)
    else:
        into[name] = value


def as_json(value: Any) -> Any:
    """A copy of a value, with the texts that grew as strings."""
    if isinstance(value, Text):
        return "".join(value)
    if isinstance(value, dict):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value
