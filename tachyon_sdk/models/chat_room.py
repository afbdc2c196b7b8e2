# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from datetime import datetime
from typing import Annotated, Any

from tachyon_sdk._contract.model import Answer, Lenient, Rfc3339


class ChatRoom(Answer):
    """A chatroom.

    Attributes:
        id: Identifier of the chatroom.
        name: Name of the chatroom.
        operator_id: Identifier of the operator.
        owner_id: Identifier of the user who created the chatroom.
        metadata: Metadata, any JSON value.
        created_at: Time of creation.
        updated_at: Time of the last change.
    """

    id: Annotated[str | None, Lenient] = None
    name: Annotated[str | None, Lenient] = None
    operator_id: Annotated[str | None, Lenient] = None
    owner_id: Annotated[str | None, Lenient] = None
    metadata: Any | None = None
    created_at: Annotated[Annotated[datetime, Rfc3339] | None, Lenient] = None
    updated_at: Annotated[Annotated[datetime, Rfc3339] | None, Lenient] = None
