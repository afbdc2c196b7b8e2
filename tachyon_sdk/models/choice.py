# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from tachyon_sdk._contract.model import Answer, AnyJson
from tachyon_sdk.models.message import Message


class Choice(Answer):
    """One alternative answer.

    Attributes:
        index: Which alternative this is, counted from 0.
        message: The message that the model answered with.
        finish_reason: Why the answer ended, `stop`, `length`, `tool_calls` or `content_filter`.
        logprobs: Log probabilities of the tokens, in the form of the model's provider.
    """

    index: int | None = None
    message: Message | None = None
    finish_reason: str | None = None
    logprobs: AnyJson | None = None
