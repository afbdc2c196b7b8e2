# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class ToolCallPart(Alternative):
    """A tool call.

    Attributes:
        type: Type of the part: `tool-call`.
        tool_call_id: Identifier of the call.
        tool_name: Name of the tool.
        args: Arguments, as the text of a JSON object.
        is_client_tool: Whether the client must run the tool.
    """

    type: Annotated[str | None, Lenient] = None
    tool_call_id: Annotated[str | None, Lenient] = None
    tool_name: Annotated[str | None, Lenient] = None
    args: Annotated[str | None, Lenient] = None
    is_client_tool: Annotated[bool | None, Lenient] = None
