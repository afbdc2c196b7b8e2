# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any

from tachyon_sdk._contract.model import Answer, Lenient
from tachyon_sdk.models.message import Message


class Choice(Answer):
    """One choice (alternative response).

    Attributes:
        index: Index of the choice, from 0.
        message: The message that the model generated.
        finish_reason: Why the choice ended: `stop`, `length`, `tool_calls` or `content_filter`.
        logprobs: Log probabilities of the tokens, in the format of the model's provider.
    """

    index: Annotated[int | None, Lenient] = None
    message: Message | None = None
    finish_reason: Annotated[str | None, Lenient] = None
    logprobs: Any | None = None
