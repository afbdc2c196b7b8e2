"""The local server behind a proxy that injects faults: the second process of the soak run.

    python fault_proxy.py

It prints its URL and runs until its standard input ends, which it does at the latest with its parent. A request says
with the header `x-fault` what is to become of its answer; nothing here is random:

- `status <code> <times> <retry-after>`: that status for the first so many requests with the same `x-question`, then
  the answer; `-` for no Retry-After
- `body <media type> <text>`: 200, and this text (percent-encoded) instead of an answer
- `drop <end>`: the connection ends before the answer
- `cut <bytes> <end>`: the connection ends after so many bytes of the answer, if it has more
- `stall <bytes>`: nothing comes after so many bytes of the answer, if it has more, until the client goes
- `slow <bytes>`: the response is sent in pieces of this many bytes
- `close`: the response is sent with `Connection: close`

An end is `fin` or `rst`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections import Counter
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from tachyon_sdk.local import LocalServer


class Spoiled(ConnectionError):
    """The connection to the client was ended on purpose."""


class Client:
    """The connection to the client, for one response."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: list[str]) -> None:
        self._reader, self._writer, self._fault = reader, writer, fault
        self._left = int(fault[1]) if fault[0] in ("cut", "stall") else None

    async def send(self, data: bytes) -> None:
        """Forward a part of the response, up to the fault."""
        if self._left is not None and len(data) > self._left:
            await self._pass(data[: self._left])
            if self._fault[0] == "stall":
                await self._reader.read()  # ends with the connection
                raise Spoiled
            self.end(self._fault[2])
        if self._left is not None:
            self._left -= len(data)
        if self._fault[0] != "slow":
            return await self._pass(data)
        size = int(self._fault[1])
        for start in range(0, len(data), size):
            await self._pass(data[start : start + size])
            await asyncio.sleep(0)

    def end(self, how: str) -> None:
        """End the connection: `fin` once everything is sent, `rst` at once."""
        if how == "rst":
            sock: socket.socket = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        raise Spoiled

    async def _pass(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class FaultProxy:
    """Passes requests on to one server."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = target.hostname, target.port
        self._refused: Counter[str] = Counter()
        self._busy: set[object] = set()  # asyncio alone would let them be garbage-collected

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        self._busy.add(task := asyncio.current_task())
        try:
            while True:
                head, content = await _message(reader)
                fault = (_header(head, "x-fault") or "none").split()
                client = Client(reader, writer, fault)
                await self._answer(client, fault, head, content)
                if fault[0] == "close":
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._busy.discard(task)

    async def _answer(self, client: Client, fault: list[str], head: bytes, content: bytes) -> None:
        match fault:
            case ["status", code, times, retry_after] if self._refuses(head, int(times)):
                wait = "" if retry_after == "-" else f"Retry-After: {unquote(retry_after)}\r\n"
                body = b'{"message":"fault"}'
                await client.send(_response(f"{code} Fault", "application/json", body, wait))
            case ["body", media_type, *text]:
                await client.send(_response("200 OK", media_type, unquote_to_bytes("".join(text))))
            case ["drop", how]:
                client.end(how)
            case _:
                await self._pass_on(client, fault[0] == "close", head, content)

    def _refuses(self, head: bytes, times: int) -> bool:
        question = _header(head, "x-question") or ""
        self._refused[question] += 1
        if self._refused[question] <= times:
            return True
        del self._refused[question]
        return False

    async def _pass_on(self, client: Client, closes: bool, head: bytes, content: bytes) -> None:
        server, upstream = await asyncio.open_connection(*self._target)
        try:
            upstream.write(_with(head, b"Connection: close") + content)
            answer = await server.readuntil(b"\r\n\r\n")
            await client.send(answer if closes else _without(answer, b"connection"))
            length, size, end = _header(answer, "content-length"), 0, b""
            while data := await server.read(65536):
                size += len(data)
                end = (end + data)[-5:]
                await client.send(data)
            if size != int(length) if length else end != b"0\r\n\r\n":
                client.end("fin")  # the server itself has cut its answer short
        finally:
            upstream.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(int(_header(head, "content-length") or 0))


def _header(head: bytes, name: str) -> str | None:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def _with(head: bytes, line: bytes) -> bytes:
    return head[:-2] + line + b"\r\n\r\n"


def _without(head: bytes, name: bytes) -> bytes:
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(name + b":"))


def _response(status: str, media_type: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode("latin-1") + body


async def main() -> None:
    """Run until standard input ends."""
    with LocalServer() as server:
        proxy = await asyncio.start_server(
            FaultProxy(server.url).serve, "127.0.0.1", 0, backlog=512, limit=2**24
        )
        print(f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        proxy.close()


if __name__ == "__main__":
    asyncio.run(main())
