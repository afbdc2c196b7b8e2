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
    """A whole answer, as the server sends it where `stream` is not true.

    Attributes:
        id: Identifier of the answer.
        object: Kind of the object, `chat.completion`.
        created: When the answer was made, in Unix seconds.
        model: Model that answered.
        choices: The alternative answers.
        usage: What the answer took.
        system_fingerprint: Identifies the configuration that the model ran with.
        service_tier: Service tier that the request was processed in.
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
