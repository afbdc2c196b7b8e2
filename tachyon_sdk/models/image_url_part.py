# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ImageUrlPart(Model):
    """Location of an image.

    Attributes:
        url: URL of the image: an https or a data URL.
    """

    url: StrictStr
