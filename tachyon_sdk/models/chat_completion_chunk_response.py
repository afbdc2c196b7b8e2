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
    """A piece of an answer; merged, the whole answer. `choices` is empty in a chunk that only reports usage.

    Attributes:
        id: Identifier of the answer, the same in all its chunks.
        object: Kind of the object, `chat.completion.chunk`.
        created: When the answer was made, in Unix seconds; it may move within one stream.
        model: Model that answers.
        choices: A piece of each alternative answer that has one.
        system_fingerprint: Identifies the configuration that the model ran with.
        service_tier: Service tier that the request was processed in.
        usage: What the whole answer took; usually in the last chunk only.
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
