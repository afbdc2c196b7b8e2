"""Definitions of tools, and functions that are rejected as tools."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import pydantic
import pytest
from jsonschema import Draft202012Validator
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

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

OLDER = tuple(int(number) for number in pydantic.VERSION.split(".")[:2]) < (2, 12)
PARAMETERS_HAVE_ALIASES = pytest.mark.skipif(
    OLDER, reason="older versions ignore the validation alias of a parameter"
)


class Plain(BaseModel):
    size: int


class Sub(Plain):
    pass


def definition_of(*tools: Callable[..., Any]) -> Any:
    """The definition of one tool."""
    (tool,) = Toolbox(*tools).definitions
    assert isinstance(tool, Tool)
    return tool.to_dict()["function"]


def schema_of(tool: Callable[..., Any]) -> Any:
    schema = definition_of(tool)["parameters"]
    Draft202012Validator.check_schema(schema)
    return schema


# Definitions


def test_the_definition_of_a_function() -> None:
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
    assert definition_of(nothing)["parameters"] == {
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
def test_the_schema_matches_the_accepted_arguments(change: Any, fits: bool) -> None:
    arguments = {**WHOLE, **change}
    assert Draft202012Validator(schema_of(everything)).is_valid(arguments) is fits
    toolbox = Toolbox(everything)
    if fits:
        assert run(toolbox, "everything", arguments)
    else:
        assert refusal(toolbox, "everything", arguments)


def test_a_schema_is_complete_and_has_no_titles() -> None:
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


def test_field_metadata_is_in_the_schema() -> None:
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


def test_the_definition_of_a_pydantic_model() -> None:
    function = definition_of(Tree)
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

    @classmethod
    def found(cls) -> str:
        """Founds a shop."""
        return "shop"

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


class Nameless:
    """Can be called and bound like a function, but has no name, as a `functools.partial` from Python 3.14 on."""

    def __call__(self, city: str) -> str:
        """The weather."""
        return city

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self


named_partial = functools.partial(get_weather, "Rom")
functools.update_wrapper(named_partial, get_weather)


def test_methods_and_decorated_functions_are_functions() -> None:
    shop = Shop()
    toolbox = Toolbox(shop.sell, Shop.motto, cached, wrapped)
    names = [tool.function.name for tool in toolbox.definitions]
    assert names == ["sell", "motto", "cached", "get_weather"]
    assert definition_of(shop.sell)["parameters"]["properties"] == {"item": {"type": "string"}}
    assert run(toolbox, "sell", {"item": "茶"}) == "1"
    assert shop.sold == ["茶"]
    assert run(toolbox, "motto", {"loud": True}) == "SHOP"
    assert run(toolbox, "cached", {"a": 1}) == "1"
    assert run(toolbox, "get_weather", {"city": "Rom"}) == "ROM: SUNNY FOR 1 DAYS, 20 C"


# Other names for arguments

CITY = AliasPath("address", "city")


class Aliased(BaseModel):
    """Looks."""

    a: int = Field(alias="one")
    b: int = Field(validation_alias="two", description="Second.")
    c: int = Field(5, validation_alias=AliasChoices("three", "third"))
    d: int = Field(validation_alias=AliasPath("four"))
    e: int = Field(
        6, validation_alias=AliasChoices(AliasPath("deep", "five"), "five"), serialization_alias="fifth"
    )
    f: int = Field(7, serialization_alias="sixth")

    def __call__(self) -> list[int]:
        return [self.a, self.b, self.c, self.d, self.e, self.f]


def aliased(
    a: Annotated[int, Field(alias="one")],
    b: Annotated[int, Field(validation_alias="two", description="Second.")],
    d: Annotated[int, Field(validation_alias=AliasPath("four"))],
    c: Annotated[int, Field(validation_alias=AliasChoices("three", "third"))] = 5,
    e: int = Field(
        6, validation_alias=AliasChoices(AliasPath("deep", "five"), "five"), serialization_alias="fifth"
    ),
    *,
    f: Annotated[int, Field(serialization_alias="sixth")] = 7,
) -> list[int]:
    """Looks."""
    return [a, b, c, d, e, f]


TOLD = {"one": True, "two": True, "three": False, "four": True, "five": False, "f": False}


@pytest.mark.parametrize("tool", [Aliased, pytest.param(aliased, marks=PARAMETERS_HAVE_ALIASES)])
def test_a_tool_is_called_with_the_aliases_of_its_schema(tool: Any) -> None:
    schema = schema_of(tool)
    assert set(schema["properties"]) == set(TOLD)
    assert set(schema["required"]) == {name for name, required in TOLD.items() if required}
    assert schema["properties"]["two"]["description"] == "Second."
    assert schema["properties"]["three"]["default"] == 5
    toolbox = Toolbox(tool)
    every = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 8, "f": 9}
    assert Draft202012Validator(schema).is_valid(every)
    assert run(toolbox, tool.__name__, every) == "[1,2,3,4,8,9]"
    few = {"one": 1, "two": 2, "third": 3, "four": 4, "deep": {"five": 8}}
    assert run(toolbox, tool.__name__, few) == "[1,2,3,4,8,7]"
    assert "two: " in refusal(toolbox, tool.__name__, {"one": 1, "four": 4})


@pytest.mark.skipif(not OLDER, reason="newer versions obey the validation alias of a parameter")
def test_before_pydantic_2_12_parameters_have_the_alias_alone() -> None:
    every = {"one": 1, "b": 2, "c": 3, "d": 4, "e": 8, "f": 9}
    assert set(schema_of(aliased)["properties"]) == set(every)
    assert run(Toolbox(aliased), "aliased", every) == "[1,2,3,4,8,9]"


class Deep(BaseModel):
    """Looks."""

    city: str = Field(validation_alias=CITY)
    zip: int = Field(0, validation_alias=AliasPath("address", "zip"))
    person: Plain | None = None

    def __call__(self) -> str:
        return f"{self.city} {self.zip} {self.person}"


def deep(
    city: Annotated[str, Field(validation_alias=CITY)],
    zip: Annotated[int, Field(validation_alias=AliasPath("address", "zip"))] = 0,
    person: Plain | None = None,
) -> str:
    """Looks."""
    return f"{city} {zip} {person}"


@pytest.mark.parametrize("tool", [Deep, pytest.param(deep, marks=PARAMETERS_HAVE_ALIASES)])
def test_an_alias_path_becomes_nested_objects(tool: Any) -> None:
    schema = schema_of(tool)
    address = {"city": {"type": "string"}, "zip": {"default": 0, "type": "integer"}}
    assert schema["properties"]["address"] == {"type": "object", "properties": address, "required": ["city"]}
    assert list(schema["properties"]) == ["address", "person"]
    assert schema["required"] == ["address"]
    arguments = {"address": {"city": "Oslo", "zip": 5}, "person": {"size": 1}}
    assert Draft202012Validator(schema).is_valid(arguments)
    assert run(Toolbox(tool), tool.__name__, arguments) == "Oslo 5 size=1"
    assert run(Toolbox(tool), tool.__name__, {"address": {"city": "Oslo"}}) == "Oslo 0 None"
    assert "city: " in refusal(Toolbox(tool), tool.__name__, {"address": {}})


class Optional_(BaseModel):
    """Looks."""

    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=str.upper))

    city: str = Field("Oslo", validation_alias=AliasPath("a", "b", "c"))
    other: str = "Bergen"


def test_an_optional_property_does_not_make_its_parent_required() -> None:
    schema = schema_of(Optional_)
    inner = {"type": "object", "properties": {"c": {"default": "Oslo", "type": "string"}}, "required": []}
    outer = {"type": "object", "properties": {"b": inner}, "required": []}
    assert schema["properties"] == {"a": outer, "OTHER": {"default": "Bergen", "type": "string"}}
    assert schema["required"] == []
    assert run(Toolbox(Optional_), "Optional_", {"OTHER": "x"}) == '{"city":"Oslo","other":"x"}'


def swapped(
    a: Annotated[int, Field(validation_alias=AliasChoices("b"), description="First.")],
    b: Annotated[str, Field(validation_alias=AliasChoices("a"), description="Second.")],
) -> str:
    """Looks."""
    return f"{a} {b}"


@PARAMETERS_HAVE_ALIASES
def test_an_alias_may_be_the_name_of_another_parameter() -> None:
    assert schema_of(swapped)["properties"] == {
        "b": {"type": "integer", "description": "First."},
        "a": {"type": "string", "description": "Second."},
    }
    assert run(Toolbox(swapped), "swapped", {"a": "x", "b": 1}) == "1 x"


class Numbered(BaseModel):
    """Looks."""

    x: int = Field(validation_alias=AliasPath("place", 0))


class Twice(BaseModel):
    """Looks."""

    x: int = Field(validation_alias="a")
    y: int = Field(validation_alias=AliasPath("a", "b"))


def hidden(a: int, b: Annotated[int, SkipJsonSchema()] = 1) -> None:
    """Looks."""


class Both(BaseModel):
    """Looks."""

    model_config = ConfigDict(json_schema_extra={"allOf": [{"required": ["a"]}, {"minProperties": 1}]})

    a: list[Both] = []


def test_a_schema_may_have_members_of_all_of() -> None:
    schema = schema_of(Both)
    assert schema["allOf"] == [{"required": ["a"]}, {"minProperties": 1}]
    assert run(Toolbox(Both), "Both", {"a": [{}]}) == '{"a":[{"a":[]}]}'


PROGRAM = '''
from pydantic import BaseModel, Field
from tachyon_sdk import Toolbox

def add(a: int, b: int = 2) -> int:
    """Adds two numbers.

    Args:
        a: The first.
    """
    return a + b

class Order(BaseModel):
    """Orders something."""
    dish: str = Field(description="Its name.")

toolbox = Toolbox(add, Order)
toolbox.add(add, name="plus", description="As told.")
for tool in toolbox.definitions:
    print(tool.function.name, repr(tool.function.description), tool.function.parameters.properties)
'''


@pytest.mark.parametrize("option", ["-OO", "-O"])
def test_a_program_whose_docstrings_are_removed_has_its_tools(option: str) -> None:
    command = [sys.executable, option, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    removed = option == "-OO"
    first = {"type": "integer"} if removed else {"type": "integer", "description": "The first."}
    parameters = {"a": first, "b": {"default": 2, "type": "integer"}}
    dish = {"dish": {"description": "Its name.", "type": "string"}}
    assert done.stdout.splitlines() == [
        f"add {'' if removed else 'Adds two numbers.'!r} {parameters}",
        f"Order {'' if removed else 'Orders something.'!r} {dish}",
        f"plus 'As told.' {parameters}",
    ]


# Rejected tools


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


OBJECT = {"type": "object", "properties": {}}


class Every(RootModel[Annotated[dict[str, int], WithJsonSchema({"allOf": [OBJECT, OBJECT]})]]):
    """Every number."""


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (no_annotation, "^no_annotation: the parameter b has no type annotation$"),
        (positional, "^positional: .*a.* cannot be passed by name"),
        (starred, r"^starred: \*numbers: .* cannot be passed by name"),
        (double_starred, r"^double_starred: \*\*numbers: .* cannot be passed by name"),
        (unresolved, "^unresolved: an annotation cannot be resolved: name 'Missing' is not defined$"),
        (unknown_type, "^unknown_type: .*Shop"),
        (no_json, "^no_json: .*Callable"),
        (asynchronous, "^asynchronous is asynchronous"),
        (Numbers, "^Numbers: the arguments of a tool must be a JSON object"),
        (Numbered, "^Numbered: the alias of x has an index in it"),
        (Twice, "^Twice: two arguments have the name a$"),
        (hidden, "^hidden: a parameter is excluded from the JSON Schema"),
        (Every, "^Every: the arguments of a tool must be a JSON object"),
        (type, "^a tool must be a function"),
        (Shop, "^a tool must be a function"),
        (Shop(), "^a tool must be a function"),
        ("get_weather", "^a tool must be a function.*, not 'get_weather'$"),
        (functools.partial(get_weather, "Rom"), "^a tool must be a function"),
        (named_partial, "^a tool must be a function"),
        (Nameless(), "^a tool must be a function"),
        (Shop.__dict__["found"], "^a tool must be a function"),
        (dict.fromkeys, "^fromkeys"),
    ],
)
def test_invalid_tools_are_rejected_immediately(tool: Any, says: str) -> None:
    with pytest.raises(ApiTypeError, match=says) as caught:
        Toolbox(tool)
    assert "http" not in str(caught.value)


@pytest.mark.parametrize(
    ("add", "says"),
    [
        (lambda: Toolbox(undocumented), "^undocumented has no docstring"),
        (lambda: Toolbox(Sub), "^Sub has no docstring"),
        (lambda: Toolbox(lambda: None), "^'<lambda>' is not a valid tool name"),
        (lambda: Toolbox().add(get_weather, name="a b"), "^'a b' is not a valid tool name"),
        (lambda: Toolbox(get_weather, wrapped), "^two tools are named get_weather$"),
    ],
)
def test_a_tool_needs_a_name_of_its_own_and_a_description(add: Callable[[], Any], says: str) -> None:
    with pytest.raises(ApiValueError, match=says):
        add()
