# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, EmptyForNull, KnownFirst, Lenient
from tachyon_sdk.models.supported_feature import SupportedFeature


class ModelInfo(Answer):
    """A model, with its name and limits.

    Attributes:
        id: Identifier of the model, `provider/model`; the value of `model` in a request.
        name: Display name.
        provider: Name of the provider.
        supported_features: Features that the model supports.
        context_window: Maximum length of the conversation, in tokens.
        max_output_tokens: Maximum length of a response, in tokens.
        description: Description of the model.
    """

    id: Annotated[str | None, Lenient] = None
    name: Annotated[str | None, Lenient] = None
    provider: Annotated[str | None, Lenient] = None
    supported_features: Annotated[list[Annotated[SupportedFeature | str, KnownFirst]], EmptyForNull] = Field(
        default_factory=list
    )
    context_window: Annotated[int | None, Lenient] = None
    max_output_tokens: Annotated[int | None, Lenient] = None
    description: Annotated[str | None, Lenient] = None
