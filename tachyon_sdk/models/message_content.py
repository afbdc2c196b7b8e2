# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, TypeAlias

from pydantic import StrictStr

from tachyon_sdk._contract.model import OneOf, Unwrapped
from tachyon_sdk.models.content_part import ContentPart


class MessageContent(OneOf):
    """Content of a message: a text or a list of parts.

    Use the plain value; this wrapper is accepted wherever the value is.
    """

    Value: TypeAlias = Annotated[StrictStr | list[ContentPart], Unwrapped]

    actual_instance: StrictStr | list[ContentPart] | None
