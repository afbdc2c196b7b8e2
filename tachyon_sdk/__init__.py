# Generated from openapi.yaml by `tox -e generate`. Do not edit.

"""Client of the Tachyon chat API: chat completions as full responses and as streams, chatrooms and models.

Start with `Configuration`, `ApiClient` and the API classes: `ChatApi`, `ChatroomApi`, `DefaultApi`,
`ModelsApi`. Errors of the network and the server are subclasses of `ApiException`.

`help(tachyon_sdk.ChatApi)` describes one class; this page describes all of them. Names are loaded on first
use, so importing the package is cheap.
"""

from tachyon_sdk._lazy import lazy_names
from tachyon_sdk._version import __version__ as __version__

# It is False, but type checkers take the name for True. Not a literal, which jedi would evaluate, and then
# hide all names. Not from typing, whose import takes as long as starting Python.
TYPE_CHECKING = not __name__

if TYPE_CHECKING:
    from tachyon_sdk import (
        api as api,
        api_client as api_client,
        api_response as api_response,
        bulk as bulk,
        configuration as configuration,
        content as content,
        events as events,
        exceptions as exceptions,
        hooks as hooks,
        models as models,
        observe as observe,
        rest as rest,
        structured as structured,
        tools as tools,
    )
    from tachyon_sdk._calls.limit import Cancellation as Cancellation
    from tachyon_sdk._contract.paging import paged as paged
    from tachyon_sdk.api.chat_api import ChatApi as ChatApi
    from tachyon_sdk.api.chatroom_api import ChatroomApi as ChatroomApi
    from tachyon_sdk.api.default_api import DefaultApi as DefaultApi
    from tachyon_sdk.api.models_api import ModelsApi as ModelsApi
    from tachyon_sdk.api_client import ApiClient as ApiClient
    from tachyon_sdk.api_response import ApiResponse as ApiResponse
    from tachyon_sdk.configuration import Configuration as Configuration
    from tachyon_sdk.content import image as image, text_file as text_file
    from tachyon_sdk.exceptions import (
        ApiAttributeError as ApiAttributeError,
        ApiException as ApiException,
        ApiKeyError as ApiKeyError,
        ApiTypeError as ApiTypeError,
        ApiValueError as ApiValueError,
        BadRequestException as BadRequestException,
        CancelledException as CancelledException,
        ConflictException as ConflictException,
        ConnectionException as ConnectionException,
        DeadlineException as DeadlineException,
        ForbiddenException as ForbiddenException,
        NotFoundException as NotFoundException,
        OpenApiException as OpenApiException,
        PaymentRequiredException as PaymentRequiredException,
        ResponseDecodeException as ResponseDecodeException,
        ServiceException as ServiceException,
        StreamErrorException as StreamErrorException,
        StreamTimeoutException as StreamTimeoutException,
        StreamTruncatedException as StreamTruncatedException,
        TimeoutException as TimeoutException,
        TooManyRequestsException as TooManyRequestsException,
        UnauthorizedException as UnauthorizedException,
        UnprocessableEntityException as UnprocessableEntityException,
    )
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
    from tachyon_sdk.observe.usage import UsageMeter as UsageMeter
    from tachyon_sdk.retry import RetryPolicy as RetryPolicy
    from tachyon_sdk.streaming.stream import Stream as Stream
    from tachyon_sdk.structured import (
        ObjectStream as ObjectStream,
        StructuredOutputError as StructuredOutputError,
        ask_for as ask_for,
        ask_for_stream as ask_for_stream,
        parse_as as parse_as,
    )
    from tachyon_sdk.tools import (
        Conversation as Conversation,
        ConversationStream as ConversationStream,
        ConversationSuspended as ConversationSuspended,
        Toolbox as Toolbox,
        ToolError as ToolError,
        TooManyRoundsError as TooManyRoundsError,
        conversation_of as conversation_of,
        converse as converse,
        converse_stream as converse_stream,
    )

