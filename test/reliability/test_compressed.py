"""Compressed responses: a megabyte that expands to a gigabyte needs no more memory than the limits allow."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.chat import ANSWER, BODY, ask, chat, chunk
from support.programs import Program
from support.raw_server import RawServer, event_stream, stream_response
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import ResponseDecodeException

MiB = 1024 * 1024
GIGABYTE = 1024 * MiB

# Prints by how many bytes the memory of the process grew at most, in each call that it is told to make. Each is
# made by a child, so that memory which the one before it left free does not hide what the next takes.
CLIENT = """
import json, os, resource, sys
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

def call(url, form, settings):
    configuration = Configuration(url, operator_id="tn_1", access_token="t", retries=0, **settings)
    request = {"chat_completion_request": {"messages": []}}
    with ApiClient(configuration) as client:
        api = ChatApi(client)
        try:
            if form == "ask":
                api.chat_completion(**request)
            elif form == "collect":
                return api.chat_completion_stream(**request).collect().choices[0].delta.content
            else:
                with api.chat_completion_stream(**request) as stream:
                    return next(stream).choices[0].delta.content
        except ApiException as error:
            return f"{type(error).__name__}: {error}"

def measured(*arguments):
    before = memory("VmRSS")
    # If it is not bounded, it is to fail rather than to take all there is.
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    outcome = call(*arguments)
    return outcome, memory("VmHWM") - before

for form in ("ask", "collect"):
    call(sys.argv[1], form, {})
for line in sys.stdin:
    if os.fork() == 0:
        print(json.dumps(measured(*json.loads(line))), flush=True)
        os._exit(0)
    if status := os.wait()[1]:
        print(json.dumps([f"it ended with {status}", 0]), flush=True)
"""

Measure = Callable[..., tuple[str, int]]


@pytest.fixture(scope="module")
def measure() -> Iterator[Measure]:
    """Makes a call in a process of its own: what came of it, and by how many bytes its memory grew at most."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells the most memory that a process had")

    def measured(response: bytes, form: str, **settings: Any) -> tuple[str, int]:
        # More would come, if the client waited for it.
        with RawServer([[response]]) as server:
            program.say(server.url, form, settings)
            outcome, grown = program.hear()
        return outcome, grown

    with RawServer([ANSWER, stream_response(chunk("Hello", "stop"), "[DONE]")]) as server:
        # Without the development mode, which takes more memory.
        with Program(CLIENT, server.url, options=()) as program:
            yield measured


