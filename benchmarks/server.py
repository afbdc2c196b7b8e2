"""A server that costs next to nothing: it finds the model in the request and sends bytes that it has ready.

`python -m benchmarks.server` prints its URL, and ends when its standard input does. With `--tls FOLDER` it speaks TLS,
and writes the certificate of its authority to `ca.pem` in that folder.
"""

import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import bodies

_PACE_SECONDS = 0.005  # more than the slowest client needs
_BUSY_SECONDS = 0.05
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": *"([^"]+)"')


@contextmanager
def running_server(tls: Path | None = None) -> Iterator[str]:
    """Runs the server in another process; gives its URL. With TLS, `ca.pem` is written to that folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *(["--tls", str(tls)] if tls else [])],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def _serve(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        _answer_all(connection)
    connection.close()


def _answer_all(connection: socket.socket) -> None:
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            received += _received(connection)
        head, _, received = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        missing = int(length[1]) if length else 0
        while len(received) < missing:
            received += _received(connection)
        found = _MODEL.search(received)
        model = found[1].decode() if found else "plain"
        _answer(connection, model)
        if model == "closed":
            return
        received = received[missing:]


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError
    return data


def _answer(connection: socket.socket, model: str) -> None:
    kind, _, count = model.partition(":")
    if kind == "busy":
        head, chunk = bodies.busy()
        connection.sendall(head)
        while True:
            time.sleep(_BUSY_SECONDS)
            connection.sendall(chunk)
    if kind != "paced":
        connection.sendall(bodies.response(model))
        return
    head, chunks = bodies.paced(int(count))
    connection.sendall(head)
    for chunk in chunks:
        time.sleep(_PACE_SECONDS)
        # A monotonic clock has the same zero in all processes of a Linux.
        connection.sendall(chunk.replace(bodies.PACED_STAMP, b"%020d" % time.monotonic_ns()))
    connection.sendall(bodies.http_chunk(bodies.END) + bodies.http_chunk(b""))


def _main() -> None:
    context = _tls_context(Path(sys.argv[2])) if sys.argv[1:2] == ["--tls"] else None
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    print(f"http{'s' if context else ''}://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def _tls_context(folder: Path) -> ssl.SSLContext:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


if __name__ == "__main__":
    _main()
