# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt

from tachyon_sdk._contract.model import Model, OfAnyLibrary


class MemorySettingsRequest(Model):
    """Which memories to extract from this conversation and to recall in it.

    Attributes:
        extract_memory: Whether the server extracts memories from the conversation.
        max_memories: Maximum number of memories to recall, 1 to 20.
        min_relevance_score: Minimum relevance of a recalled memory, 0 to 1.
    """

    extract_memory: Annotated[StrictBool, OfAnyLibrary] | None = None
    max_memories: Annotated[StrictInt, Field(ge=1), Field(le=20), OfAnyLibrary] | None = None
    min_relevance_score: Annotated[StrictInt | StrictFloat, Field(ge=0), Field(le=1), OfAnyLibrary] | None = (
        None
    )
