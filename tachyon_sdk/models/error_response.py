# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, Any

from tachyon_sdk._contract.model import Answer, Lenient


class ErrorResponse(Answer):
    """Error that the server reports.

    Attributes:
        message: Error message.
        code: Error code; a string, or an integer from some gateways.
    """

    message: Annotated[str | None, Lenient] = None
    code: Any | None = None
