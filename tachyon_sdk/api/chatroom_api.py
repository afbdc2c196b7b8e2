# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from tachyon_sdk._calls.base import Api
from tachyon_sdk._calls.limit import Cancellation
from tachyon_sdk._contract.operation import NoMore, Operation, Parameter, RequestOptions, RequestTimeout
from tachyon_sdk.api_client import RawResponse
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.models.create_chat_room_request import CreateChatRoomRequest
from tachyon_sdk.models.create_chat_room_response import CreateChatRoomResponse
from tachyon_sdk.models.update_chatroom_request import UpdateChatroomRequest
from tachyon_sdk.models.update_chatroom_response import UpdateChatroomResponse
from tachyon_sdk.retry import RetryPolicy

_create_chatroom = Operation(
    operation_id="create_chatroom",
    method="POST",
    path="/v1/llms/chatrooms",
    parameters=(
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
    ),
    accept="application/json",
    content_type="application/json",
    body_name="create_chat_room_request",
    body_type=CreateChatRoomRequest,
    answer_type=CreateChatRoomResponse,
    streams=False,
)


_delete_chatroom: Operation[Any] = Operation(
    operation_id="delete_chatroom",
    method="DELETE",
    path="/v1/llms/chatrooms/{chatroom_id}",
    parameters=(
        Parameter("chatroom_id", "chatroom_id", "path", required=True),
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
    ),
    accept="application/json",
    answer_type=None,
    streams=False,
)


_update_chatroom = Operation(
    operation_id="update_chatroom",
    method="PATCH",
    path="/v1/llms/chatrooms/{chatroom_id}",
    parameters=(
        Parameter("chatroom_id", "chatroom_id", "path", required=True),
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
    ),
    accept="application/json",
    content_type="application/json",
    body_name="update_chatroom_request",
    body_type=UpdateChatroomRequest,
    answer_type=UpdateChatroomResponse,
    streams=False,
)


class ChatroomApi(Api):
    """Create, change and delete chatrooms.

    ::

        with ApiClient(configuration) as api_client:
            api = ChatroomApi(api_client)

    Each method has variants with the same arguments: `<method>_with_http_info` returns an `ApiResponse` with
    status and headers, and `<method>_without_preload_content` returns the unread response.

    Args:
        api_client: The client that sends the requests. Defaults to `ApiClient.get_default()`.
    """

    def create_chatroom(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        create_chat_room_request: CreateChatRoomRequest | Mapping[str, Any] | None = None,
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
    ) -> CreateChatRoomResponse:
        """Create a chatroom.

        Creates a chatroom. The server keeps its messages.

        Args:
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            create_chat_room_request: Name and metadata of the chatroom. A dict is also accepted.
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
            raise _create_chatroom.unexpected("create_chatroom", unexpected)
        return self.create_chatroom_with_http_info(
            x_operator_id,
            authorization,
            create_chat_room_request,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def create_chatroom_with_http_info(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        create_chat_room_request: CreateChatRoomRequest | Mapping[str, Any] | None = None,
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
    ) -> ApiResponse[CreateChatRoomResponse]:
        """`create_chatroom`, with status, headers and raw body of the response.

        Same arguments and errors as `create_chatroom`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _create_chatroom.unexpected("create_chatroom_with_http_info", unexpected)
        return self.api_client.call(
            _create_chatroom,
            (
                x_operator_id,
                authorization,
            ),
            create_chat_room_request,
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

    def create_chatroom_without_preload_content(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        create_chat_room_request: CreateChatRoomRequest | Mapping[str, Any] | None = None,
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
        """`create_chatroom`, without reading the response.

        Same arguments and errors as `create_chatroom`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _create_chatroom.unexpected("create_chatroom_without_preload_content", unexpected)
        return self.api_client.open(
            _create_chatroom,
            (
                x_operator_id,
                authorization,
            ),
            create_chat_room_request,
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

    def delete_chatroom(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
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
    ) -> None:
        """Delete a chatroom.

        Deletes a chatroom with its messages.

        Args:
            chatroom_id: Identifier of the chatroom.
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
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
            None.

        Raises:
            ApiValueError: An argument is missing or has an invalid value; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A property of the request is invalid; nothing was sent.
            ApiException: The network or the server reported an error; see `tachyon_sdk.exceptions` for the
                classes.
        """
        if unexpected:
            raise _delete_chatroom.unexpected("delete_chatroom", unexpected)
        return self.delete_chatroom_with_http_info(
            chatroom_id,
            x_operator_id,
            authorization,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def delete_chatroom_with_http_info(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
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
    ) -> ApiResponse[None]:
        """`delete_chatroom`, with status, headers and raw body of the response.

        Same arguments and errors as `delete_chatroom`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _delete_chatroom.unexpected("delete_chatroom_with_http_info", unexpected)
        return self.api_client.call(
            _delete_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
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

    def delete_chatroom_without_preload_content(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
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
        """`delete_chatroom`, without reading the response.

        Same arguments and errors as `delete_chatroom`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _delete_chatroom.unexpected("delete_chatroom_without_preload_content", unexpected)
        return self.api_client.open(
            _delete_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
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

    def update_chatroom(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        update_chatroom_request: UpdateChatroomRequest | Mapping[str, Any] | None = None,
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
    ) -> UpdateChatroomResponse:
        """Change a chatroom.

        Changes the properties that are sent. A property that is absent stays as it is; null is sent as null.

        Args:
            chatroom_id: Identifier of the chatroom.
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            update_chatroom_request: Properties to change. A dict is also accepted.
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
            raise _update_chatroom.unexpected("update_chatroom", unexpected)
        return self.update_chatroom_with_http_info(
            chatroom_id,
            x_operator_id,
            authorization,
            update_chatroom_request,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def update_chatroom_with_http_info(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        update_chatroom_request: UpdateChatroomRequest | Mapping[str, Any] | None = None,
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
    ) -> ApiResponse[UpdateChatroomResponse]:
        """`update_chatroom`, with status, headers and raw body of the response.

        Same arguments and errors as `update_chatroom`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _update_chatroom.unexpected("update_chatroom_with_http_info", unexpected)
        return self.api_client.call(
            _update_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            update_chatroom_request,
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

    def update_chatroom_without_preload_content(
        self,
        chatroom_id: str,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        update_chatroom_request: UpdateChatroomRequest | Mapping[str, Any] | None = None,
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
        """`update_chatroom`, without reading the response.

        Same arguments and errors as `update_chatroom`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _update_chatroom.unexpected("update_chatroom_without_preload_content", unexpected)
        return self.api_client.open(
            _update_chatroom,
            (
                chatroom_id,
                x_operator_id,
                authorization,
            ),
            update_chatroom_request,
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
