# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from tachyon_sdk._contract.model import Alternative, Lenient


class AttemptCompletionPart(Alternative):
    """The result of an agent.

    Attributes:
        type: Type of the part: `attempt-completion`.
        result: The result.
        command: Command that shows the result.
    """

    type: Annotated[str | None, Lenient] = None
    result: Annotated[str | None, Lenient] = None
    command: Annotated[str | None, Lenient] = None
