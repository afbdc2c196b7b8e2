# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class ToolResultPart(Alternative):
    """The result of a tool call.

    Attributes:
        type: Type of the part: `tool-result`.
        tool_call_id: Identifier of the call.
        tool_name: Name of the tool.
        result: The result.
    """

    type: Annotated[str | None, Lenient] = None
    tool_call_id: Annotated[str | None, Lenient] = None
    tool_name: Annotated[str | None, Lenient] = None
    result: Annotated[str | None, Lenient] = None
