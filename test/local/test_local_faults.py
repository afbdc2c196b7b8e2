"""The models that rehearse a fault."""

from __future__ import annotations

import json

import pytest
import urllib3
from local.client import PLAIN, Client, connection, credentials, joined, raw_request, read_to_end, user

from tachyon_sdk.local import LocalServer


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "unauthorized"),
        (402, "insufficient_credit"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (418, "error_418"),
        (422, "validation_error"),
        (429, "rate_limited"),
        (499, "error_499"),
        (500, "internal_error"),
        (502, "provider_error"),
        (503, "overloaded"),
        (504, "provider_timeout"),
        (599, "error_599"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_status(client: Client, status: int, code: str, stream: bool) -> None:
    reply = client.ask("Hello", model=f"local/error-{status}", stream=stream)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json) == {"code", "message"}
    assert reply.json["code"] == code
    assert reply.json["message"]
    assert reply.headers.get("retry-after") == ("1" if status == 429 else None)
    assert reply.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


def test_a_truncated_stream_ends_in_good_order(client: Client) -> None:
    reply = client.ask("Hello", model="local/truncate", stream=True)
    chunks = [json.loads(data) for data in reply.data]
    whole = client.ask("Hello").text
    assert 0 < len(joined(chunks)) < len(whole)
    assert whole.startswith(joined(chunks))
    for chunk in chunks:
        assert chunk["usage"] is None
        assert chunk["choices"][0]["finish_reason"] is None


def test_even_a_short_answer_has_a_piece_before_it_is_truncated(client: Client) -> None:
    reply = client.ask("Hello", model="local/truncate", stream=True, max_completion_tokens=1)
    assert joined([json.loads(data) for data in reply.data]) == "Hello"


def test_a_truncated_plain_answer_is_shorter_than_it_says(client: Client) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError) as caught:
        client.ask("Hello", model="local/truncate")
    assert "IncompleteRead" in str(caught.value)


def test_half_of_a_truncated_plain_answer_arrives(server: LocalServer) -> None:
    with connection(server.url) as sock:
        sock.sendall(raw_request({"messages": [user("Hello")], "model": "local/truncate"}))
        head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert body.startswith(b'{"id":"chatcmpl-')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_an_error_in_midstream(client: Client) -> None:
    reply = client.ask("Hello", model="local/midstream-error", stream=True)
    assert reply.status == 200
    *chunks, error = [json.loads(data) for data in reply.data]
    assert joined(chunks)
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    message = "the model provider failed in the middle of the answer"
    assert error == {"error": {"message": message, "type": "server_error", "code": "provider_error"}}


def test_an_error_in_midstream_is_500_when_plain(client: Client) -> None:
    reply = client.ask("Hello", model="local/midstream-error")
    assert (reply.status, reply.json["code"]) == (500, "internal_error")


def test_a_slow_stream_says_the_same_and_shows_that_it_is_alive(client: Client) -> None:
    slow = client.ask("Hello", model="local/slow", stream=True, max_completion_tokens=1)
    assert slow.body.startswith(b": heartbeat\n\ndata: ")
    assert joined(slow.chunks) == "Hello"


def test_a_slow_plain_answer_says_the_same(client: Client) -> None:
    assert client.ask("Hello", model="local/slow").text == client.ask("Hello").text


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_for_one_request_in_two(client: Client, room: str, stream: bool) -> None:
    ken, mia = credentials(f"ken-{room}"), credentials(f"mia-{room}")
    for _ in range(2):
        for operator in (ken, mia):
            refused = client.ask("Hello", headers=operator, model="local/rate-limit-once", stream=stream)
            assert (refused.status, refused.json["code"]) == (429, "rate_limited")
            assert refused.headers["retry-after"] == "0"
        for operator in (ken, mia):
            assert (
                client.ask("Hello", headers=operator, model="local/rate-limit-once", stream=stream).status
                == 200
            )


def test_faults_make_no_noise(client: Client, server: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    for model in ("local/truncate", "local/midstream-error", "local/error-500"):
        for stream in (True, False):
            with connection(server.url) as sock:
                sock.sendall(
                    raw_request({"messages": [user("Hello")], "model": model, "stream": stream}, PLAIN)
                )
                assert read_to_end(sock).startswith(b"HTTP/1.1 ")
    with connection(server.url) as sock:
        sock.sendall(b"this is not HTTP\r\n\r\n")
        assert read_to_end(sock).startswith(b"HTTP/1.1 400 ")
    assert client.ask("Hello").status == 200
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
