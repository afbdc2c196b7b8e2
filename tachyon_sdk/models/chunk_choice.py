# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field

from tachyon_sdk._contract.first_choice import MessageOfChoice
from tachyon_sdk._contract.model import Answer, EmptyForNull, Lenient
from tachyon_sdk.models.delta_message import DeltaMessage
from tachyon_sdk.models.message import Message


class ChunkChoice(Answer, MessageOfChoice[Message]):
    """A piece of one alternative answer.

    Attributes:
        index: Which alternative this belongs to, counted from 0.
        delta: What this piece adds to the message.
        finish_reason: Why this alternative ended, `stop`, `length`, `tool_calls` or `content_filter`; null
            before its end.
        logprobs: Log probabilities of the tokens, in the form of the model's provider.
    """

    _message_type: ClassVar = Message

    index: Annotated[int | None, Lenient] = None
    delta: Annotated[DeltaMessage, EmptyForNull] = Field(
        default_factory=DeltaMessage, validation_alias=AliasChoices("delta", "message")
    )
    finish_reason: Annotated[str | None, Lenient] = None
    logprobs: Any | None = None
