# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.message_content import MessageContent
from tachyon_sdk.models.tool_call_response import ToolCallResponse


class Message(Model):
    """One message of a conversation.

    Attributes:
        role: Who speaks: `system`, `user` or `assistant`; what a provider adds, such as `tool` or
            `developer`, passes through.
        content: What is said, as text or as parts; null where the message only carries tool calls.
        tool_calls: The calls that an assistant's message asked for.
    """

    role: StrictStr
    content: MessageContent.Value | None = None
    tool_calls: list[ToolCallResponse] | None = None
