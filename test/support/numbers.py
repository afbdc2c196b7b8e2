"""Numbers as other libraries have them: no subclasses of Python's own."""

from __future__ import annotations

from typing import Any


class Index:
    """An integer of another library: exact, and no int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Scalar:
    """What numpy and torch have: a number, or a truth value, in an array without a dimension."""

    def __init__(self, value: Any, shape: tuple[int, ...] = ()) -> None:
        self.value = value
        self.shape = shape

    def item(self) -> Any:
        return self.value

    def __index__(self) -> int:
        if self.shape or not isinstance(self.value, int) or isinstance(self.value, bool):
            raise TypeError("this is not an integer")
        return self.value

    def __float__(self) -> float:
        if self.shape:
            raise TypeError("this is not one number")
        return float(self.value)
