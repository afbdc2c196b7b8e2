"""Sends one response, plain or as an event stream, and notices when the client disconnects."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType

from starlette.types import Receive, Scope, Send

from tachyon_sdk.local.wire import ApiError, BrokenOff, error_event

_JSON = (b"content-type", b"application/json")
_EVENT_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class PlainResponse:
    """An ASGI application that sends one JSON body, after `delay` seconds.

    `complete` is called while the client is still there and before it gets the body, so the response is stored
    when the client sends its next request. `broken_off` cuts the body short of its Content-Length, after the first
    `sent` bytes; a stalled response that has none does not even begin.
    """

    def __init__(
        self,
        body: bytes,
        *,
        complete: Callable[[], Awaitable[None]],
        delay: float = 0,
        broken_off: BrokenOff | None = None,
        sent: int = 0,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self.body = body
        self.complete = complete
        self.delay = delay
        self.broken_off = broken_off
        self.sent = sent
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that `scope` describes."""
        headers = [_JSON, (b"content-length", str(len(self.body)).encode()), *_encoded(self.headers)]
        with ClientWatch(receive) as client:
            if await client.has_gone_after(self.delay):
                return
            if self.broken_off is not None:
                if self.sent or not self.broken_off.stalled:
                    await send({"type": "http.response.start", "status": 200, "headers": headers})
                    part = self.body[: self.sent]
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                if self.broken_off.stalled:
                    await client.has_gone_after(None)
                return  # before the end, which makes the ASGI server close the connection
        await self.complete()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class EventStream:
    """An ASGI application that sends each event as an HTTP chunk of its own.

    An event is requested from `events` after the previous one was sent; the rest is never requested if the
    client disconnects. An ApiError of `events` is an error response before the first event, and an event after it.
    A BrokenOff leaves the response without an end.
    """

    def __init__(
        self,
        events: AsyncIterator[bytes],
        *,
        delay: float = 0,
        pause: float = 0,
        headers: Mapping[str, str] = _NO_HEADERS,
        on_disconnect: Callable[[], None] | None = None,
    ) -> None:
        """Prepare the response.

        Args:
            events: The events. They end with an exception or early if `on_disconnect` was called.
            delay: Seconds before the first event.
            pause: Seconds before each other event.
            headers: Headers to add.
            on_disconnect: Called when the client disconnects. Without it, `events` never waits.
        """
        self.events = events
        self.delay = delay
        self.pause = pause
        self.headers = [*_EVENT_STREAM, *_encoded(headers)]
        self.on_disconnect = on_disconnect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that `scope` describes."""
        started = False
        try:
            with ClientWatch(receive, self.on_disconnect) as client:
                try:
                    async for event in self.events:
                        if (
                            client.gone
                            if self.on_disconnect
                            else await client.has_gone_after(self.pause if started else self.delay)
                        ):
                            return
                        if not started:
                            await send(
                                {"type": "http.response.start", "status": 200, "headers": self.headers}
                            )
                            started = True
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                except BrokenOff as broken_off:
                    wait = self.pause if started else self.delay
                    gone = await client.has_gone_after(None if broken_off.stalled else wait)
                    if not started and not gone:
                        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
                    return  # before the end, which makes the ASGI server close the connection
                if client.gone:
                    return
        except ApiError as error:
            if not started:
                raise
            event = error_event(error.code, error.message)
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class DeferredResponse:
    """An ASGI application that sends a JSON body when it is there.

    Args:
        bodies: Gives the one body. It ends early if `on_disconnect` was called.
        on_disconnect: Called when the client disconnects.
    """

    def __init__(self, bodies: AsyncIterator[bytes], on_disconnect: Callable[[], None]) -> None:
        self.bodies = bodies
        self.on_disconnect = on_disconnect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that `scope` describes."""
        with ClientWatch(receive, self.on_disconnect):
            async for body in self.bodies:
                headers = [_JSON, (b"content-length", str(len(body)).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})


class ClientWatch:
    """Waits for the client's end of the connection in the background.

    Args:
        receive: Returns the next message about the request.
        on_end: Called when the client disconnects, and at the end of the `with` block.
    """

    def __init__(self, receive: Receive, on_end: Callable[[], None] | None = None) -> None:
        # The body was read before, so the next message is that the client has disconnected.
        self._message = asyncio.ensure_future(receive())
        self._on_end = on_end
        if on_end is not None:
            self._message.add_done_callback(lambda _: on_end())

    def __enter__(self) -> "ClientWatch":
        return self

    def __exit__(self, *exception: object) -> None:
        self._message.cancel()
        if self._on_end is not None:
            self._on_end()

    @property
    def gone(self) -> bool:
        """Whether the client has disconnected."""
        return self._message.done()

    async def has_gone_after(self, seconds: float | None) -> bool:
        """Wait, as long as the client is there. Zero still lets the event loop look at the connection."""
        await asyncio.wait({self._message}, timeout=seconds)
        return self.gone


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
