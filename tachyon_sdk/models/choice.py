# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any

from tachyon_sdk._contract.model import Answer, Lenient
from tachyon_sdk.models.message import Message


class Choice(Answer):
    """One alternative answer.

    Attributes:
        index: Which alternative this is, counted from 0.
        message: The message that the model answered with.
        finish_reason: Why the answer ended, `stop`, `length`, `tool_calls` or `content_filter`.
        logprobs: Log probabilities of the tokens, in the form of the model's provider.
    """

    index: Annotated[int | None, Lenient] = None
    message: Message | None = None
    finish_reason: Annotated[str | None, Lenient] = None
    logprobs: Any | None = None
