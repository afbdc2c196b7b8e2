"""The server of the tests sends exactly the given bytes. The client is a plain socket."""

from __future__ import annotations

import socket
import ssl
import threading
import zlib

import pytest

from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    RESET,
    Connection,
    Framing,
    Gate,
    RawServer,
    closed_port,
    cut_every,
    event_stream,
    events_of,
    framed,
    http_response,
    json_response,
    lock_step,
    recorded,
    recorded_names,
    reframe,
    split_response,
    stream_response,
)
from support.tls_server import TlsServer

REQUEST = (
    b"POST /v1/x HTTP/1.1\r\nHost: test\r\nX-One: a\r\nx-one: b\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}'
)


def connect(server: RawServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def read(sock: socket.socket, size: int) -> bytes:
    """Read `size` bytes, or fewer at the end of the stream."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def threads_of_servers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("RawServer")]


def test_it_sends_the_responses_in_order_over_one_connection() -> None:
    responses = [http_response(200, {"X-Number": str(number)}, f"answer {number}") for number in range(3)]
    with RawServer(responses) as server, connect(server) as client:
        for response in responses:
            client.sendall(REQUEST)
            assert read(client, len(response)) == response
        assert server.connections == 1
        assert [request.connection for request in server.requests] == [0, 0, 0]
        times = [request.received_at for request in server.requests]
        assert times == sorted(times)
    assert threads_of_servers() == []


def test_it_records_requests() -> None:
    with RawServer([http_response()]) as server, connect(server) as client:
        client.sendall(REQUEST)
        read(client, 1)
        (request,) = server.requests
    assert (request.method, request.target, request.body, request.raw) == (
        "POST",
        "/v1/x",
        b'{"a":1}',
        REQUEST,
    )
    assert request.json() == {"a": 1}
    assert request.headers == [("Host", "test"), ("X-One", "a"), ("x-one", "b"), ("Content-Length", "7")]
    assert (request.get("x-ONE"), request.get("none"), request.get_all("X-One")) == ("a", None, ["a", "b"])


def test_it_reads_a_chunked_request() -> None:
    raw = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with RawServer([http_response()]) as server, connect(server) as client:
        client.sendall(raw)
        read(client, 1)
        assert (server.requests[0].body, server.requests[0].raw) == (b"abcde", raw)


@pytest.mark.parametrize("name", recorded_names())
def test_a_recorded_response_arrives_byte_for_byte(name: str) -> None:
    with RawServer([[recorded(name), CLOSE]]) as server, connect(server) as client:
        client.sendall(REQUEST)
        assert read_all(client) == recorded(name)


def test_each_step_waits_for_its_gate() -> None:
    gate = Gate()
    parts = framed(recorded("llama-stream"), "chunked")
    with RawServer([lock_step(parts, gate)]) as server, connect(server) as client:
        client.sendall(REQUEST)
        assert read(client, len(parts[0])) == parts[0]
        for part in parts[1:]:
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)
            client.settimeout(30)
            gate.open()
            assert read(client, len(part)) == part


@pytest.mark.parametrize(
    "response",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", CLOSE],
        http_response(framing="until-close", body="all of it"),
        http_response(headers={"Connection": "close"}, body="all of it"),
        b"this is not HTTP",
    ],
)
def test_it_ends_the_connection_in_order(response: bytes | list[bytes]) -> None:
    with RawServer([response]) as server, connect(server) as client:
        client.sendall(REQUEST)
        expected = response if isinstance(response, bytes) else response[0]
        assert read_all(client) == expected
        server.wait_ended()


def test_it_resets_the_connection() -> None:
    with RawServer([[b"HTTP/1.1 200 OK\r\n", RESET]]) as server, connect(server) as client:
        client.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            while client.recv(100):
                pass


def test_it_notices_a_client_that_disconnects() -> None:
    with RawServer([[http_response(body="x" * 100)[:-50], AWAIT_CLOSE]]) as server:
        with connect(server) as client:
            client.sendall(REQUEST)
            read(client, 1)
        server.wait_ended(1)


def test_a_handler_owns_the_connection() -> None:
    def handler(connection: Connection) -> None:
        while True:
            connection.send(connection.read_request().body.upper())

    with RawServer(handler=handler) as server:
        for number in (1, 2):
            with connect(server) as client:
                client.sendall(REQUEST)
                assert read(client, 7) == b'{"A":1}'
            server.wait_ended(number)
        assert server.connections == 2


def test_an_error_of_the_handler_reaches_the_test() -> None:
    def handler(connection: Connection) -> None:
        assert connection.read_request().method == "GET"

    with (
        pytest.raises(AssertionError, match="POST"),
        RawServer(handler=handler) as server,
        connect(server) as client,
    ):
        client.sendall(REQUEST)
        assert client.recv(1) == b""


def test_an_error_of_the_test_has_priority_over_one_of_the_handler(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def handler(connection: Connection) -> None:
        raise ValueError("the handler's")

    with pytest.raises(KeyError), RawServer(handler=handler) as server, connect(server):
        server.wait_ended()
        raise KeyError
    assert "the handler's" in capsys.readouterr().err


def test_an_unexpected_request_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"no response is left for request 2: POST /v1/x"):
        with RawServer([http_response()]) as server, connect(server) as client:
            client.sendall(REQUEST)
            read(client, len(http_response()))
            client.sendall(REQUEST)
            assert client.recv(1) == b""


def test_leaving_the_block_ends_waiting_connections() -> None:
    gate = Gate()
    with RawServer([[b"HTTP/1.1 200 OK\r\n", gate, b"never sent"]]) as server:
        silent, waiting = connect(server), connect(server)  # Accepted in this order.
        waiting.sendall(REQUEST)
        read(waiting, 1)
    with waiting, silent:
        assert b"never" not in read_all(waiting)
        assert read_all(silent) == b""
    assert threads_of_servers() == []


def test_nothing_listens_on_a_closed_port() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port()), timeout=30)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", ["llama-stream", "litellm-nonstream"])
def test_reframing_keeps_head_and_body(name: str, framing: Framing) -> None:
    head, body = split_response(recorded(name))
    raw = reframe(recorded(name), framing)
    new_head, new_body = split_response(raw)
    assert new_body == body
    assert new_head.split(b"\r\n")[:2] == head.split(b"\r\n")[:2]
    transfer = framing.removeprefix("gzip-")
    assert (b"Transfer-Encoding: chunked\r\n" in new_head) == transfer.startswith("chunked")
    assert (b"Content-Length: " in new_head) == (transfer == "content-length")
    assert (b"Connection: close\r\n" in new_head) == (transfer == "until-close")
    assert (b"Content-Encoding: gzip\r\n" in new_head) == framing.startswith("gzip-")
    assert (
        reframe(raw, "content-length") == reframe(recorded(name), "content-length")
        or transfer == "until-close"
    )


def test_a_piece_becomes_a_chunk() -> None:
    raw = http_response(body="abcdef")
    assert framed(raw, "chunked", cut_every(b"abcdef", 4)) == [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"4\r\nabcd\r\n",
        b"2\r\nef\r\n",
        b"0\r\n\r\n",
    ]
    assert framed(raw, "chunked-one", [b"ab", b"cdef"])[1:] == [b"6\r\nabcdef\r\n", b"", b"0\r\n\r\n"]
    with pytest.raises(ValueError, match="do not add up"):
        framed(raw, "chunked", [b"abc"])


def test_each_gzip_part_can_be_decompressed_at_once() -> None:
    raw = recorded("llama-stream")
    pieces = events_of(split_response(raw)[1])
    _, *parts, _ = framed(raw, "gzip-content-length")
    unpacker = zlib.decompressobj(wbits=31)
    assert [unpacker.decompress(part) for part in parts] == pieces
    assert len(pieces) > 10
    assert pieces[-1] == b"data: [DONE]\n\n"


def test_built_events_and_responses() -> None:
    assert event_stream({"a": "é"}, "two\nlines", b": raw\n\n") == (
        'data: {"a": "é"}\n\ndata: two\ndata: lines\n\n: raw\n\n'.encode()
    )
    assert stream_response("[DONE]") == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    )
    assert json_response({"a": 1}, 429, {"Retry-After": "1"}) == (
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        b'Content-Length: 8\r\n\r\n{"a": 1}'
    )


def test_tls_server_is_trusted_with_its_authority() -> None:
    with TlsServer([http_response(body="secret")]) as server:
        context = ssl.create_default_context(cafile=server.ca_file)
        with connect(server) as sock, context.wrap_socket(sock, server_hostname="localhost") as client:
            client.sendall(REQUEST)
            assert read(client, len(http_response(body="secret"))).endswith(b"secret")
        assert server.server_names == ["localhost"]
        stranger = ssl.create_default_context()
        with connect(server) as sock, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(sock, server_hostname="localhost")
        server.wait_ended(2)
        assert len(server.handshake_errors) == 1
        assert len(server.requests) == 1


def test_tls_server_can_require_a_client_certificate() -> None:
    with TlsServer([http_response()], client_certificate=True) as server:
        context = ssl.create_default_context(cadata=server.ca_pem)
        with connect(server) as sock, context.wrap_socket(sock, server_hostname="127.0.0.1") as client:
            with pytest.raises(OSError):  # noqa: PT011  # An alert or a reset, whichever is read first.
                client.recv(1)
        server.wait_ended(1)
        assert len(server.handshake_errors) == 1
        context.load_cert_chain(server.client_cert_file, server.client_key_file)
        with connect(server) as sock, context.wrap_socket(sock, server_hostname="127.0.0.1") as client:
            client.sendall(REQUEST)
            assert read(client, 15) == b"HTTP/1.1 200 OK"


def test_tls_server_stops_during_a_handshake() -> None:
    with TlsServer([]) as server, connect(server):
        pass
    assert threads_of_servers() == []
