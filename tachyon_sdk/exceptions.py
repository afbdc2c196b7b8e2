"""The exceptions of this package.

::

    OpenApiException
    |-- ApiTypeError, ApiValueError, ApiAttributeError, ApiKeyError: invalid use of the package, nothing was sent
    |-- StructuredOutputError, ToolError, TooManyRoundsError: unusable output of a model, see `structured` and `tools`
    `-- ApiException: network and server errors
        |-- BadRequestException 400, UnauthorizedException 401, PaymentRequiredException 402,
        |   ForbiddenException 403, NotFoundException 404, ConflictException 409,
        |   UnprocessableEntityException 422, TooManyRequestsException 429, ServiceException 5xx
        |-- ConnectionException
        |   `-- TimeoutException
        |       `-- DeadlineException
        |-- CancelledException
        |-- ResponseDecodeException
        |-- StreamErrorException
        `-- StreamTruncatedException
            `-- StreamTimeoutException (also a TimeoutException)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from typing_extensions import Self

    from tachyon_sdk._errors.rate_limit import RateLimit
else:
    Self = RateLimit = Any  # for typing.get_type_hints() at run time


class OpenApiException(Exception):
    """Base class of the exceptions of this package.

    It does not cover `pydantic.ValidationError`, raised for invalid values in a request, and exceptions of your own
    functions that this package calls, such as tools.
    """


class ApiTypeError(OpenApiException, TypeError):
    """A value has the wrong type. Nothing was sent.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices of the value, e.g. `["messages", 0]`.
        valid_classes: The accepted types.
        key_type: True if the key of a dict is wrong, False if a value is.
    """

    def __init__(
        self,
        msg: str,
        path_to_item: Iterable[str | int] | None = None,
        valid_classes: tuple[type, ...] | None = None,
        key_type: bool | None = None,
    ) -> None:
        self.path_to_item = path_to_item
        self.valid_classes = valid_classes
        self.key_type = key_type
        super().__init__(_at_path(msg, path_to_item))


class ApiValueError(OpenApiException, ValueError):
    """A value is invalid. Nothing was sent.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices of the value, e.g. `["messages", 0]`.
    """

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiAttributeError(OpenApiException, AttributeError):
    """An attribute that does not exist was read or set.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices of the object, e.g. `["messages", 0]`.
    """

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiKeyError(OpenApiException, KeyError):
    """A key that does not exist was requested.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices of the mapping, e.g. `["messages", 0]`.
    """

    # KeyError.__str__ would quote the message.
    __str__ = Exception.__str__

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiException(OpenApiException):
    """Base class of network and server errors: an error status, a failed connection, an invalid response.

    Raised itself for an error status that has no class of its own. `str()` is one short line; the attributes have the
    details. Instances can be pickled and copied (attributes that cannot be pickled become None).

    Attributes:
        status: HTTP status, or None without a response.
        reason: Reason phrase of the status line.
        headers: Headers of the response, or None.
        body: Text of the response; invalid UTF-8 is replaced.
        data: The deserialized response, if available.
        code: The server's code for the error, e.g. `unsupported_model`, or None. Always text.
        message: The server's message, read from any format of body; for client-side errors, a description.
        request_id: The server's id of the request, or None.
        retry_after: Seconds to wait before the next attempt, as requested by the server, or None.
        partial: The part of the response that had arrived, merged into one response, or None.
        request_sent: False if the server certainly has not received any part of the request.
        attempts: Number of attempts.
        previous: Exceptions of the previous attempts, oldest first.
    """

    status: int | None
    reason: str | None
    headers: Mapping[str, str] | None
    body: str | None
    data: Any
    code: str | None
    message: str | None
    request_id: str | None
    retry_after: float | None
    partial: Any
    request_sent: bool
    attempts: int
    previous: tuple[ApiException, ...]

    # Used by `str()` if there is no message.
    _without_message = ""

    def __init__(
        self,
        status: int | None = None,
        reason: str | None = None,
        http_resp: Any = None,
        *,
        body: str | bytes | None = None,
        data: Any = None,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        partial: Any = None,
        retry_after: float | None = None,
        attempts: int | None = None,
        request_sent: bool = True,
    ) -> None:
        """All arguments are optional. They take precedence over `http_resp`.

        Args:
            status: The HTTP status.
            reason: The reason phrase.
            http_resp: A response with `status`, `reason`, `headers` and `data` (the body in bytes).
                It is read immediately and not stored.
            body: The body of the response.
            data: The deserialized body.
            message: Replaces the message in the body.
            headers: The headers of the response.
            partial: The part of the response that had arrived.
            retry_after: Seconds to wait. Default: `retry-after-ms` or `Retry-After` in the headers.
            attempts: Number of attempts; default: 1.
            request_sent: Whether the server may have received a part of the request.
        """
        if http_resp is not None:
            status = http_resp.status if status is None else status
            reason = http_resp.reason if reason is None else reason
            headers = http_resp.headers if headers is None else headers
            if body is None:
                body = _unread_body(http_resp)
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        self.data = data
        # Imported here because errors are rare, and importing json and re is slow.
        from tachyon_sdk._errors.body import read_error_body
        from tachyon_sdk._errors.headers import read_error_headers, read_request_id, read_retry_after

        self.code, found = read_error_body(self.body, data)
        if found is None:
            code, found = read_error_headers(headers)
            self.code = self.code or code
        self.message = found if message is None else message
        self.request_id = read_request_id(headers)
        self.retry_after = read_retry_after(headers) if retry_after is None else retry_after
        self.partial = partial
        self.request_sent = request_sent
        self.attempts = 1 if attempts is None else attempts
        self.previous = ()

    @classmethod
    def from_response(cls, *, http_resp: Any, body: str | None, data: Any) -> NoReturn:
        """Raise the exception for the status of a response.

        Args:
            http_resp: The response, with `status`, `reason` and `headers`.
            body: The text of the response.
            data: The deserialized body.

        Raises:
            ApiException: The class that `exception_class` returns.
        """
        raise exception_class(http_resp.status)(http_resp=http_resp, body=body, data=data)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit that the server sent, or None; see `ApiResponse.rate_limit`."""
        from tachyon_sdk._errors.rate_limit import read_rate_limit

        return read_rate_limit(self.headers)

    def after(self, previous: Iterable[ApiException]) -> Self:
        """Set `previous` and `attempts`, and return this exception."""
        self.previous = tuple(previous)
        self.attempts = len(self.previous) + 1
        return self

    def __str__(self) -> str:
        from tachyon_sdk._errors.body import one_line

        head = one_line(self.reason, 60)
        message = one_line(self.message, 300) or self._without_message
        if self.status is not None:
            head = f"{self.status} {head or _phrase(self.status)}".rstrip()
            # A message replaces a success status. One that repeats the status line, as HTML titles do, is dropped.
            if message and str(self.status).startswith("2"):
                head = ""
            elif message.casefold() in (head.casefold(), head.partition(" ")[2].casefold()):
                message = ""
        details = []
        if self.code and self.code != str(self.status):
            details.append(f"code {one_line(self.code, 60)}")
        if self.request_id:
            details.append(f"request id {one_line(self.request_id, 80)}")
        text = ": ".join(part for part in (head, message) if part) or type(self).__name__
        if details:
            text += f" ({', '.join(details)})"
        return f"{text} (after {self.attempts} attempts)" if self.attempts > 1 else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __copy__(self) -> ApiException:
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        import copyreg

        from tachyon_sdk._errors.headers import header_items

        state = {name: value if _is_picklable(value) else None for name, value in self.__dict__.items()}
        if self.headers is not None and state["headers"] is None:
            state["headers"] = dict(header_items(self.headers))
        state["previous"] = state["previous"] or ()
        # Without calling __init__: a subclass may have another signature.
        return copyreg.__newobj__, (type(self), *self.args), state  # type: ignore[attr-defined]


