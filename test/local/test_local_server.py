"""The life of a server, and the requests it keeps."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local.client import (
    CREDENTIALS,
    PLAIN,
    Client,
    connection,
    raw_request,
    read_to_end,
    read_until,
    room_path,
    user,
)

import tachyon_sdk.local
from tachyon_sdk.local import LocalServer, RecordedRequest
from tachyon_sdk.local.background import BackgroundServer


@pytest.fixture
def own_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def answers(server: LocalServer) -> bool:
    client = Client(server.url)
    status = client.ask("Hello").status
    client.pool.clear()
    return status == 200


def test_public_names() -> None:
    public = ["Answer", "CallTool", "Fault", "LocalServer", "RecordedRequest", "create_app"]
    assert tachyon_sdk.local.__all__ == public


def test_it_is_ready_when_the_block_begins_and_gone_when_it_ends() -> None:
    with LocalServer() as server:
        url = server.url
        assert url.startswith("http://127.0.0.1:")
        assert answers(server)
    with pytest.raises(ConnectionRefusedError), connection(url):
        pass


def test_several_at_once() -> None:
    with LocalServer() as one, LocalServer() as two:
        assert one.url != two.url
        assert answers(one) and answers(two)
        assert len(one.requests) == len(two.requests) == 1


def test_start_and_stop() -> None:
    server = LocalServer()
    server.stop()
    for _ in range(2):
        server.start()
        with pytest.raises(RuntimeError, match="already running"):
            server.start()
        assert answers(server)
        server.stop()
        server.stop()
        with pytest.raises(RuntimeError, match="not running"):
            server.url  # noqa: B018


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    with LocalServer():
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"
        ) as caught:
            LocalServer(port=port).start()
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("kind", ["directory", "other file", "no such directory"])
def test_a_data_file_that_cannot_be_used(tmp_path: Path, kind: str) -> None:
    data = {
        "directory": tmp_path,
        "other file": tmp_path / "text",
        "no such directory": tmp_path / "a" / "b",
    }[kind]
    (tmp_path / "text").write_text("not a database, and long enough to tell " * 20)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = LocalServer(data, port=port)
    with pytest.raises(OSError, match="cannot be used as data file") as caught:
        server.start()
    assert str(data) in str(caught.value)
    server.data = None
    with server:  # the port was given back
        assert server.url.endswith(f":{port}")


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with LocalServer(host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert answers(server)


def test_a_server_that_does_not_come_up() -> None:
    async def no_lifespan(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("out of order")

    listener = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(RuntimeError, match="did not start"):
        BackgroundServer(no_lifespan, listener).start()
    assert listener.fileno() == -1


def test_stopping_cuts_off_a_slow_stream() -> None:
    server = LocalServer()
    server.start()
    with connection(server.url) as sock:
        sock.sendall(raw_request({"messages": [user("Hello " * 500)], "model": "local/slow", "stream": True}))
        read_until(sock, b'"role":"assistant"')
        server.stop()
        rest = read_to_end(sock)
    assert b"[DONE]" not in rest
    assert not rest.endswith(b"0\r\n\r\n"), "what was cut off does not look complete"


@pytest.mark.parametrize("stream", [False, True])
def test_stopping_does_not_wait_for_a_client_that_does_not_read(
    caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    server = LocalServer()
    server.start()
    with connection(server.url) as sock:
        sock.sendall(raw_request({"messages": [user("x" * 1_000_000)], "n": 10, "stream": stream}))
        read_until(sock, b'"role":"assistant"')
        server.stop()
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_stopping_does_not_wait_for_an_idle_connection() -> None:
    server = LocalServer()
    server.start()
    client = Client(server.url)
    client.ask("Hello")
    server.stop()
    client.pool.clear()


def test_requests_are_kept_as_they_came(own_server: LocalServer) -> None:
    client = Client(own_server.url)
    body = {"messages": [user("こんにちは")], "x_unknown": [1, None]}
    client.post(body, room_path("a%2Fb") + "?debug=1")
    client.request("GET", "/nowhere", headers={})
    client.request("POST", PLAIN, b"not JSON")
    first, second, third = own_server.requests
    assert (first.method, first.path) == ("POST", "/v1/llms/chatrooms/a%2Fb/chat/completions")
    assert first.headers["authorization"] == "Bearer dummy-token"
    assert first.headers["x-operator-id"] == CREDENTIALS["x-operator-id"]
    assert first.body == body
    assert (second.method, second.path, second.body, second.raw_body) == ("GET", "/nowhere", None, b"")
    assert (third.body, third.raw_body) == (None, b"not JSON")
    own_server.requests.clear()
    client.ask("Hello")
    assert len(own_server.requests) == 1
    client.pool.clear()


def test_only_the_newest_requests_are_kept(own_server: LocalServer) -> None:
    old = RecordedRequest("GET", "/old", {}, None, b"")
    own_server.requests.extend([old] * 1000)
    assert answers(own_server)
    assert len(own_server.requests) == 1000
    assert own_server.requests[-1].path == PLAIN


def test_a_body_that_never_arrives_is_no_request(
    own_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    with connection(own_server.url) as sock:
        sock.sendall(raw_request({"messages": [user("Hello")]})[:-1])
    assert answers(own_server)
    own_server.stop()
    assert len(own_server.requests) == 1
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_a_fault_of_the_server_itself_is_500_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with LocalServer(tmp_path / "data") as server:
        database = sqlite3.connect(tmp_path / "data")
        database.execute("DROP TABLE message")
        database.close()
        client = Client(server.url)
        reply = client.ask("Hello", "r")
        client.pool.clear()
    assert (reply.status, reply.json["code"]) == (500, "internal_error")
    assert any("Exception in ASGI application" in record.getMessage() for record in caplog.records)


def test_the_log_of_other_servers_is_left_alone(
    own_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    import logging

    logging.getLogger("uvicorn.error").error("from another thread")
    assert "from another thread" in caplog.text


LEAK_CHECK = """
import gc, socket, sys, urllib.request
from tachyon_sdk.local import LocalServer
for _ in range(2):
    with LocalServer() as one, LocalServer() as two:
        idle = socket.create_connection(("127.0.0.1", int(one.url.rpartition(":")[2])))
        try:
            urllib.request.urlopen(two.url)
        except urllib.error.HTTPError as error:
            error.close()
    idle.close()
    gc.collect()
"""


def test_nothing_is_leaked_and_nothing_is_printed() -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LEAK_CHECK]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_the_extra_the_error_says_what_to_install(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import tachyon_sdk.local; tachyon_sdk.local.LocalServer"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    wanted = "ModuleNotFoundError: tachyon_sdk.local needs the extra 'local' of tachyon-chat-sdk: "
    assert last.startswith(wanted)
    assert last.endswith(" is not installed") and package in last
