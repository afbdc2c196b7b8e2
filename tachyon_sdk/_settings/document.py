# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The version and the servers of the API, as its document has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tachyon_sdk._settings.hosts import HostSetting

API_VERSION = "0.58"
"""The version of the server's published contract that this package was written against."""


def servers() -> list[HostSetting]:
    """Return the servers that the document lists, in a new list. The first is the default."""
    return [
        {
            "url": "http://localhost",
            "description": "Default of the documentation",
        },
        {
            "url": "http://localhost:50054",
            "description": "Development server",
        },
        {
            "url": "https://api.n1.tachy.one",
            "description": "Hosted platform",
        },
    ]
