# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model
from tachyon_sdk.models.function import Function


class Tool(Model):
    """A tool that the model may call.

    Attributes:
        type: Type of the tool: `function`.
        function: Definition of the function.
    """

    type: StrictStr
    function: Function
