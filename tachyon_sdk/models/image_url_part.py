# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ImageUrlPart(Model):
    """Location of an image.

    Attributes:
        url: URL of the image: an https or a data URL.
        detail: Level of detail at which the model processes the image, such as `low`, `high` or `auto`.
        mime_type: Media type of the image, for a URL that is not a data URL.
    """

    url: StrictStr
    detail: StrictStr | None = None
    mime_type: StrictStr | None = None
