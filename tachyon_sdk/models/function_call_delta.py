# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from tachyon_sdk._contract.model import Answer


class FunctionCallDelta(Answer):
    """A function call, or a fragment of one.

    Attributes:
        name: Name of the function.
        arguments: Text to append to the arguments; all fragments together are the text of a JSON object.
    """

    name: str | None = None
    arguments: str | None = None