class BadRequestException(ApiException):
    """400: the request is invalid, e.g. an unknown model or an invalid parameter.

    Do not repeat it unchanged: `code` and `message` tell what to change.
    """


class UnauthorizedException(ApiException):
    """401: the credentials are missing, wrong or expired. Check the access token and the operator id."""


class PaymentRequiredException(ApiException):
    """402: the account does not have enough credit. Nothing was stored. Add credit, then repeat the request."""


class ForbiddenException(ApiException):
    """403: the credentials are valid, but not for this request. Get access, or use another operator id."""


class NotFoundException(ApiException):
    """404: the chatroom (or the path) does not exist. Check the chatroom id and the host."""


class ConflictException(ApiException):
    """409: the request conflicts with the state on the server. Read the current state before you repeat it."""


class UnprocessableEntityException(ApiException):
    """422: the request is well-formed, but the server rejects a value in it. `message` names the field."""


class TooManyRequestsException(ApiException):
    """429: too many requests; this one was not processed.

    Wait `retry_after` seconds, if set, then repeat it.
    """


class ServiceException(ApiException):
    """5xx: the server failed.

    502 and 503 from the service itself mean that the request had no effect: repeat it (after `retry_after` seconds, if
    set). After any other status, or a 502 from a proxy in front of the service, the request may have had an effect:
    check before you repeat it.
    """


