# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""The models of the API, one module each. They are loaded on first use."""

from typing import TYPE_CHECKING

from tachyon_sdk._lazy import lazy_names

if TYPE_CHECKING:
    from tachyon_sdk.models.chat_completion_chunk_response import (
        ChatCompletionChunkResponse as ChatCompletionChunkResponse,
    )
    from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest as ChatCompletionRequest
    from tachyon_sdk.models.chat_completion_response import ChatCompletionResponse as ChatCompletionResponse
    from tachyon_sdk.models.chat_completion_with_chatroom_stream_response import (
        ChatCompletionWithChatroomStreamResponse as ChatCompletionWithChatroomStreamResponse,
    )
    from tachyon_sdk.models.chat_role import ChatRole as ChatRole
    from tachyon_sdk.models.choice import Choice as Choice
    from tachyon_sdk.models.chunk_choice import ChunkChoice as ChunkChoice
    from tachyon_sdk.models.content_part import ContentPart as ContentPart
    from tachyon_sdk.models.delta_message import DeltaMessage as DeltaMessage
    from tachyon_sdk.models.error_response import ErrorResponse as ErrorResponse
    from tachyon_sdk.models.function import Function as Function
    from tachyon_sdk.models.function_call_delta import FunctionCallDelta as FunctionCallDelta
    from tachyon_sdk.models.function_call_response import FunctionCallResponse as FunctionCallResponse
    from tachyon_sdk.models.image_url_part import ImageUrlPart as ImageUrlPart
    from tachyon_sdk.models.memory_settings_request import MemorySettingsRequest as MemorySettingsRequest
    from tachyon_sdk.models.message import Message as Message
    from tachyon_sdk.models.message_content import MessageContent as MessageContent
    from tachyon_sdk.models.response_format import ResponseFormat as ResponseFormat
    from tachyon_sdk.models.tool import Tool as Tool
    from tachyon_sdk.models.tool_call import ToolCall as ToolCall
    from tachyon_sdk.models.tool_call_response import ToolCallResponse as ToolCallResponse
    from tachyon_sdk.models.tool_choice import ToolChoice as ToolChoice
    from tachyon_sdk.models.tool_schema import ToolSchema as ToolSchema
    from tachyon_sdk.models.usage import Usage as Usage
    from tachyon_sdk.models.web_search_options_request import (
        WebSearchOptionsRequest as WebSearchOptionsRequest,
    )

_MODULES = {
    "ChatCompletionChunkResponse": "chat_completion_chunk_response",
    "ChatCompletionRequest": "chat_completion_request",
    "ChatCompletionResponse": "chat_completion_response",
    "ChatCompletionWithChatroomStreamResponse": "chat_completion_with_chatroom_stream_response",
    "ChatRole": "chat_role",
    "Choice": "choice",
    "ChunkChoice": "chunk_choice",
    "ContentPart": "content_part",
    "DeltaMessage": "delta_message",
    "ErrorResponse": "error_response",
    "Function": "function",
    "FunctionCallDelta": "function_call_delta",
    "FunctionCallResponse": "function_call_response",
    "ImageUrlPart": "image_url_part",
    "MemorySettingsRequest": "memory_settings_request",
    "Message": "message",
    "MessageContent": "message_content",
    "ResponseFormat": "response_format",
    "Tool": "tool",
    "ToolCall": "tool_call",
    "ToolCallResponse": "tool_call_response",
    "ToolChoice": "tool_choice",
    "ToolSchema": "tool_schema",
    "Usage": "usage",
    "WebSearchOptionsRequest": "web_search_options_request",
}

if not TYPE_CHECKING:  # a type checker would take any name for a name of the package
    __getattr__, __dir__ = lazy_names(globals(), _MODULES, _MODULES.values())

__all__ = [
    "ChatCompletionChunkResponse",
    "ChatCompletionRequest",
    "ChatCompletionResponse",
    "ChatCompletionWithChatroomStreamResponse",
    "ChatRole",
    "Choice",
    "ChunkChoice",
    "ContentPart",
    "DeltaMessage",
    "ErrorResponse",
    "Function",
    "FunctionCallDelta",
    "FunctionCallResponse",
    "ImageUrlPart",
    "MemorySettingsRequest",
    "Message",
    "MessageContent",
    "ResponseFormat",
    "Tool",
    "ToolCall",
    "ToolCallResponse",
    "ToolChoice",
    "ToolSchema",
    "Usage",
    "WebSearchOptionsRequest",
]

del TYPE_CHECKING, lazy_names