_MODULES = {
    "ChatApi": "api.chat_api",
    "ChatroomApi": "api.chatroom_api",
    "DefaultApi": "api.default_api",
    "ModelsApi": "api.models_api",
    "Stream": "streaming.stream",
    "ApiClient": "api_client",
    "ApiResponse": "api_response",
    "Configuration": "configuration",
    "RetryPolicy": "retry",
    "UsageMeter": "observe.usage",
    "Cancellation": "_calls.limit",
    "CancelledException": "exceptions",
    "DeadlineException": "exceptions",
    "paged": "_contract.paging",
    "image": "content",
    "text_file": "content",
    "ApiAttributeError": "exceptions",
    "ApiException": "exceptions",
    "ApiKeyError": "exceptions",
    "ApiTypeError": "exceptions",
    "ApiValueError": "exceptions",
    "BadRequestException": "exceptions",
    "ConflictException": "exceptions",
    "ConnectionException": "exceptions",
    "ForbiddenException": "exceptions",
    "NotFoundException": "exceptions",
    "OpenApiException": "exceptions",
    "PaymentRequiredException": "exceptions",
    "ResponseDecodeException": "exceptions",
    "ServiceException": "exceptions",
    "StreamErrorException": "exceptions",
    "StreamTimeoutException": "exceptions",
    "StreamTruncatedException": "exceptions",
    "TimeoutException": "exceptions",
    "TooManyRequestsException": "exceptions",
    "UnauthorizedException": "exceptions",
    "UnprocessableEntityException": "exceptions",
    "ObjectStream": "structured",
    "StructuredOutputError": "structured",
    "ask_for": "structured",
    "ask_for_stream": "structured",
    "parse_as": "structured",
    "Conversation": "tools",
    "ConversationStream": "tools",
    "ConversationSuspended": "tools",
    "TooManyRoundsError": "tools",
    "Toolbox": "tools",
    "ToolError": "tools",
    "conversation_of": "tools",
    "converse": "tools",
    "converse_stream": "tools",
    "AttemptCompletionPart": "models.attempt_completion_part",
    "ChatCompletionChunkResponse": "models.chat_completion_chunk_response",
    "ChatCompletionRequest": "models.chat_completion_request",
    "ChatCompletionResponse": "models.chat_completion_response",
    "ChatCompletionWithChatroomStreamResponse": "models.chat_completion_with_chatroom_stream_response",
    "ChatMessage": "models.chat_message",
    "ChatRole": "models.chat_role",
    "ChatRoom": "models.chat_room",
    "ChatroomsChatroomIdMessagesGetResponse": "models.chatrooms_chatroom_id_messages_get_response",
    "Choice": "models.choice",
    "ChunkChoice": "models.chunk_choice",
    "ContentPart": "models.content_part",
    "CreateChatRoomRequest": "models.create_chat_room_request",
    "CreateChatRoomResponse": "models.create_chat_room_response",
    "DeltaMessage": "models.delta_message",
    "ErrorResponse": "models.error_response",
    "FilePart": "models.file_part",
    "Function": "models.function",
    "FunctionCallDelta": "models.function_call_delta",
    "FunctionCallResponse": "models.function_call_response",
    "GetChatroomsResponse": "models.get_chatrooms_response",
    "ImagePart": "models.image_part",
    "ImageUrlPart": "models.image_url_part",
    "MemorySettingsRequest": "models.memory_settings_request",
    "Message": "models.message",
    "MessageContent": "models.message_content",
    "ModelInfo": "models.model_info",
    "ModelsResponse": "models.models_response",
    "OffsetPaginator": "models.offset_paginator",
    "Part": "models.part",
    "ResponseFormat": "models.response_format",
    "Role": "models.role",
    "SupportedFeature": "models.supported_feature",
    "TextPart": "models.text_part",
    "Tool": "models.tool",
    "ToolCall": "models.tool_call",
    "ToolCallPart": "models.tool_call_part",
    "ToolCallResponse": "models.tool_call_response",
    "ToolChoice": "models.tool_choice",
    "ToolResultPart": "models.tool_result_part",
    "ToolSchema": "models.tool_schema",
    "UpdateChatroomRequest": "models.update_chatroom_request",
    "UpdateChatroomResponse": "models.update_chatroom_response",
    "Usage": "models.usage",
    "WebSearchOptionsRequest": "models.web_search_options_request",
}

_SUBMODULES = (
    "api",
    "api_client",
    "api_response",
    "bulk",
    "configuration",
    "content",
    "events",
    "exceptions",
    "hooks",
    "models",
    "observe",
    "rest",
    "structured",
    "tools",
)

if not TYPE_CHECKING:  # a type checker would take any name for a name of the package
    __getattr__, __dir__ = lazy_names(globals(), _MODULES, _SUBMODULES)

__all__ = [
    "ApiAttributeError",
    "ApiClient",
    "ApiException",
    "ApiKeyError",
    "ApiResponse",
    "ApiTypeError",
    "ApiValueError",
    "AttemptCompletionPart",
    "BadRequestException",
    "Cancellation",
    "CancelledException",
    "ChatApi",
    "ChatCompletionChunkResponse",
    "ChatCompletionRequest",
    "ChatCompletionResponse",
    "ChatCompletionWithChatroomStreamResponse",
    "ChatMessage",
    "ChatRole",
    "ChatRoom",
    "ChatroomApi",
    "ChatroomsChatroomIdMessagesGetResponse",
    "Choice",
    "ChunkChoice",
    "Configuration",
    "ConflictException",
    "ConnectionException",
    "ContentPart",
    "Conversation",
    "ConversationStream",
    "ConversationSuspended",
    "CreateChatRoomRequest",
    "CreateChatRoomResponse",
    "DeadlineException",
    "DefaultApi",
    "DeltaMessage",
    "ErrorResponse",
    "FilePart",
    "ForbiddenException",
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
    "ModelsApi",
    "ModelsResponse",
    "NotFoundException",
    "ObjectStream",
    "OffsetPaginator",
    "OpenApiException",
    "Part",
    "PaymentRequiredException",
    "ResponseDecodeException",
    "ResponseFormat",
    "RetryPolicy",
    "Role",
    "ServiceException",
    "Stream",
    "StreamErrorException",
    "StreamTimeoutException",
    "StreamTruncatedException",
    "StructuredOutputError",
    "SupportedFeature",
    "TextPart",
    "TimeoutException",
    "TooManyRequestsException",
    "TooManyRoundsError",
    "Tool",
    "ToolCall",
    "ToolCallPart",
    "ToolCallResponse",
    "ToolChoice",
    "ToolError",
    "ToolResultPart",
    "ToolSchema",
    "Toolbox",
    "UnauthorizedException",
    "UnprocessableEntityException",
    "UpdateChatroomRequest",
    "UpdateChatroomResponse",
    "Usage",
    "UsageMeter",
    "WebSearchOptionsRequest",
    "__version__",
    "ask_for",
    "ask_for_stream",
    "conversation_of",
    "converse",
    "converse_stream",
    "image",
    "paged",
    "parse_as",
    "text_file",
]

del TYPE_CHECKING, lazy_names
