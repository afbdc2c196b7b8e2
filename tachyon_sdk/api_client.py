"""Builds requests, sends them with the only retry loop of the package, and reads the responses."""

from __future__ import annotations

import copy
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from typing_extensions import Unpack

from tachyon_sdk import rest
from tachyon_sdk._calls.generic import GenericCalls
from tachyon_sdk._calls.request import Request, build_request
from tachyon_sdk._contract.operation import M, NoMore, Operation, RequestOptions
from tachyon_sdk._errors.headers import read_retry_after
from tachyon_sdk._errors.responses import raise_for_status, status_error
from tachyon_sdk._settings.checks import check, mapping
from tachyon_sdk._settings.logs import log_attempt
from tachyon_sdk._transport.connection import socket_watcher
from tachyon_sdk._transport.headers import Headers, build_headers
from tachyon_sdk._version import __version__
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ApiTypeError,
    ApiValueError,
    ConnectionException,
    StreamTruncatedException,
    TimeoutException,
)
from tachyon_sdk.retry import RetryPolicy
from tachyon_sdk.streaming.decode import AnswerDecoder
from tachyon_sdk.streaming.stream import Stream, has_events, is_event_stream

if TYPE_CHECKING:
    from typing_extensions import Self

    from tachyon_sdk._calls.limit import Cancellation, Limit
    from tachyon_sdk.hooks import Hook, Observer
else:
    Self = Cancellation = Limit = Hook = Observer = Any  # for typing.get_type_hints

RawResponse = rest.RESTResponseType

_DEFAULT_POLICY = RetryPolicy()
_NO_OPTIONS = RequestOptions()
_SAFE_METHODS = frozenset({"GET", "HEAD"})  # they have no effect on the server (RFC 9110, section 9.2.1)


T = TypeVar("T")
Failed = tuple[ApiException, ...]
"""The errors of the previous attempts, oldest first."""
Receive = Callable[[rest.RESTResponse, Failed], T]
"""Reads a response that is not retried."""


class _Options(TypedDict, total=False):
    """The options of `ApiClient.with_options`."""

    host: str
    access_token: str | None
    operator_id: str | None
    user_id: str | None
    connect_timeout: float | None
    read_timeout: float | None
    deadline: float | None
    retries: int | RetryPolicy | None
    max_response_bytes: int
    max_event_bytes: int
    require_finish_reason: bool
    headers: Mapping[str, str | None]
    hooks: Iterable[Hook]
    cancellation: Cancellation | None


