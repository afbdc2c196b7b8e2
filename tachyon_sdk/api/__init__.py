# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The operations of the API, by tag."""

from tachyon_sdk.api.chat_api import ChatApi
from tachyon_sdk.api.chatroom_api import ChatroomApi
from tachyon_sdk.api.default_api import DefaultApi
from tachyon_sdk.api.models_api import ModelsApi

__all__ = [
    "ChatApi",
    "ChatroomApi",
    "DefaultApi",
    "ModelsApi",
]
