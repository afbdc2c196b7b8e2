"""Chunks that differ from the one before in a piece of text alone are made from that one, without parsing them.

Nearly all chunks of a long answer are like that, and parsing and merging them is most of what they cost. What is
equal byte by byte stands for equal values; the rest must be a plain JSON string (RFC 8259, section 7).
"""

import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from pydantic import BaseModel

# The strings that may change: the text, and the arguments of a tool call.
_CHANGING = re.compile(rb'"(?:content|arguments)" ?: ?"([^"\\]*(?:\\.[^"\\]*)*)"')
# The search in a larger chunk would take memory out of proportion.
_LARGEST = 65536
_QUOTE, _BACKSLASH = b'"\\'
_PROBE = b"?"
# So many repeats prove that looking for them is worth its cost.
_WORTH_IT = 16
_SCALARS = (str, int, float, type(None))

# What pydantic keeps of a model, set in the fastest way there is; by attribute it takes half as long again.
_new = object.__new__
_set_values = BaseModel.__dict__["__dict__"].__set__
_set_names = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_unknown = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private = BaseModel.__dict__["__pydantic_private__"].__set__

# A model of the chunk but for the value that changes: its class, values, names that were set and unknown
# properties, and of the value its name and whether it is the only one in a list.
_Part = tuple[type, dict[str, Any], set[str], dict[str, Any], str, bool]


class Repeats:
    """What a chunk of a stream has in common with the one before.

    Args:
        validate: Reads a chunk from its JSON; raises ValueError where it is none.
    """

    def __init__(self, validate: Callable[[bytes], Any]) -> None:
        self._validate = validate
        self._before = self._after = b""
        self._parts: list[_Part] = []
        self._found = self._missed = 0

    def find(self, data: bytes) -> tuple[Any, str] | None:
        """The chunk of `data` and the text in it that is new, where all else is as in the one before."""
        before, after = self._before, self._after
        if not (before and data.startswith(before) and data.endswith(after)):
            return None
        if len(data) < len(before) + len(after):
            return None
        text = _string(data[len(before) : len(data) - len(after)])
        if text is None:
            return None
        self._found += 1
        value: Any = text
        for cls, values, names, unknown, changing, in_a_list in self._parts:
            # Nothing that can be changed is shared with the chunk before.
            model: Any = _new(cls)
            _set_values(model, {**values, changing: [value] if in_a_list else value})
            _set_names(model, names.copy())
            _set_unknown(model, unknown.copy())
            _set_private(model, None)
            value = model
        return value, text

    def forget(self) -> None:
        """The next chunk repeats nothing."""
        self._before = b""

    def learn(self, data: bytes, chunk: Any) -> None:
        """Takes a chunk that was parsed as the one that the next may repeat."""
        self._before = b""
        self._missed = 1 if self._found >= _WORTH_IT else self._missed + 1
        self._found = 0
        # After attempts in vain the next has to wait twice as long: a stream without repeats costs little more.
        if self._missed & (self._missed - 1) or len(data) > _LARGEST:
            return
        changing = _CHANGING.search(data)
        parts = _parts_of(chunk)
        if changing and parts:
            self._parts = parts
            self._before, self._after = data[: changing.start(1)], data[changing.end(1) :]
            if not self._is_true():
                self._before = b""

    def _is_true(self) -> bool:
        """Whether it is that string which changes, and nothing else."""
        probe = self._before + _PROBE + self._after
        found = self.find(probe)
        self._found = 0
        try:
            return found is not None and bool(found[0] == self._validate(probe))
        except ValueError:
            return False


def _string(literal: bytes) -> str | None:
    """The text of a JSON string without its quotes, None where it is not just that."""
    text = literal.decode()
    if _BACKSLASH in literal:
        quoted = text + '"'
        try:
            text, end = scanstring(quoted, 0)
            text.encode()  # half of a pair of surrogates is no text
        except ValueError:
            return None
        return text if end == len(quoted) else None
    # Control characters are no JSON. Others that cannot be printed are rare, and not worth telling apart.
    return text if _QUOTE not in literal and text.isprintable() else None


def _parts_of(chunk: Any) -> list[_Part]:
    """The models on the way to the one string that this chunk is about, that string's model first; or none."""
    way = ["choices", "delta", "content"]
    if chunk.choices and chunk.choices[0].delta.model_fields_set == {"tool_calls"}:
        way = ["choices", "delta", "tool_calls", "function", "arguments"]
    parts: list[_Part] = []
    model = chunk
    for name in way:
        values, unknown = dict(model.__dict__), model.__pydantic_extra__ or {}
        value = values.pop(name, None)
        in_a_list = isinstance(value, list)
        if in_a_list and len(value) != 1:
            return []
        others = [*values.values(), *unknown.values()]
        if value is None or not all(isinstance(other, _SCALARS) for other in others):
            return []
        names = model.model_fields_set
        # What else a delta has would be a piece of something as well, even where it is the same again.
        if name in ("content", "tool_calls", "arguments") and names != {name}:
            return []
        if name == "function" and names != {"index", "function"}:
            return []
        parts.insert(0, (type(model), {**model.__dict__}, set(names), {**unknown}, name, in_a_list))
        model = value[0] if in_a_list else value
    return parts if isinstance(model, str) else []
