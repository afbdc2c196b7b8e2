# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Any

from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ToolSchema(Model):
    """JSON Schema of a function's arguments.

    Attributes:
        type: Type of the arguments: `object`.
        properties: JSON Schemas of the arguments, by name (a `properties` object).
        required: Names of the required arguments.
    """

    type: StrictStr
    properties: Any
    required: list[StrictStr]
