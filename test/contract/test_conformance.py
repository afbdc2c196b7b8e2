"""The models and their pages against `openapi.yaml`, by introspection and by what they accept.

Where a model differs from its schema on purpose, it does so by a mark in the document, or by one of these rules:

- A property that is not required reads as `None` while it is not set, and takes `None` in a request, as in
  other generated clients: it is sent as null, which the server judges.
- A request takes any other string in the place of a member of an enumeration, and any object where the mark
  `x-or-object` says so; `validator` knows.
- A whole number in floating point, such as 1.0, is an integer to JSON Schema; a request takes only 1 for it.
- Answers (`x-answer`) are read leniently: `test_model.py` says how. Here: what the schema allows is accepted.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import json
import math
import pkgutil
import types
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

import tachyon_sdk
import tachyon_sdk.models
from support.contract import (
    ANSWERS,
    ENUMS,
    NATURAL,
    OBJECTS,
    REQUESTS,
    ROOT,
    SCHEMAS,
    Node,
    attribute,
    example,
    module_name,
    properties,
    reference,
    resolved,
    validator,
    without_null,
)
from tachyon_sdk._contract.first_choice import FirstChoice, MessageOfChoice
from tachyon_sdk._contract.model import Alternative, Answer, Model, OneOf, StringEnum, UnknownMember
from tachyon_sdk._contract.paging import Page

pytestmark = pytest.mark.exhaustive

FILLED_IN_LATER = [name for name in OBJECTS if SCHEMAS[name].get("x-fill-in-later")]
ALSO_READ_AS = [(n, k) for n, k in properties() if "x-also-read-as" in SCHEMAS[n]["properties"][k]]


def model_of(name: str) -> Any:
    return getattr(tachyon_sdk, name)


def required(name: str, key: str) -> bool:
    return key in SCHEMAS[name].get("required", ())


def is_container(name: str, key: str) -> bool:
    """Whether a response reads a missing or null required property as an empty value."""
    node = SCHEMAS[name]["properties"][key]
    return node.get("type") == "array" or reference(node) in OBJECTS


# Names


def test_there_is_exactly_one_module_per_schema() -> None:
    modules = {module.name for module in pkgutil.iter_modules(tachyon_sdk.models.__path__)}
    assert modules == {module_name(name) for name in SCHEMAS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_module_defines_exactly_its_class(name: str) -> None:
    module = importlib.import_module(f"tachyon_sdk.models.{module_name(name)}")
    own = [
        key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__
    ]
    assert own == [name]
    model = getattr(module, name)
    assert model.__name__ == model.__qualname__ == name
    assert getattr(tachyon_sdk, name) is getattr(tachyon_sdk.models, name) is model


def test_all_schemas_are_exported() -> None:
    assert sorted(tachyon_sdk.models.__all__) == sorted(SCHEMAS)
    assert set(SCHEMAS) <= set(tachyon_sdk.__all__)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_class_has_the_base_of_its_kind(name: str) -> None:
    answer = Alternative if SCHEMAS[name].get("x-alternative") else Answer
    base = StringEnum if name in ENUMS else OneOf if name in NATURAL else answer if name in ANSWERS else Model
    marks = {"x-first-choice": FirstChoice, "x-page": Page, "x-message": MessageOfChoice}
    shortcuts = (kind for mark, kind in marks.items() if mark in SCHEMAS[name])
    assert model_of(name).__bases__ == (base, *shortcuts)


# Properties


@pytest.mark.parametrize("name", OBJECTS)
def test_the_fields_are_the_properties_in_their_order(name: str) -> None:
    assert list(model_of(name).model_fields) == [attribute(key) for key in SCHEMAS[name]["properties"]]


@pytest.mark.parametrize(("name", "key"), properties())
def test_types(name: str, key: str) -> None:
    field = model_of(name).model_fields[attribute(key)]
    wanted = shape_of_schema(SCHEMAS[name]["properties"][key])
    if not required(name, key) or (name in ANSWERS and not is_container(name, key)):
        wanted |= {"null"}
    assert shape_of_annotation(field.annotation) == wanted


@pytest.mark.parametrize("name", NATURAL)
def test_types_of_alternatives(name: str) -> None:
    wanted = shape_of_schema(SCHEMAS[name])
    assert shape_of_annotation(model_of(name).Value) == wanted
    annotation = inspect.get_annotations(model_of(name))["actual_instance"]
    assert shape_of_annotation(annotation) == wanted | {"null"}  # until it is set


@pytest.mark.parametrize("name", ENUMS)
def test_members(name: str) -> None:
    members = [(member.name, member.value) for member in model_of(name)]
    assert members == [(value.upper(), value) for value in SCHEMAS[name]["enum"]]


@pytest.mark.parametrize(("name", "key"), properties())
def test_required_is_required(name: str, key: str) -> None:
    field = model_of(name).model_fields[attribute(key)]
    may_be_missing = not required(name, key) or name in ANSWERS or name in FILLED_IN_LATER
    assert field.is_required() is not may_be_missing
    if not may_be_missing:
        return
    default = field.get_default(call_default_factory=True)
    if not required(name, key) or not is_container(name, key):
        assert default is None
    else:
        assert default == ([] if SCHEMAS[name]["properties"][key].get("type") == "array" else type(default)())


@pytest.mark.parametrize("name", OBJECTS)
def test_properties_that_may_be_filled_in_later(name: str) -> None:
    wanted = tuple(SCHEMAS[name]["required"]) if name in FILLED_IN_LATER else ()
    assert model_of(name).filled_in_later == wanted


@pytest.mark.parametrize(("name", "key"), ALSO_READ_AS)
def test_other_names_are_read_and_not_written(name: str, key: str) -> None:
    other = SCHEMAS[name]["properties"][key]["x-also-read-as"]
    value = example(name)
    expected = model_of(name).from_dict(value)
    value[other] = value.pop(key)
    assert model_of(name).from_dict(value) == model_of(name).from_json(json.dumps(value)) == expected
    assert other not in model_of(name).from_dict(value).to_dict()
    both = model_of(name).from_dict({**example(name), other: {}})
    assert getattr(both, key) == getattr(expected, key)


def test_no_other_property_has_another_name() -> None:
    for name, key in properties():
        field = model_of(name).model_fields[attribute(key)]
        no_name_in_python = attribute(key) != key
        assert field.alias is None
        assert field.serialization_alias == (key if no_name_in_python else None)
        assert (field.validation_alias is not None) is (no_name_in_python or (name, key) in ALSO_READ_AS)


def shape_of_schema(node: Node) -> set[Any]:
    """The Python types of a schema's values; a list is a pair with the shape of its items."""
    node, nullable = without_null(node)
    return _shape_of_schema(node) | ({"null"} if nullable else set())


