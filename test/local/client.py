"""A small HTTP client, independent of the package, that speaks to a local server over real sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3

PLAIN = "/v1/llms/chat/completions"
CREDENTIALS = {"Authorization": "Bearer dummy-token", "x-operator-id": "tn_test"}


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The text of the first choice of a plain answer."""
        text = self.json["choices"][0]["message"]["content"]
        assert isinstance(text, str)
        return text

    @property
    def data(self) -> list[str]:
        """What follows `data: ` in each event of a stream."""
        blocks = self.body.decode().split("\n\n")
        assert blocks.pop() == "", "a stream ends with a whole event"
        return [block.removeprefix("data: ") for block in blocks if not block.startswith(":")]

    @property
    def chunks(self) -> list[Any]:
        """The chunks of a stream that has come to its end."""
        *chunks, done = self.data
        assert done == "[DONE]"
        return [json.loads(chunk) for chunk in chunks]


class Client:
    """Sends requests as the operator `tn_test`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pool = urllib3.PoolManager(retries=False, timeout=30)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = CREDENTIALS if headers is None else headers
        response = self.pool.request(method, self.url + path, body=body, headers=sent)
        return Reply(response.status, response.headers, response.data)

    def post(self, body: Any, path: str = PLAIN, headers: Mapping[str, str] | None = None) -> Reply:
        """Send any JSON value."""
        return self.request("POST", path, json.dumps(body).encode(), headers)

    def ask(
        self, text: str, room: str | None = None, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> Reply:
        """Send one user message."""
        path = PLAIN if room is None else room_path(room)
        return self.post({"messages": [user(text)], **fields}, path, headers)


def room_path(room: str) -> str:
    return f"/v1/llms/chatrooms/{room}/chat/completions"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def credentials(operator_id: str) -> dict[str, str]:
    return {**CREDENTIALS, "x-operator-id": operator_id}


def joined(chunks: list[Any], index: int = 0) -> str:
    """The pieces of text of one choice, joined."""
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    """A bare connection to the server."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=30) as sock:
        yield sock


def raw_request(body: Any, path: str = PLAIN) -> bytes:
    """The bytes of a request, after whose answer the server closes the connection."""
    content = json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", "Host: local", "Connection: close", f"Content-Length: {len(content)}"]
    head += [f"{name}: {value}" for name, value in CREDENTIALS.items()]
    return "\r\n".join([*head, "", ""]).encode() + content


def read_until(sock: socket.socket, wanted: bytes) -> bytes:
    """Read until `wanted` has arrived."""
    received = b""
    while wanted not in received:
        piece = sock.recv(65536)
        assert piece, f"the connection ended after {received!r}"
        received += piece
    return received


def read_to_end(sock: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    while piece := sock.recv(65536):
        received += piece
    return received
