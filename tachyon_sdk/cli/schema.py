"""JSON Schemas of `--schema`: from a file, or of a Python type."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import core_schema

from tachyon_sdk._typed.schema import json_schema, type_adapter
from tachyon_sdk.cli.output import say
from tachyon_sdk.cli.request import Messages, load
from tachyon_sdk.exceptions import ApiValueError

_INSTRUCTION = "Respond with JSON only, without any other text. It must be valid against this JSON Schema:"


class Schema(NamedTuple):
    """A JSON Schema, and the type that validates a response."""

    json: Any
    type: Any

    def add_to(self, request: dict[str, Any]) -> None:
        """Ask for JSON of this schema in the system message of a request."""
        messages: Messages = request["messages"]
        instruction = f"{_INSTRUCTION}\n{json.dumps(self.json, ensure_ascii=False)}"
        if messages[0]["role"] == "system":
            messages[0]["content"] += f"\n\n{instruction}"
        else:
            messages.insert(0, {"role": "system", "content": instruction})
        if isinstance(self.json, dict) and self.json.get("type") == "object":
            request.setdefault("response_format", {"type": "json_object"})


def read_schema(name: str) -> Schema:
    """Return the schema in a file, or that of the type that `module:Type` names.

    Raises:
        ApiValueError: There is none, or it is not a JSON Schema.
    """
    path = Path(name)
    if ":" in name and not path.exists():
        kind = load(name)
        return Schema(json_schema(type_adapter(kind, name), name), kind)
    try:
        schema = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ApiValueError(f"{name}: {error.strerror or error}") from error
    except ValueError as error:
        raise ApiValueError(f"{name} is not valid JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ApiValueError(f"{name} is not a JSON Schema: it must be an object")
    return Schema(schema, _type_of_file(path.name, schema))


def _type_of_file(name: str, schema: dict[str, Any]) -> Any:
    """Return a type whose values are those that are valid against the schema.

    Without the package jsonschema, it has all JSON values; a line on stderr says so.
    """
    try:
        validators: Any = import_module("jsonschema.validators")
        exceptions: Any = import_module("jsonschema.exceptions")
    except ModuleNotFoundError:
        say(f"The response is not checked against {name}: that needs the package jsonschema (extra `cli`).")
        return Any
    kind = validators.validator_for(schema, validators.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        raise ApiValueError(f"{name} is not a valid JSON Schema: {error.message}") from error

    def check(value: Any) -> Any:
        for error in kind(schema).iter_errors(value):
            where = "".join(f"[{step!r}]" for step in error.absolute_path)
            raise ValueError(f"{where}: {error.message}" if where else error.message)
        return value

    class OfFile:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
            return core_schema.no_info_plain_validator_function(check)

    OfFile.__name__ = name
    return OfFile