def _shape_of_schema(node: Node) -> set[Any]:
    name, node = reference(node), resolved(node)
    if name in ENUMS:
        return {model_of(name), str} | ({dict} if "x-or-object" in node else set())
    if name in OBJECTS:
        return {model_of(name)}
    if "oneOf" in node:
        known = set().union(*(shape_of_schema(option) for option in node["oneOf"]))
        return known | ({UnknownMember} if "discriminator" in node else set())
    match node.get("type"):
        case None:
            return {"any", "null"}
        case "array":
            return {("list", frozenset(shape_of_schema(node["items"])))}
        case "number":
            return {int, float}
        case kind:
            if node.get("format") == "date-time":
                return {datetime}
            return {{"string": str, "integer": int, "boolean": bool}[kind]}


def shape_of_annotation(annotation: Any) -> set[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return shape_of_annotation(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return set().union(*(shape_of_annotation(option) for option in get_args(annotation)))
    if origin is list:
        (item,) = get_args(annotation)
        return {("list", frozenset(shape_of_annotation(item)))}
    if origin is dict:
        return {dict}
    if annotation is Any:
        return {"any", "null"}
    return {"null"} if annotation in (None, type(None)) else {annotation}


# Accepted values


def whole(name: str) -> Node:
    """A new copy of the example of a schema, with a value for every property that it leaves out."""
    return copy.deepcopy(_whole(name))


@functools.cache
def _whole(name: str) -> Node:
    value: Node = example(name)
    for key in SCHEMAS[name]["properties"]:
        if key not in value:
            fitting = (sample for sample in SAMPLES if validator(name).is_valid({**value, key: sample}))
            value[key] = next(sample for sample in fitting if sample is not None)
    return value


_EXAMPLES = [example(name) for name in OBJECTS]
_SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    10,
    2**70,
    0.5,
    1.5,
    -0.5,
    1e-9,
    "",
    "text",
    "1",
    "true",
    "auto",
    "user",
]
SAMPLES = [
    *_SCALARS,
    *([item] for item in _SCALARS),
    [],
    [[]],
    [{}],
    {},
    {"a": 1},
    "日本語" * 100,
    "x" * 1001,
    *_EXAMPLES,
    *([item] for item in _EXAMPLES),
    *([item, None] for item in _EXAMPLES),
]


def accepted(name: str, value: Any) -> bool:
    """Whether the model accepts a value. It must not matter how the value comes to it."""
    model = model_of(name)
    ways = [lambda: model.from_dict(value), lambda: model.from_json(json.dumps(value))]
    if name in NATURAL:
        ways.append(lambda: model(value))
    elif isinstance(value, dict):
        ways.append(lambda: model(**value))
    results = set()
    for way in ways:
        try:
            way()
            results.add(True)
        except ValidationError:
            results.add(False)
    assert len(results) == 1, value
    return results.pop()


@pytest.mark.parametrize(("name", "key"), [(n, k) for n, k in properties() if n in REQUESTS])
def test_requests_accept_values_of_their_schema(name: str, key: str) -> None:
    base = whole(name)
    allowed = validator(name)
    disagreements = [
        f"{'accepted' if accepted(name, value) else 'refused'}: {value[key]!r}"
        for value in ({**base, key: sample} for sample in SAMPLES)
        if accepted(name, value)
        != (allowed.is_valid(value) or (value[key] is None and not required(name, key)))
    ]
    assert not disagreements
    del base[key]
    assert accepted(name, base) == (allowed.is_valid(base) or name in FILLED_IN_LATER)


@pytest.mark.parametrize(("name", "key"), [(n, k) for n, k in properties() if n in ANSWERS])
def test_responses_accept_values_of_their_schema(name: str, key: str) -> None:
    base = whole(name)
    for sample in SAMPLES:
        value = {**base, key: sample}
        if validator(name).is_valid(value):
            assert accepted(name, value)
            assert model_of(name).from_dict(value).to_dict() == value


@pytest.mark.parametrize(("name", "key"), [(n, k) for n, k in properties() if n in REQUESTS])
def test_requests_convert_nothing(name: str, key: str) -> None:
    """Python values that are not JSON values are rejected, even if convertible. (`Decimal` is accepted as a number.)"""
    if SCHEMAS[name]["properties"][key].keys() <= {"description"}:
        return  # any value
    for value in (b"1", {1: 2}.keys(), object()):
        with pytest.raises(ValidationError):
            model_of(name)(**{**whole(name), key: value})


@pytest.mark.parametrize(
    ("name", "key"),
    [(n, k) for n, k in properties() if n in ANSWERS and required(n, k) and is_container(n, k)],
)
def test_responses_read_null_as_empty_for_required_properties(name: str, key: str) -> None:
    value = {**whole(name), key: None}
    default = getattr(model_of(name)(), attribute(key))
    assert default is not None
    assert getattr(model_of(name).from_dict(value), attribute(key)) == default
    assert getattr(model_of(name).from_json(json.dumps(value)), attribute(key)) == default


@pytest.mark.parametrize(("name", "key"), properties())
def test_natural_values_may_be_wrapped(name: str, key: str) -> None:
    kind = reference(without_null(SCHEMAS[name]["properties"][key])[0])
    if kind in NATURAL:
        wrapped = model_of(name)(**{**whole(name), key: model_of(kind)(example(kind))})
        assert wrapped == model_of(name).from_dict({**whole(name), key: example(kind)})


@pytest.mark.parametrize("name", [*REQUESTS, *NATURAL])
def test_complete_values_are_validated_like_the_schema(name: str) -> None:
    for sample in SAMPLES:
        if sample is None and name in OBJECTS:
            continue  # from_dict(None) is None
        if isinstance(sample, dict) and name in FILLED_IN_LATER:
            sample = {"messages": [], **sample}
        # Alternatives that the document does not list are readable.
        unlisted = "discriminator" in SCHEMAS[name] and isinstance(sample, dict)
        assert accepted(name, sample) == (validator(name).is_valid(sample) or unlisted), sample


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in ENUMS])
def test_examples(name: str) -> None:
    value = example(name)
    validator(name).validate(value)
    assert accepted(name, value)
    assert model_of(name).from_dict(value).to_dict() == value
    if name in OBJECTS:
        validator(name).validate(whole(name))
        assert model_of(name).from_dict(whole(name)).to_dict() == whole(name)


