"""JSON Schemas of the user's own types, and validation errors as text. Models read both."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticOmit

from tachyon_sdk.exceptions import ApiTypeError

_MAX_FAULTS = 10
# Keywords whose keys are property names, so `title` in them is a property and not an annotation.
_MAPS = ("properties", "$defs")
_ANNOTATIONS = ("default", "deprecated", "description", "examples")
_VALUES = ("default", "const", "enum", "examples")


def type_adapter(kind: Any, owner: str) -> TypeAdapter[Any]:
    """Return the adapter that validates values of a type.

    Args:
        kind: Any type that pydantic supports.
        owner: Name for error messages.

    Raises:
        ApiTypeError: pydantic does not support the type.
    """
    try:
        return TypeAdapter(kind)
    except (PydanticUserError, NameError) as error:
        raise _unusable(owner, error) from error


def json_schema(adapter: TypeAdapter[Any], owner: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a type, without titles, which only repeat the names.

    Raises:
        ApiTypeError: No JSON Schema describes the type.
    """
    try:
        schema: dict[str, Any] = _without_titles(adapter.json_schema())
    except PydanticOmit as error:
        raise ApiTypeError(f"{owner}: a parameter is excluded from the JSON Schema") from error
    except (PydanticUserError, NameError, KeyError) as error:  # KeyError: an unresolved reference
        raise _unusable(owner, error) from error
    # The schema of a recursive type is only a reference; older versions of pydantic wrap it in "allOf".
    only = schema["allOf"][0] if len(schema.get("allOf", ())) == 1 else schema
    reference = only.get("$ref", "") if isinstance(only, dict) else ""
    definitions = schema.get("$defs", {})
    referred = definitions.get(reference.removeprefix("#/$defs/"))
    if referred is None or not schema.keys() <= {"$ref", "allOf", "$defs", *_ANNOTATIONS}:
        return schema  # other keywords beside the reference would be lost
    return {**referred, "$defs": definitions}


def describe_errors(error: ValidationError, text: str) -> str:
    """Describe the errors in a JSON text in one line: the path of each in the JSON, and what is expected there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(fault["type"] == "json_invalid" for fault in found):
        return found[0]["msg"]
    value = json.loads(text)
    faults = []
    for fault in found:
        path = _json_path(fault["loc"], value, is_missing=fault["type"].startswith("missing"))
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        faults.append(f"{path}: {message}" if path else message)
    faults = list(dict.fromkeys(faults))
    more = [f"and {len(faults) - _MAX_FAULTS} more"] if len(faults) > _MAX_FAULTS else []
    return "; ".join([*faults[:_MAX_FAULTS], *more])


def _json_path(location: tuple[str | int, ...], value: Any, is_missing: bool) -> str:
    """Return a location without the steps that pydantic adds, such as names of types and validators."""
    steps = []
    for number, step in enumerate(location, 1):
        try:
            value = value[step]
        except (LookupError, TypeError):
            if not (is_missing and number == len(location)):
                continue
        steps.append(str(step))
    return ".".join(steps)


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in _VALUES:
            kept[key] = value
        elif key in _MAPS:
            kept[key] = {name: _without_titles(item) for name, item in value.items()}
        elif key != "title":
            kept[key] = _without_titles(value)
    return kept


def _unusable(owner: str, error: Exception) -> ApiTypeError:
    # Only the message: str() of pydantic's errors adds a URL.
    return ApiTypeError(f"{owner}: {getattr(error, 'message', error)}")
