# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from collections.abc import Mapping
from typing import Any

from tachyon_sdk._contract.operation import Operation, Parameter, RequestOptions, RequestTimeout
from tachyon_sdk.api_client import ApiClient, RawResponse
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.models.chat_completion_chunk_response import ChatCompletionChunkResponse
from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest
from tachyon_sdk.models.chat_completion_with_chatroom_stream_response import (
    ChatCompletionWithChatroomStreamResponse,
)
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


class ChatApi:
    """Ask a model for the next message of a conversation.

    ::

        with ApiClient(configuration) as api_client:
            api = ChatApi(api_client)

    Each method has siblings that take the same arguments: `<method>_with_http_info` returns an `ApiResponse`
    with status and headers, `<method>_without_preload_content` the response unread, and `<method>_stream`,
    where the answer can come in pieces, a `Stream` of them.

    Args:
        api_client: The client that sends the calls; left out, the default one.
    """

    def __init__(self, api_client: ApiClient | None = None) -> None:
        self.api_client = ApiClient.get_default() if api_client is None else api_client

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
    ) -> ChatCompletionChunkResponse:
        """Answer a conversation.

        Asks the model for the next message. The operation is stateless: `messages` carries the whole
        conversation, and nothing is stored.

        Args:
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            The whole answer, whatever form the server sent it in: its text is `text`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.chat_completion_with_http_info(
            x_operator_id,
            authorization,
            chat_completion_request,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
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
    ) -> ApiResponse[ChatCompletionChunkResponse]:
        """Answer a conversation; like `chat_completion`, with status, headers and the bytes of the answer.

        Asks the model for the next message. The operation is stateless: `messages` carries the whole
        conversation, and nothing is stored.

        Args:
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            The answer in `data`, beside `status_code`, `headers` and `raw_data`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.call(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
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
    ) -> RawResponse:
        """Answer a conversation; like `chat_completion`, and hands over the answer as it is, whatever its
        status.

        Asks the model for the next message. The operation is stateless: `messages` carries the whole
        conversation, and nothing is stored.

        Args:
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            urllib3's response, unread. Read it to its end or close it, else its connection stays open.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.open(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
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
    ) -> Stream[ChatCompletionChunkResponse]:
        """Answer a conversation; each piece is delivered the moment it arrives. `stream` is set in what is
        sent.

        Asks the model for the next message. The operation is stateless: `messages` carries the whole
        conversation, and nothing is stored.

        Args:
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            An iterator of the pieces and a context manager; see `Stream`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.stream(
            _chat_completion,
            (
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
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
    ) -> ChatCompletionWithChatroomStreamResponse:
        """Answer a message in a chatroom.

        Asks the model for the next message of a chatroom. The server keeps the history: `messages` carries
        only what is new. The user's and the assistant's messages are stored once the answer is complete.

        Args:
            chatroom_id: Identifier of the chatroom whose history the answer continues.
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            The whole answer, whatever form the server sent it in: its text is `text`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
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
    ) -> ApiResponse[ChatCompletionWithChatroomStreamResponse]:
        """Answer a message in a chatroom; like `chat_completion_on_chatroom`, with status, headers and the
        bytes of the answer.

        Asks the model for the next message of a chatroom. The server keeps the history: `messages` carries
        only what is new. The user's and the assistant's messages are stored once the answer is complete.

        Args:
            chatroom_id: Identifier of the chatroom whose history the answer continues.
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            The answer in `data`, beside `status_code`, `headers` and `raw_data`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.call(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
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
    ) -> RawResponse:
        """Answer a message in a chatroom; like `chat_completion_on_chatroom`, and hands over the answer as it
        is, whatever its status.

        Asks the model for the next message of a chatroom. The server keeps the history: `messages` carries
        only what is new. The user's and the assistant's messages are stored once the answer is complete.

        Args:
            chatroom_id: Identifier of the chatroom whose history the answer continues.
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            urllib3's response, unread. Read it to its end or close it, else its connection stays open.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.open(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
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
    ) -> Stream[ChatCompletionWithChatroomStreamResponse]:
        """Answer a message in a chatroom; each piece is delivered the moment it arrives. `stream` is set in
        what is sent.

        Asks the model for the next message of a chatroom. The server keeps the history: `messages` carries
        only what is new. The user's and the assistant's messages are stored once the answer is complete.

        Args:
            chatroom_id: Identifier of the chatroom whose history the answer continues.
            x_operator_id: Identifier of the operator (tenant) on whose account the call runs. Left out, it is
                `Configuration.operator_id`.
            authorization: Credential with its scheme, `Bearer` and a token. Left out, it is made from
                `Configuration.access_token`.
            chat_completion_request: The conversation, in a chatroom only what is new, and how to answer it. A
                dict is taken as well.
            _request_timeout: Seconds to wait for the connection and for each next byte of the answer, or a
                pair of the two; `None` takes the configuration's. The time of a whole answer is not limited.
            _request_auth: A header for this call only, such as `{"in": "header", "type": "api_key", "key":
                "Authorization", "value": "Bearer xxxxx"}`.
            _content_type: Media type of the request, instead of the contract's.
            _headers: More headers for this call only.
            _host_index: Which of the contract's servers to call; 0 is the configured host.

        Returns:
            An iterator of the pieces and a context manager; see `Stream`.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the request does not fit; nothing was sent.
            ApiException: What the network or the server did; see `tachyon_sdk.exceptions`.
        """
        return self.api_client.stream(
            _chat_completion_on_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            chat_completion_request,
            RequestOptions(_request_timeout, _request_auth, _content_type, _headers, _host_index),
        )
