# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from tachyon_sdk._contract.model import StringEnum


class ToolChoice(StringEnum):
    """Whether the model may call a tool (`auto`) or must (`any`)."""

    AUTO = "auto"

    ANY = "any"
