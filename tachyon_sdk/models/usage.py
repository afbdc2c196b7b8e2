# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, Lenient


class Usage(Answer):
    """What an answer took.

    Attributes:
        prompt_tokens: Tokens of the request.
        completion_tokens: Tokens of the answer.
        total_tokens: Tokens of both.
        cache_creation_input_tokens: Tokens of the request that were written to the provider's cache.
        cache_read_input_tokens: Tokens of the request that were read from the provider's cache.
        total_cost: Price of the call, in the platform's credit.
    """

    prompt_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    completion_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    cache_creation_input_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    cache_read_input_tokens: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_cost: Annotated[int | float | None, Lenient] = None
