# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class ImagePart(Alternative):
    """An image in a message.

    Attributes:
        type: Type of the part: `image`.
        image: URL of the image.
    """

    type: Annotated[str | None, Lenient] = None
    image: Annotated[str | None, Lenient] = None
