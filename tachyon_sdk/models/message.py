# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.message_content import MessageContent
from tachyon_sdk.models.tool_call_response import ToolCallResponse


class Message(Model):
    """One message of a conversation.

    Attributes:
        role: Role of the author: `system`, `user` or `assistant`. Other roles, such as `tool` or `developer`,
            are sent unchanged.
        content: Content of the message, as text or as parts; null if the message only contains tool calls.
        tool_calls: Tool calls that the assistant requested.
    """

    role: StrictStr
    content: MessageContent.Value | None = None
    tool_calls: list[ToolCallResponse] | None = None
