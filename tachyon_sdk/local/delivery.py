"""Sends one answer, plain or as an event stream, and notices when the client has gone."""

import asyncio
from collections.abc import Callable, Iterator

from starlette.types import Receive, Scope, Send

_JSON = (b"content-type", b"application/json")
_EVENT_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class PlainAnswer:
    """An ASGI application that sends one JSON body, after `pause` seconds.

    `complete` is called when the client is still there and before it gets the body, so that whatever it
    sends next finds the answer stored. `truncated` cuts the body short of its Content-Length.
    """

    def __init__(
        self, body: bytes, *, complete: Callable[[], None], pause: float = 0, truncated: bool = False
    ) -> None:
        self.body = body
        self.complete = complete
        self.pause = pause
        self.truncated = truncated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that `scope` describes."""
        with _Client(receive) as client:
            if await client.has_gone_after(self.pause):
                return
        headers = [_JSON, (b"content-length", str(len(self.body)).encode())]
        if self.truncated:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            half = self.body[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            return  # before the end, which makes the ASGI server close the connection
        self.complete()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class EventStream:
    """An ASGI application that sends each event as an HTTP chunk of its own, `pause` seconds apart.

    An event is taken from `events` when the one before it was sent; the rest is never taken when the client
    goes away.
    """

    def __init__(self, events: Iterator[bytes], *, pause: float = 0) -> None:
        self.events = events
        self.pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request that `scope` describes."""
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        with _Client(receive) as client:
            pause: float = 0
            for event in self.events:
                if await client.has_gone_after(pause):
                    return
                await send({"type": "http.response.body", "body": event, "more_body": True})
                pause = self.pause
        await send({"type": "http.response.body", "body": b""})


class _Client:
    """Waits for the client's end of the connection in the background."""

    def __init__(self, receive: Receive) -> None:
        # The body was read before, so the next message is that the client has gone.
        self._gone = asyncio.ensure_future(receive())

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self._gone.cancel()

    async def has_gone_after(self, seconds: float) -> bool:
        """Wait, as long as the client is there. Zero still lets the event loop look at the connection."""
        await asyncio.wait({self._gone}, timeout=seconds)
        return self._gone.done()
