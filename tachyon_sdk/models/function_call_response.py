# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class FunctionCallResponse(Model):
    """Which function to call, and with what.

    Attributes:
        name: Name of the function.
        arguments: The arguments as the text of a JSON object.
    """

    name: StrictStr
    arguments: StrictStr
