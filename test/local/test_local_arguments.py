"""Arguments that are made from a JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from tachyon_sdk.local.arguments import make_arguments


def made(schema: Any, **more: Any) -> Any:
    """The value of one required argument named `name`."""
    return make_arguments({"type": "object", "properties": {"name": schema}, "required": ["name"], **more})[
        "name"
    ]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "name"),
        ({"type": "string", "minLength": 6}, "namexx"),
        ({"type": "string", "maxLength": 2}, "na"),
        ({"type": "string", "minLength": 10**12, "maxLength": 5}, "namex"),
        ({"type": "string", "format": "date"}, "2024-01-31"),
        ({"type": "string", "format": "unheard-of"}, "name"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 2.5}, 3),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "exclusiveMinimum": 2.5}, 3),
        ({"type": "integer", "maximum": -1.5}, -2),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "multipleOf": 5}, 5),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "integer", "exclusiveMinimum": 5, "multipleOf": 5}, 10),
        ({"type": "number"}, 1),
        ({"type": "number", "minimum": 1.5}, 1.5),
        ({"type": "number", "exclusiveMinimum": 2, "multipleOf": 0.5}, 2.5),
        ({"type": "number", "maximum": 0.25}, 0.25),
        ({"type": "number", "exclusiveMaximum": 1}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": ["null"]}, None),
        ({}, "name"),
        (True, "name"),
        ({"type": "string", "const": "fixed", "default": "other"}, "fixed"),
        ({"type": "string", "const": None}, None),
        ({"type": "integer", "default": 9, "enum": [1, 9]}, 9),
        ({"enum": ["first", "second"]}, "first"),
        ({"type": "string", "examples": ["Oslo"]}, "Oslo"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"type": "array"}, ["name"]),
        ({"items": {"type": "boolean"}}, [True]),
        ({"type": "object"}, {}),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 1}),
        (
            {"properties": {"a": {"properties": {"b": {}}, "required": ["b"]}}, "required": ["a"]},
            {"a": {"b": "b"}},
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"oneOf": [{"const": "x"}]}, "x"),
        ({"allOf": [{"type": "boolean"}], "description": "d"}, True),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, None),
    ],
)
def test_a_value_fits_its_schema(schema: Any, value: Any) -> None:
    result = made(schema)
    assert result == value
    assert type(result) is type(value)


def test_references_are_followed() -> None:
    city = {"type": "object", "properties": {"zip/code": {"type": "integer"}}, "required": ["zip/code"]}
    assert made({"$ref": "#/$defs/City"}, **{"$defs": {"City": city}}) == {"zip/code": 1}
    schema = {"$ref": "#/properties/name/$defs/zip~1code", "$defs": {"zip/code": {"type": "integer"}}}
    assert made(schema) == 1


def test_a_list_of_itself_comes_to_an_end() -> None:
    node = {
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        "required": ["children"],
    }
    assert made({"$ref": "#/$defs/Node"}, **{"$defs": {"Node": node}}) == {"children": [{"children": []}]}


@pytest.mark.parametrize("reference", ["#/properties/name", "#/nowhere", "https://example.com/schema", "#"])
def test_references_that_lead_nowhere_do_no_harm(reference: str) -> None:
    made({"$ref": reference})


def test_required_comes_without_a_property() -> None:
    assert make_arguments({"type": "object", "properties": None, "required": ["a"]}) == {"a": "a"}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "object",
        {},
        {"required": "a"},
        {"required": [1, None]},
    ],
)
def test_what_describes_no_object_gives_an_empty_one(schema: Any) -> None:
    assert make_arguments(schema) == {}


@pytest.mark.parametrize(
    "kind", ["string", "integer", "number", "array", "object", "boolean", "null", "odd", 7, None]
)
@pytest.mark.parametrize("odd", [None, "x", -1, 0, 10**400, float("inf"), 1e-320, [], {}, [[]], True])
def test_a_schema_that_makes_no_sense_does_no_harm(kind: Any, odd: Any) -> None:
    keywords = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "minItems", "maxItems", "items", "properties", "required", "enum", "examples", "format", "anyOf",
        "$ref",
    ]  # fmt: skip
    made({"type": kind, **dict.fromkeys(keywords, odd)})
    for keyword in keywords:
        made({"type": kind, keyword: odd})
