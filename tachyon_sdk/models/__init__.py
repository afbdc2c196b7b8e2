# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The models of the API, one module each. They are loaded on first use."""

from typing import TYPE_CHECKING

from tachyon_sdk._lazy import lazy_names

if TYPE_CHECKING:
    from tachyon_sdk.models.attempt_completion_part import AttemptCompletionPart as AttemptCompletionPart
    from tachyon_sdk.models.chat_completion_chunk_response import (
        ChatCompletionChunkResponse as ChatCompletionChunkResponse,
    )
    from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest as ChatCompletionRequest
    from tachyon_sdk.models.chat_completion_response import ChatCompletionResponse as ChatCompletionResponse
    from tachyon_sdk.models.chat_completion_with_chatroom_stream_response import (
        ChatCompletionWithChatroomStreamResponse as ChatCompletionWithChatroomStreamResponse,
    )
    from tachyon_sdk.models.chat_message import ChatMessage as ChatMessage
    from tachyon_sdk.models.chat_role import ChatRole as ChatRole
    from tachyon_sdk.models.chat_room import ChatRoom as ChatRoom
    from tachyon_sdk.models.chatrooms_chatroom_id_messages_get_response import (
        ChatroomsChatroomIdMessagesGetResponse as ChatroomsChatroomIdMessagesGetResponse,
    )
    from tachyon_sdk.models.choice import Choice as Choice
    from tachyon_sdk.models.chunk_choice import ChunkChoice as ChunkChoice
    from tachyon_sdk.models.content_part import ContentPart as ContentPart
    from tachyon_sdk.models.create_chat_room_request import CreateChatRoomRequest as CreateChatRoomRequest
    from tachyon_sdk.models.create_chat_room_response import CreateChatRoomResponse as CreateChatRoomResponse
    from tachyon_sdk.models.delta_message import DeltaMessage as DeltaMessage
    from tachyon_sdk.models.error_response import ErrorResponse as ErrorResponse
    from tachyon_sdk.models.file_part import FilePart as FilePart
    from tachyon_sdk.models.function import Function as Function
    from tachyon_sdk.models.function_call_delta import FunctionCallDelta as FunctionCallDelta
    from tachyon_sdk.models.function_call_response import FunctionCallResponse as FunctionCallResponse
    from tachyon_sdk.models.get_chatrooms_response import GetChatroomsResponse as GetChatroomsResponse
    from tachyon_sdk.models.image_part import ImagePart as ImagePart
    from tachyon_sdk.models.image_url_part import ImageUrlPart as ImageUrlPart
    from tachyon_sdk.models.memory_settings_request import MemorySettingsRequest as MemorySettingsRequest
    from tachyon_sdk.models.message import Message as Message
    from tachyon_sdk.models.message_content import MessageContent as MessageContent
    from tachyon_sdk.models.model_info import ModelInfo as ModelInfo
    from tachyon_sdk.models.models_response import ModelsResponse as ModelsResponse
    from tachyon_sdk.models.offset_paginator import OffsetPaginator as OffsetPaginator
    from tachyon_sdk.models.part import Part as Part
    from tachyon_sdk.models.response_format import ResponseFormat as ResponseFormat
    from tachyon_sdk.models.role import Role as Role
    from tachyon_sdk.models.supported_feature import SupportedFeature as SupportedFeature
    from tachyon_sdk.models.text_part import TextPart as TextPart
    from tachyon_sdk.models.tool import Tool as Tool
    from tachyon_sdk.models.tool_call import ToolCall as ToolCall
    from tachyon_sdk.models.tool_call_part import ToolCallPart as ToolCallPart
    from tachyon_sdk.models.tool_call_response import ToolCallResponse as ToolCallResponse
    from tachyon_sdk.models.tool_choice import ToolChoice as ToolChoice
    from tachyon_sdk.models.tool_result_part import ToolResultPart as ToolResultPart
    from tachyon_sdk.models.tool_schema import ToolSchema as ToolSchema
    from tachyon_sdk.models.update_chatroom_request import UpdateChatroomRequest as UpdateChatroomRequest
    from tachyon_sdk.models.update_chatroom_response import UpdateChatroomResponse as UpdateChatroomResponse
    from tachyon_sdk.models.usage import Usage as Usage
    from tachyon_sdk.models.web_search_options_request import (
        WebSearchOptionsRequest as WebSearchOptionsRequest,
    )

