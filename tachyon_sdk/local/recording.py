"""Keeps the requests that arrived, so a test can look at them."""

import re
import uuid
from collections import Counter
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tachyon_sdk.local.validation import read_json
from tachyon_sdk.models import ChatCompletionRequest

_KEPT = 1000  # the newest requests
_IN_SCOPE = "tachyon_sdk.local.request"
_HIDDEN = ("authorization", "proxy-authorization", "cookie")
_ROOM = "/v1/llms/chatrooms/[^/]+"
_OPERATIONS = {
    "chat_completion": "POST /v1/llms/chat/completions",
    "chat_completion_on_chatroom": f"POST {_ROOM}/chat/completions",
    "get_models": "GET /v1/llms/models",
    "create_chatroom": "POST /v1/llms/chatrooms",
    "get_chatrooms": "GET /v1/llms/chatrooms",
    "update_chatroom": f"PATCH {_ROOM}",
    "delete_chatroom": f"DELETE {_ROOM}",
    "get_chatroom_messages": f"GET {_ROOM}/messages",
}


class RecordedRequest(NamedTuple):
    """One request as it arrived. Its `repr`, which tests print, hides the values of headers with credentials.

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

    @property
    def operation(self) -> str | None:
        """Name of the operation, such as `chat_completion` or `create_chatroom`; None if there is no such one."""
        line = f"{self.method} {self.path}"
        return next((name for name, pattern in _OPERATIONS.items() if re.fullmatch(pattern, line)), None)

    @property
    def chat_request(self) -> ChatCompletionRequest:
        """The body of a chat request, typed.

        Raises:
            ValueError: The body is not one.
        """
        return ChatCompletionRequest.model_validate_json(self.raw_body)

    def __repr__(self) -> str:
        headers = {name: "..." if name in _HIDDEN else value for name, value in self.headers.items()}
        return f"RecordedRequest(method={self.method!r}, path={self.path!r}, headers={headers!r}, body={self.body!r})"


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
        recorded = RecordedRequest(
            scope["method"], path.decode("latin-1"), headers, _parsed(raw_body), raw_body
        )
        self.requests.append(recorded)
        scope[_IN_SCOPE] = recorded
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


def recorded_request(scope: Scope) -> RecordedRequest:
    """Return the request that an ASGI scope is about, as it was recorded."""
    request = scope[_IN_SCOPE]
    assert isinstance(request, RecordedRequest)
    return request
