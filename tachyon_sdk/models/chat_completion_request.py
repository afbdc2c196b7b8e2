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
    """Messages, and options for the response. Only properties that are set are sent; the defaults listed here
    are those of the server.

    Attributes:
        messages: The conversation, oldest message first; in a chatroom, only the new messages.
        model: The model: `provider/model`, `provider:model` or a shorthand such as `large` or `small`.
        stream: Whether the server sends the response as an event stream. The methods of this package set it
            as needed if it is absent.
        temperature: Sampling temperature, 0 to 2; higher is more varied.
        top_p: Nucleus sampling: the probability mass to sample from, 0 to 1.
        n: Number of choices (alternative responses), 1 to 10.
        max_completion_tokens: Maximum number of tokens in the response; at this limit the finish reason is
            `length`.
        presence_penalty: Penalty for tokens that have already occurred, -2 to 2.
        frequency_penalty: Penalty for tokens in proportion to their frequency so far, -2 to 2.
        response_format: Format of the response: plain text or a JSON object.
        tools: Functions that the model may call.
        tool_choice: Whether the model may (`auto`) or must (`any`) call a tool. Other servers expect
            `required`, `none`, or an object that names a function; such values are sent unchanged.
        user: Identifier of the end user, for the platform's own records.
        communication_style: Description of the communication style of the response.
        explanation_style: Description of the style of explanations in the response.
        technical_level: Description of the technical level of the response.
        memory_settings: Which memories to extract from this conversation and to recall in it.
        web_search: A web search whose results are available to the model.
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
