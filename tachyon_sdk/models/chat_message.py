# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from datetime import datetime
from typing import Annotated

from tachyon_sdk._contract.model import Answer, KnownFirst, Lenient, Rfc3339
from tachyon_sdk.models.part import Part
from tachyon_sdk.models.role import Role


class ChatMessage(Answer):
    """A message that the server stored.

    Attributes:
        id: Identifier of the message.
        user_id: Identifier of the user.
        chatroom_id: Identifier of the chatroom.
        created_at: Time of creation.
        role: Role of the author.
        content: Content of the message.
    """

    id: Annotated[str | None, Lenient] = None
    user_id: Annotated[str | None, Lenient] = None
    chatroom_id: Annotated[str | None, Lenient] = None
    created_at: Annotated[Annotated[datetime, Rfc3339] | None, Lenient] = None
    role: Annotated[Annotated[Role | str, KnownFirst] | None, Lenient] = None
    content: Annotated[Part.Value | None, Lenient] = None
