"""Hooks: code of a program that runs around each call and around each attempt.

::

    class Timer(Hook):
        def after_call(self, call):
            print(call.operation, call.status, call.seconds)

    client = ApiClient(configuration, hooks=[Timer()])
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tachyon_sdk._calls.request import FRAMING_HEADERS, Request
from tachyon_sdk._errors.headers import read_request_id
from tachyon_sdk._transport.headers import build_headers
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.exceptions import ApiTypeError
from tachyon_sdk.streaming.stream import Stream

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any  # for typing.get_type_hints

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Call:
    """A call, as hooks see it. It has one or more attempts.

    Attributes:
        operation: Name of the operation, such as `chat_completion`; `call_api` for calls without one.
        method: HTTP method.
        url: URL, without its query.
        stream: Whether the call returns a `Stream`.
        attempts: Number of attempts so far.
        status: Status of the last response; None before there is one.
        headers: Headers of the last response; empty before there is one.
        response_id: `id` of the response; None if it has none, or before it is known.
        model: Name of the model in the response, under the same conditions.
        usage: `usage` of the response, under the same conditions.
        finish_reasons: Finish reasons of the choices, in the order in which they arrived.
        complete: Whether the whole response has arrived. False at the end of a stream that was closed early.
        started_at: Start, in seconds of `time.monotonic()`.
        first_chunk_at: Arrival of the first chunk of a stream; None before it.
        ended_at: End; None before it.
        state: For the data of hooks. Use the hook itself as the key.
    """

    def __init__(self, operation: str, request: Request, stream: bool) -> None:
        self.operation = operation
        self.method = request.method
        self.url = request.url.partition("?")[0]
        self.stream = stream
        self.attempts = 0
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.response_id: str | None = None
        self.model: str | None = None
        self.usage: Any = None
        self.finish_reasons: list[str] = []
        self.complete = False
        self.started_at = time.monotonic()
        self.first_chunk_at: float | None = None
        self.ended_at: float | None = None
        self.state: dict[Any, Any] = {}
        self._content = request.body
        self._response: Any = None

    @property
    def seconds(self) -> float:
        """Duration so far, or of the whole call after its end. A stream ends when it was read, failed or was closed."""
        return (time.monotonic() if self.ended_at is None else self.ended_at) - self.started_at

    @property
    def request_id(self) -> str | None:
        """Id that the server gave to the last attempt, or None."""
        return read_request_id(self.headers)

    @property
    def body(self) -> Any:
        """The JSON value of the request body, a new one on each access; None without a body."""
        from pydantic_core import from_json

        return None if self._content is None else from_json(self._content)

    @property
    def response(self) -> Any:
        """The response so far. For a stream it is merged on each access, in time linear in its length."""
        return self._response() if callable(self._response) else self._response


class Attempt:
    """One request of a call.

    Attributes:
        call: The call.
        number: Number of the attempt, starting at 1.
        headers: Headers of the request, with credentials. `before_attempt` may change them.
        status: Status of the response; None before there is one.
        delay: Seconds until the next attempt; None if this is the last one, or before that is known.
        started_at: Start, in seconds of `time.monotonic()`.
        ended_at: Arrival of the response headers, or of the error; None before it.
    """

    def __init__(self, call: Call, number: int, headers: Mapping[str, str]) -> None:
        self.call = call
        self.number = number
        self.headers = dict(headers)
        self.status: int | None = None
        self.delay: float | None = None
        self.started_at = time.monotonic()
        self.ended_at: float | None = None


class Hook:
    """Base class of hooks. All methods do nothing; override those that you need.

    The methods run in the thread of the call, in the order of the hooks, and in reverse order after a call or an
    attempt. The end of a stream runs in the thread that reads or closes it. Threads share a hook.

    An exception in a `before_` method is raised by the call, before anything is sent. An exception in another method
    is logged by the logger `tachyon_sdk.hooks`: it neither hides the response nor replaces the error of the call.
    """

    def before_call(self, call: Call) -> None:
        """Runs before the first attempt, after the arguments were validated."""

    def after_call(self, call: Call) -> None:
        """Runs after the response was read. For a stream: after its end, also if the program closed it early."""

    def on_call_error(self, call: Call, error: BaseException) -> None:
        """Runs instead of `after_call` if the call, or reading its stream, raises `error`."""

    def before_attempt(self, attempt: Attempt) -> None:
        """Runs before a request is sent. Changes of `attempt.headers` are sent."""

    def after_attempt(self, attempt: Attempt) -> None:
        """Runs after the headers of a response arrived, also for an error status."""

    def on_attempt_error(self, attempt: Attempt, error: BaseException) -> None:
        """Runs instead of `after_attempt` if no response arrived."""


class _Reader(Protocol):
    """The part of a stream that a hook may ask for the response."""

    def merged(self) -> Any: ...


class _Response(Protocol):
    status: int

    @property
    def headers(self) -> Mapping[str, str]: ...


def checked(hooks: Any) -> tuple[Hook, ...]:
    """Return the hooks as a tuple.

    Raises:
        ApiTypeError: They are not hooks.
    """
    if isinstance(hooks, Hook) or not isinstance(hooks, Iterable):
        raise ApiTypeError(f"hooks must be a list of hooks, not {type(hooks).__name__}")
    found = tuple(hooks)
    for hook in found:
        if isinstance(hook, type):
            raise ApiTypeError(f"hooks must contain instances: {hook.__name__}(), not {hook.__name__}")
        if not isinstance(hook, Hook):
            raise ApiTypeError(
                f"hooks must contain instances of tachyon_sdk.hooks.Hook, not {type(hook).__name__}"
            )
    return found


class Observer:
    """Runs the hooks of one call."""

    def __init__(self, hooks: Iterable[Hook], call: Call) -> None:
        self._hooks = tuple(hooks)
        self._begun: list[Hook] = []
        self._attempt: Attempt | None = None
        self._call = call

    def __enter__(self) -> Self:
        try:
            for hook in self._hooks:
                hook.before_call(self._call)
                self._begun.append(hook)
        except BaseException as error:
            self._fail(error)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self._fail(error)

    def begin_attempt(self, request: Request) -> Request:
        """Run `before_attempt`. Return the request with the headers of the hooks."""
        self._call.attempts += 1
        self._attempt = attempt = Attempt(self._call, self._call.attempts, request.headers)
        for hook in self._hooks:
            hook.before_attempt(attempt)
        return request._replace(headers=build_headers(attempt.headers, FRAMING_HEADERS))

    def end_attempt(self, response: _Response, delay: float | None) -> None:
        """Run `after_attempt`."""
        if (attempt := self._attempt) is None:
            return
        self._attempt, attempt.ended_at = None, time.monotonic()
        attempt.status = self._call.status = response.status
        attempt.delay, self._call.headers = delay, response.headers
        for hook in reversed(self._hooks):
            self._run(hook.after_attempt, attempt)

    def fail_attempt(self, error: BaseException, delay: float | None = None) -> None:
        """Run `on_attempt_error`, if an attempt has no response yet."""
        if (attempt := self._attempt) is None:
            return
        self._attempt, attempt.ended_at, attempt.delay = None, time.monotonic(), delay
        for hook in reversed(self._hooks):
            self._run(hook.on_attempt_error, attempt, error)

    def done(self, result: object) -> None:
        """Take the result of the call. The call ends, unless the result is a stream."""
        if isinstance(result, Stream):
            result.observe(self)
            return
        if isinstance(result, ApiResponse):
            self._call._response = result.data
            self._read(result.data)
        self._call.complete = True
        self._end()

    def watched(self, chunks: Generator[T, None, None], reader: _Reader) -> Generator[T, None, None]:
        """Iterate over the chunks of a stream, and end the call when they end."""
        call = self._call
        call._response = reader.merged
        try:
            for chunk in chunks:
                if call.first_chunk_at is None:
                    call.first_chunk_at = time.monotonic()
                self._read(chunk)
                yield chunk
        except GeneratorExit:
            self.closed()
            raise
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            chunks.close()
        call.complete = True
        self._end()

    def closed(self) -> None:
        """The stream was closed. If that was before its end, the call ends now, and is not complete."""
        self._end()

    def _read(self, response: Any) -> None:
        call = self._call
        call.response_id = call.response_id or getattr(response, "id", None)
        call.model = getattr(response, "model", None) or call.model
        call.usage = getattr(response, "usage", None) or call.usage
        for choice in getattr(response, "choices", ()):
            if getattr(choice, "finish_reason", None):
                call.finish_reasons.append(str(choice.finish_reason))

    def _end(self) -> None:
        if self._call.ended_at is None:
            self._call.ended_at = time.monotonic()
            for hook in reversed(self._begun):
                self._run(hook.after_call, self._call)

    def _fail(self, error: BaseException) -> None:
        if self._call.ended_at is None:
            self.fail_attempt(error)
            self._call.ended_at = time.monotonic()
            for hook in reversed(self._begun):
                self._run(hook.on_call_error, self._call, error)

    def _run(self, method: Any, *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:
            _log.exception("a hook failed: %s", getattr(method, "__qualname__", method))
