"""The operations on chatrooms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from local.client import CREDENTIALS, Client, Reply, credentials, joined, room_path, user

from tachyon_sdk.local import LocalServer

ROOMS = "/v1/llms/chatrooms"
MIA = credentials("tn_mia")
ALL = {"limit": 100, "offset": 0, "search": ""}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """A server as the command starts it: it does not create rooms that are only used."""
    with LocalServer(create_rooms=False) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[Client]:
    client = Client(server.url)
    yield client
    client.pool.clear()


@pytest.fixture
def operator() -> dict[str, str]:
    """The headers of an operator that no other test uses."""
    operator.count += 1  # type: ignore[attr-defined]
    return credentials(f"tn_{operator.count}")  # type: ignore[attr-defined]


operator.count = 0  # type: ignore[attr-defined]


def created(client: Client, headers: dict[str, str] | None = None, **body: Any) -> Any:
    reply = client.post(body, ROOMS, headers)
    assert reply.status == 200, reply.body
    return reply.json["chatroom"]


def patched(client: Client, room: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
    return client.request("PATCH", f"{ROOMS}/{room}", json.dumps(body).encode(), headers)


def listed(client: Client, headers: dict[str, str] | None = None, **query: Any) -> Any:
    reply = client.request("GET", f"{ROOMS}?{urlencode(query)}", headers=headers)
    assert reply.status == 200, reply.body
    return reply.json


def messages(client: Client, room: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
    path = f"{ROOMS}/{room}/messages?{urlencode({**ALL, **query})}"
    reply = client.request("GET", path, headers=headers)
    assert reply.status == 200, reply.body
    return reply.json["messages"]


def names(page: Any) -> list[str]:
    return [room["name"] for room in page["chatrooms"]]


def test_a_room_is_created(client: Client) -> None:
    before = datetime.now(timezone.utc)
    room = created(client, name="旅行", metadata={"user_id": "u1", "list": [1, None]})
    times = [room.pop("created_at"), room.pop("updated_at")]
    assert all(time.endswith("Z") for time in times)
    for time in times:
        assert before <= datetime.fromisoformat(time.replace("Z", "+00:00")) <= datetime.now(timezone.utc)
    assert room.pop("id")
    assert room == {
        "name": "旅行",
        "metadata": {"user_id": "u1", "list": [1, None]},
        "operator_id": "tn_test",
        "owner_id": "tn_test",
    }


def test_the_owner_is_the_end_user(client: Client) -> None:
    room = created(client, {**CREDENTIALS, "x-user-id": "user-7"})
    assert (room["owner_id"], room["operator_id"]) == ("user-7", "tn_test")


@pytest.mark.parametrize(
    ("body", "name", "metadata"),
    [
        ({}, "New chatroom", {}),
        ({"name": None}, "New chatroom", {}),
        ({"name": "", "metadata": None}, "", None),
        ({"metadata": [1, "\0", 1.5, 2**70], "unknown": 1}, "New chatroom", [1, "\0", 1.5, 2**70]),
        ({"name": "a\0b", "metadata": "text"}, "a\0b", "text"),
    ],
)
def test_what_is_left_out_has_a_default(client: Client, body: Any, name: str, metadata: Any) -> None:
    room = created(client, **body)
    assert (room["name"], room["metadata"]) == (name, metadata)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"", 400, "not valid JSON"),
        (b"{", 400, "not valid JSON"),
        (b'{"metadata": NaN}', 400, "NaN"),
        (b'{"metadata": 1e999}', 400, "out of range"),
        (b'{"metadata": "\\ud800"}', 400, "not valid JSON"),
        (b'{"metadata": ' + b"[" * 100_000, 400, "nested too deeply"),
        (b'{"metadata": ' + b"1" * 5_000 + b"}", 400, "not valid JSON"),
        (b"[]", 422, "object"),
        (b'{"name": 1}', 422, "name: "),
        (b'{"name": ["x"]}', 422, "name: "),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_bodies_that_are_refused(client: Client, method: str, body: bytes, status: int, text: str) -> None:
    path = ROOMS if method == "POST" else f"{ROOMS}/{created(client)['id']}"
    reply = client.request(method, path, body)
    assert (reply.status, text in reply.json["message"]) == (status, True), reply.json
    assert set(reply.json) == {"code", "message"}


def test_only_what_the_body_has_is_changed(client: Client) -> None:
    room = created(client, name="first", metadata={"a": 1})
    reply = patched(client, room["id"], {"name": "second"})
    changed = reply.json["chatroom"]
    assert reply.status == 200
    assert changed["updated_at"] > room["updated_at"]
    assert changed == {**room, "name": "second", "updated_at": changed["updated_at"]}
    changed = patched(client, room["id"], {"metadata": None}).json["chatroom"]
    assert (changed["name"], changed["metadata"]) == ("second", None)
    changed = patched(client, room["id"], {"metadata": {"b": {}}, "name": None}).json["chatroom"]
    assert (changed["name"], changed["metadata"]) == ("New chatroom", {"b": {}})
    assert patched(client, room["id"], {}).json["chatroom"]["metadata"] == {"b": {}}


def test_a_deleted_room_is_gone(client: Client) -> None:
    room = created(client)["id"]
    client.ask("Hello", room)
    reply = client.request("DELETE", f"{ROOMS}/{room}")
    assert (reply.status, reply.body) == (204, b"")
    for gone in (
        client.request("DELETE", f"{ROOMS}/{room}"),
        patched(client, room, {}),
        client.request("GET", f"{ROOMS}/{room}/messages?{urlencode(ALL)}"),
        client.ask("Hello", room),
        client.ask("Hello", room, stream=True),
    ):
        assert (gone.status, gone.json["code"]) == (404, "not_found")
        assert repr(room) in gone.json["message"]


def test_the_rooms_of_another_operator_do_not_exist(client: Client) -> None:
    room = created(client, MIA, name="of Mia")["id"]
    assert client.request("DELETE", f"{ROOMS}/{room}").status == 404
    assert patched(client, room, {"name": "of Ken"}).status == 404
    assert client.request("GET", f"{ROOMS}/{room}/messages?{urlencode(ALL)}").status == 404
    assert client.ask("Hello", room).status == 404
    assert "of Mia" not in names(listed(client, limit=100))
    assert client.ask("Hello", room, headers=MIA).status == 200
    assert [entry["role"] for entry in messages(client, room, MIA)] == ["user", "assistant"]


def test_pages_of_rooms(client: Client, operator: dict[str, str]) -> None:
    for number in range(25):
        created(client, operator, name=f"room {number}")
    newest_first = [f"room {number}" for number in reversed(range(25))]
    page = listed(client, operator)
    assert names(page) == newest_first[:20]
    assert page["paginator"] == {
        "current_page": 1,
        "items_per_page": 20,
        "total_items": 25,
        "total_pages": 2,
    }
    page = listed(client, operator, limit=10, offset=20)
    assert names(page) == newest_first[20:]
    assert page["paginator"] == {
        "current_page": 3,
        "items_per_page": 10,
        "total_items": 25,
        "total_pages": 3,
    }
    for offset in (25, 2**31 - 1, 2**64, "9" * 5000):
        page = listed(client, operator, limit=1, offset=offset)
        assert names(page) == []
        assert page["paginator"]["total_items"] == 25
        assert 25 < page["paginator"]["current_page"] < 2**31
    assert names(listed(client, operator, limit=1, offset=24)) == ["room 0"]


def test_no_rooms(client: Client, operator: dict[str, str]) -> None:
    page = listed(client, operator)
    assert page["chatrooms"] == []
    assert page["paginator"] == {
        "current_page": 1,
        "items_per_page": 20,
        "total_items": 0,
        "total_pages": 0,
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["100%", "ＡＢＣ", "Straße", "大阪の旅"]),
        ("大阪", ["大阪の旅"]),
        ("STRASSE", ["Straße"]),
        ("abc", ["ＡＢＣ"]),
        ("%", ["100%"]),
        ("_", []),
        ("x", []),
    ],
)
def test_search_in_names(client: Client, operator: dict[str, str], search: str, found: list[str]) -> None:
    for name in ("大阪の旅", "Straße", "ＡＢＣ", "100%"):
        created(client, operator, name=name)
    page = listed(client, operator, search=search)
    assert names(page) == found
    assert page["paginator"]["total_items"] == len(found)


def test_a_renamed_room_is_found_by_its_new_name(client: Client, operator: dict[str, str]) -> None:
    room = created(client, operator, name="before")["id"]
    patched(client, room, {"name": "after"}, operator)
    assert names(listed(client, operator, search="before")) == []
    assert names(listed(client, operator, search="AFTER")) == ["after"]


def test_rooms_by_the_user_of_the_metadata(client: Client, operator: dict[str, str]) -> None:
    for name, metadata in {
        "one": {"user_id": "u1"},
        "two": {"user_id": "u2"},
        "number": {"user_id": 7},
        "other": {"user_id": None},
        "list": ["user_id", "u1"],
    }.items():
        created(client, operator, name=name, metadata=metadata)
    assert names(listed(client, operator, metadata_user_id="u1")) == ["one"]
    assert names(listed(client, operator, metadata_user_id="7")) == ["number"]
    assert names(listed(client, operator, metadata_user_id="")) == []
    assert names(listed(client, operator, metadata_user_id="u2", search="one")) == []
    moved = listed(client, operator, metadata_user_id="u2")["chatrooms"][0]["id"]
    patched(client, moved, {"metadata": {"user_id": "u1"}}, operator)
    assert names(listed(client, operator, metadata_user_id="u1")) == ["two", "one"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", ""),
        ("limit", "1.0"),
        ("limit", "ten"),
        ("limit", "２"),
        ("offset", "-1"),
        ("offset", "1.5"),
        ("offset", "null"),
    ],
)
@pytest.mark.parametrize("path", [ROOMS, ROOMS + "/{room}/messages"])
def test_a_page_that_cannot_be(client: Client, path: str, name: str, value: str) -> None:
    path = path.format(room=created(client)["id"])
    reply = client.request("GET", f"{path}?{urlencode({**ALL, name: value})}")
    assert (reply.status, reply.json["code"]) == (422, "validation_error")
    assert reply.json["message"].startswith(f"{name}: must be an integer ")


def test_only_a_page_of_rooms_has_a_largest_limit(client: Client) -> None:
    assert client.request("GET", f"{ROOMS}?limit=101").status == 422
    assert messages(client, created(client)["id"], limit=2**31 - 1) == []


@pytest.mark.parametrize("missing", ["limit", "offset", "search"])
def test_the_query_of_messages_is_required(client: Client, missing: str) -> None:
    query = {name: value for name, value in ALL.items() if name != missing}
    reply = client.request("GET", f"{ROOMS}/{created(client)['id']}/messages?{urlencode(query)}")
    assert reply.status == 422
    assert reply.json["message"] == f"{missing}: this query parameter is required"


def test_the_history_has_typed_parts(client: Client) -> None:
    room = created(client)["id"]
    headers = {**CREDENTIALS, "x-user-id": "user-7"}
    tool = {
        "type": "function",
        "function": {
            "name": "clock",
            "description": "",
            "parameters": {"type": "object", "properties": {"zone": {"const": "UTC"}}, "required": ["zone"]},
        },
    }
    parts = [
        {"type": "text", "text": "Use the clock"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "file", "file": {"file_data": "data:text/plain,hi"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    ]
    body = {"messages": [{"role": "user", "content": parts}], "tools": [tool]}
    call = client.post(body, room_path(room), headers).json["choices"][0]["message"]["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "noon"}
    client.post({"messages": [result]}, room_path(room), headers)
    history = messages(client, room)
    assert [(entry["role"], entry["content"]) for entry in history] == [
        ("user", {"type": "text", "text": "Use the clock"}),
        ("user", {"type": "image", "image": "https://example.com/a.png"}),
        ("user", {"type": "file", "file": "data:text/plain,hi"}),
        ("user", {"type": "text", "text": '{"type":"input_audio","input_audio":{"data":"AAAA"}}'}),
        (
            "assistant",
            {
                "type": "tool-call",
                "tool_call_id": call["id"],
                "tool_name": "clock",
                "args": '{"zone": "UTC"}',
                "is_client_tool": True,
            },
        ),
        (
            "tool",
            {
                "type": "tool-result",
                "tool_call_id": call["id"],
                "tool_name": "clock",
                "result": "noon",
            },
        ),
        ("assistant", {"type": "text", "text": history[-1]["content"]["text"]}),
    ]
    assert 'The tool clock answered: "noon".' in history[-1]["content"]["text"]
    assert {entry["chatroom_id"] for entry in history} == {room}
    assert {entry["user_id"] for entry in history} == {"user-7"}
    assert len({entry["id"] for entry in history}) == len(history)
    assert [entry["created_at"] for entry in history] == sorted(entry["created_at"] for entry in history)


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"role": "user"}, {"type": "text", "text": ""}),
        ({"role": "user", "content": []}, {"type": "text", "text": ""}),
        ({"role": "narrator", "content": "x"}, {"type": "text", "text": "x"}),
        (
            {"role": "tool", "name": "clock", "content": "noon"},
            {"type": "tool-result", "tool_call_id": "", "tool_name": "clock", "result": "noon"},
        ),
        (
            {"role": "function", "content": None, "tool_call_id": 7},
            {"type": "tool-result", "tool_call_id": "7", "tool_name": "", "result": ""},
        ),
        (
            {"role": "user", "content": [{"type": "image_url"}]},
            {"type": "text", "text": '{"type":"image_url"}'},
        ),
    ],
)
def test_odd_messages_have_a_part_too(client: Client, message: Any, content: Any) -> None:
    room = created(client)["id"]
    client.post({"messages": [message]}, room_path(room))
    assert messages(client, room)[0]["content"] == content


def test_pages_and_search_of_messages(client: Client) -> None:
    room = created(client)["id"]
    for text in ("One", "ＴＷＯ", "three"):
        client.ask(text, room)
    texts = [entry["content"]["text"] for entry in messages(client, room)]
    assert texts[::2] == ["One", "ＴＷＯ", "three"]
    walked = [messages(client, room, limit=2, offset=offset) for offset in range(0, 8, 2)]
    assert [entry["content"]["text"] for page in walked for entry in page] == texts
    found = messages(client, room, search="two")
    assert [entry["content"]["text"] for entry in found] == [text for text in texts if "ＴＷＯ" in text]


def test_a_conversation_moves_the_time_of_its_room(client: Client) -> None:
    room = created(client)
    client.ask("Hello", room["id"])
    (after,) = [each for each in listed(client, limit=100)["chatrooms"] if each["id"] == room["id"]]
    assert after["updated_at"] > room["updated_at"]
    assert after["created_at"] == room["created_at"]


def test_a_room_that_is_deleted_during_a_stream_is_a_conflict(server: LocalServer, client: Client) -> None:
    room = created(client)["id"]
    fields = {"model": "local/slow", "stream": True, "max_completion_tokens": 1}
    body = json.dumps({"messages": [user("Hello")], **fields}).encode()
    response = client.pool.request(
        "POST", client.url + room_path(room), body=body, headers=CREDENTIALS, preload_content=False
    )
    assert response.read(1)
    assert client.request("DELETE", f"{ROOMS}/{room}").status == 204
    *chunks, error = [
        json.loads(line[6:])
        for line in (b":" + response.read()).decode().splitlines()
        if line[:6] == "data: "
    ]
    assert joined(chunks) == "Hello"
    assert error["error"]["code"] == "conflict"
    assert "deleted" in error["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", ROOMS, {"GET", "HEAD", "POST"}),
        ("GET", f"{ROOMS}/r", {"PATCH", "DELETE"}),
        ("DELETE", f"{ROOMS}/r/messages", {"GET", "HEAD"}),
        ("POST", "/v1/llms/models", {"GET", "HEAD"}),
    ],
)
def test_other_methods(client: Client, method: str, path: str, allowed: set[str]) -> None:
    reply = client.request(method, path)
    assert (reply.status, reply.json["code"]) == (405, "method_not_allowed")
    assert set(reply.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [ROOMS, ROOMS + "/r", ROOMS + "/r/messages", "/v1/llms/models"])
def test_every_operation_asks_who_is_there(client: Client, method: str, path: str) -> None:
    reply = client.request(method, path, headers={})
    assert reply.status in (401, 405)


def test_many_threads(client: Client, server: LocalServer, operator: dict[str, str]) -> None:
    def work(number: int) -> str:
        own = Client(server.url)
        room = created(own, operator, name=f"room {number}")["id"]
        for text in ("one", "two"):
            assert own.ask(f"{text} {number}", room, headers=operator, stream=number % 2 == 0).status == 200
        if number % 4 == 0:
            assert own.request("DELETE", f"{ROOMS}/{room}", headers=operator).status == 204
        own.pool.clear()
        return str(room)

    with ThreadPoolExecutor(8) as pool:
        rooms = list(pool.map(work, range(24)))
    kept = {room: number for number, room in enumerate(rooms) if number % 4}
    page = listed(client, operator, limit=100)
    assert {room["id"]: int(room["name"][5:]) for room in page["chatrooms"]} == kept
    for room, number in kept.items():
        texts = [entry["content"]["text"] for entry in messages(client, room, operator)]
        assert texts[::2] == [f"one {number}", f"two {number}"]
        assert f"two {number}" in texts[3]


def test_a_slash_in_an_id_does_not_lead_to_another_operation(client: Client) -> None:
    room = created(client)["id"]
    reply = client.request("DELETE", f"{ROOMS}/{quote(room + '/messages', safe='')}")
    assert reply.status == 404
    assert repr(room + "/messages") in reply.json["message"]
