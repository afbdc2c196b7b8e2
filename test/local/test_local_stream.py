"""The form of a streamed answer."""

from __future__ import annotations

from typing import Any

import pytest
from local.client import PLAIN, Client, connection, joined, raw_request, read_to_end, room_path, user

from tachyon_sdk.local import LocalServer
from tachyon_sdk.local.tokens import split


def test_the_events_of_a_stream(client: Client) -> None:
    reply = client.ask("Hi", model="a/b", stream=True)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    first, *pieces, last, used = reply.chunks
    members = {key: first[key] for key in ("id", "created", "model", "object")}
    assert members["object"] == "chat.completion.chunk"
    assert members["model"] == "a/b"
    for chunk in (first, *pieces, last, used):
        assert {key: chunk[key] for key in members} == members
        assert chunk["service_tier"] is None
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "", "refusal": None, "function_call": None},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    assert [piece["choices"][0]["delta"] for piece in pieces] == [
        {"content": token} for token in split('Hello! You said: "Hi".')
    ]
    assert all(piece["choices"][0]["finish_reason"] is None for piece in pieces)
    assert all(chunk["usage"] is None for chunk in (first, *pieces, last))
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert used["choices"] == []
    assert used["usage"] == client.ask("Hi").json["usage"]


def test_chunks_in_a_chatroom_have_no_created(client: Client, room: str) -> None:
    chunks = client.ask("Hi", room, stream=True).chunks
    assert all("created" not in chunk for chunk in chunks)
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert "created" in client.ask("Hi", room).json


@pytest.mark.parametrize(
    "text", ["Hello", "日本語です。", "a\n\n b\t👩‍👩‍👧\r\nデータ: x ", "data: [DONE]\n\n"]
)
@pytest.mark.parametrize(
    "fields", [{}, {"n": 3}, {"max_completion_tokens": 5}, {"response_format": {"type": "json_object"}}]
)
def test_the_pieces_are_the_plain_text(client: Client, text: str, fields: dict[str, Any]) -> None:
    chunks = client.ask(text, stream=True, **fields).chunks
    plain = client.ask(text, **fields).json
    for index, choice in enumerate(plain["choices"]):
        assert joined(chunks, index) == choice["message"]["content"]
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert [reason for reason in reasons if reason] == [
        choice["finish_reason"] for choice in plain["choices"]
    ]
    assert chunks[-1]["usage"] == plain["usage"]


def test_choices_come_in_turns(client: Client) -> None:
    chunks = client.ask("Hello", stream=True, n=3, max_completion_tokens=2).chunks
    assert [chunk["choices"][0]["index"] for chunk in chunks[:-1]] == [0, 1, 2] * 4


@pytest.mark.parametrize("path", [PLAIN, room_path("framing")])
def test_each_event_is_an_http_chunk_of_its_own(server: LocalServer, path: str) -> None:
    with connection(server.url) as sock:
        sock.sendall(raw_request({"messages": [user("Hello")], "stream": True}, path))
        head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        pieces.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    assert pieces.pop() == b""
    assert pieces[-1] == b"data: [DONE]\n\n"
    for piece in pieces:
        assert piece.startswith(b"data: ") and piece.endswith(b"\n\n") and piece.count(b"\n") == 2


def test_the_connection_can_be_used_again(client: Client, server: LocalServer) -> None:
    pool = client.pool.connection_from_url(server.url)
    client.ask("Hello", stream=True)
    made = pool.num_connections
    client.ask("Hello", stream=True)
    assert pool.num_connections == made
