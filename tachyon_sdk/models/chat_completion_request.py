# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from tachyon_sdk._contract.model import KnownFirst, Model, OfAnyLibrary
from tachyon_sdk.models.memory_settings_request import MemorySettingsRequest
from tachyon_sdk.models.message import Message
from tachyon_sdk.models.response_format import ResponseFormat
from tachyon_sdk.models.tool import Tool
from tachyon_sdk.models.tool_choice import ToolChoice
from tachyon_sdk.models.web_search_options_request import WebSearchOptionsRequest


class ChatCompletionRequest(Model):
    """A conversation, or the new part of one, and how to answer it. Only what is set is sent; a default named
    here is the server's.

    Attributes:
        messages: The conversation, oldest message first; in a chatroom only what is new.
        model: Model to ask: `provider/model`, `provider:model` or a shorthand such as `large` or `small`.
        stream: Whether the server sends the answer as an event stream. The calls of this package set it to
            suit themselves where it is left out.
        temperature: Sampling temperature, 0 to 2; higher is more varied.
        top_p: Nucleus sampling, the share of probability mass that is considered, 0 to 1.
        n: Number of alternative answers (choices), 1 to 10.
        max_completion_tokens: Longest answer, in tokens; an answer cut there has the finish reason `length`.
        presence_penalty: Penalty for tokens that have occurred at all, -2 to 2.
        frequency_penalty: Penalty for tokens in proportion to how often they have occurred, -2 to 2.
        response_format: Form of the answer, plain text or a JSON object.
        tools: Functions that the model may ask the client to call.
        tool_choice: Whether the model may (`auto`) or must (`any`) call a tool. Other servers want
            `required`, `none`, or an object that names a function; these are sent as they are.
        user: Identifier of the end user, for the platform's own records.
        communication_style: How the answer should address the reader, in words.
        explanation_style: How the answer should explain, in words.
        technical_level: How technical the answer should be, in words.
        memory_settings: What to remember from this conversation and how much of it to recall.
        web_search: A web search whose results the model may use.
    """

    filled_in_later: ClassVar[tuple[str, ...]] = ("messages",)

    messages: list[Message] = Field(default_factory=list)
    model: StrictStr | None = None
    stream: Annotated[StrictBool, OfAnyLibrary] | None = None
    temperature: Annotated[StrictInt | StrictFloat, Field(ge=0), Field(le=2), OfAnyLibrary] | None = None
    top_p: Annotated[StrictInt | StrictFloat, Field(ge=0), Field(le=1), OfAnyLibrary] | None = None
    n: Annotated[StrictInt, Field(ge=1), Field(le=10), OfAnyLibrary] | None = None
    max_completion_tokens: Annotated[StrictInt, OfAnyLibrary] | None = None
    presence_penalty: Annotated[StrictInt | StrictFloat, Field(ge=-2), Field(le=2), OfAnyLibrary] | None = (
        None
    )
    frequency_penalty: Annotated[StrictInt | StrictFloat, Field(ge=-2), Field(le=2), OfAnyLibrary] | None = (
        None
    )
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Annotated[ToolChoice | StrictStr, KnownFirst] | dict[str, Any] | None = None
    user: StrictStr | None = None
    communication_style: StrictStr | None = None
    explanation_style: StrictStr | None = None
    technical_level: StrictStr | None = None
    memory_settings: MemorySettingsRequest | None = None
    web_search: WebSearchOptionsRequest | None = None
