"""What a chatroom remembers."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from local.client import (
    CREDENTIALS,
    Client,
    connection,
    credentials,
    joined,
    raw_request,
    read_until,
    room_path,
    user,
)

from tachyon_sdk.local import LocalServer, create_app
from tachyon_sdk.local.storage import Storage


def second_text(client: Client, room: str) -> str:
    """The answer to a further message, which tells what the room remembers."""
    return client.ask("And now?", room).text


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_message_is_answered_with_knowledge_of_the_first(
    client: Client, room: str, stream: bool
) -> None:
    first = client.ask("My name is Ken", room, stream=stream)
    said = joined(first.chunks) if stream else first.text
    assert said == 'Hello! You said: "My name is Ken".'
    remembered = (
        'Hello again! You said: "And now?". Messages before this one: 2. You first said: "My name is Ken".'
    )
    assert second_text(client, room) == remembered
    assert "Messages before this one: 4." in second_text(client, room)


def test_history_counts_as_part_of_the_prompt(client: Client, room: str) -> None:
    first = client.ask("Hello", room).json["usage"]
    second = client.ask("Hello", room).json["usage"]
    assert second["prompt_tokens"] == first["total_tokens"] + 1


def test_rooms_and_operators_are_apart(client: Client, room: str) -> None:
    client.ask("My name is Ken", room)
    assert "Ken" not in second_text(client, room + "-other")
    assert "Ken" not in client.ask("And now?", room, headers=credentials("tn_other")).text


@pytest.mark.parametrize("escaped", ["a%2Fb", "caf%C3%A9", "%20", "x%3Fy%23z"])
def test_any_id_is_a_room(client: Client, room: str, escaped: str) -> None:
    client.ask("My name is Ken", room + escaped)
    assert "Ken" in second_text(client, room + escaped)
    assert "Ken" not in second_text(client, room)


def test_only_the_first_of_several_choices_is_remembered(client: Client, room: str) -> None:
    client.ask("Hello", room, n=3)
    assert "Messages before this one: 2." in second_text(client, room)


def test_instructions_are_not_remembered(client: Client, room: str) -> None:
    client.post({"messages": [{"role": "system", "content": "Be brief."}, user("Hello")]}, room_path(room))
    text = second_text(client, room)
    assert "Messages before this one: 2." in text and "Be brief." not in text


def test_a_tool_call_is_remembered(client: Client, room: str) -> None:
    parameters = {"type": "object", "properties": {}, "required": []}
    tool = {"type": "function", "function": {"name": "clock", "description": "", "parameters": parameters}}
    answer = client.ask("Use the clock", room, tools=[tool]).json
    call = answer["choices"][0]["message"]["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "noon"}
    assert (
        client.post({"messages": [result]}, room_path(room)).text == 'Hello! The tool clock answered: "noon".'
    )


@pytest.mark.parametrize(
    ("token", "fields"),
    [
        ("no-credit", {}),
        ("dummy-token", {"model": "nonsense"}),
        ("dummy-token", {"n": 11}),
        ("dummy-token", {"model": "local/error-500"}),
        ("dummy-token", {"model": "local/midstream-error"}),
        ("dummy-token", {"model": "local/midstream-error", "stream": True}),
        ("dummy-token", {"model": "local/truncate", "stream": True}),
    ],
)
def test_an_error_leaves_nothing(client: Client, room: str, token: str, fields: dict[str, Any]) -> None:
    client.ask("My name is Ken", room, headers={**CREDENTIALS, "Authorization": f"Bearer {token}"}, **fields)
    assert second_text(client, room) == 'Hello! You said: "And now?".'


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_early_leaves_nothing(tmp_path: Path, stream: bool) -> None:
    body = {"messages": [user("My name is Ken")], "model": "local/slow", "stream": stream}
    with LocalServer(tmp_path / "data") as server, connection(server.url) as sock:
        sock.sendall(raw_request(body, room_path("r")))
        if stream:
            read_until(sock, b'"role":"assistant"')
    assert rooms(tmp_path / "data", "r") == []


class Gateway:
    """Stands in the place of an ASGI server, and so decides for certain when the client goes."""

    def __init__(self) -> None:
        self.app = create_app()

    async def post(self, body: Any, gone_at: bytes | None = None) -> bytes:
        """What is sent, to a client that goes when `gone_at` was sent."""
        received = [{"type": "http.request", "body": json.dumps(body).encode()}]
        gone = asyncio.Event()
        sent = b""

        async def receive() -> Any:
            if received:
                return received.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal sent
            sent += message.get("body", b"")
            if gone_at is not None and gone_at in sent:
                gone.set()

        if gone_at == b"":
            gone.set()
        headers = [(name.lower().encode(), value.encode()) for name, value in CREDENTIALS.items()]
        path = room_path("r")
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await self.app(scope, receive, send)
        return sent

    def talk(self, body: Any, gone_at: bytes) -> tuple[bytes, str]:
        """What is sent to a client that goes, and to one that comes after it."""

        async def run() -> tuple[bytes, bytes]:
            async with self.app.router.lifespan_context(self.app):
                return await self.post(body, gone_at), await self.post({"messages": [user("And now?")]})

        first, second = asyncio.run(run())
        return first, json.loads(second)["choices"][0]["message"]["content"]


def test_when_the_client_has_gone_the_answer_is_not_stored() -> None:
    body = {"messages": [user("My name is Ken")]}
    sent, text = Gateway().talk(body, gone_at=b"")
    assert (sent, text) == (b"", 'Hello! You said: "And now?".')


def test_when_the_client_has_gone_the_stream_is_neither_continued_nor_stored() -> None:
    body = {"messages": [user("My name is Ken")], "stream": True}
    sent, text = Gateway().talk(body, gone_at=b"Hello")
    assert b"said" not in sent
    assert text == 'Hello! You said: "And now?".'


def test_when_the_client_goes_at_the_finish_reason_the_answer_is_stored() -> None:
    body = {"messages": [user("My name is Ken")], "stream": True}
    sent, text = Gateway().talk(body, gone_at=b'"finish_reason":"stop"')
    assert b"[DONE]" not in sent
    assert "Ken" in text


def test_a_client_that_stops_reading_at_the_finish_reason_had_the_whole_answer(
    server: LocalServer, room: str
) -> None:
    client = Client(server.url)
    with connection(server.url) as sock:
        sock.sendall(raw_request({"messages": [user("My name is Ken")], "stream": True}, room_path(room)))
        read_until(sock, b'"finish_reason":"stop"')
    assert "Ken" in second_text(client, room)
    client.pool.clear()


def test_many_at_once_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "data") as server:

        def talk(number: int) -> None:
            client = Client(server.url)
            assert client.ask(f"I am {number}", "r", stream=number % 2 == 0).status == 200
            client.pool.clear()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(talk, range(40)))
    messages = rooms(tmp_path / "data", "r")
    assert [message["role"] for message in messages] == ["user", "assistant"] * 40
    asked = [message["content"] for message in messages[::2]]
    assert sorted(asked) == sorted(f"I am {number}" for number in range(40))
    for question, answer in zip(asked, messages[1::2], strict=True):
        assert f'You said: "{question}".' in answer["content"]


def test_a_file_outlives_the_server(tmp_path: Path) -> None:
    for data in (str(tmp_path / "data"), tmp_path / "data"):
        with LocalServer(data) as server:
            client = Client(server.url)
            text = client.ask("日本語", "r").text
            client.pool.clear()
    assert "2件" in text


def test_memory_does_not_outlive_the_server() -> None:
    server = LocalServer()
    for _ in range(2):
        with server:
            client = Client(server.url)
            assert "before" not in client.ask("Hello", "r").text
            client.pool.clear()


def rooms(data: Path, room: str) -> list[Any]:
    storage = Storage(data)
    try:
        return storage.history("tn_test", room)
    finally:
        storage.close()
