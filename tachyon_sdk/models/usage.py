# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, Lenient


class Usage(Answer):
    """Token usage of a response.

    Attributes:
        prompt_tokens: Tokens in the request.
        completion_tokens: Tokens in the response.
        total_tokens: Total number of tokens.
        cache_creation_input_tokens: Tokens in the request that were written to the provider's cache.
        cache_read_input_tokens: Tokens in the request that were read from the provider's cache.
        total_cost: Cost of the call, in credits of the platform.
    """

    prompt_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    completion_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    cache_creation_input_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    cache_read_input_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_cost: Annotated[int | float | None, Lenient] = None
