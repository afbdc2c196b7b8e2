"""Everything public says what it is where `help()` and an editor look for it."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator

import pytest

import tachyon_sdk
import tachyon_sdk.local
from tachyon_sdk import models
from tachyon_sdk._contract import model as _model

MODULES = [
    "tachyon_sdk",
    *(
        f"tachyon_sdk.{name}"
        for name in (
            *("__main__", "api", "api_client", "api_response", "configuration", "events", "exceptions"),
            *("local", "local.__main__", "local.faults", "models", "rest", "structured", "tools"),
        )
    ),
]


def public_things() -> Iterator[tuple[str, object]]:
    """The public names of the package and, of classes, their public members; inherited ones only from us."""
    for name in tachyon_sdk.__all__:
        if name != "__version__":
            yield name, getattr(tachyon_sdk, name)
    for name in tachyon_sdk.local.__all__:
        yield f"local.{name}", getattr(tachyon_sdk.local, name)


def members_of(cls: type) -> Iterator[tuple[str, object]]:
    for owner in cls.__mro__:
        if owner.__module__.startswith("tachyon_sdk"):
            for name, member in vars(owner).items():
                if not name.startswith("_") and (
                    isinstance(member, (property, classmethod, staticmethod)) or inspect.isfunction(member)
                ):
                    yield name, member


def documented(thing: object) -> bool:
    text = (getattr(thing, "__doc__", None) or "").strip()
    # What Python itself writes for a class that has no docstring of its own.
    generated = dataclasses.is_dataclass(thing) and text.startswith(f"{getattr(thing, '__name__', '')}(")
    return bool(text) and not generated and not text.startswith("Create and return a new object")


THINGS = dict(public_things())
MEMBERS = {
    f"{name}.{member_name}": member
    for name, thing in THINGS.items()
    if isinstance(thing, type)
    for member_name, member in members_of(thing)
}


@pytest.mark.parametrize("name", list(THINGS))
def test_a_public_name_has_a_docstring(name: str) -> None:
    thing = THINGS[name]
    assert documented(thing)
    if isinstance(thing, type):
        assert "__doc__" in vars(thing), "inherited"


def test_every_public_member_has_a_docstring() -> None:
    assert MEMBERS
    assert [name for name, member in MEMBERS.items() if not documented(member)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_has_a_docstring(name: str) -> None:
    assert documented(importlib.import_module(name))


@pytest.mark.parametrize("name", sorted(models.__all__))
def test_each_property_of_a_model_is_described(name: str) -> None:
    model = getattr(models, name)
    if issubclass(model, _model.Model):
        described = re.findall(r"(?m)^    (\w+): \S", section(inspect.getdoc(model) or "", "Attributes"))
        assert described == list(model.model_fields)


def functions() -> Iterator[tuple[str, Callable[..., object]]]:
    for name, thing in {**THINGS, **MEMBERS}.items():
        function = thing.__func__ if isinstance(thing, (classmethod, staticmethod)) else thing
        if inspect.isfunction(function) or isinstance(thing, type):
            yield name, function


def test_a_list_of_arguments_is_whole_and_in_order() -> None:
    wrong = []
    for name, function in functions():
        listed = re.findall(r"(?m)^    (\w+): ", section(inspect.getdoc(function) or "", "Args"))
        if listed:
            parameters = inspect.signature(function).parameters
            if listed != [each for each in parameters if each not in ("self", "cls", "unexpected")]:
                wrong.append(name)
    assert wrong == []


def section(text: str, title: str) -> str:
    """The indented lines below a heading such as `Args:`."""
    found = re.search(rf"(?m)^{title}:\n((?:    .*\n|\n)*)", f"{text}\n")
    return found[1] if found else ""


def test_the_sources_of_errors_that_are_named_exist() -> None:
    """What stands under `Raises:` is a class of this package, of Python or of pydantic."""
    for name, thing in {**THINGS, **MEMBERS}.items():
        for line in re.findall(
            r"(?m)^    ([\w., ]+):(?: |$)", section(inspect.getdoc(thing) or "", "Raises")
        ):
            for error in line.split(", "):
                known = hasattr(tachyon_sdk, error) or error == "pydantic.ValidationError"
                assert known or error in (
                    "Exception",
                    "AssertionError",
                    "OSError",
                    "RuntimeError",
                    "TypeError",
                    "ValueError",
                ), name


def test_the_help_of_a_call_fits_a_terminal() -> None:
    for name in ("chat_completion", "chat_completion_stream", "chat_completion_on_chatroom"):
        text = inspect.getdoc(getattr(tachyon_sdk.ChatApi, name)) or ""
        assert max(map(len, text.splitlines())) <= 110
        # A variant of a call may refer to the call for what they have in common.
        refers = name.endswith("_stream") and "Same arguments and errors as `chat_completion`" in text
        for title in ("Returns",) if refers else ("Args", "Returns", "Raises"):
            assert section(text, title)
