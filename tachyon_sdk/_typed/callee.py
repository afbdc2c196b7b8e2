"""What a model is told about a typed function or a pydantic model, and how its arguments are read."""

import functools
import inspect
import re
from collections.abc import Callable
from itertools import permutations
from typing import Any, NamedTuple, get_type_hints

import pydantic
from pydantic import AliasChoices, AliasPath, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from tachyon_sdk._typed.schema import adapter_of, schema_of
from tachyon_sdk.exceptions import ApiTypeError

# Older versions ignore the validation alias of a parameter.
_PARAMETERS_HAVE_ALIASES = tuple(int(number) for number in pydantic.VERSION.split(".")[:2]) >= (2, 12)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Callee(NamedTuple):
    """Something that a model can call.

    Attributes:
        name: Its own name.
        description: The first paragraph of its docstring, in one line.
        schema: JSON Schema of its arguments.
        arguments: Validates the arguments.
        run: Calls it with what was validated.
    """

    name: str
    description: str
    schema: dict[str, Any]
    arguments: TypeAdapter[Any]
    run: Callable[[Any], Any]


def callee_of(tool: Any) -> Callee:
    """Looks at a function, a method or a pydantic model.

    Raises:
        ApiTypeError: It is none of these, or its arguments cannot be told to a model; see `Toolbox`.
    """
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        callee = _of_model(tool)
    elif inspect.isroutine(tool):
        callee = _of_function(tool)
    else:
        raise ApiTypeError(f"a tool is a function, a method or a pydantic model, not {tool!r}")
    if callee.schema.get("type") != "object":
        raise ApiTypeError(f"{callee.name}: arguments are a JSON object, which this is not")
    callee.schema.pop("description", None)
    return callee


def _of_model(model: type[BaseModel]) -> Callee:
    name = model.__name__
    adapter = adapter_of(model, name)
    # Its own, not what it inherits: that is about models in general.
    doc = inspect.cleandoc(model.__dict__.get("__doc__") or "")
    schema = schema_of(adapter, name)
    places = {}
    for attribute, field in model.model_fields.items():
        place = _place_of(field.validation_alias, attribute, name)
        # The schema has it under the first of its aliases that is a name, and under its own where all are paths.
        known = len(place) == 1 and place[0] in schema.get("properties", ())
        places[place[0] if known else attribute] = place
    return Callee(
        name,
        _summary(doc),
        _arranged(schema, places, name),
        adapter,
        lambda made: made() if callable(made) else made,
    )


def _of_function(function: Any) -> Callee:
    owner = function.__name__
    doc = inspect.getdoc(function) or ""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ApiTypeError(f"{owner} is asynchronous; a tool is called and gives its result at once")
    parameters = _parameters(function, owner)

    # In the place of the function, so that its own errors are not mixed up with those of the arguments.
    def given(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    functools.update_wrapper(given, function)
    given.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    try:
        hints = given.__annotations__ = get_type_hints(given, include_extras=True)
    except Exception as error:  # an annotation may be any expression
        raise ApiTypeError(f"{owner}: an annotation cannot be resolved: {error}") from error
    adapter = adapter_of(given, owner)
    schema = schema_of(adapter, owner)
    told = _told_arguments(doc)
    places = {}
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty:
            field = FieldInfo.from_annotation(hints[name])
        else:
            field = FieldInfo.from_annotated_attribute(hints[name], parameter.default)
        alias = field.validation_alias if _PARAMETERS_HAVE_ALIASES else field.alias
        place = _place_of(alias, name, owner)
        # pydantic's name for it, which is its own where the alias is of another kind.
        keys = (alias if isinstance(alias, str) else name, *place, name)
        key = next(key for key in keys if key in schema["properties"])
        schema["properties"][key].update(_said_of(field, told.get(name)))
        places[key] = place
    schema = _arranged(schema, places, owner)
    return Callee(
        owner, _summary(doc), schema, adapter, lambda arguments: function(*arguments[0], **arguments[1])
    )


def _parameters(function: Any, owner: str) -> dict[str, inspect.Parameter]:
    try:
        parameters = dict(inspect.signature(function).parameters)
    except ValueError as error:
        raise ApiTypeError(f"{owner} does not tell its parameters") from error
    for parameter in parameters.values():
        if parameter.kind not in _BY_NAME:
            raise ApiTypeError(f"{owner}: {parameter} cannot be given by name, as arguments of a tool are")
        if parameter.annotation is parameter.empty:
            raise ApiTypeError(f"{owner}: the parameter {parameter.name} has no type annotation")
    return parameters


def _place_of(alias: str | AliasChoices | AliasPath | None, name: str, owner: str) -> tuple[str, ...]:
    """The names under which a model gives an argument, one within the other: one name, unless it has none alone."""
    choices = alias.choices if isinstance(alias, AliasChoices) else [name if alias is None else alias]
    places = [tuple(choice.path) if isinstance(choice, AliasPath) else (choice,) for choice in choices]
    for place in sorted(places, key=lambda place: len(place) > 1):
        if all(isinstance(step, str) for step in place):
            return place  # type: ignore[return-value]
    raise ApiTypeError(f"{owner}: {name} has an alias that is not made of names alone, so it cannot be told")


def _arranged(schema: dict[str, Any], places: dict[str, tuple[str, ...]], owner: str) -> dict[str, Any]:
    """The schema with its properties in their places, where they are not yet."""
    for one, other in permutations(places.values(), 2):
        if other[: len(one)] == one:
            raise ApiTypeError(f"{owner}: two arguments have the name {'.'.join(one)}")
    if all(place == (key,) for key, place in places.items()):
        return schema
    arranged: dict[str, Any] = {**schema, "properties": {}, "required": []}
    for key, value in schema["properties"].items():
        *steps, name = places.get(key, (key,))
        holder = arranged
        for step in steps:
            _require(holder, step, key in schema.get("required", ()))
            inside = {"type": "object", "properties": {}, "required": []}
            holder = holder["properties"].setdefault(step, inside)
        holder["properties"][name] = value
        _require(holder, name, key in schema.get("required", ()))
    return arranged


def _require(holder: dict[str, Any], name: str, required: bool) -> None:
    if required and name not in holder["required"]:
        holder["required"].append(name)


def _said_of(field: FieldInfo, told: str | None) -> dict[str, Any]:
    """What an annotation says besides the type, which older versions of pydantic leave out, or else the docstring."""
    said = {"description": field.description or told, "examples": to_jsonable_python(field.examples)}
    extra = field.json_schema_extra
    return {key: value for key, value in said.items() if value} | (extra if isinstance(extra, dict) else {})


def _summary(doc: str) -> str:
    return " ".join(doc.partition("\n\n")[0].split())


def _told_arguments(doc: str) -> dict[str, str]:
    """What an `Args:` section of a docstring says, by the names of the parameters."""
    section = re.search(r"(?m)^Args:\n((?:(?: .*)?(?:\n|\Z))+)", doc)
    if not section:
        return {}
    entries = re.split(r"(?m)^(\w+)(?: *\([^)\n]*\))?:", inspect.cleandoc(section[1]))
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], entries[2::2], strict=True)}
