# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.image_url_part import ImageUrlPart


class ContentPart(Model):
    """One part of a message: a text or an image.

    Attributes:
        type: Type of the part: `text` or `image_url`.
        text: Text of a `text` part.
        image_url: Image of an `image_url` part.
    """

    type: StrictStr
    text: StrictStr | None = None
    image_url: ImageUrlPart | None = None
