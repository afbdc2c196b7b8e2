"""`openapi.yaml` by itself: complete, consistent, and in agreement with the known behavior of servers.

That it is an OpenAPI document at all is checked by `tox -e lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from support.contract import (
    ANSWERS,
    ENUMS,
    OBJECTS,
    SCHEMAS,
    SPEC,
    Node,
    operations,
    properties,
    resolved,
    success,
    validator,
)

OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations()}
_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_BOUNDS = (*_LIMITS, "minLength", "maxLength", "minItems", "maxItems")
ERRORS = ["400", "401", "402", "403", "404", "409", "422", "429", "500", "502", "503"]


def nodes(value: Any = SPEC) -> Iterator[Node]:
    """Every object of the document, but for the values of examples."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in ("example", "examples", "default"):
                yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def test_the_version_of_openapi() -> None:
    assert re.fullmatch(r"3\.1\.\d+", SPEC["openapi"])


def test_operation_ids_are_unique() -> None:
    assert len(OPERATIONS) == len(list(operations()))


def test_every_reference_leads_somewhere_and_everything_is_referred_to() -> None:
    found = {node["$ref"] for node in nodes() if "$ref" in node}
    assert all(resolved({"$ref": target}) for target in found)
    sections = SPEC["components"]
    assert found == {f"#/components/{section}/{name}" for section in sections for name in sections[section]}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid_and_described(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["description"].endswith(".")
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    if name not in ENUMS:
        validator(name).validate(json.loads(schema["x-example"]))


@pytest.mark.parametrize(("name", "key"), properties())
def test_properties_are_described(name: str, key: str) -> None:
    node = SCHEMAS[name]["properties"][key]
    assert node["description"].strip().endswith(".")
    for value in [*node.get("examples", []), *([node["default"]] if "default" in node else [])]:
        validator(name)  # the schema itself is valid
        Draft202012Validator(node).validate(value)


@pytest.mark.parametrize(("name", "key"), properties())
def test_bounds_are_described(name: str, key: str) -> None:
    node = SCHEMAS[name]["properties"][key]
    # The bounds of a response are not for the caller to keep.
    missing = [] if name in ANSWERS else missing_bounds(node)
    assert not missing, f"the description of {name}.{key} must name its bounds: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("node", "missing"),
    [
        ({"minimum": 0, "description": "From 0 on."}, []),
        ({"minimum": 0, "description": "Zero or more."}, []),
        ({"minimum": 0, "description": "Not negative."}, []),
        ({"minimum": 0, "description": "The number of tokens."}, ["minimum 0"]),
        ({"minimum": 0, "maximum": 10, "description": "At most 10."}, ["minimum 0"]),
        ({"minimum": 1, "maximum": 10, "description": "At most 10."}, ["minimum 1"]),
        ({"minimum": -2, "maximum": 0.5, "description": "From -2 to 0.5."}, []),
        ({"minimum": 2, "description": "From -2 on."}, ["minimum 2"]),
        ({"exclusiveMinimum": 0, "description": "Above 0."}, []),
        ({"exclusiveMinimum": 0, "description": "The number of tokens."}, ["exclusiveMinimum 0"]),
        ({"minLength": 0, "minItems": 0, "description": "A text."}, []),
        ({"maxItems": 4, "description": "The stop sequences."}, ["maxItems 4"]),
    ],
)
def test_a_bound_missing_from_the_description(node: dict[str, Any], missing: list[str]) -> None:
    assert missing_bounds(node) == missing


def missing_bounds(node: dict[str, Any]) -> list[str]:
    """Return the bounds of a schema that its description does not contain, as a number or (zero) in words."""
    description = node["description"]
    missing = []
    for keyword in _BOUNDS:
        bound = node.get(keyword)
        if bound is None or (keyword in ("minLength", "minItems") and bound == 0):
            continue
        in_words = bound == 0 and re.search(
            r"\b(zero|not negative|non-negative)\b", description, re.IGNORECASE
        )
        if not in_words and not re.search(rf"(?<![\w.-]){re.escape(str(bound))}(?!\w|\.\d)", description):
            missing.append(f"{keyword} {bound}")
    return missing


def test_only_requests_have_properties_filled_in_later() -> None:
    """Required properties of a request may be empty; optional ones are null or absent."""
    assert [name for name in OBJECTS if SCHEMAS[name].get("x-fill-in-later")] == ["ChatCompletionRequest"]


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_operations_are_described_to_the_last_error(operation_id: str) -> None:
    path, _, operation = OPERATIONS[operation_id]
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert operation["description"].endswith(".")
    assert len(operation["tags"]) == 1 and operation["tags"][0] in [tag["name"] for tag in SPEC["tags"]]
    assert {*operation["responses"]} - {success(operation)[0]} <= {*ERRORS}
    if operation.get("x-streaming"):
        assert sorted(operation["responses"]) == ["200", *ERRORS]
    for status in {*operation["responses"]} & {*ERRORS}:
        response = resolved(operation["responses"][status])
        assert response["description"].endswith(".")
        assert response["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/ErrorResponse"
        }
        assert ("Retry-After" in response.get("headers", {})) is (status in ("429", "503"))
    in_path = re.findall(r"{(\w+)}", path)
    parameters = [resolved(parameter) for parameter in operation["parameters"]]
    assert [parameter["name"] for parameter in parameters if parameter["in"] == "path"] == in_path
    for parameter in parameters:
        assert parameter.get("required") is True or parameter["in"] == "query"
        assert parameter["description"].endswith(".")
        schema = {**parameter["schema"], "components": SPEC["components"]}
        Draft202012Validator(schema).validate(parameter["example"])


@pytest.mark.parametrize(
    "operation_id", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name][2]]
)
def test_bodies_have_an_example_that_fits(operation_id: str) -> None:
    body = resolved(OPERATIONS[operation_id][2]["requestBody"])
    assert body["required"] is True
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    validator(name).validate(json.loads(body["x-example"]))


def test_streaming_operations_have_both_forms_of_response() -> None:
    for _, _, operation in OPERATIONS.values():
        status, content = success(operation)
        forms = {"application/json", *(["text/event-stream"] if operation.get("x-streaming") else [])}
        assert set(content) == (forms if status != "204" else set())


def test_every_extension_is_explained() -> None:
    used = {key for node in nodes() for key in node if key.startswith("x-") and key != "x-operator-id"}
    assert used == set(re.findall(r"`(x-[a-z-]+)", SPEC["info"]["description"]))


def test_the_tags_are_described() -> None:
    used = {name for _, _, operation in operations() for name in operation["tags"]}
    assert {tag["name"] for tag in SPEC["tags"]} == used
    assert all(tag["description"] for tag in SPEC["tags"])


def test_the_known_hosts() -> None:
    assert [server["url"] for server in SPEC["servers"]] == [
        "http://localhost",
        "http://localhost:50054",
        "https://api.n1.tachy.one",
    ]
