"""Tools for the tests, and their calls as JSON of a server and of a client."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from tachyon_sdk import (
    Toolbox,
    ToolCall,
    ToolError,
)


class Color(str, enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    """A place."""

    title: str = Field(description="Its name.", title="The title")
    country: str | None = None

    @field_validator("title")
    @classmethod
    def _is_known(cls, title: str) -> str:
        if title == "Atlantis":
            raise ValueError("it has sunk")
        if title == "Eldorado":
            raise AssertionError("nobody has found it")
        return title


class Tree(BaseModel):
    """A tree,
    with branches.

    All of it.
    """

    name: str
    branches: list[Tree] = []

    def __call__(self) -> str:
        return f"{self.name} has {len(self.branches)}"


def get_weather(
    city: str, days: Annotated[int, Field(ge=1, le=7)] = 1, *, unit: Literal["c", "f"] = "c"
) -> str:
    """The weather forecast
    of a city.

    It is always sunny.

    Args:
        city: Name of the city,
            in any language: all do.
        days (int): How many days to look ahead.

    Returns:
        unit: not a parameter here.
    """
    return f"{city}: sunny for {days} days, 20 {unit}"


def everything(
    place: Place,
    way: int | Place,
    color: Color = Color.RED,
    when: date | None = None,
    *,
    others: list[Place] = [],  # noqa: B006
    size: float = Field(1.5, gt=0, description="How large."),
    told: Annotated[str, Field(description="By its annotation.", alias="from")] = "me",
) -> Any:
    """All kinds of types.

    Args:
        told: By the docstring.
    """
    return [place, way, color, when, others, size, told]


def nothing() -> None:
    """Nothing at all."""


def run(toolbox: Toolbox, name: str | None, arguments: Any) -> str:
    """Return the result of a call made by a model."""
    text = arguments if isinstance(arguments, str) or arguments is None else json.dumps(arguments)
    return toolbox.call(ToolCall.from_dict({"id": "c", "function": {"name": name, "arguments": text}}))


def refusal(toolbox: Toolbox, name: str | None, arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        run(toolbox, name, arguments)
    return str(caught.value)


WHOLE = {"place": {"title": "大阪"}, "way": {"title": "Oslo"}, "others": [{"title": "Rio", "country": None}]}
"""Arguments of `everything`."""


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        """Fails."""
        raise error

    return fail


def called(name: str, arguments: str, id: str = "call_a") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def message_with(calls: list[Any], content: str | None = None) -> dict[str, Any]:
    """Return an assistant message as a client sends it."""
    said = {"content": content} if content or not calls else {}
    return {"role": "assistant", **said, **({"tool_calls": calls} if calls else {})}


def completion(calls: list[Any], content: str | None = None) -> dict[str, Any]:
    """Return a complete response as a server sends it."""
    choice = {
        "index": 0,
        "message": {"content": None, **message_with(calls, content)},
        "finish_reason": "tool_calls" if calls else "stop",
    }
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def result(content: str, id: str = "call_a") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}
