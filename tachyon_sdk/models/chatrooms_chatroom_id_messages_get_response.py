# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, ClassVar

from pydantic import Field

from tachyon_sdk._contract.model import Answer, EmptyForNull
from tachyon_sdk._contract.paging import Page
from tachyon_sdk.models.chat_message import ChatMessage


class ChatroomsChatroomIdMessagesGetResponse(Answer, Page[ChatMessage]):
    """A page of messages.

    Attributes:
        messages: The messages of the page.
    """

    _items_name: ClassVar = "messages"

    messages: Annotated[list[ChatMessage], EmptyForNull] = Field(default_factory=list)
