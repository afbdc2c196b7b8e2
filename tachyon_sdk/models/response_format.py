# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ResponseFormat(Model):
    """Format of the response.

    Attributes:
        type: Type of the format: `text` or `json_object`.
    """

    type: StrictStr
