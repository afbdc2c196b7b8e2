# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from tachyon_sdk._contract.model import Model, OfAnyLibrary


class WebSearchOptionsRequest(Model):
    """A web search whose results are available to the model.

    Attributes:
        query: Search query, at most 1000 characters.
        max_results: Maximum number of results, 1 to 10.
    """

    query: Annotated[StrictStr, Field(max_length=1000)]
    max_results: Annotated[StrictInt, Field(ge=1), Field(le=10), OfAnyLibrary] | None = None
