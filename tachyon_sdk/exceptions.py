"""The errors of this package.

::

    OpenApiException
    |-- ApiTypeError, ApiValueError, ApiAttributeError, ApiKeyError: a mistake on this side, nothing was sent
    |-- StructuredOutputError, ToolError, TooManyRoundsError: what a model said, see `structured` and `tools`
    `-- ApiException: all that the network or the server can do
        |-- BadRequestException 400, UnauthorizedException 401, PaymentRequiredException 402,
        |   ForbiddenException 403, NotFoundException 404, ConflictException 409,
        |   UnprocessableEntityException 422, TooManyRequestsException 429, ServiceException 5xx
        |-- ConnectionException
        |   `-- TimeoutException
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
else:
    Self = Any  # for who asks for type hints at run time


class OpenApiException(Exception):
    """Base of the errors of this package. Catch it to catch them all.

    A value that does not fit into a request raises `pydantic.ValidationError`, which is not one of them. Neither is
    what a function of yours raises that this package calls, such as a tool.
    """


class ApiTypeError(OpenApiException, TypeError):
    """A value of the wrong type was given. Correct the call; nothing was sent.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices that lead to the value, e.g. `["messages", 0]`.
        valid_classes: The types that are accepted there.
        key_type: True if it is the key of a dict that is wrong, False if it is a value.
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
    """A value of the right type that cannot be used was given. Correct the call or setting; nothing was sent.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices that lead to the value, e.g. `["messages", 0]`.
    """

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiAttributeError(OpenApiException, AttributeError):
    """An attribute that does not exist was read or set. Correct its name.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices that lead to the object, e.g. `["messages", 0]`.
    """

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiKeyError(OpenApiException, KeyError):
    """A key that does not exist was asked for. Correct its name.

    Args:
        msg: What is wrong.
        path_to_item: Keys and indices that lead to the mapping, e.g. `["messages", 0]`.
    """

    # KeyError shows its argument in quotes, as if the message were the key.
    __str__ = Exception.__str__

    def __init__(self, msg: str, path_to_item: Iterable[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(_at_path(msg, path_to_item))


class ApiException(OpenApiException):
    """Anything that went wrong once a request was on its way: an error status, the connection, a bad answer.

    Raised as it is for an error status that has no class of its own; catch it to catch all that follow.
    `str()` of it is one short line for a person, the attributes have the rest. It can be pickled and copied
    (an attribute that cannot be pickled is None after that).

    Attributes:
        status: The HTTP status, or None if no answer came.
        reason: The reason phrase of the status line.
        headers: The headers of the answer, or None.
        body: The text of the answer; bytes that are no UTF-8 are replaced.
        data: The answer after it was read into objects, if it was.
        code: The server's own name for the error, e.g. `unsupported_model`, if it gave one. Always text.
        message: What the server said, whatever shape its body has; for errors found here, what is wrong.
        request_id: What the server calls this request in its own logs, if it said so.
        retry_after: Seconds that the server asks to wait before the next attempt, or None.
        partial: The answer as far as it had arrived, merged into one response, or None.
        request_sent: False if the server certainly has seen nothing of the request.
        attempts: How many times the request was sent or tried to be sent.
        previous: The errors of the attempts before this one, oldest first.
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

    # Stands in `str()` where neither the server nor this package gave a message.
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
        """Every argument may be left out; those given win over what `http_resp` has.

        Args:
            status: The HTTP status.
            reason: The reason phrase.
            http_resp: An answer with `status`, `reason`, `headers` and `data` (the body in bytes).
                It is read now and not kept.
            body: The body of the answer.
            data: The body, read into objects.
            message: Stands in place of the message in the body.
            headers: The headers of the answer.
            partial: The part of the answer that had arrived.
            retry_after: Seconds to wait. Without it, `retry-after-ms` or `Retry-After` in the headers is read.
            attempts: How many attempts were made, 1 unless given.
            request_sent: Whether the server may have seen something of the request.
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
        # Imported here because no error is the normal case, and JSON, HTML and patterns cost import time.
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
        """Raise the error that fits the status of an answer.

        Args:
            http_resp: The answer, with `status`, `reason` and `headers`.
            body: The text of the answer.
            data: The body, read into objects.

        Raises:
            ApiException: The class that `exception_class` names.
        """
        raise exception_class(http_resp.status)(http_resp=http_resp, body=body, data=data)

    def after(self, previous: Iterable[ApiException]) -> Self:
        """This error, as that of the attempt after those that ended with the `previous` errors."""
        self.previous = tuple(previous)
        self.attempts = len(self.previous) + 1
        return self

    def __str__(self) -> str:
        from tachyon_sdk._errors.body import one_line

        head = one_line(self.reason, 60)
        message = one_line(self.message, 300) or self._without_message
        if self.status is not None:
            head = f"{self.status} {head or _phrase(self.status)}".rstrip()
            # A success status would only mislead beside a message. HTML titles often repeat the status line.
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
        # Without a call of __init__, so that a subclass may have a signature of its own.
        return copyreg.__newobj__, (type(self), *self.args), state  # type: ignore[attr-defined]


class BadRequestException(ApiException):
    """400: the server cannot use the request, e.g. it does not know the model or rejects a parameter.

    Do not send the same again: `code` and `message` say what to change.
    """


class UnauthorizedException(ApiException):
    """401: the credentials are missing, wrong or expired. Check the access token and the operator id."""


class PaymentRequiredException(ApiException):
    """402: the account has not enough credit. Nothing was stored. Add credit, then send it again."""


class ForbiddenException(ApiException):
    """403: the credentials are good, but not for this. Ask for access, or use another operator id."""


class NotFoundException(ApiException):
    """404: there is no such chatroom (or no such path at this host). Check the chatroom id and the host."""


class ConflictException(ApiException):
    """409: the request conflicts with the state on the server. Read the state anew, then decide."""


class UnprocessableEntityException(ApiException):
    """422: the request is well formed, but the server refuses a value in it. `message` names the field."""


class TooManyRequestsException(ApiException):
    """429: too many requests; this one was not processed.

    Wait `retry_after` seconds if it is set, then send it again.
    """


class ServiceException(ApiException):
    """5xx: the server failed.

    502 and 503 of the service itself mean that the request had no effect: send it again (after `retry_after`
    seconds if that is set). After any other status the request may have had an effect, also after a 502 of a proxy
    in front of the service: check before you send it again.
    """


class ConnectionException(ApiException):
    """The server could not be reached, or the connection was lost before the answer was complete.

    Check the host, the proxy and the certificates. If `request_sent` is true, the request may have taken
    effect.

    Attributes:
        request_sent: False where the server certainly has not seen the request.
        permanent: True where trying again cannot help: a certificate is not accepted, or a proxy refuses the
            credentials.
    """

    permanent: bool

    def __init__(self, *args: Any, request_sent: bool = True, permanent: bool = False, **kwargs: Any) -> None:
        """Takes what ApiException takes, `request_sent` and `permanent`."""
        super().__init__(*args, **kwargs)
        self.request_sent = request_sent
        self.permanent = permanent


class TimeoutException(ConnectionException):
    """The connection was not made, or the next byte did not come, within the time allowed.

    Raise `connect_timeout` or `read_timeout`. After a read timeout the request may have taken effect.
    """


class ResponseDecodeException(ApiException):
    """The response cannot be read: it is not JSON, has the wrong shape, or is larger than allowed.

    `message` says what it is instead, `body` has its text. Often the host is wrong, and a web page was read.
    """


class StreamErrorException(ApiException):
    """The server reported an error inside a successful response. `partial` has what came before it."""

    _without_message = "the server reported an error"


class StreamTruncatedException(ApiException):
    """The answer stopped before its end. `partial` has what had arrived; do not take it for the whole."""


class StreamTimeoutException(StreamTruncatedException, TimeoutException):
    """The answer began, then nothing came for `read_timeout` seconds. `partial` has what had arrived."""


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
    """Return the class that stands for an HTTP status; ApiException if the status has none of its own."""
    if 500 <= status <= 599:
        return ServiceException
    return _CLASS_OF_STATUS.get(status, ApiException)


def render_path(path_to_item: Iterable[str | int]) -> str:
    """Write a path as Python would index it: `["messages", 0]` becomes `['messages'][0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in path_to_item)


def _at_path(msg: str, path_to_item: Iterable[str | int] | None) -> str:
    return f"{msg} at {render_path(path_to_item)}" if path_to_item else msg


def _unread_body(http_resp: Any) -> str | bytes | None:
    """The body of an answer that may still be on its way. An error is being built: none may come on top."""
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
    except Exception:  # pickle raises whatever the object's own methods raise
        return False
    return True
