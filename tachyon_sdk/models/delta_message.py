# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Answer, KnownFirst, Lenient
from tachyon_sdk.models.chat_role import ChatRole
from tachyon_sdk.models.function_call_delta import FunctionCallDelta
from tachyon_sdk.models.tool_call import ToolCall


class DeltaMessage(Answer):
    """Change to a message, or a full message in the same form.

    Attributes:
        role: Role of the author; usually only in the first chunk.
        content: Text to append to the content.
        tool_calls: Tool calls, or fragments of tool calls.
        refusal: Text to append to the refusal.
        function_call: A function call in the format that `tool_calls` replaced.
    """

    role: Annotated[Annotated[ChatRole | str, KnownFirst] | None, Lenient] = None
    content: str | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: Annotated[str | None, Lenient] = None
    function_call: FunctionCallDelta | None = None
