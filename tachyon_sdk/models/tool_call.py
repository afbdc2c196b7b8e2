# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Answer, Lenient
from tachyon_sdk.models.function_call_delta import FunctionCallDelta


class ToolCall(Answer):
    """A tool call, or a fragment of one. A call of a client's function comes as `id` and `function`, in
    fragments that belong together by `index`; the platform's own tools come as `tool_id` and `tool_name`.

    Attributes:
        index: Which call of the message this fragment belongs to, counted from 0.
        id: Identifier that the message with the result refers to as `tool_call_id`.
        type: Kind of the tool, `function`.
        function: Which function to call, and with what.
        tool_id: Identifier of a tool of the platform.
        tool_name: Name of a tool of the platform.
        is_client_tool: Whether the client has to run the tool.
    """

    index: Annotated[int | None, Lenient] = None
    id: Annotated[str | None, Lenient] = None
    type: Annotated[str | None, Lenient] = None
    function: FunctionCallDelta | None = None
    tool_id: Annotated[str | None, Lenient] = None
    tool_name: Annotated[str | None, Lenient] = None
    is_client_tool: Annotated[bool | None, Lenient] = None
