"""What the server answers: whole HTTP responses as bytes, by the name of the model.

`plain`                          a whole answer of about 1 KB
`stream:<shape>:<framing>:<n>`   an event stream of n chunks and `[DONE]`
`paced:<n>`                      n chunks, one after the other; the server puts the time into each
"""

import json
import random
import string
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import cycle
from typing import Any

SHAPES = {
    "full": "about 300 bytes, with fields that are null or that the contract does not name",
    "compact": "about 215 bytes, nothing but what is needed",
    "japanese": "as compact, in Japanese",
    "tools": "fragments of a tool call",
    "nulls": "as OpenAI's API sends it: every optional field, with null",
    "role": "the role in every chunk",
    "obfuscated": "a random string in every chunk, against the guessing of texts from sizes",
    "usage": "the usage so far in every chunk",
    "thinking": "the reasoning of a model, with a null text",
    "router": "as a router between providers sends it, with fields of its own",
    "logprobs": "log probabilities in every chunk",
}
FRAMINGS = {
    "each": "an HTTP chunk for each event",
    "large": "HTTP chunks of 32 KB",
    "gzip": "an HTTP chunk for each event, in gzip",
    "length": "one body with a Content-Length",
}
PACED_STAMP = b"0" * 20
"""Stands where the server writes the time, in nanoseconds with leading zeros."""

_LARGE = 32768
_ID = "chatcmpl-lYPmVbhMRrRJCPRTaNozC8XneVDoqxqb"
_WORDS = [" the", " model", " answers", ",", " in", " small", " pieces", " of", " some", " letters", "."]
_JAPANESE = ["これ", "は", "日本語", "の", "文章", "です", "。", "短い", "断片", "で", "届き", "ます", "。"]
_ARGUMENTS = [
    '{"',
    "query",
    '": "',
    "weather",
    " in",
    " Tokyo",
    '", "',
    "days",
    '": 3',
    ', "',
    'x": "',
    'y"}',
]


@cache
def response(model: str) -> bytes:
    """The response to a request that names this model."""
    kind, *rest = model.split(":")
    if kind in ("plain", "closed"):
        head = _head(b"application/json", b"close" if kind == "closed" else b"keep-alive")
        return head + b"Content-Length: %d\r\n\r\n" % len(_PLAIN) + _PLAIN
    shape, framing, count = rest
    head = _head(b"text/event-stream; charset=utf-8")
    if framing == "gzip":
        head += b"Content-Encoding: gzip\r\n"
    if framing == "length":
        body = b"".join(_pieces(shape, framing, int(count)))
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return b"".join(
        (stream_head(head), *map(http_chunk, _pieces(shape, framing, int(count))), http_chunk(b""))
    )


def paced(count: int) -> tuple[bytes, list[bytes]]:
    """The beginning of a paced response, and what follows one after the other: an HTTP chunk for each event."""
    chunks = [_chunk("full", {"content": PACED_STAMP.decode()}, None)] * (count - 1)
    events = [_event(chunk) for chunk in (*chunks, _chunk("full", {}, "stop"))]
    return stream_head(_head(b"text/event-stream; charset=utf-8")), [http_chunk(event) for event in events]


def stream_head(head: bytes) -> bytes:
    return head + b"Transfer-Encoding: chunked\r\n\r\n"


