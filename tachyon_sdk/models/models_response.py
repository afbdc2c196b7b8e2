# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, EmptyForNull, Lenient
from tachyon_sdk.models.model_info import ModelInfo


class ModelsResponse(Answer):
    """The available models.

    Attributes:
        models: The models.
        total_count: Number of models.
    """

    models: Annotated[list[ModelInfo], EmptyForNull] = Field(default_factory=list)
    total_count: Annotated[int | None, Lenient] = None