@pytest.mark.parametrize("name", OBJECTS)
def test_unknown_properties_are_kept(name: str) -> None:
    unknown = {"unknown_text": "text", "unknown object": {"a": [1, None, {"b": True}]}, "unknown_null": None}
    value = {**example(name), **unknown}
    validator(name).validate(value)
    instance = model_of(name).from_dict(value)
    assert instance.to_dict() == value
    assert json.loads(instance.to_json()) == value
    assert instance.unknown_text == "text"


# Bounds

_ERRORS = {
    "minimum": "greater_than_equal",
    "maximum": "less_than_equal",
    "exclusiveMinimum": "greater_than",
    "exclusiveMaximum": "less_than",
    "minLength": "string_too_short",
    "maxLength": "string_too_long",
    "minItems": "too_short",
    "maxItems": "too_long",
}
BOUNDS = [
    (name, key, keyword)
    for name, key in properties()
    for keyword in _ERRORS
    if keyword in SCHEMAS[name]["properties"][key]
]


def around(node: Node, keyword: str) -> tuple[list[Any], list[Any]]:
    """Values at a bound, and beyond it."""
    bound = node[keyword]
    outward = -1 if keyword in ("minimum", "exclusiveMinimum", "minLength", "minItems") else 1
    if keyword.endswith("Length"):
        return ["日" * bound], ["日" * (bound + outward)]
    if keyword.endswith("Items"):
        raise NotImplementedError(keyword)
    kind = without_null(node)[0]["type"]
    steps = [1] if kind == "integer" else [1, 0.1, abs(bound - math.nextafter(bound, outward * math.inf))]
    at = [bound] if kind == "integer" else [bound, float(bound)]
    beyond = [bound + outward * step for step in steps] + [bound + outward * 10**30]
    if keyword.startswith("exclusive"):
        return [bound - outward], [*at, *beyond]
    return at, beyond


