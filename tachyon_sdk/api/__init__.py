# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The operations of the API, by tag."""

from tachyon_sdk.api.chat_api import ChatApi

__all__ = [
    "ChatApi",
]
