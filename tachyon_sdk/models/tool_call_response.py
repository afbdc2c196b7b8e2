# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.function_call_response import FunctionCallResponse


class ToolCallResponse(Model):
    """A call of a client's function that an assistant's message asks for.

    Attributes:
        id: Identifier that the message with the result refers to as `tool_call_id`.
        type: Kind of the tool, `function`.
        function: Which function to call, and with what.
    """

    id: StrictStr
    type: StrictStr
    function: FunctionCallResponse
