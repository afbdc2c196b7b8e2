# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from tachyon_sdk._contract.model import StringEnum


class Role(StringEnum):
    """Role of the author of a stored message."""

    SYSTEM = "system"

    USER = "user"

    ASSISTANT = "assistant"

    TOOL = "tool"