def response_of(body: bytes, coding: str, media_type: str = "application/json", status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Encoding: {coding}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def packed(unit: bytes, size: int, coding: str = "gzip", beginning: bytes = b"") -> bytes:
    """`beginning` and then `unit` again and again, `size` bytes in all; made without packing all of that."""
    wbits = {"gzip": 31, "deflate": 15, "raw-deflate": -15}[coding]
    first = zlib.compressobj(9, wbits=wbits)
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(unit * (MiB // len(unit))) + packer.flush(zlib.Z_FULL_FLUSH)
    return first.compress(beginning) + first.flush(zlib.Z_FULL_FLUSH) + block * (size // MiB)


SPACES = packed(b" ", GIGABYTE)
TEXT = packed(b"x", GIGABYTE, beginning=event_stream(chunk("Hi")) + b"data: ")


def test_the_bombs_of_these_tests_are_bombs() -> None:
    assert len(SPACES) < 1.2 * MiB and len(TEXT) < 1.2 * MiB
    unpacker = zlib.decompressobj(wbits=31)
    assert len(unpacker.decompress(SPACES[:10_000])) > 8 * MiB
    assert unpacker.decompress(SPACES[10_000:], 1000) == b" " * 1000


def test_a_response_of_a_gigabyte_needs_less_than_300_megabytes(measure: Measure) -> None:
    outcome, grown = measure(response_of(SPACES, "gzip"), "ask")
    assert outcome == f"ResponseDecodeException: the response is larger than {256 * MiB} bytes"
    assert grown < 300e6


def test_an_event_of_a_gigabyte_costs_less_than_300_megabytes(measure: Measure) -> None:
    outcome, grown = measure(response_of(TEXT, "gzip", "text/event-stream"), "ask")
    assert "ResponseDecodeException: an event of the stream takes more than" in outcome
    assert grown < 300e6


# The codings of a gigabyte of spaces; those of several layers are a few kilobytes.
CODINGS = {
    "gzip": (SPACES, "gzip"),
    "x-gzip": (SPACES, "x-gzip"),
    "deflate": (packed(b" ", GIGABYTE, "deflate"), "deflate"),
    "raw-deflate": (packed(b" ", GIGABYTE, "raw-deflate"), "deflate"),
    "gzip-of-many-members": (gzip.compress(b" " * MiB) * 1024, "gzip"),
    "gzip-twice": (gzip.compress(SPACES), "gzip, gzip"),
    "gzip-three-times": (gzip.compress(gzip.compress(SPACES)), "gzip, gzip, gzip"),
    "deflate-in-gzip": (gzip.compress(packed(b" ", GIGABYTE, "deflate")), "deflate, gzip"),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_memory_is_bounded_by_the_limit_in_every_coding(measure: Measure, coding: str) -> None:
    outcome, grown = measure(response_of(*CODINGS[coding]), "ask", max_response_bytes=8 * MiB)
    # Several codings may be refused instead.
    larger = f"the response is larger than {8 * MiB} bytes"
    assert outcome.startswith("ResponseDecodeException: " + ("" if "," in CODINGS[coding][1] else larger))
    assert grown < 32 * MiB


@pytest.mark.parametrize("coding", ["gzip", "gzip-twice"])
@pytest.mark.parametrize("status", [302, 402])
def test_an_error_of_a_gigabyte_costs_next_to_nothing(measure: Measure, coding: str, status: int) -> None:
    outcome, grown = measure(response_of(*CODINGS[coding], status=status), "ask")
    assert outcome.startswith({302: "ApiException: 302", 402: "PaymentRequiredException: 402"}[status])
    assert grown < 16 * MiB


ENDLESS_EVENTS = {
    "events": packed(event_stream(chunk("Hi")), GIGABYTE),
    "comments": packed(b": nothing to say yet\n", GIGABYTE, beginning=event_stream(chunk("Hi"))),
}


@pytest.mark.parametrize("kind", ENDLESS_EVENTS)
def test_ignored_events_need_almost_no_memory(measure: Measure, kind: str) -> None:
    outcome, grown = measure(response_of(ENDLESS_EVENTS[kind], "gzip", "text/event-stream"), "first")
    assert outcome == "Hi"
    assert grown < 16 * MiB


def test_comments_need_no_memory(measure: Measure) -> None:
    end = b"".join(gzip.compress(event_stream(event)) for event in (chunk("Hi", "stop"), "[DONE]"))
    comment = b": " + b"x" * 1000 + b"\n"
    body = gzip.compress(comment * (MiB // len(comment))) * 32 + end
    outcome, grown = measure(response_of(body, "gzip", "text/event-stream"), "collect")
    assert outcome == "Hi"
    assert grown < 16 * MiB


def test_data_after_the_end_of_a_stream_needs_almost_no_memory(measure: Measure) -> None:
    body = packed(b" ", GIGABYTE, beginning=event_stream(chunk("Hi", "stop"), "[DONE]"))
    outcome, grown = measure(response_of(body, "gzip", "text/event-stream"), "collect")
    assert outcome == "Hi"
    assert grown < 16 * MiB


# --- codings that were not asked for


def collect(api: ChatApi) -> str | None:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        return stream.collect().choices[0].delta.content


def test_no_coding_is_asked_for() -> None:
    with RawServer([ANSWER, stream_response(chunk("Hello", "stop"), "[DONE]")]) as server:
        with chat(server.url) as api:
            assert (ask(api), collect(api)) == ("Hello", "Hello")
    assert [request.get_all("Accept-Encoding") for request in server.requests] == [["identity"]] * 2


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "br, gzip", "no such thing"])
@pytest.mark.parametrize("call", [ask, collect])
def test_an_unknown_content_coding_is_an_api_exception(call: Callable[[ChatApi], Any], coding: str) -> None:
    response = response_of(b"\x8b\x03\x80no text at all\x03", coding)
    with RawServer([response]) as server, chat(server.url) as api:
        with pytest.raises(ResponseDecodeException):
            call(api)
