# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.function_call_response import FunctionCallResponse


class ToolCallResponse(Model):
    """A function call that the assistant requested from the client.

    Attributes:
        id: Identifier of the call; the message with the result has it as `tool_call_id`.
        type: Type of the tool: `function`.
        function: The function to call, and its arguments.
    """

    id: StrictStr
    type: StrictStr
    function: FunctionCallResponse
