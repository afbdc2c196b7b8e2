"""Keeps the requests that arrived, so a test can look at them."""

import uuid
from collections import Counter
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tachyon_sdk.local.validation import read_json

_KEPT = 1000  # the newest requests


class RecordedRequest(NamedTuple):
    """One request as it arrived.

    Attributes:
        method: Such as `POST`.
        path: As sent, with percent-escapes, without the query.
        headers: Values by lower-case name.
        body: The JSON, parsed; None if it is not JSON.
        raw_body: The bytes of the body.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw_body: bytes


class Recorder:
    """ASGI middleware that records each request before it is answered, and adds `x-request-id` to the response.

    Args:
        app: The application.
        requests: List to which requests are added, at most the newest 1000.
        statuses: Counts the responses by their status, as each begins.
    """

    def __init__(self, app: ASGIApp, requests: list[RecordedRequest], statuses: Counter[int]) -> None:
        self.app = app
        self.requests = requests
        self.statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of any kind; only HTTP requests are recorded."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            raw_body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        path = scope.get("raw_path") or scope["path"].encode()
        headers = dict(Headers(scope=scope))
        self.requests.append(
            RecordedRequest(scope["method"], path.decode("latin-1"), headers, _parsed(raw_body), raw_body)
        )
        del self.requests[:-_KEPT]

        unread: list[Message] = [{"type": "http.request", "body": raw_body, "more_body": False}]
        request_id = f"req_{uuid.uuid4().hex}"

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
                MutableHeaders(scope=message).setdefault("x-request-id", request_id)
            await send(message)

        await self.app(scope, receive_again, send_with_id)


def _parsed(raw_body: bytes) -> Any:
    try:
        return read_json(raw_body)
    except ValueError:
        return None
