"""A server in front of another model server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from local.client import (
    CREDENTIALS,
    PLAIN,
    Client,
    connection,
    credentials,
    joined,
    raw_request,
    read_until,
    room_path,
    user,
)
from local.upstream import KEY, Upstream, piece, said, upstream

from support.programs import wait_until
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    Gate,
    RawServer,
    framed,
    json_response,
    lock_step,
    recorded,
    stream_response,
)
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.local import LocalServer
from tachyon_sdk.local.upstream import Upstream as UpstreamServer
from tachyon_sdk.local.upstream_call import UpstreamCall
from tachyon_sdk.local.validation import check_chat_request
from tachyon_sdk.local.wire import Envelope

STREAM = stream_response(piece("one", role="assistant"), piece(" two"), piece(None, "stop"), "[DONE]")
TOOL = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture
def up(shared: Upstream) -> Upstream:
    shared.forget()
    return shared


# What the upstream gets


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_that_of_the_client(up: Upstream, stream: bool) -> None:
    up.answers(STREAM if stream else json_response(said()))
    fields = {"temperature": 0.5, "seed": 7, "stop": ["x"], "tools": [TOOL], "tool_choice": "any"}
    assert up.client.ask("こんにちは", model="small", stream=stream, **fields).status == 200
    (request,) = up.raw.requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.get("Authorization") == f"Bearer {KEY}"
    assert request.get("x-operator-id") == "tn_test"
    expected = {
        "messages": [user("こんにちは")],
        "model": "qwen3:0.6b",
        "stream": stream,
        **fields,
        "tool_choice": "required",
    }
    assert request.json() == {**expected, **({"stream_options": {"include_usage": True}} if stream else {})}


@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "function": {"name": "f"}}]
)
def test_other_tool_choices_are_for_the_upstream_to_judge(up: Upstream, choice: Any) -> None:
    up.answers(json_response(said()))
    assert up.client.ask("Hi", model="large", tools=[TOOL], tool_choice=choice).status == 200
    assert up.requests[0]["tool_choice"] == choice


def test_what_only_the_platform_knows_stays_here(up: Upstream) -> None:
    up.answers(json_response(said()))
    fields: dict[str, Any] = {
        "communication_style": "brief",
        "explanation_style": "x",
        "technical_level": "y",
        "memory_settings": {"extract_memory": False, "max_memories": 1, "min_relevance_score": 0.5},
        "web_search": {"query": "q"},
        "temperature": None,
    }
    image = {"url": "data:image/png;base64,AAAA", "mime_type": "image/png", "detail": "low"}
    messages = [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": image}, {"type": "text", "text": "x"}],
        },
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]
    assert up.client.post({"model": "large", "messages": messages, **fields}).status == 200
    (request,) = up.requests
    assert request.keys() == {"messages", "model"}
    image.pop("mime_type")
    assert request["messages"][0]["content"] == [
        {"type": "image_url", "image_url": image},
        {"type": "text", "text": "x"},
    ]
    assert request["messages"][1:] == [
        {"role": "assistant", "content": "", "tool_calls": []},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]


def test_the_limit_has_both_its_names(up: Upstream) -> None:
    up.answers(json_response(said()), json_response(said()))
    up.client.ask("Hi", model="large", max_completion_tokens=5)
    up.client.ask("Hi", model="large", max_completion_tokens=5, max_tokens=4)
    assert [(each["max_completion_tokens"], each["max_tokens"]) for each in up.requests] == [(5, 5), (5, 4)]


def test_what_the_upstream_refuses_is_left_out(up: Upstream) -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'max_tokens'", "code": "unsupported_parameter"}}
    other = {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}
    up.answers(json_response(refusal, 400), json_response(other, 422), STREAM)
    reply = up.client.ask("Hi", model="large", stream=True, max_completion_tokens=5)
    assert joined(reply.chunks) == "one two"
    first, second, third = up.requests
    assert {"max_tokens", "stream_options"} <= first.keys()
    assert second.keys() == first.keys() - {"max_tokens"}
    assert third.keys() == second.keys() - {"stream_options"}


def test_what_the_client_asked_for_is_not_left_out(up: Upstream) -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'max_tokens'"}}
    up.answers(json_response(refusal, 400))
    assert up.client.ask("Hi", model="large", max_tokens=5).status == 400


def test_the_credentials_for_the_service_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TACHYON_API_KEY", "TACHYON_OPERATOR_ID", "TACHYON_API_URL"):
        monkeypatch.setenv(name, "http://secret.example")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with upstream(upstream_key=None, models=None) as up:
        up.answers(json_response(said()), json_response({"data": []}))
        assert up.client.ask("Hi", model="large").status == 200
        assert up.client.request("GET", "/v1/llms/models").status == 200
        for request in up.raw.requests:
            assert request.get("Authorization") is None
            assert b"secret" not in request.raw and b"dummy-token" not in request.raw


# What the client gets


def test_a_plain_response(up: Upstream) -> None:
    used = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}
    up.answers(json_response({**said("Hello", refusal=None), "model": "m", "usage": used}))
    reply = up.client.ask("Hi", model="large")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["x-request-id"]
    answer = reply.json
    assert answer.pop("id").startswith("chatcmpl-")
    assert answer.pop("created") > 0
    assert answer == {
        "object": "chat.completion",
        "model": "large",
        "system_fingerprint": None,
        "service_tier": None,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "cache_creation_input_tokens": None,
            "cache_read_input_tokens": 2,
            "total_cost": None,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    }


@pytest.mark.parametrize("path", [PLAIN, room_path("shapes")])
def test_the_events_of_a_stream(up: Upstream, path: str) -> None:
    up.answers(STREAM)
    body = {"model": "large", "messages": [user("Hi there")], "stream": True}
    chunks = up.client.post(body, path).chunks
    members = {"id", "object", "model", "system_fingerprint", "service_tier", "choices", "usage"}
    for chunk in chunks:
        assert chunk.keys() == members | ({"created"} if path == PLAIN else set())
        assert (chunk["id"], chunk["model"]) == (chunks[0]["id"], "large")
    assert [chunk["choices"] for chunk in chunks] == [
        [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}]
        for delta, reason in (
            ({"role": "assistant", "content": "one"}, None),
            ({"content": " two"}, None),
            ({}, "stop"),
        )
    ] + [[]]
    used = chunks[-1]["usage"]
    assert (used["prompt_tokens"], used["completion_tokens"], used["total_tokens"]) == (2, 2, 4)


@pytest.mark.parametrize("name", ["llama-stream-usage", "litellm-stream-usage", "llama-stream-n2"])
def test_streams_of_real_servers(up: Upstream, name: str) -> None:
    up.answers(recorded(name))
    chunks = up.client.ask("Hi", model="large", stream=True, n=2 if name.endswith("n2") else 1).chunks
    assert joined(chunks)
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] > 0
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (None, (1, 3, 4)),
        ({"prompt_tokens": 10}, (10, 3, 13)),
        ({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 40}, (10, 20, 40)),
        ({"prompt_tokens": None, "completion_tokens": -1, "total_tokens": "many"}, (1, 3, 4)),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_usage_is_reported_or_estimated(up: Upstream, reported: Any, expected: Any, stream: bool) -> None:
    if stream:
        end = {**piece(None, "stop"), "usage": reported}
        up.answers(stream_response(piece("One two three"), end, "[DONE]"))
        used = up.client.ask("Hi", model="large", stream=True).chunks[-1]["usage"]
    else:
        up.answers(json_response({**said("One two three"), "usage": reported}))
        used = up.client.ask("Hi", model="large").json["usage"]
    assert (used["prompt_tokens"], used["completion_tokens"], used["total_tokens"]) == expected


def test_forms_that_the_client_did_not_ask_for(up: Upstream) -> None:
    up.answers(STREAM, json_response(said("whole")))
    assert up.client.ask("Hi", model="large").text == "one two"
    assert joined(up.client.ask("Hi", model="large", stream=True).chunks) == "whole"


def test_what_the_contract_does_not_know_is_passed_on(up: Upstream) -> None:
    thought = piece(None, reasoning_content="Hm.")
    thought["choices"][0]["logprobs"] = {"content": []}
    up.answers(stream_response(thought, piece("Yes.", "stop"), "[DONE]"))
    first = up.client.ask("Hi", model="large", stream=True).chunks[0]["choices"][0]
    assert first["delta"] == {"role": "assistant", "reasoning_content": "Hm."}
    assert first["logprobs"] == {"content": []}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("tool_use", "tool_calls"),
        ("unheard-of", "unheard-of"),
    ],
)
def test_finish_reasons(up: Upstream, reason: str, expected: str) -> None:
    response = said()
    response["choices"][0]["finish_reason"] = reason
    up.answers(json_response(response))
    assert up.client.ask("Hi", model="large").json["choices"][0]["finish_reason"] == expected


# While it arrives


def test_each_chunk_is_passed_on_before_the_upstream_sends_the_next(up: Upstream) -> None:
    calls = [{"index": 0, "id": "c", "type": "function", "function": {"name": "clock", "arguments": ""}}]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    events = [
        piece("first", role="assistant"),
        piece("second"),
        piece(None, tool_calls=calls),
        piece(None, tool_calls=[{"index": 0, "function": {"arguments": '{"third": 3}'}}]),
        piece(None, "tool_calls"),
        {"id": "up-1", "choices": [], "usage": usage},
        "[DONE]",
    ]
    gate = Gate()
    up.answers(lock_step(framed(stream_response(*events), "chunked"), gate))
    with up.asking() as sock:
        for mark in (
            b'"first"',
            b'"second"',
            b'"clock"',
            rb"{\"third\": 3}",
            b'"finish_reason":"tool_calls"',
            b'"total_tokens":3',
            b"[DONE]",
        ):
            gate.open()
            assert read_until(sock, mark).count(b"data: ") == 1
        gate.open()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [PLAIN, room_path("left-early")])
def test_a_client_that_leaves_before_the_response_ends_the_call(stream: bool, path: str) -> None:
    arrived = threading.Event()

    def hang(conn: Any) -> None:
        conn.read_request()
        arrived.set()
        conn.await_close()

    with RawServer(handler=hang) as raw, LocalServer(upstream=raw.url) as server:
        with connection(server.url) as sock:
            sock.sendall(raw_request({"model": "m", "messages": [user("Hi")], "stream": stream}, path))
            assert arrived.wait(30)
        raw.wait_ended()
        client = Client(server.url)
        assert client.request("GET", "/v1/llms/chatrooms").json["chatrooms"] == []
        client.pool.clear()
    assert raw.connections == 1


def test_a_client_that_leaves_in_the_middle_ends_the_call(up: Upstream) -> None:
    def endless(conn: Any) -> None:
        conn.read_request()
        head, one, *_ = framed(STREAM, "chunked")
        conn.send(head)
        while True:
            conn.send(one)

    with RawServer(handler=endless) as raw, LocalServer(upstream=raw.url) as server:
        with connection(server.url) as sock:
            body = {"model": "m", "messages": [user("Hi")], "stream": True}
            sock.sendall(raw_request(body, room_path("r")))
            read_until(sock, b'"one"')
        raw.wait_ended()
        client = Client(server.url)
        assert client.request("GET", "/v1/llms/chatrooms").json["chatrooms"] == []
        client.pool.clear()


def test_a_kept_connection_that_is_cancelled_is_not_used_for_another_request(up: Upstream) -> None:
    before = up.raw.connections
    up.answers(json_response(said()), [AWAIT_CLOSE], json_response(said("again")))
    assert up.client.ask("Hi", model="large").status == 200
    with up.asking(stream=False):
        wait_until(lambda: len(up.raw.requests) == 2, "the second request does not arrive")
    assert up.ended.acquire(timeout=30)
    assert up.client.ask("Hi", model="large").text == "again"
    assert [request.connection for request in up.raw.requests][:2] == [up.raw.requests[0].connection] * 2
    assert len(up.raw.requests) == 3
    assert up.raw.connections <= before + 2


def test_an_upstream_is_slowed_down_by_a_slow_client() -> None:
    blocked = threading.Event()

    def endless(conn: Any) -> None:
        conn.read_request()
        head, *_ = framed(STREAM, "chunked")
        conn.send(head)
        (event,) = framed(stream_response(piece("x" * 10_000)), "chunked")[1:2]
        conn.socket.settimeout(0.3)
        for _ in range(20_000):  # 200 MB
            try:
                conn.socket.sendall(event)
            except TimeoutError:
                blocked.set()
                return
        raise AssertionError("everything was read, and kept somewhere")

    with RawServer(handler=endless) as raw, LocalServer(upstream=raw.url) as server:
        with connection(server.url) as sock:
            sock.sendall(raw_request({"model": "m", "messages": [user("Hi")], "stream": True}))
            read_until(sock, b"xxx")
            assert blocked.wait(60)


def test_stopping_ends_calls_in_progress() -> None:
    arrived = threading.Semaphore(0)

    def hang(conn: Any) -> None:
        conn.read_request()
        arrived.release()
        conn.await_close()

    before = set(threading.enumerate())
    with RawServer(handler=hang) as raw:
        with LocalServer(upstream=raw.url) as server:
            with connection(server.url) as one, connection(server.url) as two:
                for sock, stream in ((one, True), (two, False)):
                    sock.sendall(raw_request({"model": "m", "messages": [user("Hi")], "stream": stream}))
                for _ in range(2):
                    assert arrived.acquire(timeout=30)
                server.stop()
        raw.wait_ended(2)
    assert set(threading.enumerate()) <= before


# Chatrooms


def test_a_conversation_in_a_room(up: Upstream, room: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    up.answers(STREAM, json_response(said(None, tool_calls=[call])), json_response(said("It is noon.")))
    system = {"role": "system", "content": "Be brief."}
    path = room_path(room)
    up.client.post({"model": "large", "messages": [system, user("Hello")], "stream": True}, path)
    up.client.post({"model": "large", "messages": [user("What time is it?")], "tools": [TOOL]}, path)
    result = {"role": "tool", "tool_call_id": "c1", "content": "noon"}
    assert up.client.post({"model": "large", "messages": [result]}, path).text == "It is noon."
    first, _, third = up.requests
    assert first["messages"] == [system, user("Hello")]
    assert third["messages"] == [
        user("Hello"),
        {"role": "assistant", "content": "one two"},
        user("What time is it?"),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        result,
    ]
    query = "limit=100&offset=0&search="
    history = up.client.request("GET", f"/v1/llms/chatrooms/{room}/messages?{query}").json["messages"]
    assert [entry["content"]["type"] for entry in history] == [
        *("text", "text", "text", "tool-call", "tool-result", "text"),
    ]


def test_what_the_provider_added_to_a_call_goes_back(up: Upstream, room: str) -> None:
    call = {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "clock", "arguments": "{}"},
        "extra_content": {"signature": "s"},
    }
    chunks = [piece(None, reasoning_content="Hm."), piece(None, tool_calls=[call]), piece(None, "tool_calls")]
    up.answers(stream_response(*chunks, "[DONE]"), json_response(said()))
    up.client.ask("Hi", room, model="large", stream=True)
    up.client.ask("And?", room, model="large")
    assistant = up.requests[1]["messages"][1]
    assert assistant["reasoning_content"] == "Hm."
    assert assistant["tool_calls"][0]["extra_content"] == {"signature": "s"}


def test_a_client_that_leaves_at_the_finish_reason_had_the_whole_response(up: Upstream, room: str) -> None:
    gate = Gate()
    head, *parts = framed(STREAM, "chunked")
    up.answers([head, *parts[:3], gate, CLOSE])
    with up.asking(room_path(room)) as sock:
        read_until(sock, b'"finish_reason":"stop"')
    gate.open()
    query = "limit=100&offset=0&search="
    path = f"/v1/llms/chatrooms/{room}/messages?{query}"
    wait_until(lambda: up.client.request("GET", path).status == 200, "nothing was stored")
    reply = up.client.request("GET", path)
    assert [entry["content"]["text"] for entry in reply.json["messages"]] == ["Hello", "one two"]


@pytest.mark.parametrize("finished", [False, True])
def test_a_call_that_is_left_between_two_events(finished: bool) -> None:
    stored: list[Any] = []
    body = json.dumps({"messages": [user("Hello")], "stream": True}).encode()
    with RawServer([STREAM]) as raw:
        upstream_server = UpstreamServer(raw.url)
        envelope = Envelope("m", chatroom=True)
        arguments = ("tn_x", check_chat_request(body), [], None, envelope, stored.append)
        call = UpstreamCall(upstream_server, *arguments)
        events = call._events()
        while (b'"finish_reason":"stop"' in next(events)) < finished:
            pass
        call._call.cancel()
        events.close()
        upstream_server.close()
    assert stored == ([{"role": "assistant", "content": "one two"}] if finished else [])


def test_a_conversation_is_continued_after_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        with upstream(data=tmp_path / "data", create_rooms=False) as up:
            if not number:
                room = up.client.post({"name": "trip"}, "/v1/llms/chatrooms").json["chatroom"]["id"]
            up.answers(json_response(said(f"answer {number}")))
            assert up.client.ask(f"question {number}", room, model="large").text == f"answer {number}"
            sent = [message["content"] for message in up.requests[0]["messages"]]
    assert sent == ["question 0", "answer 0", "question 1"]


# Models


def test_the_named_models_are_listed(up: Upstream) -> None:
    listed = up.client.request("GET", "/v1/llms/models").json
    assert [(model["id"], model["name"]) for model in listed["models"]] == [
        ("large", "llama3.2"),
        ("small", "qwen3:0.6b"),
    ]
    everything = up.client.request("GET", "/v1/llms/models?require_agent_product=false").json["models"]
    assert [model["id"] for model in everything][:3] == ["large", "small", "local/echo"]
    assert up.raw.requests == []


def test_a_model_that_was_not_named_is_400(up: Upstream, room: str) -> None:
    for name in ("llama3.2", "openai/gpt-4o", ""):
        reply = up.client.ask("Hi", room, model=name)
        assert (reply.status, reply.json["code"]) == (400, "unsupported_model")
        assert "this server has large, small" in reply.json["message"]
    assert up.raw.requests == []


def test_the_first_model_is_the_default(up: Upstream) -> None:
    up.answers(json_response(said()))
    assert up.client.ask("Hi").json["model"] == "large"
    assert up.requests[0]["model"] == "llama3.2"


def test_local_models_need_no_upstream(up: Upstream) -> None:
    assert up.client.ask("Hi", model="local/echo").text == 'Hello! You said: "Hi".'
    assert up.client.ask("Hi", model="local/error-503").status == 503
    assert up.raw.requests == []


def test_without_names_the_upstream_has_its_own() -> None:
    with upstream(models=None) as up:
        entries = [{"id": "llama3.2", "owned_by": "library"}, {"id": "qwen3:0.6b"}, {"object": "odd"}]
        up.answers(json_response({"object": "list", "data": entries}), json_response({"data": None}))
        listed = up.client.request("GET", "/v1/llms/models").json["models"]
        assert [(model["id"], model["provider"]) for model in listed] == [
            ("llama3.2", "library"),
            ("qwen3:0.6b", "upstream"),
        ]
        assert up.client.request("GET", "/v1/llms/models").json["models"] == []
        request = up.raw.requests[0]
        assert (request.method, request.target) == ("GET", "/v1/models")
        assert request.get("Authorization") == f"Bearer {KEY}"
        up.answers(json_response(said()), json_response({**said(), "model": "of-the-upstream"}))
        assert up.client.ask("Hi", model="qwen3:0.6b").json["model"] == "qwen3:0.6b"
        assert up.client.ask("Hi").json["model"] == "of-the-upstream"
        assert [request.get("model") for request in up.requests] == ["qwen3:0.6b", None]
        up.answers(json_response({"error": "out of order"}, 500))
        reply = up.client.request("GET", "/v1/llms/models")
        assert (reply.status, reply.json["code"]) == (502, "provider_error")
        assert "out of order" in reply.json["message"]


# With another server of this kind as the upstream


def test_a_server_behind_a_server_with_many_threads() -> None:
    with (
        LocalServer() as behind,
        LocalServer(upstream=f"{behind.url}/v1/llms/chat/completions", upstream_key="key") as server,
    ):
        settings = {"access_token": "dummy-token", "proxy": ""}
        with ApiClient(Configuration(host=server.url, operator_id="tn_x", **settings)) as api_client:
            chat = ChatApi(api_client)

            def talk(number: int) -> str:
                request = {"model": "large", "messages": [user(f"I am {number}")]}
                room = f"room-{number % 4}"
                if number % 2:
                    with chat.chat_completion_on_chatroom_stream(
                        room, chat_completion_request=request
                    ) as stream:
                        return stream.collect().text
                return chat.chat_completion_on_chatroom(room, chat_completion_request=request).text

            with ThreadPoolExecutor(8) as pool:
                texts = list(pool.map(talk, range(40)))
        assert all(f'You said: "I am {number}".' in text for number, text in enumerate(texts))
        client = Client(server.url)
        for number in range(4):
            query = "limit=100&offset=0&search="
            path = f"/v1/llms/chatrooms/room-{number}/messages?{query}"
            history = client.request("GET", path, headers=credentials("tn_x")).json["messages"]
            assert [entry["role"] for entry in history] == ["user", "assistant"] * 10
        client.pool.clear()
        assert {request.headers["x-operator-id"] for request in behind.requests} == {"tn_x"}


def test_pages_of_the_internet_may_not_call_it_unless_they_are_named(up: Upstream) -> None:
    reply = up.client.ask("Hi", headers={**CREDENTIALS, "Origin": "https://app.example"}, model="large")
    assert (reply.status, reply.json["code"]) == (403, "forbidden_origin")
    assert up.raw.requests == []


@pytest.mark.parametrize("url", ["127.0.0.1:11434/v1", "ftp://x", "http://", "http://x/v1?y"])
def test_an_upstream_that_cannot_be(url: str) -> None:
    with pytest.raises(ValueError, match="the upstream cannot be used: "):
        LocalServer(upstream=url).start()


def test_json_of_a_response_is_that_of_the_upstream(up: Upstream) -> None:
    up.answers(json_response(said("a\n\n data: [DONE]\n\n 大阪 😀")))
    reply = up.client.ask("Hi", model="large")
    assert json.loads(reply.body)["choices"][0]["message"]["content"] == "a\n\n data: [DONE]\n\n 大阪 😀"
