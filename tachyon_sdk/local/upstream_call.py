"""One call of the upstream, from the request of a client to the events or the body of the response."""

from collections.abc import Callable, Generator, Sequence

from tachyon_sdk.exceptions import ApiException
from tachyon_sdk.local.feed import Feed
from tachyon_sdk.local.translation import ResponseTranslator, upstream_request
from tachyon_sdk.local.upstream import Call, Cancelled, Upstream
from tachyon_sdk.local.upstream_errors import api_error
from tachyon_sdk.local.validation import ChatRequest
from tachyon_sdk.local.wire import Envelope, Json, encode


class UpstreamCall:
    """One call of the upstream, in a thread of its own.

    Args:
        upstream: The upstream.
        operator_id: The operator that makes the call.
        request: The request of the client.
        earlier: The history of the chatroom, if there is one.
        model: The upstream's name for the model, None if the upstream is to choose.
        envelope: The properties that all chunks share.
        store: Called with the message of a complete response, before the client gets its end.
    """

    def __init__(
        self,
        upstream: Upstream,
        operator_id: str,
        request: ChatRequest,
        earlier: Sequence[Json],
        model: str | None,
        envelope: Envelope,
        store: Callable[[Json], None],
    ) -> None:
        conversation = [*earlier, *request.messages]
        self._upstream = upstream
        self._arguments = operator_id, *upstream_request(request, conversation, model)
        self._is_stream = request.stream
        self._translator = ResponseTranslator(envelope, conversation)
        self._store = store
        self._call = Call()

    def start(self) -> Feed[bytes]:
        """Start the call, and return the events of the stream, or the one body of a plain response."""
        return self._upstream.run(self._events() if self._is_stream else self._body(), self._call)

    def _body(self) -> Generator[bytes, None, None]:
        try:
            response = self._upstream.complete(self._call, *self._arguments)
        except ApiException as error:
            raise api_error(error) from error
        except Cancelled:
            return
        body = encode(self._translator.whole(response))
        if not self._call.cancelled:
            self._store(self._translator.message(response))
            yield body

    def _events(self) -> Generator[bytes, None, None]:
        translator = self._translator
        try:
            with self._upstream.stream(self._call, *self._arguments) as stream:
                try:
                    for chunk in stream:
                        if (event := translator.event(chunk)) is not None:
                            yield event
                except (ApiException, GeneratorExit):
                    # A client may leave when it has the finish reason, before the upstream has said all.
                    if self._call.cancelled and translator.is_finished:
                        self._store(translator.message(stream.merged))
                    raise
                self._store(translator.message(stream.merged))
        except ApiException as error:
            if not self._call.cancelled:
                raise api_error(error) from error
            return
        except Cancelled:
            return
        yield from translator.last_events()
