# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from tachyon_sdk._contract.model import Answer
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

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None
    tool_id: str | None = None
    tool_name: str | None = None
    is_client_tool: bool | None = None
