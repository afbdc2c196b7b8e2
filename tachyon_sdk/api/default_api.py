# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr
from typing_extensions import Unpack

from tachyon_sdk._calls.base import Api
from tachyon_sdk._calls.limit import Cancellation
from tachyon_sdk._contract.operation import NoMore, Operation, Parameter, RequestOptions, RequestTimeout
from tachyon_sdk.api_client import RawResponse
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.models.chatrooms_chatroom_id_messages_get_response import (
    ChatroomsChatroomIdMessagesGetResponse,
)
from tachyon_sdk.models.get_chatrooms_response import GetChatroomsResponse
from tachyon_sdk.retry import RetryPolicy

_get_chatroom_messages = Operation(
    operation_id="get_chatroom_messages",
    method="GET",
    path="/v1/llms/chatrooms/{chatroom_id}/messages",
    parameters=(
        Parameter("chatroom_id", "chatroom_id", "path", required=True),
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
        Parameter("limit", "limit", "query", required=True, type=Annotated[StrictInt, Field(ge=1)]),
        Parameter("offset", "offset", "query", required=True, type=Annotated[StrictInt, Field(ge=0)]),
        Parameter("search", "search", "query", required=True, type=StrictStr),
    ),
    accept="application/json",
    answer_type=ChatroomsChatroomIdMessagesGetResponse,
    streams=False,
)


_get_chatrooms = Operation(
    operation_id="get_chatrooms",
    method="GET",
    path="/v1/llms/chatrooms",
    parameters=(
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
        Parameter(
            "limit", "limit", "query", required=False, type=Annotated[StrictInt, Field(ge=1), Field(le=100)]
        ),
        Parameter("offset", "offset", "query", required=False, type=Annotated[StrictInt, Field(ge=0)]),
        Parameter("search", "search", "query", required=False, type=StrictStr),
        Parameter("metadata_user_id", "metadata_user_id", "query", required=False, type=StrictStr),
    ),
    accept="application/json",
    answer_type=GetChatroomsResponse,
    streams=False,
)


class DefaultApi(Api):
    """List chatrooms and their messages.

    ::

        with ApiClient(configuration) as api_client:
            api = DefaultApi(api_client)

    Each method has variants with the same arguments: `<method>_with_http_info` returns an `ApiResponse` with
    status and headers, and `<method>_without_preload_content` returns the unread response.

    Args:
        api_client: The client that sends the requests. Defaults to `ApiClient.get_default()`.
    """

    def get_chatroom_messages(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int = 20,
        offset: int = 0,
        search: str = "",
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
    ) -> ChatroomsChatroomIdMessagesGetResponse:
        """List the messages of a chatroom.

        Lists the messages of a chatroom, one page at a time.

        Args:
            chatroom_id: Identifier of the chatroom.
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            limit: Maximum number of messages per page.
            offset: Number of messages to skip.
            search: Text that the messages must contain; empty for all messages.
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
            The response.

        Raises:
            ApiValueError: An argument is missing or has an invalid value; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A property of the request is invalid; nothing was sent.
            ApiException: The network or the server reported an error; see `tachyon_sdk.exceptions` for the
                classes.
        """
        if unexpected:
            raise _get_chatroom_messages.unexpected("get_chatroom_messages", unexpected)
        return self.get_chatroom_messages_with_http_info(
            chatroom_id,
            x_operator_id,
            authorization,
            limit,
            offset,
            search,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def get_chatroom_messages_with_http_info(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int = 20,
        offset: int = 0,
        search: str = "",
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
    ) -> ApiResponse[ChatroomsChatroomIdMessagesGetResponse]:
        """`get_chatroom_messages`, with status, headers and raw body of the response.

        Same arguments and errors as `get_chatroom_messages`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _get_chatroom_messages.unexpected("get_chatroom_messages_with_http_info", unexpected)
        return self.api_client.call(
            _get_chatroom_messages,
            (
                chatroom_id,
                x_operator_id,
                authorization,
                limit,
                offset,
                search,
            ),
            None,
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

    def get_chatroom_messages_without_preload_content(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int = 20,
        offset: int = 0,
        search: str = "",
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
        """`get_chatroom_messages`, without reading the response.

        Same arguments and errors as `get_chatroom_messages`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _get_chatroom_messages.unexpected(
                "get_chatroom_messages_without_preload_content", unexpected
            )
        return self.api_client.open(
            _get_chatroom_messages,
            (
                chatroom_id,
                x_operator_id,
                authorization,
                limit,
                offset,
                search,
            ),
            None,
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

    def get_chatrooms(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        search: str | None = None,
        metadata_user_id: str | None = None,
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
    ) -> GetChatroomsResponse:
        """List the chatrooms.

        Lists the chatrooms of the operator, one page at a time.

        Args:
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            limit: Maximum number of chatrooms per page, at most 100. The server's default is 20.
            offset: Number of chatrooms to skip.
            search: Text that the name must contain.
            metadata_user_id: Value that `user_id` in the metadata must equal.
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
            The response.

        Raises:
            ApiValueError: An argument is missing or has an invalid value; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A property of the request is invalid; nothing was sent.
            ApiException: The network or the server reported an error; see `tachyon_sdk.exceptions` for the
                classes.
        """
        if unexpected:
            raise _get_chatrooms.unexpected("get_chatrooms", unexpected)
        return self.get_chatrooms_with_http_info(
            x_operator_id,
            authorization,
            limit,
            offset,
            search,
            metadata_user_id,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def get_chatrooms_with_http_info(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        search: str | None = None,
        metadata_user_id: str | None = None,
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
    ) -> ApiResponse[GetChatroomsResponse]:
        """`get_chatrooms`, with status, headers and raw body of the response.

        Same arguments and errors as `get_chatrooms`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _get_chatrooms.unexpected("get_chatrooms_with_http_info", unexpected)
        return self.api_client.call(
            _get_chatrooms,
            (
                x_operator_id,
                authorization,
                limit,
                offset,
                search,
                metadata_user_id,
            ),
            None,
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

    def get_chatrooms_without_preload_content(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        search: str | None = None,
        metadata_user_id: str | None = None,
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
        """`get_chatrooms`, without reading the response.

        Same arguments and errors as `get_chatrooms`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _get_chatrooms.unexpected("get_chatrooms_without_preload_content", unexpected)
        return self.api_client.open(
            _get_chatrooms,
            (
                x_operator_id,
                authorization,
                limit,
                offset,
                search,
                metadata_user_id,
            ),
            None,
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
