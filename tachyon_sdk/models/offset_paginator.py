# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from typing import Annotated

from pydantic import Field

from tachyon_sdk._contract.model import Answer, Lenient


class OffsetPaginator(Answer):
    """Position of a page.

    Attributes:
        current_page: Number of the page.
        items_per_page: Maximum number of items per page.
        total_items: Number of items on all pages.
        total_pages: Number of pages.
    """

    current_page: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    items_per_page: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_items: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    total_pages: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
