# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import StrictBool, StrictStr

from tachyon_sdk._contract.model import Model, OfAnyLibrary
from tachyon_sdk.models.tool_schema import ToolSchema


class Function(Model):
    """A function that the model may ask the client to call.

    Attributes:
        name: Name by which the model calls the function.
        description: What the function does and when to call it, for the model to read.
        parameters: JSON Schema of the arguments.
        strict: Whether the arguments must follow `parameters` exactly.
    """

    name: StrictStr
    description: StrictStr
    parameters: ToolSchema
    strict: Annotated[StrictBool, OfAnyLibrary] | None = None
