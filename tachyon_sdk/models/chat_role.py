# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from tachyon_sdk._contract.model import StringEnum


class ChatRole(StringEnum):
    """Role of the author of a message."""

    SYSTEM = "system"

    USER = "user"

    ASSISTANT = "assistant"
