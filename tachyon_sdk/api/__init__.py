# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The operations of the API, by tag. Each class is loaded on first use, with the models that it needs."""

from typing import TYPE_CHECKING

from tachyon_sdk._lazy import lazy_names

if TYPE_CHECKING:
    from tachyon_sdk.api.chat_api import ChatApi as ChatApi
    from tachyon_sdk.api.chatroom_api import ChatroomApi as ChatroomApi
    from tachyon_sdk.api.default_api import DefaultApi as DefaultApi
    from tachyon_sdk.api.models_api import ModelsApi as ModelsApi

_MODULES = {
    "ChatApi": "chat_api",
    "ChatroomApi": "chatroom_api",
    "DefaultApi": "default_api",
    "ModelsApi": "models_api",
}

if not TYPE_CHECKING:  # a type checker would take any name for a name of the package
    __getattr__, __dir__ = lazy_names(globals(), _MODULES, _MODULES.values())

__all__ = [
    "ChatApi",
    "ChatroomApi",
    "DefaultApi",
    "ModelsApi",
]

del TYPE_CHECKING, lazy_names
