# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class TextPart(Alternative):
    """A text in a message.

    Attributes:
        type: Type of the part: `text`.
        text: The text.
    """

    type: Annotated[str | None, Lenient] = None
    text: Annotated[str | None, Lenient] = None
