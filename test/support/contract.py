"""`openapi.yaml` as test data: schemas, validators and generated valid values."""

from __future__ import annotations

import copy
import functools
import json
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Node = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC: Node = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Node] = SPEC["components"]["schemas"]

OBJECTS = [name for name, schema in SCHEMAS.items() if schema.get("type") == "object"]
ENUMS = [name for name, schema in SCHEMAS.items() if "enum" in schema]
NATURAL = [name for name, schema in SCHEMAS.items() if schema.get("x-natural")]
ANSWERS = [name for name in OBJECTS if SCHEMAS[name].get("x-answer")]
REQUESTS = [name for name in OBJECTS if name not in ANSWERS]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _with_open_enumerations(spec: Node) -> Node:
    """Return the document with open enumerations: requests accept any string, and an object if marked so."""
    spec = copy.deepcopy(spec)
    for name in ENUMS:
        also = [{"type": "object"}] if SCHEMAS[name].get("x-or-object") else []
        spec["components"]["schemas"][name] = {"oneOf": [{"type": "string"}, *also]}
    return spec


_COMPONENTS = _with_open_enumerations(SPEC)["components"]


def operations() -> Iterator[tuple[str, str, Node]]:
    """Yield path, method (upper case) and definition of every operation."""
    for path, item in SPEC["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method.upper(), item[method]


def resolved(node: Node) -> Node:
    """Resolve a `$ref`; return any other node unchanged."""
    while "$ref" in node:
        target: Any = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def reference(node: Node) -> str | None:
    """Return the schema name of a `$ref`."""
    return node["$ref"].rpartition("/")[2] if "$ref" in node else None


def properties() -> list[tuple[str, str]]:
    """Return every property as (schema, property)."""
    return [(name, key) for name in OBJECTS for key in SCHEMAS[name]["properties"]]


def attribute(key: str) -> str:
    """Return the Python name of a property or parameter: `max_tokens` of `maxTokens`, `var_from` of `from`."""
    name = module_name(re.sub(r"\W", "_", key))
    return f"var_{name}" if keyword.iskeyword(name) else name


def success(operation: Node) -> tuple[str, Node]:
    """Return the status of the successful response and its media types; these are empty without a body."""
    ((status, response),) = [item for item in operation["responses"].items() if item[0] < "300"]
    return status, resolved(response).get("content", {})


def without_null(node: Node) -> tuple[Node, bool]:
    """Return a property's schema without null, and whether it was nullable."""
    if isinstance(kinds := node.get("type"), list):
        (kind,) = [kind for kind in kinds if kind != "null"]
        return {**node, "type": kind}, "null" in kinds
    if "oneOf" in node and {"type": "null"} in node["oneOf"]:
        rest = [option for option in node["oneOf"] if option != {"type": "null"}]
        return (rest[0] if len(rest) == 1 else {**node, "oneOf": rest}), True
    return node, False


def example(name: str) -> Any:
    """Return a new copy of the example of a schema."""
    return json.loads(SCHEMAS[name]["x-example"])


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": _COMPONENTS})


def module_name(name: str) -> str:
    """`chat_role` of `ChatRole`."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower()


# Valid property names that have a meaning in Python, pydantic or the models.
_AWKWARD_NAMES = [
    "",
    "self",
    "cls",
    "copy",
    "to_dict",
    "from_json",
    "filled_in_later",
    "model_fields",
    "model_config",
    "__class__",
    "__dict__",
    "__pydantic_extra__",
    "__pydantic_fields_set__",
    "日本語",
    "a.b",
]

_numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_names = st.sampled_from(_AWKWARD_NAMES) | st.text(max_size=8)

any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _numbers | st.just(10**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=5,
)
"""Any JSON value."""


def values(node: Node) -> st.SearchStrategy[Any]:
    """Generate JSON values that match a schema, with unknown properties in every object."""
    node = resolved(node)
    if "oneOf" in node:
        return st.one_of([values(option) for option in node["oneOf"]])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    kinds = node.get("type")
    if isinstance(kinds, list):
        return st.one_of([values({**node, "type": kind}) for kind in kinds])
    match kinds:
        case None:
            return any_json
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "string":
            return st.text(max_size=min(node.get("maxLength", 12), 12))
        case "integer":
            return st.integers(node.get("minimum"), node.get("maximum"))
        case "number":
            return _bounded_numbers(node)
        case "array":
            return st.lists(values(node["items"]), max_size=3)
        case "object":
            return _objects(node)
    raise NotImplementedError(kinds)


def _bounded_numbers(node: Node) -> st.SearchStrategy[Any]:
    least, most = node.get("minimum"), node.get("maximum")
    return st.integers(least, most) | st.floats(least, most, allow_nan=False, allow_infinity=False)


def _objects(node: Node) -> st.SearchStrategy[Node]:
    named = {key: values(schema) for key, schema in node["properties"].items()}
    required = {key: named.pop(key) for key in node.get("required", ())}
    # Recursion ends here: the schemas do not contain themselves.
    known = st.fixed_dictionaries(required, optional=named)
    taken = {*node["properties"], *(schema.get("x-also-read-as") for schema in node["properties"].values())}
    unknown = st.dictionaries(_names.filter(lambda key: key not in taken), any_json, max_size=2)
    return st.builds(lambda first, second: {**first, **second}, known, unknown)
