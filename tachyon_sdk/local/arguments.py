"""Arguments for a tool call, made from the JSON Schema of the tool's parameters.

Required properties get a value, optional ones are left out. A value is the schema's `const`, `default`,
first of `enum` or first of `examples` if it has one; otherwise it is made from the type and its bounds.
`pattern` is ignored.
"""

import math
from collections.abc import Callable
from typing import Any

from tachyon_sdk.local.wire import Json

_MAX_LENGTH = 1000  # limits an unreasonable minLength or minItems
_MAX_NUMBER = 1e100  # larger bounds are ignored
_MAX_DEPTH = 8  # limits a schema that requires itself
_FORMATS = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}


def make_arguments(schema: Any) -> Json:
    """Return an object that fits the schema; an empty one if the schema does not describe an object."""
    root = schema if isinstance(schema, dict) else {}
    return _object(root, "", root, 0)


def _value(schema: Any, name: str, root: Json, depth: int) -> Any:
    schema = _resolve(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    if depth >= _MAX_DEPTH:
        return None
    return _MAKERS.get(_type(schema), _string)(schema, name, root, depth)


def _resolve(schema: Any, root: Json) -> Json:
    """Follow `$ref` within the document, and take the first branch of `anyOf`, `oneOf` or `allOf`."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, dict):
            return {}
        branches = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if schema.get(key)), None)
        if isinstance(schema.get("$ref"), str):
            schema = _lookup(schema["$ref"], root)
        elif isinstance(branches, list):
            schema = {
                **{key: schema[key] for key in ("const", "default") if key in schema},
                **_dict(branches[0]),
            }
        else:
            return schema
    return {}


def _lookup(reference: str, root: Json) -> Any:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = _dict(found).get(step.replace("~1", "/").replace("~0", "~"))
    return found


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _object(schema: Json, name: str, root: Json, depth: int) -> Json:
    properties, required = _dict(schema.get("properties")), schema.get("required")
    names = [each for each in required if isinstance(each, str)] if isinstance(required, list) else []
    return {each: _value(properties.get(each), each, root, depth + 1) for each in names}


def _array(schema: Json, name: str, root: Json, depth: int) -> list[Any]:
    # Deep inside only what the schema requires, because an array may contain itself.
    wanted = max(_bound(schema, "minItems", 0), 1 if depth < 3 else 0)
    length = min(wanted, _bound(schema, "maxItems", _MAX_LENGTH))
    return [_value(schema.get("items"), name, root, depth + 1)] * int(length)


def _string(schema: Json, name: str, root: Json, depth: int) -> str:
    kind = schema.get("format")
    text = _FORMATS.get(kind, name or "text") if isinstance(kind, str) else name or "text"
    shortest = int(_bound(schema, "minLength", 0))
    return text.ljust(shortest, "x")[: int(_bound(schema, "maxLength", _MAX_LENGTH))]


def _number(schema: Json, name: str, root: Json, depth: int) -> float | int:
    whole = _type(schema) == "integer"
    step = _finite(schema.get("multipleOf")) or 0
    gap = step or 1 if whole else step or 0.5
    low, high = _finite(schema.get("minimum")), _finite(schema.get("maximum"))
    above, below = _finite(schema.get("exclusiveMinimum")), _finite(schema.get("exclusiveMaximum"))
    value: float | int = 1
    if low is not None and value < low:
        value = math.ceil(low) if whole else low
    if above is not None and value <= above:
        value = math.floor(above) + 1 if whole else above + gap
    if step > 1e-9:
        value = math.ceil(value / step) * step
    if high is not None and value > high:
        value = math.floor(high) if whole else high
    if below is not None and value >= below:
        value = math.ceil(below) - 1 if whole else below - gap
    return value


def _boolean(schema: Json, name: str, root: Json, depth: int) -> bool:
    return True


def _null(schema: Json, name: str, root: Json, depth: int) -> None:
    return None


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _finite(value: Any) -> float | int | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER
    return value if usable else None


def _bound(schema: Json, key: str, otherwise: int) -> float | int:
    found = _finite(schema.get(key))
    return otherwise if found is None else min(max(found, 0), _MAX_LENGTH)


_MAKERS: dict[str, Callable[[Json, str, Json, int], Any]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
}
