"""What a model is told about a tool, and what cannot be one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, RootModel, WithJsonSchema

from support.tools import (
    WHOLE,
    Tree,
    everything,
    get_weather,
    nothing,
    refusal,
    run,
)
from tachyon_sdk import (
    ApiTypeError,
    ApiValueError,
    Tool,
    Toolbox,
)


class Plain(BaseModel):
    size: int


class Sub(Plain):
    pass


def told(*tools: Callable[..., Any]) -> Any:
    """What a model is told of one tool."""
    (tool,) = Toolbox(*tools).definitions
    assert isinstance(tool, Tool)
    return tool.to_dict()["function"]


def schema_of(tool: Callable[..., Any]) -> Any:
    schema = told(tool)["parameters"]
    Draft202012Validator.check_schema(schema)
    return schema


# What a model is told


def test_a_function_is_told_in_full() -> None:
    (definition,) = Toolbox(get_weather).definitions
    assert definition.to_dict() == {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather forecast of a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name of the city, in any language: all do."},
                    "days": {
                        "type": "integer",
                        "default": 1,
                        "minimum": 1,
                        "maximum": 7,
                        "description": "How many days to look ahead.",
                    },
                    "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


def test_a_function_without_parameters() -> None:
    assert told(nothing)["parameters"] == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"way": 3, "color": "blue", "when": "2024-01-31", "size": 2, "from": "you"}, True),
        ({"when": None}, True),
        ({"color": "green"}, False),
        ({"size": 0}, False),
        ({"others": [{}]}, False),
        ({"place": None}, False),
        ({"told": "x"}, False),
    ],
)
def test_the_schema_allows_what_a_call_takes(change: Any, fits: bool) -> None:
    arguments = {**WHOLE, **change}
    assert Draft202012Validator(schema_of(everything)).is_valid(arguments) is fits
    toolbox = Toolbox(everything)
    if fits:
        assert run(toolbox, "everything", arguments)
    else:
        assert refusal(toolbox, "everything", arguments)


def test_a_schema_has_what_it_needs_and_no_titles() -> None:
    schema = schema_of(everything)
    assert schema["required"] == ["place", "way"]
    assert list(schema["properties"]) == ["place", "way", "color", "when", "others", "size", "from"]
    assert schema["$defs"]["Place"] == {
        "type": "object",
        "description": "A place.",
        "properties": {
            "title": {"type": "string", "description": "Its name."},
            "country": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["title"],
    }
    assert schema["properties"]["size"]["description"] == "How large."
    assert schema["properties"]["from"]["description"] == "By its annotation."


def test_what_a_field_says_besides_the_type_is_told() -> None:
    def dye(
        how: Annotated[str, Field(examples=["red"], json_schema_extra={"pattern": "[a-z]+"})] = "blue",
    ) -> None:
        """Dyes."""

    assert schema_of(dye)["properties"]["how"] == {
        "type": "string",
        "default": "blue",
        "examples": ["red"],
        "pattern": "[a-z]+",
    }


def test_a_value_that_looks_like_a_title_stays() -> None:
    def dye(how: Annotated[dict[str, str], WithJsonSchema({"const": {"title": "x"}})]) -> None:
        """Dyes."""

    assert schema_of(dye)["properties"]["how"]["const"] == {"title": "x"}


def test_any_name_of_a_parameter_will_do() -> None:
    def odd(schema: int, json: int, copy: int, model_config: int, _hidden: int, title: int, 数: int) -> int:
        """Adds."""
        return schema + json + copy + model_config + _hidden + title + 数

    names = ["schema", "json", "copy", "model_config", "_hidden", "title", "数"]
    assert schema_of(odd)["required"] == names
    assert schema_of(odd)["properties"] == {name: {"type": "integer"} for name in names}
    assert run(Toolbox(odd), "odd", dict.fromkeys(names, 1)) == "7"


def test_a_pydantic_model_is_told_by_its_fields() -> None:
    function = told(Tree)
    assert (function["name"], function["description"]) == ("Tree", "A tree, with branches.")
    parameters = function["parameters"]
    Draft202012Validator.check_schema(parameters)
    assert parameters["required"] == ["name"]
    assert parameters["properties"]["name"] == {"type": "string"}
    assert "description" not in parameters  # the model reads it once
    validator = Draft202012Validator(parameters)
    assert validator.is_valid({"name": "oak", "branches": [{"name": "a", "branches": [{"name": "b"}]}]})
    assert not validator.is_valid({"name": "oak", "branches": [{"name": "a", "branches": [{}]}]})


def test_a_name_and_a_description_may_be_given() -> None:
    toolbox = Toolbox()
    assert toolbox.add(get_weather, name="wetter-heute", description="Das Wetter.") is get_weather
    assert toolbox.add(Plain, description="A size.") is Plain
    (first, second) = (tool.function for tool in toolbox.definitions)
    assert (first.name, first.description) == ("wetter-heute", "Das Wetter.")
    assert (second.name, second.description) == ("Plain", "A size.")
    assert run(toolbox, "wetter-heute", {"city": "Bonn"}) == "Bonn: sunny for 1 days, 20 c"


def test_add_is_a_decorator() -> None:
    toolbox = Toolbox(get_weather)

    @toolbox.add
    def add(a: int, b: int = 2) -> int:
        """Adds two numbers."""
        return a + b

    assert add(1) == 3
    assert [tool.function.name for tool in toolbox.definitions] == ["get_weather", "add"]
    assert run(toolbox, "add", {"a": 40}) == "42"


class Shop:
    def __init__(self) -> None:
        self.sold: list[str] = []

    def sell(self, item: str) -> int:
        """Sells an item."""
        self.sold.append(item)
        return len(self.sold)

    @classmethod
    def motto(cls, *, loud: bool) -> str:
        """What it says on the door."""
        return cls.__name__.upper() if loud else cls.__name__


@functools.lru_cache
def cached(a: int) -> int:
    """Remembers."""
    return a


@functools.wraps(get_weather)
def wrapped(*args: Any, **kwargs: Any) -> str:
    return get_weather(*args, **kwargs).upper()


def test_methods_and_decorated_functions_are_functions() -> None:
    shop = Shop()
    toolbox = Toolbox(shop.sell, Shop.motto, cached, wrapped)
    names = [tool.function.name for tool in toolbox.definitions]
    assert names == ["sell", "motto", "cached", "get_weather"]
    assert told(shop.sell)["parameters"]["properties"] == {"item": {"type": "string"}}
    assert run(toolbox, "sell", {"item": "茶"}) == "1"
    assert shop.sold == ["茶"]
    assert run(toolbox, "motto", {"loud": True}) == "SHOP"
    assert run(toolbox, "cached", {"a": 1}) == "1"
    assert run(toolbox, "get_weather", {"city": "Rom"}) == "ROM: SUNNY FOR 1 DAYS, 20 C"


# What cannot be a tool


def no_annotation(a: int, b) -> None:  # type: ignore[no-untyped-def]
    """."""


def positional(a: int, /) -> None:
    """."""


def starred(*numbers: int) -> None:
    """."""


def double_starred(**numbers: int) -> None:
    """."""


def unresolved(a: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
    """."""


def unknown_type(a: Shop) -> None:
    """."""


def no_json(a: Callable[[], int]) -> None:
    """."""


async def asynchronous(a: int) -> None:
    """."""


def undocumented(a: int) -> None: ...


class Numbers(RootModel[list[int]]):
    """Numbers."""


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (no_annotation, "^no_annotation: the parameter b has no type annotation$"),
        (positional, "^positional: .*a.* cannot be given by name"),
        (starred, r"^starred: \*numbers: .* cannot be given by name"),
        (double_starred, r"^double_starred: \*\*numbers: .* cannot be given by name"),
        (unresolved, "^unresolved: an annotation cannot be resolved: name 'Missing' is not defined$"),
        (unknown_type, "^unknown_type: .*Shop"),
        (no_json, "^no_json: .*Callable"),
        (asynchronous, "^asynchronous is asynchronous"),
        (Numbers, "^Numbers: arguments are a JSON object"),
        (type, "^a tool is a function"),
        (Shop, "^a tool is a function"),
        (Shop(), "^a tool is a function"),
        ("get_weather", "^a tool is a function.*, not 'get_weather'$"),
        (functools.partial(get_weather, "Rom"), "^a tool is a function"),
        (dict.fromkeys, "^fromkeys"),
    ],
)
def test_what_cannot_be_a_tool_is_told_at_once(tool: Any, says: str) -> None:
    with pytest.raises(ApiTypeError, match=says) as caught:
        Toolbox(tool)
    assert "http" not in str(caught.value)


@pytest.mark.parametrize(
    ("add", "says"),
    [
        (lambda: Toolbox(undocumented), "^undocumented has no docstring"),
        (lambda: Toolbox(Sub), "^Sub has no docstring"),
        (lambda: Toolbox(lambda: None), "^<lambda> is no name for a tool"),
        (lambda: Toolbox().add(get_weather, name="a b"), "^a b is no name"),
        (lambda: Toolbox(get_weather, wrapped), "^there are two tools named get_weather$"),
    ],
)
def test_a_tool_needs_a_name_of_its_own_and_a_description(add: Callable[[], Any], says: str) -> None:
    with pytest.raises(ApiValueError, match=says):
        add()
