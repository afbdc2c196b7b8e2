# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from tachyon_sdk._contract.model import StringEnum


class ToolChoice(StringEnum):
    """Whether the model may or must call a tool."""

    AUTO = "auto"

    ANY = "any"
