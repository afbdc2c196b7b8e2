# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers take the public names for. Checked by mypy and pyright, not run."""

from collections.abc import Iterator, Mapping
from typing import Any

from typing_extensions import assert_type
from urllib3 import BaseHTTPResponse

import tachyon_sdk
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiResponse,
    ChatApi,
    ChatCompletionChunkResponse,
    ChatCompletionRequest,
    ChatCompletionWithChatroomStreamResponse,
    ChatRole,
    ChunkChoice,
    Configuration,
    ContentPart,
    DeltaMessage,
    Message,
    RetryPolicy,
    ServiceException,
    Stream,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
    ToolCall,
    ToolChoice,
    Usage,
)


def plain(api: ChatApi, request: ChatCompletionRequest) -> None:
    response = api.chat_completion("tn_1", "Bearer t", request)
    assert_type(response, ChatCompletionChunkResponse)
    assert_type(response.id, str | None)
    assert_type(response.created, int | None)
    assert_type(response.choices, list[ChunkChoice])
    assert_type(response.usage, Usage | None)
    choice = response.choices[0]
    assert_type(choice.index, int | None)
    assert_type(choice.finish_reason, str | None)
    assert_type(choice.delta, DeltaMessage)
    assert_type(choice.delta.content, str | None)
    assert_type(choice.delta.role, ChatRole | str | None)
    assert_type(choice.delta.tool_calls, list[ToolCall] | None)
    room = api.chat_completion_on_chatroom("r", None, None, {"messages": []})
    assert_type(room, ChatCompletionWithChatroomStreamResponse)
    assert_type(room.choices[0].delta.content, str | None)


def with_http_info(api: ChatApi, request: ChatCompletionRequest) -> None:
    response = api.chat_completion_with_http_info(chat_completion_request=request)
    assert_type(response, ApiResponse[ChatCompletionChunkResponse])
    assert_type(response.data, ChatCompletionChunkResponse)
    assert_type(response.status_code, int)
    assert_type(response.raw_data, bytes)
    assert_type(response.headers, Mapping[str, str] | None)
    room = api.chat_completion_on_chatroom_with_http_info("r", chat_completion_request=request)
    assert_type(room.data, ChatCompletionWithChatroomStreamResponse)


def without_preload_content(api: ChatApi, request: ChatCompletionRequest) -> None:
    raw = api.chat_completion_without_preload_content(chat_completion_request=request)
    assert_type(raw, BaseHTTPResponse)
    assert_type(raw.data, bytes)
    assert_type(raw.status, int)


def streamed(api: ChatApi, request: ChatCompletionRequest) -> None:
    stream = api.chat_completion_stream(chat_completion_request=request)
    assert_type(stream, Stream[ChatCompletionChunkResponse])
    with stream as entered:
        assert_type(entered, Stream[ChatCompletionChunkResponse])
        for chunk in stream:
            assert_type(chunk, ChatCompletionChunkResponse)
        assert_type(next(stream), ChatCompletionChunkResponse)
        assert_type(iter(stream), Stream[ChatCompletionChunkResponse])
        assert_type(stream.text, Iterator[str])
        assert_type(stream.merged, ChatCompletionChunkResponse)
        assert_type(stream.collect(), ChatCompletionChunkResponse)
        assert_type(stream.status, int)
        assert_type(stream.headers, Mapping[str, str])
    for piece in api.chat_completion_on_chatroom_stream("r", chat_completion_request=request):
        assert_type(piece, ChatCompletionWithChatroomStreamResponse)
    iterator: Iterator[ChatCompletionChunkResponse] = stream
    next(iterator)


def errors(error: ApiException, service: ServiceException) -> None:
    assert_type(error.status, int | None)
    assert_type(error.reason, str | None)
    assert_type(error.body, str | None)
    assert_type(error.headers, Mapping[str, str] | None)
    assert_type(error.code, str | None)
    assert_type(error.message, str | None)
    assert_type(error.request_id, str | None)
    assert_type(error.retry_after, float | None)
    assert_type(service.retry_after, float | None)
    assert_type(error.attempts, int)
    assert_type(error.previous, tuple[ApiException, ...])
    assert_type(error.request_sent, bool)
    either: TimeoutException | StreamTruncatedException = StreamTimeoutException()
    print(either)


def models() -> None:
    message = Message(role="user", content="Hello")
    assert_type(message, Message)
    assert_type(message.role, str)
    assert_type(message.content, str | list[ContentPart] | None)
    assert_type(message.to_dict(), dict[str, Any])
    assert_type(message.to_json(), str)
    assert_type(message.to_str(), str)
    assert_type(Message.from_dict({"role": "user"}), Message)
    assert_type(Message.from_dict(None), None)
    assert_type(Message.from_json("{}"), Message)
    request = ChatCompletionRequest()
    assert_type(request.messages, list[Message])
    assert_type(request.temperature, int | float | None)
    assert_type(request.stream, bool | None)
    assert_type(request.tool_choice, ToolChoice | str | dict[str, Any] | None)
    request.tool_choice = ToolChoice.ANY
    request.tool_choice = "required"
    request.tool_choice = {"type": "function", "function": {"name": "get_weather"}}
    request.messages.append(message)
    request.temperature = 1
    request.temperature = 0.5
    request.model = None


def clients(configuration: Configuration) -> None:
    assert_type(Configuration.get_default(), Configuration)
    assert_type(configuration.host, str)
    assert_type(configuration.operator_id, str | None)
    assert_type(configuration.retries, int | RetryPolicy | None)
    configuration.retries = RetryPolicy()
    configuration.retries = None
    with ApiClient(configuration) as client:
        assert_type(client, ApiClient)
        assert_type(client.configuration, Configuration)
        assert_type(client.default_headers, dict[str, str])
        assert_type(client.user_agent, str)
        assert_type(ChatApi(client).api_client, ApiClient)
    assert_type(ApiClient.get_default(), ApiClient)


def lazy_names() -> None:
    assert_type(tachyon_sdk.ChatApi(), ChatApi)
    assert_type(tachyon_sdk.Message(role="user"), Message)
    assert_type(tachyon_sdk.models.Message(role="user"), Message)
    assert_type(tachyon_sdk.api.ChatApi(), ChatApi)
    assert_type(tachyon_sdk.rest.ApiException(), ApiException)
    assert_type(tachyon_sdk.exceptions.ApiException(), ApiException)
    assert_type(tachyon_sdk.__version__, str)


def mistakes(api: ChatApi, request: ChatCompletionRequest, configuration: Configuration) -> None:
    """Each line is a mistake; where a type checker does not see it, the comment on it is an error."""
    _ = tachyon_sdk.NoSuchName  # type: ignore[attr-defined]
    _ = tachyon_sdk.models.NoSuchName  # type: ignore[attr-defined]
    Message(role=1)  # type: ignore[arg-type]
    Message(content="x")  # type: ignore[call-arg]
    request.temperature = "hot"  # type: ignore[assignment]
    request.temprature = 1  # type: ignore[attr-defined]
    api.chat_completion("tn_1", "Bearer t", [])  # type: ignore[arg-type]
    api.chat_completion(_request_timeout="5")  # type: ignore[arg-type]
    api.chat_completion(chat_completion_request=request).choices[0].message = None  # type: ignore[misc,assignment]
    configuration.hots = "http://localhost"  # type: ignore[attr-defined]
    configuration.read_timeout = "5"  # type: ignore[assignment]
    Configuration(hots="http://localhost")  # type: ignore[call-arg]
