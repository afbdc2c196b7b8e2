# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Answer, Lenient
from tachyon_sdk.models.function_call_delta import FunctionCallDelta


class ToolCall(Answer):
    """A tool call, or a fragment of one. A call of a client's function has `id` and `function`; fragments
    with the same `index` belong together. A call of a platform's tool has `tool_id` and `tool_name`.

    Attributes:
        index: Index of the call within the message, from 0.
        id: Identifier of the call; the message with the result has it as `tool_call_id`.
        type: Type of the tool: `function`.
        function: The function to call, and its arguments.
        tool_id: Identifier of a platform's tool.
        tool_name: Name of a platform's tool.
        is_client_tool: Whether the client must run the tool.
    """

    index: Annotated[int | None, Lenient] = None
    id: Annotated[str | None, Lenient] = None
    type: Annotated[str | None, Lenient] = None
    function: FunctionCallDelta | None = None
    tool_id: Annotated[str | None, Lenient] = None
    tool_name: Annotated[str | None, Lenient] = None
    is_client_tool: Annotated[bool | None, Lenient] = None
