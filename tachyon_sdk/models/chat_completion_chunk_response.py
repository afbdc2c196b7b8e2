# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, ClassVar

from pydantic import Field

from tachyon_sdk._contract.first_choice import FirstChoice
from tachyon_sdk._contract.model import Answer, EmptyForNull, Lenient
from tachyon_sdk.models.chunk_choice import ChunkChoice
from tachyon_sdk.models.message import Message
from tachyon_sdk.models.tool_call import ToolCall
from tachyon_sdk.models.usage import Usage


class ChatCompletionChunkResponse(Answer, FirstChoice[ToolCall, Message]):
    """A chunk of a streamed response, or a full response in the same form. `choices` is empty in a chunk that
    only reports usage.

    Attributes:
        id: Identifier of the response, the same in all chunks.
        object: Type of the object: `chat.completion.chunk`.
        created: Creation time in Unix seconds; it may differ between chunks of a stream.
        model: Model that generates the response.
        choices: Changes to the choices.
        system_fingerprint: Identifier of the backend configuration of the model.
        service_tier: Service tier that processed the request.
        usage: Token usage of the full response; usually only in the last chunk.
    """

    _message_type: ClassVar = Message

    id: Annotated[str | None, Lenient] = None
    object: Annotated[str | None, Lenient] = None
    created: Annotated[int | None, Lenient] = None
    model: Annotated[str | None, Lenient] = None
    choices: Annotated[list[ChunkChoice], EmptyForNull] = Field(default_factory=list)
    system_fingerprint: Annotated[str | None, Lenient] = None
    service_tier: Annotated[str | None, Lenient] = None
    usage: Annotated[Usage | None, Lenient] = None