def http_chunk(data: bytes) -> bytes:
    """An HTTP chunk (RFC 9112, section 7.1); the last one, of no data."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"data: [DONE]\n\n"


def busy() -> tuple[bytes, bytes]:
    """The beginning of a stream without an end, and an HTTP chunk that is sent again and again."""
    chunk = _chunk("full", {"content": " busy"}, None)
    return stream_head(_head(b"text/event-stream; charset=utf-8")), http_chunk(_event(chunk))


def _head(content_type: bytes, connection: bytes = b"keep-alive") -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\n"
        b"Server: benchmark\r\n"
        b"Date: Mon, 23 Nov 2026 04:23:03 GMT\r\n"
        b"Content-Type: %b\r\n"
        b"Connection: %b\r\n"
        b"Cache-Control: no-cache\r\n"
        b"X-Request-Id: 5f0c3c2e-7a53-4a1c-9d59-0f6f2a1f7c11\r\n" % (content_type, connection)
    )


def _pieces(shape: str, framing: str, count: int) -> Iterator[bytes]:
    """The body as it is cut into HTTP chunks."""
    events = [*map(_event, _chunks(shape, count)), END]
    if framing in ("each", "length"):
        yield from events
    elif framing == "large":
        body = b"".join(events)
        for start in range(0, len(body), _LARGE):
            yield body[start : start + _LARGE]
    else:
        packer = zlib.compressobj(wbits=31)
        for event in events:
            yield packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()


def _chunks(shape: str, count: int) -> Iterator[dict[str, Any]]:
    """Exactly `count` chunks, the first with the role, the last with the finish reason."""
    if shape == "tools":
        call = {
            "id": "call_5Yy0aXAdBkGd",
            "type": "function",
            "function": {"name": "search", "arguments": ""},
        }
        first = {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **call}]}
        middle: Iterable[dict[str, Any]] = [
            {"tool_calls": [{"index": 0, "function": {"arguments": text}}]} for text in _ARGUMENTS
        ]
    else:
        first = {"role": "assistant", "content": ""}
        words = _JAPANESE if shape == "japanese" else _WORDS
        middle = [_ADDED_TO_DELTA.get(shape, _text_alone)(text) for text in words]
    yield _chunk(shape, first, None)
    for number, delta in zip(range(count - 2), cycle(middle), strict=False):
        yield _chunk(shape, delta, None, number)
    yield _chunk(shape, {}, "tool_calls" if shape == "tools" else "stop")


def _text_alone(text: str) -> dict[str, Any]:
    return {"content": text}


# The delta of the shapes that have more in it than a text.
_ADDED_TO_DELTA: dict[str, Callable[[str], dict[str, Any]]] = {
    "nulls": lambda text: {
        "content": text,
        "role": None,
        "refusal": None,
        "function_call": None,
        "tool_calls": None,
    },
    "role": lambda text: {"role": "assistant", "content": text},
    "thinking": lambda text: {"role": "assistant", "content": None, "reasoning_content": text},
    "router": lambda text: {
        "role": "assistant",
        "content": text,
        "reasoning": None,
        "reasoning_details": [],
    },
}
# The same random strings in each process.
_random = random.Random(1)


def _chunk(shape: str, delta: dict[str, Any], finish_reason: str | None, number: int = 0) -> dict[str, Any]:
    chunk: dict[str, Any] = {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": 1795407783,
        "model": "provider/model-5",
    }
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk["choices"] = [choice]
    if shape in ("full", "nulls", "obfuscated", "thinking"):
        choice["logprobs"] = None
    if shape in ("full", "obfuscated"):
        chunk |= {"service_tier": "default", "system_fingerprint": "fp_44709d6fcb", "usage": None}
    if shape == "nulls":
        chunk["system_fingerprint"] = None
    if shape == "role":
        chunk["system_fingerprint"] = "fp_44709d6fcb"
    if shape == "obfuscated":
        chunk["obfuscation"] = "".join(_random.choices(string.ascii_letters, k=_random.randint(4, 18)))
    if shape == "usage":
        tokens = number + 1
        chunk["usage"] = {"prompt_tokens": 19, "completion_tokens": tokens, "total_tokens": 19 + tokens}
    if shape == "router":
        chunk["provider"] = "Provider"
        choice |= {"native_finish_reason": finish_reason, "logprobs": None}
    if shape == "logprobs" and delta.get("content"):
        text = delta["content"]
        token = {"token": text, "logprob": -number / 1000, "bytes": [*text.encode()], "top_logprobs": []}
        choice["logprobs"] = {"content": [token]}
    return chunk


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()


_PLAIN = json.dumps(
    {
        "id": _ID,
        "object": "chat.completion",
        "created": 1795407783,
        "model": "provider/model-5",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(_WORDS * 12).strip()},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 21, "completion_tokens": 132, "total_tokens": 153},
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    },
    separators=(",", ":"),
).encode()
