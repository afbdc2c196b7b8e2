# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class ResponseFormat(Model):
    """Form of the answer.

    Attributes:
        type: `text` or `json_object`.
    """

    type: StrictStr
