"""Inspects functions and pydantic models that are used as tools: name, description, JSON Schema of the arguments."""

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

from tachyon_sdk._typed.schema import json_schema, type_adapter
from tachyon_sdk.exceptions import ApiTypeError

# Older versions ignore the validation alias of a parameter.
_PARAMETERS_HAVE_ALIASES = tuple(int(number) for number in pydantic.VERSION.split(".")[:2]) >= (2, 12)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Callee(NamedTuple):
    """A function or model that a model can call.

    Attributes:
        name: Name of the function or class.
        description: First paragraph of the docstring, as one line.
        schema: JSON Schema of the arguments.
        arguments: Validates the arguments.
        run: Calls the function or model with the validated arguments.
    """

    name: str
    description: str
    schema: dict[str, Any]
    arguments: TypeAdapter[Any]
    run: Callable[[Any], Any]


def inspect_tool(tool: Any) -> Callee:
    """Inspect a function, a method or a pydantic model.

    Raises:
        ApiTypeError: It is none of these, or no JSON Schema describes its arguments; see `Toolbox`.
    """
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        callee = _inspect_model(tool)
    elif _is_function(tool):
        callee = _inspect_function(tool)
    else:
        raise ApiTypeError(f"a tool must be a function, a method or a pydantic model, not {tool!r}")
    if callee.schema.get("type") != "object":
        raise ApiTypeError(f"{callee.name}: the arguments of a tool must be a JSON object")
    callee.schema.pop("description", None)
    return callee


def _is_function(tool: Any) -> bool:
    # inspect.isroutine accepts any object with __get__, named and callable or not; from Python 3.14 also a partial.
    return (
        inspect.isroutine(tool)
        and not isinstance(tool, functools.partial)
        and callable(tool)
        and isinstance(getattr(tool, "__name__", None), str)
    )


def _inspect_model(model: type[BaseModel]) -> Callee:
    name = model.__name__
    adapter = type_adapter(model, name)
    # Not an inherited docstring: BaseModel's would describe models in general.
    doc = inspect.cleandoc(model.__dict__.get("__doc__") or "")
    schema = json_schema(adapter, name)
    paths = {}
    for attribute, field in model.model_fields.items():
        path = _argument_path(field.validation_alias, attribute, name)
        # The schema uses the first alias that is a name, or the field's own name if all aliases are paths.
        known = len(path) == 1 and path[0] in schema.get("properties", ())
        paths[path[0] if known else attribute] = path
    return Callee(
        name,
        _summary(doc),
        _nest_properties(schema, paths, name),
        adapter,
        lambda instance: instance() if callable(instance) else instance,
    )


def _inspect_function(function: Any) -> Callee:
    owner = function.__name__
    doc = inspect.getdoc(function) or ""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ApiTypeError(f"{owner} is asynchronous; a tool must be a synchronous function")
    parameters = _parameters(function, owner)

    # Validated in the place of the function, so that a ValidationError is never one that the function raised.
    def collect(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    functools.update_wrapper(collect, function)
    collect.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    try:
        hints = collect.__annotations__ = get_type_hints(collect, include_extras=True)
    except Exception as error:  # an annotation may be any expression
        raise ApiTypeError(f"{owner}: an annotation cannot be resolved: {error}") from error
    adapter = type_adapter(collect, owner)
    schema = json_schema(adapter, owner)
    descriptions = _parse_args_section(doc)
    paths = {}
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty:
            field = FieldInfo.from_annotation(hints[name])
        else:
            field = FieldInfo.from_annotated_attribute(hints[name], parameter.default)
        alias = field.validation_alias if _PARAMETERS_HAVE_ALIASES else field.alias
        path = _argument_path(alias, name, owner)
        # pydantic's key is the alias if that is a plain name, otherwise the parameter's name.
        keys = (alias if isinstance(alias, str) else name, *path, name)
        key = next(key for key in keys if key in schema["properties"])
        schema["properties"][key].update(_field_info(field, descriptions.get(name)))
        paths[key] = path
    schema = _nest_properties(schema, paths, owner)
    return Callee(
        owner, _summary(doc), schema, adapter, lambda arguments: function(*arguments[0], **arguments[1])
    )


def _parameters(function: Any, owner: str) -> dict[str, inspect.Parameter]:
    try:
        parameters = dict(inspect.signature(function).parameters)
    except ValueError as error:
        raise ApiTypeError(f"{owner} has no signature") from error
    for parameter in parameters.values():
        if parameter.kind not in _BY_NAME:
            raise ApiTypeError(
                f"{owner}: {parameter} cannot be passed by name; a tool's arguments have names"
            )
        if parameter.annotation is parameter.empty:
            raise ApiTypeError(f"{owner}: the parameter {parameter.name} has no type annotation")
    return parameters


def _argument_path(alias: str | AliasChoices | AliasPath | None, name: str, owner: str) -> tuple[str, ...]:
    """Return the keys under which an argument is nested in the JSON: one key, unless all aliases are paths."""
    choices = alias.choices if isinstance(alias, AliasChoices) else [name if alias is None else alias]
    paths = [tuple(choice.path) if isinstance(choice, AliasPath) else (choice,) for choice in choices]
    for path in sorted(paths, key=lambda path: len(path) > 1):
        if all(isinstance(step, str) for step in path):
            return path  # type: ignore[return-value]
    raise ApiTypeError(f"{owner}: the alias of {name} has an index in it; a JSON Schema cannot describe that")


def _nest_properties(schema: dict[str, Any], paths: dict[str, tuple[str, ...]], owner: str) -> dict[str, Any]:
    """Return the schema with each property moved to its path. Without nested paths, the schema is unchanged."""
    for one, other in permutations(paths.values(), 2):
        if other[: len(one)] == one:
            raise ApiTypeError(f"{owner}: two arguments have the name {'.'.join(one)}")
    if all(path == (key,) for key, path in paths.items()):
        return schema
    nested: dict[str, Any] = {**schema, "properties": {}, "required": []}
    for key, value in schema["properties"].items():
        *steps, name = paths.get(key, (key,))
        parent = nested
        for step in steps:
            _mark_required(parent, step, key in schema.get("required", ()))
            child = {"type": "object", "properties": {}, "required": []}
            parent = parent["properties"].setdefault(step, child)
        parent["properties"][name] = value
        _mark_required(parent, name, key in schema.get("required", ()))
    return nested


def _mark_required(parent: dict[str, Any], name: str, required: bool) -> None:
    if required and name not in parent["required"]:
        parent["required"].append(name)


def _field_info(field: FieldInfo, description: str | None) -> dict[str, Any]:
    """Return the description, examples and extra schema of a field; older versions of pydantic omit them.

    Args:
        field: The field.
        description: Description from the docstring, used if the field has none.
    """
    info = {"description": field.description or description, "examples": to_jsonable_python(field.examples)}
    extra = field.json_schema_extra
    return {key: value for key, value in info.items() if value} | (extra if isinstance(extra, dict) else {})


def _summary(doc: str) -> str:
    return " ".join(doc.partition("\n\n")[0].split())


def _parse_args_section(doc: str) -> dict[str, str]:
    """Return the descriptions of the `Args:` section of a docstring by parameter name."""
    section = re.search(r"(?m)^Args:\n((?:(?: .*)?(?:\n|\Z))+)", doc)
    if not section:
        return {}
    entries = re.split(r"(?m)^(\w+)(?: *\([^)\n]*\))?:", inspect.cleandoc(section[1]))
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], entries[2::2], strict=True)}
