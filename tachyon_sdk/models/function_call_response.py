# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from pydantic import StrictStr

from tachyon_sdk._contract.model import Model


class FunctionCallResponse(Model):
    """The function to call, and its arguments.

    Attributes:
        name: Name of the function.
        arguments: Arguments, as the text of a JSON object.
    """

    name: StrictStr
    arguments: StrictStr
