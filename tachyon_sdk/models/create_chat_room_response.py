# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, EmptyForNull
from tachyon_sdk.models.chat_room import ChatRoom


class CreateChatRoomResponse(Answer):
    """The new chatroom.

    Attributes:
        chatroom: The chatroom.
    """

    chatroom: Annotated[ChatRoom, EmptyForNull] = Field(default_factory=ChatRoom)
