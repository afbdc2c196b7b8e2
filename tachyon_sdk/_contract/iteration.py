"""What iterating over a response gives: its properties, as in pydantic, with a hint for programs that expect others."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any


class Property(tuple[str, Any]):
    """A pair of a name and a value. Other uses than that of a pair raise an error with a hint."""

    hint: str

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            raise TypeError(self.hint)
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name if name.startswith("_") else self.hint)

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)


# The methods that return the streams of responses that were read whole, by the identity of the response.
_stream_methods: dict[int, tuple[weakref.ref[Any], str]] = {}


def was_to_be_a_stream(response: Any, method: str) -> None:
    """Note that the request of a response had `stream` set, and the method that returns a stream."""
    key = id(response)
    _stream_methods[key] = weakref.ref(response, lambda _: _stream_methods.pop(key, None)), method


def properties(response: Any, pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Iterate over the properties of a response. Warns if the response was to be a stream."""
    name = type(response).__name__
    pairs = list(pairs)
    lists = [f".{key}" for key, value in pairs if isinstance(value, list)]
    stream = hasattr(response, "to_message")
    _, method = _stream_methods.get(id(response), (None, None))
    hint = f"iterating over a {name} gives its properties as pairs"
    if stream:
        hint += f"; for its chunks, call {method or 'a method whose name ends in _stream, as chat_completion_stream'}"
    elif lists:
        hint += f"; iterate over {' or '.join(lists)}"
        if hasattr(type(response), "_items_name"):
            hint += ", or over tachyon_sdk.paged(...) for all pages"
    if method:
        import warnings

        # 3: the caller of `__iter__` of the response, which is a generator.
        warnings.warn(hint, UserWarning, stacklevel=3)
    for pair in pairs:
        item = Property(pair)
        item.hint = hint
        yield item
