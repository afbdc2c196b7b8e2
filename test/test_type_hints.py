"""Frameworks that build objects from annotations ask for them at run time: each must be resolved there."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tachyon_sdk
import tachyon_sdk.local
from tachyon_sdk import Configuration, RetryPolicy

PUBLIC = [
    value
    for package in (tachyon_sdk, tachyon_sdk.local)
    for value in (getattr(package, name) for name in package.__all__)
    if callable(value)
]


def annotated(value: Any) -> Iterator[Any]:
    """A function; or a class with the methods that it has of this package, and those that Python calls."""
    yield value
    for kind in inspect.getmro(value) if isinstance(value, type) else ():
        for member in list(vars(kind).values()) if kind.__module__.startswith("tachyon_sdk") else ():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(function):
                yield function
            if setter := getattr(member, "fset", None):
                yield setter


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: value.__name__)
def test_type_hints_are_there_at_run_time(value: Callable[..., Any]) -> None:
    for each in annotated(value):
        hints = typing.get_type_hints(each, include_extras=True)
        assert hints.keys() >= getattr(each, "__annotations__", {}).keys()


def test_the_hints_of_a_constructor_match_its_arguments() -> None:
    hints = typing.get_type_hints(Configuration.__init__)
    assert hints["cert_file"] == str | os.PathLike[str] | None
    assert RetryPolicy in typing.get_args(hints["retries"])
    assert hints["read_timeout"] == float | None
