"""What the data file keeps."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from local.client import Client
from local.test_local_rooms import ROOMS, created, listed, messages

from tachyon_sdk.local import LocalServer
from tachyon_sdk.local.storage import MissingRoomError, Storage

KILLED = """
import sys, threading
from tachyon_sdk.local import LocalServer
with LocalServer(sys.argv[1]) as server:
    print(server.url, flush=True)
    threading.Event().wait()
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "data"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    url = process.stdout.readline().decode().strip()
    acknowledged: dict[str, int] = {}
    enough = threading.Barrier(4)

    def work() -> None:
        client = Client(url)
        try:
            room = created(client, name="kept")["id"]
            for number in range(10_000):
                assert client.ask(f"message {number}", room, stream=bool(number % 2)).status == 200
                acknowledged[room] = number + 1
                if number == 5:
                    enough.wait(60)
        except Exception:
            pass  # the server was killed
        client.pool.clear()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    enough.wait(60)
    process.kill()  # while all of them write
    process.wait()
    process.stdout.close()
    for thread in threads:
        thread.join()
    storage = Storage(tmp_path / "data")
    assert {room["id"] for room in storage.rooms("tn_test", 100, 0).items} == acknowledged.keys()
    for room, count in acknowledged.items():
        texts = [message["content"] for message in storage.history("tn_test", room)]
        # The last request may have been stored without its response having arrived.
        assert len(texts) in (2 * count, 2 * count + 2)
        assert texts[::2] == [f"message {number}" for number in range(len(texts) // 2)]
        assert storage.messages("tn_test", room, 100, 0).total == len(texts)
    storage.close()


def test_a_file_outlives_the_server(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "data") as server:
        client = Client(server.url)
        room = created(client, name="kept", metadata={"user_id": "u1"})
        client.ask("Hello", room["id"])
        before = listed(client), messages(client, room["id"])
        client.pool.clear()
    with LocalServer(tmp_path / "data", create_rooms=False) as server:
        client = Client(server.url)
        assert (listed(client), messages(client, room["id"])) == before
        assert "Hello again!" in client.ask("Hello", room["id"]).text
        client.pool.clear()


def test_a_room_that_is_created_by_its_use(tmp_path: Path) -> None:
    with LocalServer() as server:
        client = Client(server.url)
        client.ask("Hello", "room-1")
        client.ask("Hello", "room-2", model="local/error-500")
        (room,) = listed(client)["chatrooms"]
        assert (room["id"], room["name"], room["metadata"]) == ("room-1", "room-1", {})
        assert client.request("DELETE", f"{ROOMS}/room-1").status == 204
        assert listed(client)["chatrooms"] == []
        client.pool.clear()


def test_servers_may_share_a_file(tmp_path: Path) -> None:
    settings = {"data": tmp_path / "data", "create_rooms": False}
    with LocalServer(**settings) as one, LocalServer(**settings) as two:
        clients = [Client(one.url), Client(two.url)]
        room = created(clients[0])["id"]

        def work(client: Client) -> None:
            for _ in range(10):
                assert client.ask("Hello", room).status == 200

        threads = [threading.Thread(target=work, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(messages(clients[0], room)) == len(messages(clients[1], room)) == 40
        for client in clients:
            client.pool.clear()


OLD_SCHEMA = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operator_id TEXT NOT NULL,
    chatroom_id TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX message_room ON message (operator_id, chatroom_id);
"""


def test_a_file_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    old = [
        ("tn_1", "r", {"role": "user", "content": "Hello"}),
        ("tn_2", "r", {"role": "user", "content": "of another"}),
        ("tn_1", "r", {"role": "assistant", "content": None, "tool_calls": [call]}),
        ("tn_1", "r", {"role": "tool", "tool_call_id": "c", "content": "noon"}),
    ]
    database = sqlite3.connect(tmp_path / "data")
    database.executescript(OLD_SCHEMA)
    with database:
        for operator, room, body in old:
            database.execute(
                "INSERT INTO message (operator_id, chatroom_id, body) VALUES (?, ?, ?)",
                (operator, room, json.dumps(body)),
            )
    database.close()
    for _ in range(2):
        storage = Storage(tmp_path / "data")
        assert storage.history("tn_1", "r") == [body for operator, _, body in old if operator == "tn_1"]
        assert storage.history("tn_2", "r") == [old[1][2]]
        assert [room["name"] for room in storage.rooms("tn_1", 100, 0).items] == ["r"]
        parts = [message["content"] for message in storage.messages("tn_1", "r", 100, 0).items]
        assert [part["type"] for part in parts] == ["text", "tool-call", "tool-result"]
        assert parts[2]["tool_name"] == "clock"
        storage.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "data")
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(OSError, match=r"cannot be used as data file: .* newer version"):
        Storage(tmp_path / "data")


def test_messages_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "data")
    with pytest.raises(KeyError):
        storage.append("o", "r", "u", [{"role": "user", "content": "kept?"}, {}], create=True)
    with pytest.raises(MissingRoomError):
        storage.room("o", "r")
    with pytest.raises(MissingRoomError):
        storage.append("o", "r", "u", [{"role": "user", "content": "Hello"}])
    storage.append("o", "r", "u", [{"role": "user", "content": "Hello"}], create=True)
    assert storage.history("o", "r") == [{"role": "user", "content": "Hello"}]
    storage.close()
