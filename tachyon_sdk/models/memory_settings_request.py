# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt

from tachyon_sdk._contract.model import Model, OfAnyLibrary


class MemorySettingsRequest(Model):
    """What to remember from this conversation and how much of it to recall.

    Attributes:
        extract_memory: Whether the server extracts memories from the conversation.
        max_memories: Most memories to recall, 1 to 20.
        min_relevance_score: Least relevance of a memory that is recalled, 0 to 1.
    """

    extract_memory: Annotated[StrictBool, OfAnyLibrary] | None = None
    max_memories: Annotated[StrictInt, Field(ge=1), Field(le=20), OfAnyLibrary] | None = None
    min_relevance_score: Annotated[StrictInt | StrictFloat, Field(ge=0), Field(le=1), OfAnyLibrary] | None = (
        None
    )
