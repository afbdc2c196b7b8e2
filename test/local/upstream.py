"""A local server in front of an upstream that sends exactly the bytes that a test prescribes."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.client import PLAIN, Client, connection, raw_request, read_to_end, user

from support.raw_server import Connection, RawServer, Response
from tachyon_sdk.local import LocalServer

KEY = "key-for-the-upstream"
MODELS = {"large": "llama3.2", "small": "qwen3:0.6b"}


class Upstream:
    """The upstream and the server in front of it.

    Attributes:
        raw: The upstream.
        server: The server.
        client: A client of the server.
        ended: Released at the end of each connection to the upstream.
    """

    def __init__(self, raw: RawServer, server: LocalServer, client: Client) -> None:
        self.raw = raw
        self.server = server
        self.client = client
        self.responses: deque[Response] = deque()
        self.ended = threading.Semaphore(0)

    def answers(self, *responses: Response) -> Upstream:
        """Prescribe the next responses of the upstream."""
        self.responses.extend(responses)
        return self

    def forget(self) -> None:
        """Forget the requests and the connections so far."""
        self.raw.requests.clear()
        while self.ended.acquire(blocking=False):
            pass

    @property
    def requests(self) -> list[Any]:
        """The bodies of the requests that the upstream got."""
        return [request.json() for request in self.raw.requests if request.body]

    @contextmanager
    def asking(self, path: str = PLAIN, **fields: Any) -> Iterator[socket.socket]:
        """A connection on which a streamed request was sent."""
        with connection(self.server.url) as sock:
            body = {"model": "large", "messages": [user("Hello")], "stream": True, **fields}
            sock.sendall(raw_request(body, path))
            yield sock


@contextmanager
def upstream(**settings: Any) -> Iterator[Upstream]:
    """An upstream whose responses the test prescribes, and a server in front of it."""
    made: list[Upstream] = []

    def talk(conn: Connection) -> None:
        try:
            while conn.socket.fileno() != -1:
                conn.read_request()
                assert made[0].responses, "the test prescribes no response for this request"
                conn.play(made[0].responses.popleft())
        finally:
            made[0].ended.release()

    settings = {"models": MODELS, "upstream_key": KEY, **settings}
    with (
        RawServer(handler=talk) as raw,
        LocalServer(upstream=f"{raw.url}/v1", **settings) as server,
    ):
        client = Client(server.url)
        made.append(Upstream(raw, server, client))
        yield made[0]
        client.pool.clear()
        assert not made[0].responses, "the upstream was asked less often than the test says"


def said(text: str | None = "Hello", **message: Any) -> dict[str, Any]:
    """A whole response of the upstream."""
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    content = {"role": "assistant", "content": text, **message}
    return {"id": "up-1", "choices": [{"index": 0, "message": content, "finish_reason": reason}]}


def piece(content: str | None = None, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of the upstream."""
    if content is not None:
        delta["content"] = content
    return {"id": "up-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def error_at_the_end(sock: socket.socket) -> Any:
    """Read a stream to its end, where it has an error in place of `[DONE]`, and return the error."""
    rest = read_to_end(sock)
    assert rest.endswith(b"\n\n\r\n0\r\n\r\n") and b"[DONE]" not in rest
    *_, last = re.findall(rb"data: (.*)\n\n", rest)
    return json.loads(last)["error"]
