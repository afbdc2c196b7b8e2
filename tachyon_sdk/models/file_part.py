# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class FilePart(Alternative):
    """A file in a message.

    Attributes:
        type: Type of the part: `file`.
        file: URL of the file.
    """

    type: Annotated[str | None, Lenient] = None
    file: Annotated[str | None, Lenient] = None
