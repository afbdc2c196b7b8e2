# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Any

from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ToolSchema(Model):
    """JSON Schema of a function's arguments.

    Attributes:
        type: Type of the arguments as a whole, `object`.
        properties: A JSON Schema `properties` object, from argument names to their schemas.
        required: Names of the arguments that must be given.
    """

    type: StrictStr
    properties: Any
    required: list[StrictStr]
