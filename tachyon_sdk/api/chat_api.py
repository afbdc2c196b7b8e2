# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from tachyon_sdk._calls.base import Api
from tachyon_sdk._calls.limit import Cancellation
from tachyon_sdk._contract.operation import NoMore, Operation, Parameter, RequestOptions, RequestTimeout
from tachyon_sdk.api_client import RawResponse
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.models.chat_completion_chunk_response import ChatCompletionChunkResponse
from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest
from tachyon_sdk.models.chat_completion_with_chatroom_stream_response import (
    ChatCompletionWithChatroomStreamResponse,
)
from tachyon_sdk.retry import RetryPolicy
from tachyon_sdk.streaming.stream import Stream

_chat_completion = Operation(
    operation_id="chat_completion",
    method="POST",
    path="/v1/llms/chat/completions",
    parameters=(
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
    ),
    accept="text/event-stream, application/json",
    content_type="application/json",
    body_name="chat_completion_request",
    body_type=ChatCompletionRequest,
    answer_type=ChatCompletionChunkResponse,
    streams=True,
)


_chat_completion_on_chatroom = Operation(
    operation_id="chat_completion_on_chatroom",
    method="POST",
    path="/v1/llms/chatrooms/{chatroom_id}/chat/completions",
    parameters=(
        Parameter("chatroom_id", "chatroom_id", "path", required=True),
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
    ),
    accept="text/event-stream, application/json",
    content_type="application/json",
    body_name="chat_completion_request",
    body_type=ChatCompletionRequest,
    answer_type=ChatCompletionWithChatroomStreamResponse,
    streams=True,
)


