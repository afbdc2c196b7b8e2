"""One attempt at a request: its response, and its errors."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import traceback
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError

from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    RESET,
    Framing,
    Gate,
    RawServer,
    closed_port,
    framed,
    http_response,
    reframe,
)
from tachyon_sdk import rest
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ApiValueError,
    ConnectionException,
    ResponseDecodeException,
    TimeoutException,
)
from tachyon_sdk.rest import RESTClientObject

HELLO = http_response(200, {"Content-Type": "text/plain", "X-One": "a"}, "Hello")


@pytest.fixture
def client() -> Iterator[RESTClientObject]:
    client = RESTClientObject(Configuration())
    yield client
    client.close()


def send(
    client: RESTClientObject,
    url: str,
    timeouts: tuple[float | None, float | None] = (5, 30),
    body: bytes = b"{}",
) -> Any:
    return client.request("POST", url + "/v1/x", {"Content-Type": "application/json"}, body, timeouts)


def failure(client: RESTClientObject, url: str, **more: Any) -> Any:
    """Return the error of a request without a response."""
    with pytest.raises(ApiException) as caught:
        send(client, url, **more)
    error = caught.value
    assert error.status is None
    assert isinstance(error.__cause__, Exception)
    assert len(str(error)) < 400
    assert "\n" not in str(error)
    return error


def broken(response: Any, read: Any = lambda response: response.read()) -> Any:
    """Return the error of a response that cannot be read."""
    with pytest.raises(ApiException) as caught:
        read(response)
    assert isinstance(caught.value.__cause__, Exception)
    return caught.value


# --- responses


def test_a_response(client: RESTClientObject) -> None:
    with RawServer([HELLO]) as server:
        response = send(client, server.url, body="日本".encode())
        assert (response.status, response.reason) == (200, "OK")
        assert response.data is None
        assert response.read() == b"Hello"
        assert response.read() == b"Hello"
        assert response.data == b"Hello"
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/x")
    assert request.body == "日本".encode()
    assert request.get("Content-Length") == "6"
    assert request.get("Content-Type") == "application/json"


def test_header_names_ignore_case(client: RESTClientObject) -> None:
    with RawServer([HELLO]) as server:
        response = send(client, server.url)
        assert response.headers["x-one"] == response.headers["X-ONE"] == "a"
        assert "x-One" in response.headers
        assert response.headers.get("none") is None
        assert response.getheaders() == response.headers
        assert response.getheader("x-oNE") == "a"
        assert response.getheader("none") is None
        assert response.getheader("none", "b") == "b"
        response.close()


@pytest.mark.parametrize("status", [200, 204, 301, 307, 400, 404, 500, 503, 599, 999])
def test_any_status_is_a_response_without_redirect_or_retry(client: RESTClientObject, status: int) -> None:
    headers = {"Location": "/elsewhere", "Retry-After": "0"}
    with RawServer([http_response(status, headers)]) as server:
        response = send(client, server.url)
        assert response.status == status
        assert response.read() == b""
    assert len(server.requests) == 1


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_in_any_framing(client: RESTClientObject, framing: Framing) -> None:
    body = "日本語 ".encode() * 30_000
    with RawServer([reframe(http_response(body=body), framing)] * 3) as server:
        assert send(client, server.url).read() == body
        assert b"".join(send(client, server.url).pieces()) == body
        response = send(client, server.url)
        response.keep_pieces(1_000_000_000)
        pieces = list(response.pieces())
        assert response.kept_pieces() == b"".join(pieces) == body


@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close", "gzip-chunked"])
def test_pieces_are_returned_as_soon_as_they_arrive(client: RESTClientObject, framing: Framing) -> None:
    gate = Gate()
    texts = [b"one", b"two", b"three"]
    head, *parts, end = framed(http_response(body=b"".join(texts)), framing, texts)
    steps: list[Any] = [head]
    for part in parts:
        steps += [gate, part]
    with RawServer([[*steps, gate, end, *([CLOSE] if framing == "until-close" else [])]]) as server:
        pieces = send(client, server.url).pieces()
        for text in texts:
            gate.open()
            assert next(pieces) == text
        gate.open()
        assert next(pieces, None) is None


def test_nothing_is_kept_by_default(client: RESTClientObject) -> None:
    with RawServer([HELLO]) as server:
        response = send(client, server.url)
        list(response.pieces())
        assert response.kept_pieces() == b""


# --- no connection


def test_a_closed_port(client: RESTClientObject) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    error = failure(client, url)
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert str(error) == f"no connection could be made: Connection refused (POST {url}/v1/x)"


def test_a_name_that_does_not_resolve(client: RESTClientObject) -> None:
    error = failure(client, "http://nonexistent.invalid")
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert str(error).startswith("no connection could be made: ")
    assert "nonexistent.invalid" in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems queue connections in other ways")
def test_no_connection_within_the_connect_timeout(client: RESTClientObject) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy:
        port = busy.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:  # More than the backlog, so that the next one is not accepted.
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        error = failure(client, f"http://127.0.0.1:{port}", timeouts=(0.1, 30))
        for sock in waiting:
            sock.close()
    assert type(error) is TimeoutException
    assert not error.request_sent
    assert str(error) == f"no connection could be made: timed out (POST http://127.0.0.1:{port}/v1/x)"


@pytest.mark.parametrize(
    "url", ["http://", "http://a..b", "http://" + "a" * 64 + ".invalid", "ftp://127.0.0.1"]
)
def test_a_url_that_cannot_be_requested(client: RESTClientObject, url: str) -> None:
    with pytest.raises((ApiValueError, ConnectionException)) as caught:
        send(client, url)
    assert len(str(caught.value)) < 300


def test_the_traceback_of_a_refused_connection_is_short(client: RESTClientObject) -> None:
    error = failure(client, f"http://127.0.0.1:{closed_port()}")
    lines = "".join(traceback.format_exception(error)).splitlines()
    assert not [line for line in lines if "urllib3" in line and "line " in line]
    assert (
        sum(line.lstrip().startswith("File ") for line in lines) == 3
    )  # Two of this test, and one of `rest`.
    assert isinstance(error.__cause__, NewConnectionError)
    assert isinstance(error.__cause__.__cause__, ConnectionRefusedError)
    assert error.__cause__.__cause__.errno


def test_the_traceback_of_a_lost_connection_is_short(client: RESTClientObject) -> None:
    with RawServer([[CLOSE], [HELLO[:-2], CLOSE]]) as server:
        lost = failure(client, server.url)
        truncated = broken(send(client, server.url))
    for error in (lost, truncated):
        assert isinstance(error.__cause__, ProtocolError)
        assert error.__cause__.__traceback__ is None


# --- no response


@pytest.mark.parametrize(
    "response",
    [
        [RESET],
        [CLOSE],
        [b"HTTP/1.1 200 OK\r\nX-One", RESET],
    ],
    ids=["reset", "end", "reset-in-the-headers"],
)
def test_a_connection_lost_before_the_response(client: RESTClientObject, response: Any) -> None:
    with RawServer([response]) as server:
        error = failure(client, server.url)
        assert f"(POST {server.url}/v1/x)" in str(error)
    assert type(error) is ConnectionException
    assert error.request_sent
    assert str(error).startswith("the connection was lost: ")


@pytest.mark.parametrize(
    "status_line",
    [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 ", b"\x00\xff" * 500 + b"\r\n"],
    ids=["ssh", "no-status", "cut-off", "noise"],
)
def test_a_response_that_is_not_http(client: RESTClientObject, status_line: bytes) -> None:
    with RawServer([[status_line, CLOSE]]) as server:
        error = failure(client, server.url)
    assert type(error) is ConnectionException
    assert error.request_sent
    assert str(error).startswith("the server does not speak HTTP: ")


@pytest.mark.parametrize("head", [b"X: " + b"a" * 70_000 + b"\r\n", b"X: a\r\n" * 200], ids=["long", "many"])
def test_headers_that_are_too_large(client: RESTClientObject, head: bytes) -> None:
    with RawServer([[b"HTTP/1.1 200 OK\r\n" + head, AWAIT_CLOSE]]) as server:
        error = failure(client, server.url)
        server.wait_ended(1)
    assert type(error) is ConnectionException


@pytest.mark.parametrize("response", [[AWAIT_CLOSE], [b"HTTP/1.1 200 OK\r\nX-One: ", AWAIT_CLOSE]])
def test_no_response_within_the_read_timeout(client: RESTClientObject, response: Any) -> None:
    with RawServer([response]) as server:
        error = failure(client, server.url, timeouts=(5, 0.1))
        server.wait_ended(1)
    assert type(error) is TimeoutException
    assert error.request_sent
    assert str(error) == f"the server sent nothing within the read timeout (POST {server.url}/v1/x)"


# --- truncated responses


@pytest.mark.parametrize("how", [CLOSE, RESET])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "gzip-chunked", "gzip-content-length"])
def test_a_truncated_body(client: RESTClientObject, framing: Framing, how: Any) -> None:
    texts = ["日本".encode(), b"never comes"]
    head, part, *_ = framed(http_response(body=b"".join(texts)), framing, texts)
    gate = Gate()
    with RawServer([[head + part, gate, how]]) as server:
        response = send(client, server.url)
        gate.open()  # The client has received the data, so a reset cannot drop it.
        error = broken(response)
    assert type(error) is ConnectionException
    assert (error.status, error.body, error.request_sent) == (200, "日本", True)
    assert error.headers is response.headers
    assert str(error).startswith("the connection was lost: ")
    assert str(error).endswith("(while reading the response)")


def test_a_body_that_stalls(client: RESTClientObject) -> None:
    with RawServer([[http_response(body="Hello")[:-2], AWAIT_CLOSE]]) as server:
        error = broken(send(client, server.url, timeouts=(5, 0.5)))
        server.wait_ended(1)
    assert type(error) is TimeoutException
    assert (error.status, error.body) == (200, "Hel")
    assert str(error) == "the server sent nothing within the read timeout (while reading the response)"


@pytest.mark.parametrize("size", [b"this is no size", b"-", b"", b"5x", b"\xff"])
def test_an_invalid_chunk_size(client: RESTClientObject, size: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
    with RawServer([[head + size + b"\r\nmore\r\n", AWAIT_CLOSE]]) as server:
        error = broken(send(client, server.url))
        server.wait_ended(1)
    assert type(error) is ConnectionException
    assert error.body == "Hello"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_cannot_be_decompressed(client: RESTClientObject, encoding: str) -> None:
    packer = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    good = packer.compress(b"Hello") + packer.flush(zlib.Z_SYNC_FLUSH)
    gate = Gate()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 1000\r\n\r\n".encode()
    with RawServer([[head + good, gate, b"\xff" * 500, AWAIT_CLOSE]]) as server:
        response = send(client, server.url)
        gate.open()
        error = broken(response)
        server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert (error.status, error.reason, error.body) == (200, "OK", "Hello")
    assert error.headers is response.headers
    assert str(error).startswith("the response cannot be decompressed: ")


@pytest.mark.parametrize("codings", ["gzip, ", "gzip, identity", "X-GZIP", ",gzip", "", "identity"])
def test_spellings_of_content_encoding(client: RESTClientObject, codings: str) -> None:
    body = gzip.compress(b"Hello") if "gzip" in codings.lower() else b"Hello"
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: {len(body)}\r\n\r\n"
    with RawServer([head.encode() + body]) as server:
        assert send(client, server.url).read() == b"Hello"


def test_too_many_content_codings(client: RESTClientObject) -> None:
    codings = ", ".join(["gzip"] * 100)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: 5\r\n\r\nHello".encode()
    with RawServer([[head, AWAIT_CLOSE]]) as server:
        error = broken(send(client, server.url))
        server.wait_ended(1)
    assert type(error) is ResponseDecodeException
    assert str(error).startswith("the response cannot be decompressed: ")


def test_a_body_that_is_not_compressed(client: RESTClientObject) -> None:
    with RawServer(
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nHello"]
    ) as server:
        error = broken(send(client, server.url))
    assert type(error) is ResponseDecodeException
    assert error.body == ""


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_larger_than_the_limit(client: RESTClientObject, framing: Framing) -> None:
    body = b"x" * 200_000
    response = reframe(http_response(body=body), framing)
    with RawServer([response, response]) as server:
        assert send(client, server.url).read(len(body)) == body
        response = send(client, server.url)
        with pytest.raises(
            ResponseDecodeException, match=r"the response is larger than 1000 bytes"
        ) as caught:
            response.read(1000)
        if not framing.startswith("gzip"):  # So few compressed bytes were read completely.
            server.wait_ended(1)
    assert body.decode().startswith(caught.value.body)
    assert caught.value.body


def test_one_byte_more_than_the_limit(client: RESTClientObject) -> None:
    with RawServer([HELLO, HELLO]) as server:
        assert send(client, server.url).read(5) == b"Hello"
        with pytest.raises(ResponseDecodeException, match="4 bytes"):
            send(client, server.url).read(4)


def test_the_body_of_an_error_is_bounded(client: RESTClientObject) -> None:
    body = b"x" * (2 * 1024 * 1024)
    with RawServer([[http_response(body=body)[:-1], CLOSE]]) as server:
        error = broken(send(client, server.url))
    assert error.body == "x" * (1024 * 1024)


def test_pieces_of_a_truncated_body(client: RESTClientObject) -> None:
    with RawServer([[http_response(body="Hello")[:-2], CLOSE]]) as server:
        pieces = send(client, server.url).pieces()
        assert next(pieces) == b"Hel"
        error = broken(pieces, next)
    assert type(error) is ConnectionException


# --- connections


def test_a_connection_is_reused_after_its_body_was_read(client: RESTClientObject) -> None:
    with RawServer([HELLO, http_response(204), HELLO, HELLO]) as server:
        for _ in range(2):
            assert send(client, server.url).read() == b"Hello"
            assert send(client, server.url).read() in (b"", b"Hello")
    assert server.connections == 1


def test_a_response_closed_unread_closes_its_connection(client: RESTClientObject) -> None:
    with RawServer([[HELLO[:-1], AWAIT_CLOSE], HELLO]) as server:
        response = send(client, server.url)
        response.close()
        response.close()
        server.wait_ended(1)
        assert send(client, server.url).read() == b"Hello"
    assert server.connections == 2


@pytest.mark.parametrize("framing", ["content-length", "chunked", "until-close"])
def test_a_closed_response_is_not_drained(client: RESTClientObject, framing: Framing) -> None:
    with RawServer([[reframe(HELLO, framing)[:-1], AWAIT_CLOSE]]) as server:
        response = send(client, server.url)
        response.close()
        response.finish()
        server.wait_ended(1)


def test_closing_a_response_after_reading_keeps_its_connection(client: RESTClientObject) -> None:
    with RawServer([HELLO, HELLO]) as server:
        for _ in range(2):
            response = send(client, server.url)
            response.read()
            response.close()
    assert server.connections == 1


def test_a_closed_client_stays_usable(client: RESTClientObject) -> None:
    with RawServer([HELLO, HELLO]) as server:
        send(client, server.url).read()
        client.close()
        server.wait_ended(1)
        client.close()
        assert send(client, server.url).read() == b"Hello"
        client.close()
        server.wait_ended(2)


def test_closing_the_client_does_not_wait_for_responses(client: RESTClientObject) -> None:
    with RawServer([HELLO]) as server:
        response = send(client, server.url)
        assert response.read() == b"Hello"
        client.close()
        server.wait_ended(1)
        assert response.read() == b"Hello"


def test_a_response_can_be_read_after_the_client_was_closed(client: RESTClientObject) -> None:
    gate = Gate()
    with RawServer([[HELLO[:-1], gate, HELLO[-1:]]]) as server:
        response = send(client, server.url)
        client.close()
        gate.open()
        assert response.read() == b"Hello"
        del response
        server.wait_ended(1)


def test_a_connection_closed_by_the_server_is_replaced(client: RESTClientObject) -> None:
    with RawServer([[HELLO, CLOSE], HELLO]) as server:
        assert send(client, server.url).read() == b"Hello"
        server.wait_ended(1)
        assert send(client, server.url).read() == b"Hello"
    assert server.connections == 2


def test_connections_beyond_the_pool_size_are_closed() -> None:
    client = RESTClientObject(Configuration(connection_pool_maxsize=2))
    gate = Gate()
    slow = [HELLO[:-1], gate, HELLO[-1:]]
    with RawServer([slow] * 4) as server:
        responses = [send(client, server.url) for _ in range(4)]
        gate.open(4)
        assert [response.read() for response in responses] == [b"Hello"] * 4
        server.wait_ended(2)
        del responses
        client.close()
        server.wait_ended(4)


# --- after a fork

FORK = """
import os, sys
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.rest import RESTClientObject

client = RESTClientObject(Configuration(keepalive_expiry=None))

def ask(name):
    body = client.request("POST", sys.argv[1] + "/" + name, {}, b"", (5, 30)).read()
    assert body == b"Hello", body

ask("parent")
child = os.fork()
if child == 0:
    ask("child")
    client.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
ask("parent")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_opens_its_own_connection() -> None:
    with RawServer([HELLO] * 3) as server:
        command = [sys.executable, "-W", "error", "-c", FORK, server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
    assert [(request.target, request.connection) for request in server.requests] == [
        ("/parent", 0),
        ("/child", 1),
        ("/parent", 0),
    ]


def test_exceptions_can_be_imported_from_rest() -> None:
    assert rest.ApiException is ApiException
    assert rest.ApiValueError is ApiValueError
