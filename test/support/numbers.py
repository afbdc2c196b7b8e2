"""Numbers like those of other libraries, which are not subclasses of int and float."""

from __future__ import annotations

from typing import Any


class Index:
    """An integer of another library: exact, but not an int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Scalar:
    """A scalar as in numpy and torch: a number or boolean in an array without dimensions."""

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
