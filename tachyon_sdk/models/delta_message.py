# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Answer, KnownFirst, Lenient
from tachyon_sdk.models.chat_role import ChatRole
from tachyon_sdk.models.function_call_delta import FunctionCallDelta
from tachyon_sdk.models.tool_call import ToolCall


class DeltaMessage(Answer):
    """What a piece adds to the message; merged, the whole message.

    Attributes:
        role: Who speaks; usually in the first piece only.
        content: Text that this piece adds.
        tool_calls: Tool calls, whole or in fragments.
        refusal: Text that this piece adds to a refusal to answer.
        function_call: A function call in the form that came before `tool_calls`.
    """

    role: Annotated[Annotated[ChatRole | str, KnownFirst] | None, Lenient] = None
    content: str | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: Annotated[str | None, Lenient] = None
    function_call: FunctionCallDelta | None = None