@pytest.mark.parametrize(("name", "key", "keyword"), BOUNDS)
def test_bounds(name: str, key: str, keyword: str) -> None:
    node = SCHEMAS[name]["properties"][key]
    base = whole(name)
    at, beyond = around(node, keyword)
    for value in at:
        assert validator(name).is_valid({**base, key: value})
        assert model_of(name).from_dict({**base, key: value}).to_dict()[key] == value
    instance = model_of(name).from_dict(base)
    for value in beyond:
        assert not validator(name).is_valid({**base, key: value})
        if name in ANSWERS:  # such a value costs nothing but itself
            assert model_of(name).from_dict({**base, key: value}).to_dict()[key] == value
            continue
        for refused in (
            lambda value=value: model_of(name).from_dict({**base, key: value}),
            lambda value=value: model_of(name)(**{**base, key: value}),
            lambda value=value: model_of(name).from_json(json.dumps({**base, key: value})),
            lambda value=value: setattr(instance, attribute(key), value),
        ):
            with pytest.raises(ValidationError) as caught:
                refused()
            (error,) = caught.value.errors()
            assert error["loc"][0] in (key, attribute(key))
            assert error["type"] == _ERRORS[keyword]
            assert str(node[keyword]) in error["msg"]


def test_bounds_of_every_kind_are_found() -> None:
    assert {
        ("ChatCompletionRequest", "temperature", "maximum"),
        ("ChatCompletionRequest", "n", "minimum"),
        ("WebSearchOptionsRequest", "query", "maxLength"),
        ("Usage", "total_tokens", "minimum"),
    } <= set(BOUNDS)


