# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, ClassVar

from pydantic import Field

from tachyon_sdk._contract.first_choice import FirstChoice
from tachyon_sdk._contract.model import Answer, EmptyForNull, Lenient
from tachyon_sdk.models.choice import Choice
from tachyon_sdk.models.message import Message
from tachyon_sdk.models.tool_call_response import ToolCallResponse
from tachyon_sdk.models.usage import Usage


class ChatCompletionResponse(Answer, FirstChoice[ToolCallResponse, Message]):
    """A full response, which the server sends if `stream` is not true.

    Attributes:
        id: Identifier of the response.
        object: Type of the object: `chat.completion`.
        created: Creation time in Unix seconds.
        model: Model that generated the response.
        choices: The choices (alternative responses).
        usage: Token usage of the response.
        system_fingerprint: Identifier of the backend configuration of the model.
        service_tier: Service tier that processed the request.
    """

    _message_type: ClassVar = Message

    id: Annotated[str | None, Lenient] = None
    object: Annotated[str | None, Lenient] = None
    created: Annotated[int | None, Lenient] = None
    model: Annotated[str | None, Lenient] = None
    choices: Annotated[list[Choice], EmptyForNull] = Field(default_factory=list)
    usage: Annotated[Usage | None, Lenient] = None
    system_fingerprint: Annotated[str | None, Lenient] = None
    service_tier: Annotated[str | None, Lenient] = None
