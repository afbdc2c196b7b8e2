"""Measures what a server between client and model server costs: `python overhead.py [chunks]`.

Compares the local server with LiteLLM's proxy in the same role, and both with no server in between:

- Latency: the model server sends the next chunk when the client has the last. Median and 99th percentile of the time
  from sending a chunk to its arrival.
- Throughput: the model server sends all chunks at once. Chunks per second until the client has the last.

Client and model server are this process; the servers in between are processes of their own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

from servers.processes import ServerProcess, free_port
from servers.targets import LITELLM_KEY, litellm

CHUNKS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROUNDS = 3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(choices: list[dict[str, object]]) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return _framed(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# No two are the same: LiteLLM takes a chunk that is repeated for a loop.
PIECES = [
    event([{"index": 0, "delta": {"role": "assistant", "content": f" {n:05}"}, "finish_reason": None}])
    for n in range(CHUNKS)
]
MARK = re.compile(rb' \d{5}"')
LAST = (
    event([{"index": 0, "delta": {}, "finish_reason": "stop"}]) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
)


class ModelServer:
    """Sends chunks in turns with the client, or all at once."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.in_turns = True
        self.arrived = threading.Semaphore(0)
        self.sent_at: list[float] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                piece = sock.recv(65536)
                if not piece:
                    return
                received += piece
            head, _, received = received.partition(b"\r\n\r\n")
            lengths = re.findall(rb"(?i)content-length: *(\d+)", head)
            length = int(lengths[0]) if lengths else 0
            while len(received) < length:
                received += sock.recv(65536)
            received = received[length:]
            if not head.startswith(b"POST"):  # LiteLLM asks for the models when it starts
                sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            sock.sendall(HEAD)
            if self.in_turns:
                for number in range(CHUNKS):
                    self.sent_at.append(time.perf_counter())
                    sock.sendall(PIECES[number])
                    self.arrived.acquire()
                sock.sendall(LAST)
            else:
                sock.sendall(b"".join(PIECES) + LAST)


def ask(server: ModelServer, url: str, path: str, model: str) -> tuple[list[float], float]:
    """The latency of each chunk in seconds, and the chunks per second, of one response."""
    parts = urlsplit(url)
    body = json.dumps(
        {"model": model, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    ).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {LITELLM_KEY}\r\nx-operator-id: t\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    latencies: list[float] = []
    server.sent_at.clear()
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(head.encode() + body)
        count, first, tail = 0, 0.0, b""
        while b"[DONE]" not in tail:
            piece = sock.recv(1 << 20)
            now = time.perf_counter()
            assert piece, tail
            data = tail[-40:] + piece
            found = len(MARK.findall(data)) - len(MARK.findall(tail[-40:]))
            tail = data
            if found and not count:
                first = now
            count += found
            if server.in_turns and found:
                assert found == 1
                latencies.append(now - server.sent_at[-1])
                server.arrived.release()
        assert count == CHUNKS, (count, CHUNKS)
    return latencies, CHUNKS / (time.perf_counter() - first)


def main() -> None:
    server = ModelServer()
    upstream = f"http://127.0.0.1:{server.port}/v1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = {
            "model_list": [
                {
                    "model_name": "m",
                    "litellm_params": {"model": "openai/m", "api_base": upstream, "api_key": "k"},
                }
            ],
            "general_settings": {"master_key": LITELLM_KEY},
            "litellm_settings": {"telemetry": False},
        }
        local = ServerProcess(
            *(
                sys.executable,
                "-m",
                "tachyon_sdk.local",
                "--port",
                "{port}",
                "--upstream",
                upstream,
                "--create-rooms",
            ),
            ready="/",
            folder=folder,
            settings={"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            port=free_port(),
            status=404,
        )
        with local, litellm(folder, config) as proxy:
            targets = {
                "direct": (upstream, "/v1/chat/completions"),
                "local server": (local.host, "/v1/llms/chat/completions"),
                "local server, chatroom": (local.host, "/v1/llms/chatrooms/r/chat/completions"),
                "LiteLLM": (proxy.host, "/v1/llms/chat/completions"),
            }
            for label, (url, path) in targets.items():
                latencies: list[float] = []
                rates = []
                for _ in range(ROUNDS):
                    server.in_turns = True
                    latencies += ask(server, url, path, "m")[0][10:]
                    server.in_turns = False
                    rates.append(ask(server, url, path, "m")[1])
                latencies.sort()
                print(
                    f"{label:25} median {statistics.median(latencies) * 1e6:7.0f} us"
                    f"   99% {latencies[len(latencies) * 99 // 100] * 1e6:7.0f} us"
                    f"   {statistics.median(rates):8.0f} chunks/s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
