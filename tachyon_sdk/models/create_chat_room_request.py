# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Any

from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class CreateChatRoomRequest(Model):
    """Properties of a new chatroom.

    Attributes:
        name: Name of the chatroom.
        metadata: Metadata, any JSON value.
    """

    name: StrictStr | None = None
    metadata: Any | None = None
