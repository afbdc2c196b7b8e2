# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, ClassVar

from pydantic import Field

from tachyon_sdk._contract.model import Answer, EmptyForNull
from tachyon_sdk._contract.paging import Page
from tachyon_sdk.models.chat_room import ChatRoom
from tachyon_sdk.models.offset_paginator import OffsetPaginator


class GetChatroomsResponse(Answer, Page[ChatRoom]):
    """A page of chatrooms.

    Attributes:
        chatrooms: The chatrooms of the page.
        paginator: Position of the page.
    """

    _items_name: ClassVar = "chatrooms"

    chatrooms: Annotated[list[ChatRoom], EmptyForNull] = Field(default_factory=list)
    paginator: Annotated[OffsetPaginator, EmptyForNull] = Field(default_factory=OffsetPaginator)
