"""JSON of a user's own types: its schema, and what is wrong with a text, both for a model to read."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticOmit

from tachyon_sdk.exceptions import ApiTypeError

_MOST_FAULTS = 10
# In these the keys are names, so that `title` may be one of them.
_BY_NAME = ("properties", "$defs")
_WORDS = ("default", "deprecated", "description", "examples")
_VALUES = ("default", "const", "enum", "examples")


def adapter_of(kind: Any, owner: str) -> TypeAdapter[Any]:
    """What validates values of a type.

    Args:
        kind: Any type that pydantic knows.
        owner: What the type belongs to, for the error.

    Raises:
        ApiTypeError: It is none.
    """
    try:
        return TypeAdapter(kind)
    except (PydanticUserError, NameError) as error:
        raise _unusable(owner, error) from error


def schema_of(adapter: TypeAdapter[Any], owner: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a type, without titles: they only repeat the names.

    Raises:
        ApiTypeError: No JSON stands for a value of the type.
    """
    try:
        schema: dict[str, Any] = _without_titles(adapter.json_schema())
    except PydanticOmit as error:
        raise ApiTypeError(
            f"{owner}: a parameter that is left out of the JSON Schema cannot be given"
        ) from error
    except (PydanticUserError, NameError, KeyError) as error:  # a reference that is not found is a KeyError
        raise _unusable(owner, error) from error
    # A type that contains itself is only referred to; by older versions of pydantic within "allOf".
    only = schema["allOf"][0] if len(schema.get("allOf", ())) == 1 else schema
    reference = only.get("$ref", "") if isinstance(only, dict) else ""
    definitions = schema.get("$defs", {})
    referred = definitions.get(reference.removeprefix("#/$defs/"))
    if referred is None or not schema.keys() <= {"$ref", "allOf", "$defs", *_WORDS}:
        return schema  # what stands beside the reference would be lost
    return {**referred, "$defs": definitions}


def faults_of(error: ValidationError, text: str) -> str:
    """What is wrong with a JSON text, in one line: each place, in the names of the JSON, with what it should be."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(fault["type"] == "json_invalid" for fault in found):
        return found[0]["msg"]
    value = json.loads(text)
    faults = []
    for fault in found:
        place = _place(fault["loc"], value, is_missing=fault["type"].startswith("missing"))
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        faults.append(f"{place}: {message}" if place else message)
    faults = list(dict.fromkeys(faults))
    more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
    return "; ".join([*faults[:_MOST_FAULTS], *more])


def _place(location: tuple[str | int, ...], value: Any, is_missing: bool) -> str:
    """A location without what pydantic adds to it, such as the names of Python types and validators."""
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
        elif key in _BY_NAME:
            kept[key] = {name: _without_titles(item) for name, item in value.items()}
        elif key != "title":
            kept[key] = _without_titles(value)
    return kept


def _unusable(owner: str, error: Exception) -> ApiTypeError:
    # The message alone: as text, pydantic's errors have addresses in them.
    return ApiTypeError(f"{owner}: {getattr(error, 'message', error)}")