class ChatApi(Api):
    """Send messages to a model, with or without a chatroom.

    ::

        with ApiClient(configuration) as api_client:
            api = ChatApi(api_client)

    Each method has variants with the same arguments: `<method>_with_http_info` returns an `ApiResponse` with
    status and headers, and `<method>_without_preload_content` returns the unread response.
    `chat_completion_stream` returns a `Stream` of chunks. `chat_completion_on_chatroom_stream` returns a
    `Stream` of chunks.

    Args:
        api_client: The client that sends the requests. Defaults to `ApiClient.get_default()`.
    """

    def chat_completion(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> ChatCompletionChunkResponse:
        """Send a conversation to a model.

        Requests the next message from the model. The operation is stateless: `messages` contains the full
        conversation, and the server stores nothing.

        Args:
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            chat_completion_request: The messages, and options for the response. A dict is also accepted.
            _request_timeout: Timeout in seconds for connecting and for each read, or a pair `(connect,
                read)`. None uses the configuration. It does not limit the total time; `_deadline` does.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the default.
            _headers: Additional headers for this call only.
            _host_index: Index of the server in `Configuration.get_host_settings()`; 0 is the configured host.
            _deadline: Seconds for the whole call: attempts, waits between them, and the response, for a
                stream to its end. None uses the configuration.
            _retries: Maximum number of retries, or a `RetryPolicy`. None uses the configuration.
            _cancellation: Lets another thread cancel the call.

        Returns:
            The response. It has the declared type even if the server sends an event stream or a
            `chat.completion` object. Read the text from its property `text`.

        Raises:
            ApiValueError: An argument is missing or has an invalid value; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A property of the request is invalid; nothing was sent.
            ApiException: The network or the server reported an error; see `tachyon_sdk.exceptions` for the
                classes.
        """
        if unexpected:
            raise _chat_completion.unexpected("chat_completion", unexpected)
        return self.chat_completion_with_http_info(
            x_operator_id,
            authorization,
            chat_completion_request,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def chat_completion_with_http_info(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> ApiResponse[ChatCompletionChunkResponse]:
        """`chat_completion`, with status, headers and raw body of the response.

        Same arguments and errors as `chat_completion`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _chat_completion.unexpected("chat_completion_with_http_info", unexpected)
        return self.api_client.call(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )

    def chat_completion_without_preload_content(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> RawResponse:
        """`chat_completion`, without reading the response.

        Same arguments and errors as `chat_completion`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _chat_completion.unexpected("chat_completion_without_preload_content", unexpected)
        return self.api_client.open(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )

    def chat_completion_stream(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> Stream[ChatCompletionChunkResponse]:
        """`chat_completion`, as a stream. The request is sent with `stream` set to true.

        Same arguments and errors as `chat_completion`. Errors after the start of the response are raised
        during iteration.

        Returns:
            An iterator of the chunks, which is also a context manager. Each chunk is available as soon as it
            arrives.
        """
        if unexpected:
            raise _chat_completion.unexpected("chat_completion_stream", unexpected)
        return self.api_client.stream(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )

    def chat_completion_on_chatroom(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> ChatCompletionWithChatroomStreamResponse:
        """Send a message to a model in a chatroom.

        Requests the next message in a chatroom. The server keeps the history: `messages` contains only the
        new messages. The server stores the user's and the assistant's messages after the response is
        complete.

        Args:
            chatroom_id: Identifier of the chatroom.
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            chat_completion_request: The messages, and options for the response. A dict is also accepted.
            _request_timeout: Timeout in seconds for connecting and for each read, or a pair `(connect,
                read)`. None uses the configuration. It does not limit the total time; `_deadline` does.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the default.
            _headers: Additional headers for this call only.
            _host_index: Index of the server in `Configuration.get_host_settings()`; 0 is the configured host.
            _deadline: Seconds for the whole call: attempts, waits between them, and the response, for a
                stream to its end. None uses the configuration.
            _retries: Maximum number of retries, or a `RetryPolicy`. None uses the configuration.
            _cancellation: Lets another thread cancel the call.

        Returns:
            The response. It has the declared type even if the server sends an event stream or a
            `chat.completion` object. Read the text from its property `text`.

        Raises:
            ApiValueError: An argument is missing or has an invalid value; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A property of the request is invalid; nothing was sent.
            ApiException: The network or the server reported an error; see `tachyon_sdk.exceptions` for the
                classes.
        """
        if unexpected:
            raise _chat_completion_on_chatroom.unexpected("chat_completion_on_chatroom", unexpected)
        return self.chat_completion_on_chatroom_with_http_info(
            chatroom_id,
            x_operator_id,
            authorization,
            chat_completion_request,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def chat_completion_on_chatroom_with_http_info(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> ApiResponse[ChatCompletionWithChatroomStreamResponse]:
        """`chat_completion_on_chatroom`, with status, headers and raw body of the response.

        Same arguments and errors as `chat_completion_on_chatroom`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _chat_completion_on_chatroom.unexpected(
                "chat_completion_on_chatroom_with_http_info", unexpected
            )
        return self.api_client.call(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )

    def chat_completion_on_chatroom_without_preload_content(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> RawResponse:
        """`chat_completion_on_chatroom`, without reading the response.

        Same arguments and errors as `chat_completion_on_chatroom`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _chat_completion_on_chatroom.unexpected(
                "chat_completion_on_chatroom_without_preload_content", unexpected
            )
        return self.api_client.open(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )

    def chat_completion_on_chatroom_stream(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        chat_completion_request: ChatCompletionRequest | Mapping[str, Any] | None = None,
        _request_timeout: RequestTimeout = None,
        _request_auth: Mapping[str, Any] | None = None,
        _content_type: str | None = None,
        _headers: Mapping[str, str] | None = None,
        _host_index: int = 0,
        *,
        _deadline: float | None = None,
        _retries: int | RetryPolicy | None = None,
        _cancellation: Cancellation | None = None,
        **unexpected: Unpack[NoMore],
    ) -> Stream[ChatCompletionWithChatroomStreamResponse]:
        """`chat_completion_on_chatroom`, as a stream. The request is sent with `stream` set to true.

        Same arguments and errors as `chat_completion_on_chatroom`. Errors after the start of the response are
        raised during iteration.

        Returns:
            An iterator of the chunks, which is also a context manager. Each chunk is available as soon as it
            arrives.
        """
        if unexpected:
            raise _chat_completion_on_chatroom.unexpected("chat_completion_on_chatroom_stream", unexpected)
        return self.api_client.stream(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(
                _request_timeout,
                _request_auth,
                _content_type,
                _headers,
                _host_index,
                _deadline,
                _retries,
                _cancellation,
            ),
        )