class ApiClient(GenericCalls):
    """Sends the calls of the API classes, and keeps connections open for reuse.

    ::

        with ApiClient(configuration) as api_client:
            chat = ChatApi(api_client)

    A client can be shared between threads. After `fork`, the child opens its own connections. Pickles contain none.

    Args:
        configuration: The settings. Default: `Configuration.get_default()`.
        header_name: Name of a header that is sent with every call.
        header_value: Value of that header.
        cookie: Value of the `Cookie` header that is sent with every call.
        hooks: Hooks that run around each call and each attempt; see `tachyon_sdk.hooks`.

    Attributes:
        configuration: The settings.
        default_headers: The headers that are sent with every call.
        cookie: Value of the `Cookie` header, or None.
        hooks: The hooks.
        rest_client: The connections.

    Raises:
        ApiTypeError: `configuration` is not a Configuration.
        ApiValueError: The header cannot be sent.
    """

    _default: ApiClient | None = None

    def __init__(
        self,
        configuration: Configuration | None = None,
        header_name: str | None = None,
        header_value: str | None = None,
        cookie: str | None = None,
        *,
        hooks: Iterable[Hook] = (),
        **unexpected: Unpack[NoMore],
    ) -> None:
        if unexpected:
            name = next(iter(unexpected))
            raise ApiTypeError(
                f"ApiClient() has no argument {name!r}; settings belong to the configuration: "
                "ApiClient(Configuration(...))"
            )
        if configuration is not None and not isinstance(configuration, Configuration):
            found = type(configuration).__name__
            raise ApiTypeError(
                f"configuration must be a Configuration, not {found}; use ApiClient(Configuration(host=...))"
            )
        self.configuration = Configuration.get_default() if configuration is None else configuration
        self.client_side_validation = self.configuration.client_side_validation
        self.rest_client = rest.RESTClientObject(self.configuration)
        self.default_headers: dict[str, str] = Headers()
        self.cookie = cookie
        self.hooks = _checked_hooks(hooks)
        self._log_hooks: tuple[Hook, ...] = ()
        if log := os.environ.get("TACHYON_LOG"):
            from tachyon_sdk.observe.log import start_log

            self._log_hooks = start_log(log)
            self.hooks += self._log_hooks
        self._cancellation: Cancellation | None = None
        self.user_agent = f"tachyon-chat-sdk/{__version__} (Python {platform.python_version()})"
        if header_name is not None:
            self.set_default_header(header_name, header_value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        # Connections belong to one process.
        return {**self.__dict__, "rest_client": None, "_cancellation": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.rest_client = rest.RESTClientObject(self.configuration)

    def with_options(self, **options: Unpack[_Options]) -> Self:
        """Return a view of this client with other options. It shares the connections, and is cheap to make.

        ::

            patient = ChatApi(api_client.with_options(read_timeout=None, retries=5))

        The view has its own copy of the configuration and of the default headers: later changes of this client do not
        reach it. `close` of either closes the idle connections of both.

        Args:
            options: Settings of `Configuration` that do not belong to connections; `headers`, which are added to
                the default headers, None removes one; `hooks`, instead of those of this client; `cancellation`,
                for all calls of the view. A call may have another one in addition.

        Raises:
            ApiTypeError: There is no such option, or it has the wrong type.
            ApiValueError: The value of an option is invalid.
        """
        for name in options.keys() - _Options.__annotations__.keys():
            known = ", ".join(sorted(_Options.__annotations__))
            reason = (
                "belongs to the connections: make another ApiClient"
                if hasattr(self.configuration, name)
                else f"does not exist; the options are {known}"
            )
            raise ApiTypeError(f"with_options({name}=...) {reason}")
        view = type(self).__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.configuration = copy.copy(self.configuration)
        view.default_headers = Headers(self.default_headers)
        given_options: dict[str, Any] = {**options}
        for name, value in given_options.items():
            if name == "hooks":
                given = _checked_hooks(value)
                view.hooks = given + tuple(hook for hook in self._log_hooks if hook not in given)
            elif name == "cancellation":
                view._cancellation = _checked_cancellation(value)
            elif name == "headers":
                view._set_default_headers(mapping("headers", value))
            else:
                setattr(view.configuration, name, value)
        return view

    def _set_default_headers(self, headers: Mapping[str, str | None]) -> None:
        for name, value in headers.items():
            self.set_default_header(name, value)

    def close(self) -> None:
        """Close the idle connections. The client stays usable: a later call opens new ones.

        Streams that are being read keep their connections, and close them at the end.
        """
        self.rest_client.close()

    @property
    def user_agent(self) -> str:
        """The `User-Agent` header of every call. Empty if it was removed from `default_headers`."""
        headers = dict(self.default_headers)  # a copy: another thread may change them
        return next((value for name, value in headers.items() if name.lower() == "user-agent"), None) or ""

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self.set_default_header("User-Agent", value)

    def set_default_header(self, header_name: str, header_value: str | None) -> None:
        """Send a header with every later call. It replaces a header of the same name.

        Args:
            header_name: The name.
            header_value: The value.

        Raises:
            ApiValueError: The name or the value cannot be sent.
        """
        build_headers({header_name: header_value})
        headers = self.default_headers
        # The new one first, so that no call of another thread is sent without the header.
        headers[header_name] = header_value  # type: ignore[assignment]
        for name in list(headers):
            if name != header_name and name.lower() == header_name.lower():
                headers.pop(name, None)

    @classmethod
    def get_default(cls) -> ApiClient:
        """Return the client of API classes created without one. It is created on first use."""
        if ApiClient._default is None:
            ApiClient._default = ApiClient()
        return ApiClient._default

    @classmethod
    def set_default(cls, default: ApiClient | None) -> None:
        """Set the default client. None: a new one is created on the next use."""
        ApiClient._default = default

    def call(
        self, operation: Operation[M], arguments: Sequence[Any], body: Any, options: RequestOptions
    ) -> ApiResponse[M]:
        """Make a call and read the whole response, in any of its forms. For the API classes.

        Args:
            operation: The operation, as the contract describes it.
            arguments: The arguments, in the order of the parameters.
            body: The body, a model or a dict.
            options: Options for this call only.

        Raises:
            ApiValueError: An argument is missing or cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            pydantic.ValidationError: A value in the body is invalid; nothing was sent.
            ApiException: The network or the server failed.
        """
        request = self._request(operation, arguments, body, options)
        response = self._send(
            request,
            lambda response, failed: self._whole(operation, response, failed, body),
            operation.operation_id,
            options,
        )
        if operation.streams and _read_from(body, "stream"):
            from tachyon_sdk._contract.iteration import was_to_be_a_stream

            was_to_be_a_stream(response.data, f"{operation.operation_id}_stream")
        return response

    def stream(
        self, operation: Operation[M], arguments: Sequence[Any], body: Any, options: RequestOptions
    ) -> Stream[M]:
        """Make a call and return when the response begins. For the API classes. Same arguments and errors as `call`.

        Later errors are raised while the stream is read.
        """
        request = self._request(operation, arguments, body, options, stream=True)
        choices = _choices_of(body)
        return self._send(
            request,
            lambda response, failed: self._stream(operation, response, failed, choices),
            operation.operation_id,
            options,
            stream=True,
        )

    def open(
        self, operation: Operation[M], arguments: Sequence[Any], body: Any, options: RequestOptions
    ) -> RawResponse:
        """Make a call and return the unread response, also for an error status. For the API classes.

        Same arguments and errors as `call`, except for errors of a status.
        """
        request = self._request(operation, arguments, body, options)
        return self._send(
            request, lambda response, failed: response.response, operation.operation_id, options
        )

    def _request(
        self,
        operation: Operation[M],
        arguments: Sequence[Any],
        body: Any,
        options: RequestOptions,
        stream: bool = False,
    ) -> Request:
        headers = self._client_headers()
        try:
            return build_request(self.configuration, headers, operation, arguments, body, options, stream)
        except (ApiTypeError, ApiValueError) as error:
            method = f"{operation.operation_id}_stream" if stream else operation.operation_id
            if (explained := operation.explained(error, method, arguments, body)) is None:
                raise
            raise explained from None

    def _client_headers(self) -> dict[str, str]:
        # A copy, made in one step: another thread may change the headers while the request is built.
        headers = {**self.default_headers}
        if self.cookie:
            headers["Cookie"] = self.cookie
        return headers

    def _send(
        self,
        request: Request,
        receive: Receive[T],
        operation: str,
        options: RequestOptions = _NO_OPTIONS,
        stream: bool = False,
    ) -> T:
        """Send a request, and repeat it as the retry policy allows. Run the hooks, and obey the limits of the call."""
        policy = self._retry_policy(options.retries)
        deadline = self.configuration.deadline
        if options.deadline is not None:
            deadline = check("_deadline", options.deadline, "deadline")
        cancellation = options.cancellation or self._cancellation
        if deadline is None and cancellation is None and not self.hooks:
            return self._attempts(request, receive, policy)
        send = partial(self._attempts, request, receive, policy)
        if deadline is not None or cancellation is not None:
            send = partial(self._limited, send, deadline, (options.cancellation, self._cancellation))
        if not self.hooks:
            return send()
        from tachyon_sdk.hooks import Call, Observer

        with Observer(self.hooks, Call(operation, request, stream)) as observer:
            result = send(observer=observer)
        observer.done(result)
        return result

    def _limited(
        self,
        send: Callable[..., T],
        deadline: float | None,
        cancellations: tuple[Cancellation | None, ...],
        observer: Observer | None = None,
    ) -> T:
        from tachyon_sdk._calls.limit import Limit

        limit = Limit(deadline, cancellations)
        try:
            limit.start()
            result = send(observer=observer, limit=limit)
        except ApiException as error:
            failure = limit.failure(error)
            limit.close()
            if failure is error:
                raise
            raise failure from error
        except BaseException:
            limit.close()
            raise
        if isinstance(result, Stream):
            result.observe(limit)
        else:
            limit.close()
        return result

    def _watched(self, request: Request, limit: Limit) -> rest.RESTResponse:
        # Not around the hooks: they may make calls of their own.
        token = socket_watcher.set(limit.watch)
        try:
            response = self.rest_client.request(*request)
        finally:
            socket_watcher.reset(token)
        limit.attach(response)
        return response

    def _attempts(
        self,
        request: Request,
        receive: Receive[T],
        policy: RetryPolicy,
        observer: Observer | None = None,
        limit: Limit | None = None,
    ) -> T:
        failed: list[ApiException] = []
        while True:
            attempt = len(failed) + 1
            started = time.monotonic()
            # Before `try`: an error of a hook is not one of the network, and is not retried.
            sent = request if observer is None else observer.begin_attempt(request)
            if limit is not None:
                sent = sent._replace(timeouts=limit.timeouts(request.timeouts))
            try:
                response = self.rest_client.request(*sent) if limit is None else self._watched(sent, limit)
                log_attempt(request, response.status, started, attempt, response)
                delay = None
                if response.status >= 400:
                    retry_after = read_retry_after(response.headers)
                    delay = policy.delay(attempt, response.status, retry_after=retry_after)
                if observer is not None:
                    observer.end_attempt(response, delay)
                if delay is None:
                    return receive(response, tuple(failed))
                failed.append(status_error(response))
            except (ConnectionException, StreamTruncatedException) as error:
                log_attempt(request, str(error), started, attempt)
                # A request that only reads may be sent again after its connection was lost, but not after a timeout.
                repeatable = request.method in _SAFE_METHODS and not isinstance(error, TimeoutException)
                delay = policy.delay(attempt, None, request_sent=error.request_sent and not repeatable)
                if isinstance(error, ConnectionException) and error.permanent:
                    delay = None
                if observer is not None:
                    observer.fail_attempt(error, delay)
                if delay is None:
                    raise error.after(failed).with_traceback(None) from error.__cause__
                failed.append(error)
            if limit is None:
                time.sleep(delay)
            else:
                limit.wait(delay, failed[-1].after(failed[:-1]))

    def _retry_policy(self, retries: Any = None) -> RetryPolicy:
        retries = self.configuration.retries if retries is None else check("_retries", retries, "retries")
        if retries is None:
            return _DEFAULT_POLICY
        return RetryPolicy(retries) if isinstance(retries, int) else retries

    def _whole(
        self, operation: Operation[M], response: rest.RESTResponse, failed: Failed, sent: Any
    ) -> ApiResponse[M]:
        raise_for_status(response, failed)
        limit = self.configuration.max_response_bytes
        try:
            if operation.answer_type is None:
                return ApiResponse(response.status, None, response.headers, response.read(limit))  # type: ignore[arg-type]
            # The common case does not need what a stream needs.
            if not (is_event_stream(response.headers) or has_events(response)):
                body = response.read(limit)
                data, _ = AnswerDecoder(operation.answer_type, response).whole(body)
                return ApiResponse(response.status, data, response.headers, body)
        except ApiException as error:
            error.after(failed)
            raise
        response.keep_pieces(limit)
        data = self._stream(operation, response, failed, _choices_of(sent)).collect()
        return ApiResponse(response.status, data, response.headers, response.kept_pieces())

    def _stream(
        self, operation: Operation[M], response: rest.RESTResponse, failed: Failed, choices: int
    ) -> Stream[M]:
        raise_for_status(response, failed)
        assert operation.answer_type is not None
        return Stream(
            response,
            AnswerDecoder(operation.answer_type, response),
            max_event_bytes=self.configuration.max_event_bytes,
            max_response_bytes=self.configuration.max_response_bytes,
            choices=choices,
            require_finish_reason=self.configuration.require_finish_reason,
            previous=failed,
        )


def _checked_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    if hooks == ():  # Without hooks, their module is not loaded.
        return ()
    from tachyon_sdk.hooks import checked

    return checked(hooks)


def _checked_cancellation(cancellation: Cancellation | None) -> Cancellation | None:
    if cancellation is not None:
        from tachyon_sdk._calls.limit import checked

        checked("cancellation", cancellation)
    return cancellation


def _choices_of(body: Any) -> int:
    """Return the number of choices that a request asks for."""
    number = _read_from(body, "n")
    return number if isinstance(number, int) else 1


def _read_from(body: Any, name: str) -> Any:
    # A model. The checks by class, also that for a Mapping, are slow.
    if hasattr(type(body), "to_json_bytes"):
        return getattr(body, name, None)
    return body.get(name) if isinstance(body, Mapping) else None
