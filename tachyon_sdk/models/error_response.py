# Generated from openapi.yaml by `tox -e generate`. Do not edit.


from tachyon_sdk._contract.model import Answer, AnyJson


class ErrorResponse(Answer):
    """Why a request was not answered.

    Attributes:
        message: What went wrong, in words.
        code: What went wrong, for programs; a string, from some gateways an integer.
    """

    message: str | None = None
    code: AnyJson | None = None
