# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated, TypeAlias

from tachyon_sdk._contract.model import OneOf, UnknownMember, Unwrapped, told_apart
from tachyon_sdk.models.attempt_completion_part import AttemptCompletionPart
from tachyon_sdk.models.file_part import FilePart
from tachyon_sdk.models.image_part import ImagePart
from tachyon_sdk.models.text_part import TextPart
from tachyon_sdk.models.tool_call_part import ToolCallPart
from tachyon_sdk.models.tool_result_part import ToolResultPart


class Part(OneOf):
    """Content of a stored message. `type` selects the alternative.

    Use the plain value; this wrapper is accepted wherever the value is.
    """

    Value: TypeAlias = Annotated[
        AttemptCompletionPart
        | FilePart
        | ImagePart
        | TextPart
        | ToolCallPart
        | ToolResultPart
        | UnknownMember,
        told_apart(
            "type",
            {
                "attempt-completion": AttemptCompletionPart,
                "file": FilePart,
                "image": ImagePart,
                "text": TextPart,
                "tool-call": ToolCallPart,
                "tool-result": ToolResultPart,
            },
        ),
        Unwrapped,
    ]

    actual_instance: (
        AttemptCompletionPart
        | FilePart
        | ImagePart
        | TextPart
        | ToolCallPart
        | ToolResultPart
        | UnknownMember
        | None
    )
