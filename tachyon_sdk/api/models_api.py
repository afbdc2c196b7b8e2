# Generated from openapi.yaml by `tox -e generate`. Do not edit.

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import StrictBool, StrictStr
from typing_extensions import Unpack

from tachyon_sdk._calls.base import Api
from tachyon_sdk._calls.limit import Cancellation
from tachyon_sdk._contract.model import KnownFirst
from tachyon_sdk._contract.operation import NoMore, Operation, Parameter, RequestOptions, RequestTimeout
from tachyon_sdk.api_client import RawResponse
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.models.models_response import ModelsResponse
from tachyon_sdk.models.supported_feature import SupportedFeature
from tachyon_sdk.retry import RetryPolicy

_get_models = Operation(
    operation_id="get_models",
    method="GET",
    path="/v1/llms/models",
    parameters=(
        Parameter("x-operator-id", "x_operator_id", "header", required=True, configured_by="operator_id"),
        Parameter("Authorization", "authorization", "header", required=True, configured_by="access_token"),
        Parameter(
            "supported_feature",
            "supported_feature",
            "query",
            required=False,
            type=list[Annotated[SupportedFeature | StrictStr, KnownFirst]],
        ),
        Parameter("require_agent_product", "require_agent_product", "query", required=False, type=StrictBool),
    ),
    accept="application/json",
    answer_type=ModelsResponse,
    streams=False,
)


class ModelsApi(Api):
    """List the models.

    ::

        with ApiClient(configuration) as api_client:
            api = ModelsApi(api_client)

    Each method has variants with the same arguments: `<method>_with_http_info` returns an `ApiResponse` with
    status and headers, and `<method>_without_preload_content` returns the unread response.

    Args:
        api_client: The client that sends the requests. Defaults to `ApiClient.get_default()`.
    """

    def get_models(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        supported_feature: Sequence[SupportedFeature | str] | None = None,
        require_agent_product: bool | None = None,
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
    ) -> ModelsResponse:
        """List the models.

        Lists the available models. The server omits models that cannot be agents unless
        `require_agent_product` is false.

        Args:
            x_operator_id: Identifier of the operator (tenant) that is billed for the call. Defaults to
                `Configuration.operator_id`.
            authorization: Credential with its scheme, for example `Bearer` and a token. Defaults to
                `Configuration.access_token`.
            supported_feature: Features that the listed models must all support.
            require_agent_product: Whether to list only models that can be agents. The server's default is
                true.
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
            raise _get_models.unexpected("get_models", unexpected)
        return self.get_models_with_http_info(
            x_operator_id,
            authorization,
            supported_feature,
            require_agent_product,
            _request_timeout,
            _request_auth,
            _content_type,
            _headers,
            _host_index,
            _deadline=_deadline,
            _retries=_retries,
            _cancellation=_cancellation,
        ).data

    def get_models_with_http_info(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        supported_feature: Sequence[SupportedFeature | str] | None = None,
        require_agent_product: bool | None = None,
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
    ) -> ApiResponse[ModelsResponse]:
        """`get_models`, with status, headers and raw body of the response.

        Same arguments and errors as `get_models`.

        Returns:
            The response as `data`, with `status_code`, `headers` and `raw_data`.
        """
        if unexpected:
            raise _get_models.unexpected("get_models_with_http_info", unexpected)
        return self.api_client.call(
            _get_models,
            (
                x_operator_id,
                authorization,
                supported_feature,
                require_agent_product,
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

    def get_models_without_preload_content(
        self,
        x_operator_id: str | None = None,
        authorization: str | None = None,
        supported_feature: Sequence[SupportedFeature | str] | None = None,
        require_agent_product: bool | None = None,
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
        """`get_models`, without reading the response.

        Same arguments and errors as `get_models`, but an error status does not raise.

        Returns:
            The response of urllib3. Read all of it or close it; otherwise its connection stays open.
        """
        if unexpected:
            raise _get_models.unexpected("get_models_without_preload_content", unexpected)
        return self.api_client.open(
            _get_models,
            (
                x_operator_id,
                authorization,
                supported_feature,
                require_agent_product,
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