def test_every_keyword_of_a_property_is_one_that_these_tests_know() -> None:
    known = {"$ref", "type", "oneOf", "items", "format", "description", "default", "examples", *_ERRORS}
    for name, key in properties():
        node = SCHEMAS[name]["properties"][key]
        assert {keyword for keyword in node if keyword not in known and not keyword.startswith("x-")} == set()
        for inner in [node.get("items", {}), *node.get("oneOf", [])]:
            assert set(inner) <= {"$ref", "type", "items"}


# Words


def words(text: str | None) -> str:
    """A text with its white space made the same."""
    return " ".join((text or "").split())


@pytest.mark.parametrize("name", SCHEMAS)
def test_docstrings_match_the_document(name: str) -> None:
    doc = inspect.getdoc(model_of(name)) or ""
    summary, _, attributes = doc.partition("Attributes:")
    assert words(summary).startswith(words(SCHEMAS[name]["description"]))
    if name in OBJECTS:
        wanted = [
            f"{attribute(key)}: {words(node['description'])}"
            for key, node in SCHEMAS[name]["properties"].items()
        ]
        assert words(attributes) == " ".join(wanted)


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading; a row belongs to it only where no other line comes between."""
    lines = iter(text.partition(f"## {heading}\n")[2].split("\n"))
    rows: list[list[str]] = []
    for line in lines:
        if "|" in line:
            rows.append([cell.strip() for cell in line.split(" | ")])
        elif rows:
            break
    return rows[2:]


def test_there_is_exactly_one_page_per_schema() -> None:
    record = (ROOT / ".openapi-generator" / "FILES").read_text(encoding="utf-8").split()
    pages = {Path(path).stem for path in record if path.startswith("docs/")}
    assert {page for page in pages if not page.endswith("Api")} == set(SCHEMAS)
    assert all((ROOT / path).is_file() for path in record)


@pytest.mark.parametrize("name", SCHEMAS)
def test_pages_match_their_schemas(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n\n{words(SCHEMAS[name]['description'])}\n")
    assert f"from tachyon_sdk import {name}\n" in text
    assert ("read leniently" in text) is (name in ANSWERS)
    assert "\n\n\n" not in text
    if name not in ENUMS:
        assert SCHEMAS[name]["x-example"] in text


@pytest.mark.parametrize("name", OBJECTS)
def test_a_page_names_every_property(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    rows = table(text, "Properties")
    assert [row[0] for row in rows] == [f"**{attribute(key)}**" for key in SCHEMAS[name]["properties"]]
    for (key, node), (_, kind, description, notes) in zip(
        SCHEMAS[name]["properties"].items(), rows, strict=True
    ):
        assert kind == doc_type(node)
        assert description == words(node["description"])
        assert ("[optional]" in notes) is not required(name, key)
        assert ("[required]" in notes) is required(name, key)
        for keyword, note in (
            ("minimum", "[at least {}]"),
            ("maximum", "[at most {}]"),
            ("maxLength", "[at most {} characters]"),
            ("default", "[the server's default is {}]"),
        ):
            assert (note.format(node.get(keyword)) in notes) is (keyword in node)


@pytest.mark.parametrize("name", ENUMS)
def test_a_page_names_every_member(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert table(text, "Values") == [
        [f"`{name}.{value.upper()}`", f"`'{value}'`"] for value in SCHEMAS[name]["enum"]
    ]


def doc_type(node: Node) -> str:
    node, _ = without_null(node)
    if name := reference(node):
        return f"[{name}]({name}.md)"
    if node.get("type") == "array":
        return f"list[{doc_type(node['items'])}]"
    if node.get("format") == "date-time":
        return "datetime"
    kinds = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", None: "any JSON value"}
    return kinds[node.get("type")]


def test_models_are_pydantic_models() -> None:
    assert all(issubclass(model_of(name), BaseModel) for name in OBJECTS)
