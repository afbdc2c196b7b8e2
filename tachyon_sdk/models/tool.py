# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.function import Function


class Tool(Model):
    """Something the model may ask the client to do.

    Attributes:
        type: Kind of the tool, `function`.
        function: The function.
    """

    type: StrictStr
    function: Function
