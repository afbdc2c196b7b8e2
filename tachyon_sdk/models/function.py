# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import StrictBool, StrictStr

from tachyon_sdk._contract.model import Model, OfAnyLibrary
from tachyon_sdk.models.tool_schema import ToolSchema


class Function(Model):
    """A function that the model may call.

    Attributes:
        name: Name of the function.
        description: Description of the function for the model: what it does and when to call it.
        parameters: JSON Schema of the arguments.
        strict: Whether the arguments must match `parameters` exactly.
    """

    name: StrictStr
    description: StrictStr
    parameters: ToolSchema
    strict: Annotated[StrictBool, OfAnyLibrary] | None = None