_MODULES = {
    "AttemptCompletionPart": "attempt_completion_part",
    "ChatCompletionChunkResponse": "chat_completion_chunk_response",
    "ChatCompletionRequest": "chat_completion_request",
    "ChatCompletionResponse": "chat_completion_response",
    "ChatCompletionWithChatroomStreamResponse": "chat_completion_with_chatroom_stream_response",
    "ChatMessage": "chat_message",
    "ChatRole": "chat_role",
    "ChatRoom": "chat_room",
    "ChatroomsChatroomIdMessagesGetResponse": "chatrooms_chatroom_id_messages_get_response",
    "Choice": "choice",
    "ChunkChoice": "chunk_choice",
    "ContentPart": "content_part",
    "CreateChatRoomRequest": "create_chat_room_request",
    "CreateChatRoomResponse": "create_chat_room_response",
    "DeltaMessage": "delta_message",
    "ErrorResponse": "error_response",
    "FilePart": "file_part",
    "Function": "function",
    "FunctionCallDelta": "function_call_delta",
    "FunctionCallResponse": "function_call_response",
    "GetChatroomsResponse": "get_chatrooms_response",
    "ImagePart": "image_part",
    "ImageUrlPart": "image_url_part",
    "MemorySettingsRequest": "memory_settings_request",
    "Message": "message",
    "MessageContent": "message_content",
    "ModelInfo": "model_info",
    "ModelsResponse": "models_response",
    "OffsetPaginator": "offset_paginator",
    "Part": "part",
    "ResponseFormat": "response_format",
    "Role": "role",
    "SupportedFeature": "supported_feature",
    "TextPart": "text_part",
    "Tool": "tool",
    "ToolCall": "tool_call",
    "ToolCallPart": "tool_call_part",
    "ToolCallResponse": "tool_call_response",
    "ToolChoice": "tool_choice",
    "ToolResultPart": "tool_result_part",
    "ToolSchema": "tool_schema",
    "UpdateChatroomRequest": "update_chatroom_request",
    "UpdateChatroomResponse": "update_chatroom_response",
    "Usage": "usage",
    "WebSearchOptionsRequest": "web_search_options_request",
}

if not TYPE_CHECKING:  # a type checker would take any name for a name of the package
    __getattr__, __dir__ = lazy_names(globals(), _MODULES, _MODULES.values())

__all__ = [
    "AttemptCompletionPart",
    "ChatCompletionChunkResponse",
    "ChatCompletionRequest",
    "ChatCompletionResponse",
    "ChatCompletionWithChatroomStreamResponse",
    "ChatMessage",
    "ChatRole",
    "ChatRoom",
    "ChatroomsChatroomIdMessagesGetResponse",
    "Choice",
    "ChunkChoice",
    "ContentPart",
    "CreateChatRoomRequest",
    "CreateChatRoomResponse",
    "DeltaMessage",
    "ErrorResponse",
    "FilePart",
    "Function",
    "FunctionCallDelta",
    "FunctionCallResponse",
    "GetChatroomsResponse",
    "ImagePart",
    "ImageUrlPart",
    "MemorySettingsRequest",
    "Message",
    "MessageContent",
    "ModelInfo",
    "ModelsResponse",
    "OffsetPaginator",
    "Part",
    "ResponseFormat",
    "Role",
    "SupportedFeature",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallPart",
    "ToolCallResponse",
    "ToolChoice",
    "ToolResultPart",
    "ToolSchema",
    "UpdateChatroomRequest",
    "UpdateChatroomResponse",
    "Usage",
    "WebSearchOptionsRequest",
]

del TYPE_CHECKING, lazy_names
