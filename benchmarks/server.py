"""A server that costs next to nothing: it finds the model in the request and sends bytes that it has ready.

`python -m benchmarks.server` prints its URL, and ends when its standard input does.
"""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import bodies

_PACE_SECONDS = 0.005  # more than the slowest client needs
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": *"([^"]+)"')


@contextmanager
def running_server() -> Iterator[str]:
    """Runs the server in another process; gives its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"],
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


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection, suppress(OSError):
        while True:
            while b"\r\n\r\n" not in received:
                received += _received(connection)
            head, _, received = received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            missing = int(length[1]) if length else 0
            while len(received) < missing:
                received += _received(connection)
            model = _MODEL.search(received)
            _answer(connection, model[1].decode() if model else "plain")
            received = received[missing:]


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError
    return data


def _answer(connection: socket.socket, model: str) -> None:
    kind, _, count = model.partition(":")
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
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    _main()
