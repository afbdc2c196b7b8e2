"""A streamed response: an iterator and a context manager that owns one HTTP response."""

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
from tachyon_sdk.streaming.completion import Completion
from tachyon_sdk.streaming.decode import StreamEnd
from tachyon_sdk.streaming.merge import Merger
from tachyon_sdk.streaming.sse import EventDecoder, EventTooLargeError, encode_event

if TYPE_CHECKING:
    from typing_extensions import Self

    from tachyon_sdk._errors.rate_limit import RateLimit
    from tachyon_sdk.streaming.events import StreamEvent
else:
    Self = RateLimit = StreamEvent = Any  # for typing.get_type_hints

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
C = TypeVar("C")

_BOM = b"\xef\xbb\xbf"
# How the first line of an event stream begins.
_STREAM_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
_MAX_BEGINNING = 65536


class Response(Protocol):
    """The part of a response that a stream uses."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def end_is_certain(self) -> bool: ...
    def look_ahead(self, enough: Callable[[bytes], bool]) -> bytes: ...
    def pieces(self) -> Iterator[bytes]: ...
    def read(self, limit: int | None = None) -> bytes: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Observer(Protocol):
    """Is told of the chunks of a stream and of its end."""

    def watched(self, chunks: Generator[T, None, None], reader: Any) -> Generator[T, None, None]: ...
    def closed(self) -> None: ...


class Decoder(Protocol[T_co]):
    """Reads the chunks of a stream."""

    ignored: bytes | None

    def plain(self, reasons: Mapping[int, str | None]) -> Callable[[str, bytes], T_co | None]: ...
    def event(self, kind: str, data: bytes, merger: Merger) -> Iterator[tuple[T_co, bytes]]: ...
    def whole(self, body: bytes) -> tuple[T_co, bytes]: ...
    def merged(self, response: dict[str, Any]) -> T_co: ...


class _Answer(Protocol[C]):
    """A response with tool calls."""

    @property
    def tool_calls(self) -> list[C]: ...


class _OfAnswers(Protocol[C]):
    """A stream whose merged response has tool calls."""

    @property
    def merged(self) -> _Answer[C]: ...


class Stream(Generic[T]):
    """Iterates over the chunks of a response as they arrive. The `_stream` variants of the calls return it.

    ::

        with chat.chat_completion_stream(chat_completion_request=request) as stream:
            for text in stream.text:
                print(text, end="", flush=True)
        print(stream.finish_reason, stream.merged.usage)

    Use it in a `with` statement, or read it to its end. After a complete response, the connection is reused. If the
    stream is closed early, the connection is closed.

    The response is complete at `data: [DONE]`, or when the body ends and every choice has a finish reason. Any other
    end raises an error. Its `partial` is the response so far, or None if nothing arrived. If the server sends one JSON
    object instead of a stream, it is the only chunk. Events are parsed as in the HTML standard (WHATWG HTML, section
    9.2, server-sent events).

    One thread reads a stream. Any thread may close it.

    Attributes:
        status: HTTP status.
        headers: The headers; names are case-insensitive.

    Raises:
        StreamTruncatedException: While it is read: the stream ended before the response was complete.
        StreamTimeoutException: While it is read: nothing arrived within the read timeout.
        StreamErrorException: While it is read: the server sent an error in the middle of the response.
        ResponseDecodeException: While it is read: an event is not a valid chunk, or too large.
    """

    def __init__(
        self,
        response: Response,
        decoder: Decoder[T],
        *,
        max_event_bytes: int,
        max_response_bytes: int,
        choices: int = 1,
        require_finish_reason: bool = True,
        previous: Iterable[ApiException] = (),
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._decoder = decoder
        # The generator has no reference to the stream, so that a stream that is dropped is closed at once.
        self._reader = _Reader(response, decoder, Completion(choices, require_finish_reason), tuple(previous))
        self._closed = False
        self._observers: tuple[Observer, ...] = ()
        self._chunks = self._reader.chunks(max_event_bytes, max_response_bytes)
        self._next = self._chunks.__next__

    def observe(self, observer: Observer) -> None:
        """Tell an observer what is read. Streams that nobody observes pay nothing for it."""
        self._observers = (observer, *self._observers)
        self._chunks = observer.watched(self._chunks, self._reader)
        self._next = self._chunks.__next__

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._next()
        except ValueError:
            if self._closed:  # another thread is closing it
                raise StopIteration from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The constructor may have failed.
        if "_chunks" in self.__dict__:
            self.close()

    def __repr__(self) -> str:
        """State, number of choices and chunks, and, once nothing more is read, the characters of all texts."""
        from inspect import GEN_CLOSED, getgeneratorstate

        reader = self._reader
        # Merging is not safe while another thread reads.
        is_over = getgeneratorstate(self._chunks) == GEN_CLOSED
        counts = [(len(reader.completion.reasons), "choice"), (reader.chunks_read, "chunk")]
        if is_over and reader.chunks_read:
            choices = self.merged.choices  # type: ignore[attr-defined]
            counts.append((sum(len(choice.delta.content or "") for choice in choices), "character"))
        shown = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
        if reader.complete:
            state = "finished"
        elif reader.failure:
            state = f"broken by {reader.failure}"
        else:
            state = "closed" if self._closed or is_over else "open"
        return f"<{type(self).__name__}: {state}, {shown}>"

    @property
    def text(self) -> Iterator[str]:
        """Iterate over the text of the first choice (index 0), piece by piece, as it arrives.

        This reads the stream: its chunks are not returned again by the stream itself.
        """
        for chunk in self:
            for choice in chunk.choices:  # type: ignore[attr-defined]
                if not choice.index and choice.delta.content:
                    yield choice.delta.content

    def events(self) -> Iterator[StreamEvent]:
        """Iterate over typed events as they arrive: text, reasoning, refusals, tool calls, usage, the end.

        ::

            for event in stream.events():
                match event:
                    case events.TextDelta(text):
                        print(text, end="", flush=True)
                    case events.ToolCallDone(call):
                        print(toolbox.call(call))

        `tachyon_sdk.events` has the classes. Events of one chunk come in this order: reasoning, text, refusal, tool
        calls, usage. `ToolCallDone` comes as soon as it is certain that the call is complete, and `Finished` at the
        end of the stream.

        This reads the stream. Chunks that are read in another way cause no events, but are part of the snapshots. An
        error is raised as by the stream itself, after the events of all chunks before it.
        """
        from tachyon_sdk.streaming.events import events_of

        return events_of(self, self._reader)

    def sse(self) -> Generator[bytes, None, None]:
        """Iterate over the chunks as server-sent events, to pass them on to a browser or another client.

        ::

            closing = BackgroundTask(stream.close)  # FastAPI; runs also if the client disconnects
            return StreamingResponse(stream.sse(), media_type="text/event-stream", background=closing)

        Each chunk is an event with the chunk as JSON. The last event is `data: [DONE]`. An `ApiException` becomes an
        event of the type `error`, whose data is `{"error": {"message": ..., "type": ..., "code": ...}}`; nothing
        follows it. `type` is the name of the exception. The stream is closed when the iterator ends, is closed, or is
        garbage collected.

        This reads the stream.
        """
        with self:
            try:
                for chunk in self:
                    yield encode_event(chunk.to_json_bytes())  # type: ignore[attr-defined]
                if self._reader.complete:
                    yield encode_event(b"[DONE]")
            except ApiException as error:
                from pydantic_core import to_json

                shown = {"message": error.message, "type": type(error).__name__, "code": error.code}
                yield encode_event(to_json({"error": shown}), "error")

    @property
    def request_id(self) -> str | None:
        """The server's id of the request, or None."""
        from tachyon_sdk._errors.headers import read_request_id

        return read_request_id(self.headers)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit that the server sent, or None; see `ApiResponse.rate_limit`."""
        from tachyon_sdk._errors.rate_limit import read_rate_limit

        return read_rate_limit(self.headers)

    @property
    def tool_calls(self: _OfAnswers[C]) -> list[C]:
        """The tool calls of the first choice so far. They are complete at the end of the stream."""
        return self.merged.tool_calls

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice, such as `stop` or `tool_calls`. None before its end."""
        return self._reader.completion.reasons.get(0)

    @property
    def merged(self) -> T:
        """The response so far, with texts and tool calls joined.

        It is built on each access, in time linear in the length of the response so far. To show text while it
        arrives, use `text` or the chunks, whose cost does not grow.
        """
        return self._reader.merged()

    def collect(self) -> T:
        """Read the stream to its end and return the whole response, including the chunks read before.

        Raises:
            StreamTruncatedException: In addition to the errors of reading: the stream was closed, or failed, before.
        """
        last = None
        try:
            for last in self._chunks:  # noqa: B007
                pass
        except ValueError:
            if not self._closed:
                raise
        if not self._reader.complete:
            raise self._reader.truncated("the stream was closed before the response was complete")
        return self.merged if last is None or last is not self._reader.body else last

    def close(self) -> None:
        """Stop reading. The connection is closed, unless the response was complete. Closing again has no effect.

        Any thread may call it. A thread that waits for the next chunk gets a StreamTruncatedException.
        """
        self._closed = True
        try:
            self._chunks.close()
        except ValueError:  # another thread is reading, or closing
            self._response.abort()
        else:
            self._response.close()
            for observer in self._observers:
                observer.closed()


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether a body is an event stream by its media type (WHATWG HTML, section 9.2)."""
    media_type = headers.get("Content-Type", "")
    if media_type == "application/json":  # the common case costs one comparison
        return False
    return media_type.partition(";")[0].strip().lower() == "text/event-stream"


def has_events(response: Response) -> bool:
    """Whether a body is an event stream: by its first bytes, else by its media type.

    Raises:
        ConnectionException: The connection was lost before the first line.
        ResponseDecodeException: The body cannot be decompressed.
    """
    start = _significant(response.look_ahead(_tells_its_form))
    if start.startswith((b"{", b"[", b"<")):
        return False
    return start.startswith(_STREAM_BEGINNINGS) or is_event_stream(response.headers)


def _significant(beginning: bytes) -> bytes:
    """Remove a byte order mark and white space from the beginning of a body."""
    return beginning.removeprefix(_BOM).lstrip()


def _tells_its_form(beginning: bytes) -> bool:
    """Whether the form of a body is known from its beginning, or more of it would not help."""
    if beginning[:1] == b"{":
        return True
    if _BOM.startswith(beginning):  # it may be cut, or nothing has come
        return False
    start = _significant(beginning)
    return len(beginning) >= _MAX_BEGINNING or (
        bool(start) and not any(field.startswith(start) and field != start for field in _STREAM_BEGINNINGS)
    )


class _Reader(Generic[T]):
    """Reads a response to its end, and keeps its state.

    Attributes:
        complete: Whether the whole response has arrived.
        completion: Which of its choices have ended.
        body: The one chunk of a response that is not an event stream.
        failure: Name of the exception that ended the reading.
    """

    def __init__(
        self,
        response: Response,
        decoder: Decoder[T],
        completion: Completion,
        previous: tuple[ApiException, ...],
    ) -> None:
        self._response = response
        self._decoder = decoder
        self._merger = Merger()
        self._previous = previous
        self.completion = completion
        self.complete = False
        self.body: T | None = None
        self.failure: str | None = None

    @property
    def chunks_read(self) -> int:
        return self._merger.chunks

    def chunks(self, max_event_bytes: int, max_response_bytes: int) -> Generator[T, None, None]:
        """Iterate over the chunks as they arrive. One generator, because each further one costs every chunk."""
        response, merger, completion = self._response, self._merger, self.completion
        events: EventDecoder | None = None
        lost: ConnectionException | None = None
        try:
            try:
                if not has_events(response):
                    yield self._whole(max_response_bytes)
                    return
                events = EventDecoder(max_event_bytes)
                plain, keep = self._decoder.plain(completion.reasons), merger.keep
                for piece in response.pieces():
                    try:
                        arrived, too_large = events.feed(piece), None
                    except EventTooLargeError as error:
                        arrived, too_large = error.events, error
                    for kind, data, _ in arrived:
                        chunk = plain(kind, data)
                        if chunk is None:
                            yield from self._chunks_of(kind, data)
                            continue
                        keep(data)
                        yield chunk
                    merger.settle(len(arrived), len(piece))
                    if too_large is not None:
                        raise ResponseDecodeException(
                            response.status, response.reason, headers=response.headers, message=str(too_large)
                        ) from too_large
            except ConnectionException as error:
                if events is None and not is_event_stream(response.headers):
                    raise
                response.close()
                lost = error
            for kind, data, _ in () if events is None else events.end():
                try:
                    yield from self._chunks_of(kind, data)
                except ResponseDecodeException:  # it was cut
                    break
            if not completion.at_end(certain=lost is None and response.end_is_certain):
                raise self.truncated(
                    "the stream ended before the response was complete" if lost is None else lost.message,
                    lost,
                ) from lost
            self.complete = True
        except StreamEnd as end:
            if not merger.chunks or not (end.declared or completion.at_done):
                response.close()
                missing = "a finish reason" if merger.chunks else "a response"
                self.failure = StreamTruncatedException.__name__
                raise self.truncated(f"the server ended the stream without {missing}") from None
            response.finish()
            self.complete = True
        except BaseException as error:
            response.close()
            if not isinstance(error, GeneratorExit):
                self.failure = type(error).__name__
            if isinstance(error, ApiException):
                error.after(self._previous)
                error.partial = self._partial() or error.partial
            raise

    def _whole(self, limit: int) -> T:
        """Read the only chunk of a response that is not a stream."""
        self.body, data = self._decoder.whole(self._response.read(limit))
        self._merger.add(data)
        self.completion.add(getattr(self.body, "choices", ()))
        self.complete = True
        return self.body

    def _chunks_of(self, kind: str, data: bytes) -> Iterator[T]:
        for chunk, text in self._decoder.event(kind, data, self._merger):
            self._merger.add(text)
            self.completion.add(chunk.choices)  # type: ignore[attr-defined]
            yield chunk

    def merged(self) -> T:
        return self._decoder.merged(self._merger.merged())

    def _partial(self) -> T | None:
        return self.merged() if self._merger.chunks else None

    def truncated(self, message: str | None, cause: ApiException | None = None) -> StreamTruncatedException:
        """Return the error for an incomplete response, with the response so far."""
        response = self._response
        kind = StreamTimeoutException if isinstance(cause, TimeoutException) else StreamTruncatedException
        error = kind(
            response.status,
            response.reason,
            headers=response.headers,
            body=self._decoder.ignored,
            message=message,
            partial=self._partial(),
        )
        return error.after(self._previous)
