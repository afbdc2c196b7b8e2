# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any

from tachyon_sdk._contract.model import Answer, Lenient


class ErrorResponse(Answer):
    """Why a request was not answered.

    Attributes:
        message: What went wrong, in words.
        code: What went wrong, for programs; a string, from some gateways an integer.
    """

    message: Annotated[str | None, Lenient] = None
    code: Any | None = None
