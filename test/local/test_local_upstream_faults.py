"""What the client gets when the upstream fails: an error of the contract, never a short response that looks whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.client import Client, connection, raw_request, read_to_end, read_until, room_path, user
from local.upstream import KEY, Upstream, error_at_the_end, piece, said, upstream

from support.programs import wait_until
from support.raw_server import (
    CLOSE,
    RESET,
    Gate,
    closed_port,
    framed,
    http_response,
    json_response,
    recorded,
    stream_response,
)
from tachyon_sdk.local import LocalServer

HTML = http_response(200, {"Content-Type": "text/html"}, "<html><title>Welcome</title></html>")
WHOLE = stream_response(piece("one", role="assistant"), piece(" two"), piece(None, "stop"), "[DONE]")
HEAD, ONE, TWO, *_ = framed(WHOLE, "chunked")


@pytest.fixture(scope="module")
def up() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


def failed(text: str, status: int, **headers: str) -> bytes:
    return json_response({"error": {"message": text, "type": "x", "code": None}}, status, headers)


def nothing_is_stored(up: Upstream, room: str) -> bool:
    query = "limit=100&offset=0&search="
    return up.client.request("GET", f"/v1/llms/chatrooms/{room}/messages?{query}").status == 404


@pytest.mark.parametrize(
    ("response", "status", "code", "text"),
    [
        (failed("bad temperature", 400), 400, "invalid_request", "answered 400: bad temperature"),
        (failed("no money", 402), 402, "insufficient_credit", "no money"),
        (
            failed(f"Incorrect API key: {KEY}", 401),
            502,
            "provider_error",
            "answered 401: it requires another key",
        ),
        (failed("no", 403), 502, "provider_error", "answered 403: it requires another key"),
        (failed("model 'x' not found, try pulling it", 404), 400, "unsupported_model", "try pulling it"),
        (failed("Invalid model name passed in model=x", 400), 400, "unsupported_model", "Invalid model name"),
        (http_response(404, {}, "404 page not found"), 502, "provider_error", "usually ends with /v1"),
        (failed("conflict", 409), 502, "provider_error", "answered 409"),
        (failed("too long", 413), 400, "invalid_request", "too long"),
        (failed("bad field", 422), 422, "validation_error", "bad field"),
        (failed("slow down", 429), 429, "rate_limited", "slow down"),
        (failed("out of memory", 500), 502, "provider_error", "answered 500: out of memory"),
        (recorded("nginx-dead-upstream-502"), 502, "provider_error", "answered 502"),
        (failed("loading", 503), 503, "overloaded", "loading"),
        (http_response(504), 502, "provider_error", "answered 504"),
        (http_response(307, {"Location": "/other"}), 502, "provider_error", "redirects"),
        (recorded("litellm-wrong-key"), 502, "provider_error", "answered 401"),
        (recorded("litellm-rate-limited-429"), 429, "rate_limited", "answered 429"),
        (recorded("litellm-bad-model"), 400, "unsupported_model", "does not have the model"),
        (json_response({"error": {"message": "it is broken"}}), 502, "provider_error", "it is broken"),
        (HTML, 502, "provider_error", "Welcome"),
        (http_response(200, {"Content-Type": "application/json"}, "{"), 502, "provider_error", "not a valid"),
        (http_response(200, {}, ""), 502, "provider_error", "upstream failed: "),
        (http_response(200, {}, "Hello"), 502, "provider_error", "upstream failed: "),
        (b"this is not HTTP\r\n\r\n", 502, "provider_error", "does not speak HTTP"),
        ([CLOSE], 502, "provider_error", "the connection was lost"),
        ([RESET], 502, "provider_error", "the connection was lost"),
        ([HEAD, CLOSE], 502, "provider_error", "upstream failed: "),
        (stream_response("[DONE]"), 502, "provider_error", "without a response"),
        (stream_response(": hello", "[DONE]"), 502, "provider_error", "without a response"),
        (stream_response({"error": {"message": "too long"}}), 502, "provider_error", "too long"),
        (stream_response(b"event: error\ndata: it broke\n\n"), 502, "provider_error", "it broke"),
        (stream_response("{oops"), 502, "provider_error", "upstream failed: "),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_before_the_response(
    up: Upstream, room: str, response: Any, status: int, code: str, text: str, stream: bool
) -> None:
    up.answers(response)
    reply = up.client.ask("Hi", room, model="large", stream=stream)
    assert (reply.status, reply.json["code"]) == (status, code), reply.body
    assert text in reply.json["message"] and KEY not in reply.json["message"]
    assert set(reply.json) == {"code", "message"}
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"]
    assert len(reply.json["message"]) < 700
    assert nothing_is_stored(up, room)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"choices": []}, "no choices"),
        ({"id": "x"}, "no choices"),
        ({"choices": [{"index": 0, "error": {"message": "out of order"}, "delta": {}}]}, "out of order"),
    ],
)
def test_a_plain_response_without_an_answer(up: Upstream, room: str, body: Any, text: str) -> None:
    up.answers(json_response(body))
    reply = up.client.ask("Hi", room, model="large")
    assert (reply.status, reply.json["code"]) == (502, "provider_error")
    assert text in reply.json["message"]
    assert nothing_is_stored(up, room)


@pytest.mark.parametrize("value", ["7", "0", "0.5", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_the_time_to_wait_is_passed_on(up: Upstream, value: str) -> None:
    up.answers(failed("slow down", 429, **{"Retry-After": value}))
    seconds = up.client.ask("Hi", model="large").headers["retry-after"]
    assert seconds == value or float(seconds) > 10**9


BROKEN = {
    "closed": ([CLOSE], "connection was lost"),
    "reset": ([RESET], "connection was lost"),
    "cut inside an event": ([b"c8\r\ndata: {", CLOSE], "connection was lost"),
    "error event": (
        [*framed(stream_response({"error": {"message": "it broke"}}), "chunked")[1:]],
        "it broke",
    ),
    "named error event": (
        [*framed(stream_response(b"event: error\ndata: it broke\n\n"), "chunked")[1:]],
        "it broke",
    ),
    "error with choices": (
        [*framed(stream_response({**piece(), "error": {"message": "it broke"}}), "chunked")[1:]],
        "it broke",
    ),
    "finish reason error": (
        [*framed(stream_response(piece(None, "error")), "chunked")[1:]],
        "the model failed",
    ),
    "garbage": (
        [*framed(stream_response('{"choices": [{"delta": {"content": 5}}]}'), "chunked")[1:]],
        "content",
    ),
    "end without a finish reason": ([b"0\r\n\r\n"], "ended before the response was complete"),
    "done without a finish reason": (
        [*framed(stream_response("[DONE]"), "chunked")[1:]],
        "without a finish reason",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_errors_in_the_middle_of_a_stream(up: Upstream, room: str, name: str) -> None:
    steps, text = BROKEN[name]
    gate = Gate()
    up.answers([HEAD, ONE, TWO, gate, *steps])
    with up.asking(room_path(room)) as sock:
        received = b""
        while b" two" not in received:
            received += sock.recv(65536)
        gate.open()
        error = error_at_the_end(sock)
    assert error["code"] == "provider_error"
    assert error["message"].startswith("the upstream failed: ") and text in error["message"]
    assert nothing_is_stored(up, room)


def test_a_plain_response_that_is_cut(up: Upstream, room: str) -> None:
    whole = json_response(said())
    up.answers([whole[:-5], CLOSE], [HEAD, ONE, TWO, CLOSE])
    for _ in range(2):
        reply = up.client.ask("Hi", room, model="large")
        assert (reply.status, reply.json["code"]) == (502, "provider_error")
    assert nothing_is_stored(up, room)


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_not_there(stream: bool) -> None:
    with LocalServer(upstream=f"http://127.0.0.1:{closed_port()}/v1") as server:
        client = Client(server.url)
        reply = client.ask("Hi", model="m", stream=stream)
        assert (reply.status, reply.json["code"]) == (502, "provider_error")
        assert "no connection could be made" in reply.json["message"]
        assert client.request("GET", "/v1/llms/models").status == 502
        assert client.request("GET", "/v1/llms/chatrooms").status == 200
        client.pool.clear()


@pytest.mark.parametrize("stream", [False, True])
def test_a_room_that_is_deleted_during_a_call(stream: bool) -> None:
    with upstream(create_rooms=False) as strict:
        gate = Gate()
        room = strict.client.post({}, "/v1/llms/chatrooms").json["chatroom"]["id"]
        *parts, done, end = framed(WHOLE, "chunked")
        strict.answers([*parts, gate, done, end] if stream else [gate, json_response(said())])
        with strict.asking(room_path(room), stream=stream) as sock:
            if stream:
                read_until(sock, b'"finish_reason":"stop"')
            else:
                wait_until(lambda: strict.raw.requests, "the request does not arrive")
            assert strict.client.request("DELETE", f"/v1/llms/chatrooms/{room}").status == 204
            gate.open()
            if stream:
                assert error_at_the_end(sock)["code"] == "conflict"
            else:
                assert b"409 Conflict" in read_to_end(sock)


def test_errors_of_the_upstream_make_no_noise(up: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    up.answers(failed("x", 500), [HEAD, ONE, CLOSE], [HEAD, ONE, CLOSE])
    assert up.client.ask("Hi", model="large").status == 502
    for stream in (True, False):
        with connection(up.server.url) as sock:
            sock.sendall(raw_request({"messages": [user("Hi")], "model": "large", "stream": stream}))
            read_to_end(sock)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