class ConnectionException(ApiException):
    """The connection failed, or was lost before the response was complete.

    Check the host, the proxy and the certificates. If `request_sent` is true, the request may have had an
    effect.

    Attributes:
        request_sent: False if the server certainly has not received the request.
        permanent: True if a retry cannot succeed: a certificate was rejected, or the proxy rejected the
            credentials.
    """

    permanent: bool

    def __init__(self, *args: Any, request_sent: bool = True, permanent: bool = False, **kwargs: Any) -> None:
        """Accept the arguments of ApiException, `request_sent` and `permanent`."""
        super().__init__(*args, **kwargs)
        self.request_sent = request_sent
        self.permanent = permanent


class TimeoutException(ConnectionException):
    """The connection was not established, or the next byte did not arrive, within the timeout.

    Increase `connect_timeout` or `read_timeout`. After a read timeout, the request may have had an effect.
    """


class DeadlineException(TimeoutException):
    """The call, with its attempts and the waits between them, did not end within its deadline.

    `partial` and `body` have the part of the response that had arrived, `previous` the errors of earlier attempts.
    """


class CancelledException(ApiException):
    """Another thread cancelled the call. `partial` and `body` have the part of the response that had arrived."""


class ResponseDecodeException(ApiException):
    """The response cannot be decoded: it is not JSON, has the wrong structure, or is too large.

    `message` describes the response, `body` has its text. Often the host is wrong, and the response is a web page.
    """


class StreamErrorException(ApiException):
    """The server reported an error in a successful response. `partial` has the part before the error."""

    _without_message = "the server reported an error"


class StreamTruncatedException(ApiException):
    """The response ended early. `partial` has the part that had arrived, which is incomplete."""


class StreamTimeoutException(StreamTruncatedException, TimeoutException):
    """The response stalled for `read_timeout` seconds. `partial` has the part that had arrived."""


_CLASS_OF_STATUS: dict[int, type[ApiException]] = {
    400: BadRequestException,
    401: UnauthorizedException,
    402: PaymentRequiredException,
    403: ForbiddenException,
    404: NotFoundException,
    409: ConflictException,
    422: UnprocessableEntityException,
    429: TooManyRequestsException,
}


def exception_class(status: int) -> type[ApiException]:
    """Return the exception class for an HTTP status; ApiException if it has no class of its own."""
    if 500 <= status <= 599:
        return ServiceException
    return _CLASS_OF_STATUS.get(status, ApiException)


def render_path(path_to_item: Iterable[str | int]) -> str:
    """Format a path as Python subscripts: `["messages", 0]` becomes `['messages'][0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in path_to_item)


def _at_path(msg: str, path_to_item: Iterable[str | int] | None) -> str:
    return f"{msg} at {render_path(path_to_item)}" if path_to_item else msg


def _unread_body(http_resp: Any) -> str | bytes | None:
    """Return the body of a response that may not have been read. Never raises: an exception is being built."""
    try:
        data = http_resp.data
    except Exception:
        return None
    return data if isinstance(data, (str, bytes)) else None


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_picklable(value: object) -> bool:
    import pickle

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # the object's own methods may raise anything
        return False
    return True
