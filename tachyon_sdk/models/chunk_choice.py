# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field

from tachyon_sdk._contract.first_choice import MessageOfChoice
from tachyon_sdk._contract.model import Answer, EmptyForNull, Lenient
from tachyon_sdk.models.delta_message import DeltaMessage
from tachyon_sdk.models.message import Message


class ChunkChoice(Answer, MessageOfChoice[Message]):
    """A change to one choice.

    Attributes:
        index: Index of the choice, from 0.
        delta: Change to the message.
        finish_reason: Why the choice ended: `stop`, `length`, `tool_calls` or `content_filter`; null before
            the end.
        logprobs: Log probabilities of the tokens, in the format of the model's provider.
    """

    _message_type: ClassVar = Message

    index: Annotated[int | None, Lenient] = None
    delta: Annotated[DeltaMessage, EmptyForNull] = Field(
        default_factory=DeltaMessage, validation_alias=AliasChoices("delta", "message")
    )
    finish_reason: Annotated[str | None, Lenient] = None
    logprobs: Any | None = None
