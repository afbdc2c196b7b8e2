"""Builds and reframes HTTP/1.1 responses as bytes, so that tests control exactly what a server sends."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, get_args

DATA = Path(__file__).resolve().parent.parent / "data"

Framing = Literal[
    "chunked",
    "chunked-one",
    "content-length",
    "until-close",
    "gzip-chunked",
    "gzip-chunked-one",
    "gzip-content-length",
    "gzip-until-close",
]
FRAMINGS: tuple[Framing, ...] = get_args(Framing)

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_FRAMING_HEADERS = {"transfer-encoding", "content-length", "content-encoding"}


def recorded(name: str) -> bytes:
    """Return the recorded response `data/<name>.http`, byte for byte."""
    return (DATA / f"{name}.http").read_bytes()


def recorded_names() -> list[str]:
    """Return the names of all recorded responses, sorted."""
    return sorted(path.stem for path in DATA.glob("*.http"))


def event_stream(*events: Any) -> bytes:
    """Return the body of an event stream with one event per argument.

    A `str` becomes the data of an event (one `data:` line for each of its lines), `bytes` are taken as they
    are, and anything else is sent as JSON.
    """
    parts = []
    for event in events:
        if isinstance(event, bytes):
            parts.append(event)
            continue
        text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        parts.append("".join(f"data: {line}\n" for line in text.split("\n")).encode() + b"\n")
    return b"".join(parts)


def http_response(
    status: int = 200,
    headers: Headers = (),
    body: bytes | str = b"",
    framing: Framing = "content-length",
) -> bytes:
    """Return a complete response. The framing headers are added to `headers`."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    head = "".join(
        [f"HTTP/1.1 {status} {reason}\r\n", *(f"{name}: {value}\r\n" for name, value in pairs), "\r\n"]
    )
    content = body.encode() if isinstance(body, str) else body
    return b"".join(_frame(head.encode("latin-1"), [content], framing))


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a response with a JSON body and a Content-Length."""
    body = json.dumps(data, ensure_ascii=False)
    return http_response(status, {"Content-Type": "application/json", **(headers or {})}, body)


def stream_response(*events: Any, framing: Framing = "chunked") -> bytes:
    """Return a 200 with an event stream; `chunked` sends each event as an HTTP chunk."""
    return reframe(http_response(200, {"Content-Type": "text/event-stream"}, event_stream(*events)), framing)


def split_response(raw: bytes) -> tuple[bytes, bytes]:
    """Split a complete response into head (with its empty line) and body (without framing and gzip)."""
    head, separator, rest = raw.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("this response has no end of its head")
    head += separator
    body = rest
    if header_of(head, "Transfer-Encoding") == "chunked":
        body = b"".join(_chunks_of(rest))
    elif (length := header_of(head, "Content-Length")) is not None:
        body = rest[: int(length)]
    if header_of(head, "Content-Encoding") == "gzip":
        body = zlib.decompress(body, wbits=31)
    return head, body


def received_body(part: bytes) -> bytes:
    """Return the decodable part of the body of a truncated response, without framing and gzip."""
    head, _, body = part.partition(b"\r\n\r\n")
    if header_of(head, "Transfer-Encoding") == "chunked":
        body = b"".join(_received_chunks(body))
    if header_of(head, "Content-Encoding") == "gzip":
        body = zlib.decompressobj(wbits=31).decompress(body)
    return body


def framed(raw: bytes, framing: Framing, pieces: Sequence[bytes] | None = None) -> list[bytes]:
    """Return a response in another framing, split where a test may want to wait.

    The answer is always `[head, one part for each piece, end]`; `end` is what closes the body (the last
    chunk, the gzip trailer) and may be empty. Each part can be decoded the moment it arrives: gzip is flushed
    after every piece. `pieces` are the body's bytes, cut as the test likes; without them an event stream is
    cut into its events, and any other body stays whole. `chunked-one` puts the whole body into a single HTTP
    chunk: there only the first part and the end are not empty.
    """
    head, body = split_response(raw)
    if pieces is None:
        pieces = events_of(body) if b"text/event-stream" in head.lower() else [body]
    elif b"".join(pieces) != body:
        raise ValueError("the pieces do not add up to the body of the response")
    return _frame(head, pieces, framing)


def reframe(raw: bytes, framing: Framing, pieces: Sequence[bytes] | None = None) -> bytes:
    """Return a response in another framing."""
    return b"".join(framed(raw, framing, pieces))


def events_of(body: bytes) -> list[bytes]:
    """Split an event stream with LF line ends after each empty line."""
    return re.findall(rb"(?s).+?(?:\n\n|\Z)", body)


def cut_every(data: bytes, size: int) -> list[bytes]:
    """Split `data` into pieces of `size` bytes; the last may be shorter."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Split `data` at the given positions; any integers are accepted."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def header_of(head: bytes, name: str) -> str | None:
    """Return the first value of a header in a message head, or None."""
    match = re.search(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*(.*?)[ \t]*\r?$", head)
    return match[1].decode("latin-1") if match else None


def _frame(head: bytes, pieces: Sequence[bytes], framing: Framing) -> list[bytes]:
    transfer = framing.removeprefix("gzip-")
    parts = list(pieces)
    end = b""
    headers: list[str] = []
    if transfer != framing:
        headers.append("Content-Encoding: gzip")
        parts, end = _gzip(parts)
    if transfer == "chunked-one":
        parts, end = [b"".join([*parts, end]), *[b""] * (len(parts) - 1)], b""
    if transfer in ("chunked", "chunked-one"):
        headers.append("Transfer-Encoding: chunked")
        parts = [_chunk(part) for part in parts]
        end = _chunk(end) + b"0\r\n\r\n"
    elif transfer == "content-length":
        headers.append(f"Content-Length: {sum(map(len, parts)) + len(end)}")
    elif transfer == "until-close":
        headers.append("Connection: close")
    else:
        raise ValueError(f"no such framing: {framing}")
    dropped = _FRAMING_HEADERS | ({"connection", "keep-alive"} if transfer == "until-close" else set())
    return [_with_headers(head, headers, dropped), *parts, end]


def _with_headers(head: bytes, added: list[str], dropped: set[str]) -> bytes:
    lines = head.removesuffix(b"\r\n\r\n").removesuffix(b"\r\n").split(b"\r\n")
    kept = [line for line in lines[1:] if line.partition(b":")[0].decode("latin-1").lower() not in dropped]
    return b"\r\n".join([lines[0], *kept, *(line.encode() for line in added)]) + b"\r\n\r\n"


def _gzip(pieces: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return parts, packer.flush()


def _chunk(data: bytes) -> bytes:
    """Return one HTTP chunk; nothing for empty data, because an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _chunks_of(rest: bytes) -> Iterable[bytes]:
    while True:
        size_line, separator, rest = rest.partition(b"\r\n")
        if not separator:
            raise ValueError("this chunked body has no last chunk")
        size = int(size_line.partition(b";")[0], 16)
        if size == 0:
            return
        yield rest[:size]
        rest = rest[size + 2 :]


def _received_chunks(rest: bytes) -> Iterable[bytes]:
    with contextlib.suppress(ValueError):  # truncated
        yield from _chunks_of(rest)
