"""A streamed answer: an iterator and a context manager that owns one response."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from tachyon_sdk.exceptions import (
    ApiException,
    ConnectionException,
    ResponseDecodeException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)
from tachyon_sdk.streaming.merge import Merger
from tachyon_sdk.streaming.sse import EventDecoder, EventTooLargeError

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any  # for who asks for type hints at run time

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
C = TypeVar("C")

_END = b"[DONE]"


class Response(Protocol):
    """What a stream needs of the response that it owns."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...
    def pieces(self) -> Iterator[bytes]: ...
    def read(self, limit: int | None = None) -> bytes: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Decoder(Protocol[T_co]):
    """What a stream needs to know about its chunks."""

    def event(self, kind: str, data: bytes) -> T_co | None: ...
    @property
    def repeated(self) -> Callable[[bytes], tuple[T_co, str] | None]: ...
    def whole(self, body: bytes) -> T_co: ...
    def merged(self, answer: dict[str, Any]) -> T_co: ...


class _Answer(Protocol[C]):
    """What a stream needs to know about an answer to tell its tool calls."""

    @property
    def tool_calls(self) -> list[C]: ...


class _OfAnswers(Protocol[C]):
    """A stream of such answers."""

    @property
    def merged(self) -> _Answer[C]: ...


class Stream(Generic[T]):
    """The chunks of an answer, each the moment it arrives; what the calls return whose names end in `_stream`.

    ::

        with chat.chat_completion_stream(chat_completion_request=request) as stream:
            for text in stream.text:
                print(text, end="", flush=True)
        print(stream.finish_reason, stream.merged.usage)

    Use it in a `with` statement, or read it to its end: a stream that is left early closes its connection, one that
    ended well returns it for the next call.

    The answer is complete at `data: [DONE]`, or when the body ends and every choice has a finish reason. Whatever
    else ends the stream raises an error whose `partial` is the answer as far as it had arrived (None if nothing
    had). A server that answers with one JSON object instead gives a stream of one chunk. Events are read as the
    WHATWG has them (HTML, section 9.2, server-sent events).

    One thread reads it; any may close it.

    Attributes:
        status: HTTP status.
        headers: The headers; names are found whatever their case.

    Raises:
        StreamTruncatedException: While it is read: the stream stopped before the answer was complete.
        StreamTimeoutException: While it is read: nothing came for as long as the read timeout allows.
        StreamErrorException: While it is read: the server reported an error in the middle of the answer.
        ResponseDecodeException: While it is read: an event is no chunk, or too large.
    """

    def __init__(
        self,
        response: Response,
        decoder: Decoder[T],
        *,
        max_event_bytes: int,
        max_response_bytes: int,
        previous: Iterable[ApiException] = (),
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._decoder = decoder
        self._merger = Merger()
        # The generators do not refer to the stream, so that a stream that is dropped is closed at once.
        if is_event_stream(response.headers):
            chunks = _chunks_of_events(response, decoder, self._merger, max_event_bytes, tuple(previous))
        else:
            chunks = _chunk_of_body(response, decoder, self._merger, max_response_bytes, tuple(previous))
        self._closed = False
        self._chunks = chunks
        self._next = self._chunks.__next__

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._next()
        except ValueError:
            if self._closed:  # another thread is at it
                raise StopIteration from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The constructor may not have come to its end.
        if "_chunks" in self.__dict__:
            self.close()

    @property
    def text(self) -> Iterator[str]:
        """The pieces of the text of the first choice (index 0), as they arrive.

        Reading them reads the stream: what was read here does not come again in the stream itself.
        """
        for chunk in self:
            for choice in chunk.choices:  # type: ignore[attr-defined]
                if not choice.index and choice.delta.content:
                    yield choice.delta.content

    @property
    def tool_calls(self: _OfAnswers[C]) -> list[C]:
        """The tool calls of the first choice, as far as they have arrived: whole at the end of the stream."""
        return self.merged.tool_calls

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended, such as `stop` or `tool_calls`; None if that has not arrived."""
        return self.merged.finish_reason  # type: ignore[attr-defined, no-any-return]

    @property
    def merged(self) -> T:
        """The answer so far: texts joined, tool calls put together. It is made anew each time."""
        return self._decoder.merged(self._merger.merged())

    def collect(self) -> T:
        """Reads the stream to its end and returns the whole answer, with what was read before.

        Raises:
            StreamTruncatedException: Besides what reading raises: the stream was closed, or failed, before.
        """
        try:
            for _ in self._chunks:
                pass
        except ValueError:
            if not self._closed:
                raise
        if not self._merger.complete:
            partial = _partial(self._decoder, self._merger)
            raise _truncated(self._response, "the stream was left before the answer was complete", partial)
        return self.merged

    def close(self) -> None:
        """Stops reading. Closes the connection, unless the stream has ended well; does nothing a second time.

        Any thread may call it. One that waits for the next chunk at that moment gets a StreamTruncatedException.
        """
        self._closed = True
        try:
            self._chunks.close()
        except ValueError:  # another thread is reading, or closing
            self._response.abort()
        else:
            self._response.close()


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether a body is an event stream by its media type (WHATWG HTML, section 9.2)."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/event-stream"


def _chunks_of_events(
    response: Response,
    decoder: Decoder[T],
    merger: Merger,
    max_event_bytes: int,
    previous: tuple[ApiException, ...],
) -> Generator[T, None, None]:
    """A chunk for each event, the moment it is complete. One generator, because every further one costs."""
    feed = EventDecoder(max_event_bytes).feed
    decode, repeated, add, add_text = decoder.event, decoder.repeated, merger.add, merger.add_text
    try:
        for piece in response.pieces():
            try:
                events, too_large = feed(piece), None
            except EventTooLargeError as error:
                events, too_large = error.events, error
            for kind, data, _ in events:
                if kind == "message" and (found := repeated(data)):
                    if not add_text(found[1]):
                        add(found[0])
                    yield found[0]
                    continue
                chunk = None if data == _END else decode(kind, data)
                if chunk is None:
                    if not merger.chunks:
                        raise _truncated(response, "the server ended the stream without an answer")
                    response.finish()
                    merger.complete = True
                    return
                add(chunk)
                yield chunk
            if too_large is not None:
                raise ResponseDecodeException(
                    response.status, response.reason, headers=response.headers, message=str(too_large)
                ) from too_large
        if not merger.finished:
            raise _truncated(response, "the stream ended before the answer was complete")
        merger.complete = True
    except ConnectionException as error:
        response.close()
        if not merger.finished:
            partial = _partial(decoder, merger)
            raise _truncated(response, error.message, partial, error).after(previous) from error
        merger.complete = True
    except BaseException as error:
        response.close()
        raise _completed(error, decoder, merger, previous) from error.__cause__


def _chunk_of_body(
    response: Response,
    decoder: Decoder[T],
    merger: Merger,
    max_response_bytes: int,
    previous: tuple[ApiException, ...],
) -> Generator[T, None, None]:
    """The one chunk of a server that does not stream."""
    try:
        chunk = decoder.whole(response.read(max_response_bytes))
        merger.add(chunk)
        merger.complete = True
        yield chunk
    except BaseException as error:
        response.close()
        raise _completed(error, decoder, merger, previous) from error.__cause__


def _completed(
    error: BaseException, decoder: Decoder[Any], merger: Merger, previous: tuple[ApiException, ...]
) -> BaseException:
    """The error, told what had arrived and what went before it."""
    if isinstance(error, ApiException):
        error.after(previous).partial = _partial(decoder, merger)
    return error


def _partial(decoder: Decoder[T], merger: Merger) -> T | None:
    return decoder.merged(merger.merged()) if merger.chunks else None


def _truncated(
    response: Response, message: str | None, partial: Any = None, cause: ApiException | None = None
) -> StreamTruncatedException:
    kind = StreamTimeoutException if isinstance(cause, TimeoutException) else StreamTruncatedException
    return kind(response.status, response.reason, headers=response.headers, message=message, partial=partial)
