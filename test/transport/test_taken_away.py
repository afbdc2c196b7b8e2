"""Everything works without each private part of urllib3 and http.client, as if a new version had renamed it.

The code of both is changed to use the new name. The old name is absent, or has a value of another type.
"""

from __future__ import annotations

import gc
import http.client
import importlib
import inspect
import logging
import threading
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
import urllib3.response
from urllib3.util.ssl_match_hostname import CertificateError

from support.architecture import private_parts
from support.chat import ANSWER, BODY, STREAM, ask, chat
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    FRAMINGS,
    Gate,
    RawServer,
    closed_port,
    framed,
    http_response,
    json_response,
    lock_step,
    reframe,
)
from support.tls_server import TlsServer
from support.tunnels import reached
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import ConnectionException, NotFoundException, StreamTruncatedException

PIECES = ["one", "two", "three"]
URLLIB3 = ("connection", "connectionpool", "poolmanager", "response", "contrib.socks", "util.connection")
URLLIB3 += ("util.response", "util.ssltransport")

# Parts without which bodies are read by the public way, and what the log says.
BODY_PARTS = {
    "_original_response": "no usable _original_response",
    "response_class": "no usable _original_response",
    "fp": "no usable fp",
    "chunked": "no usable chunked",
    "length_remaining": "no usable length_remaining",
    "decompress": "no usable decompress",
    "pool_classes_by_scheme": "urllib3 has no pool_classes_by_scheme",
}
OTHER_PARTS = {
    "sock",
    "begin",
    "_read_status",
    "will_close",
    "_new_conn",
    "_tunnel",
    "_validate_conn",
}
NEW_NAME = "named_anew"


class Odd:
    """The old name: an attribute that ignores assignments and has an unusual type."""

    def __get__(self, instance: object, owner: type) -> object:
        return self

    def __set__(self, instance: object, value: object) -> None: ...


def rename(monkeypatch: pytest.MonkeyPatch, old: str, *, odd: bool) -> None:
    """Rename an attribute in all classes of urllib3 and http.client."""
    modules = [importlib.import_module(f"urllib3.{name}") for name in URLLIB3]
    for module in [http.client, *modules]:
        if old in vars(module):
            monkeypatch.setattr(module, NEW_NAME, vars(module)[old], raising=False)
        for member in dict.fromkeys(value for value in vars(module).values() if callable(value)):
            if inspect.isfunction(member) and member.__module__ == module.__name__:
                monkeypatch.setattr(member, "__code__", renamed(member.__code__, old))
            if not inspect.isclass(member) or member.__module__ != module.__name__:
                continue
            for value in list(vars(member).values()):
                for function in functions_of(value):
                    monkeypatch.setattr(function, "__code__", renamed(function.__code__, old))
            if old in vars(member):
                monkeypatch.setattr(member, NEW_NAME, vars(member)[old], raising=False)
                monkeypatch.delattr(member, old)
            if odd and uses_name(member):
                monkeypatch.setattr(member, old, Odd(), raising=False)


def functions_of(value: Any) -> list[FunctionType]:
    parts = [value.fget, value.fset] if isinstance(value, property) else [getattr(value, "__func__", value)]
    return [inspect.unwrap(part) for part in parts if inspect.isfunction(part)]


def renamed(code: CodeType, old: str) -> CodeType:
    asks = {"getattr", "hasattr"} & set(code.co_names)
    constants = tuple(
        renamed(each, old) if isinstance(each, CodeType) else NEW_NAME if asks and each == old else each
        for each in code.co_consts
    )
    names = tuple(NEW_NAME if name == old else name for name in code.co_names)
    return code.replace(co_names=names, co_consts=constants)


def uses_name(cls: type) -> bool:
    codes = [function.__code__ for value in vars(cls).values() for function in functions_of(value)]
    return NEW_NAME in vars(cls) or any(NEW_NAME in code.co_names for code in codes)


def take_away(monkeypatch: pytest.MonkeyPatch, part: str, *, odd: bool) -> None:
    if part == "decompress":
        for name in ("GzipDecoder", "MultiDecoder"):
            changed = type(
                name, (OddDecoder if odd else KeywordDecoder,), {"kind": getattr(urllib3.response, name)}
            )
            monkeypatch.setattr(urllib3.response, name, changed)
    elif part == "CertificateError":
        other = type("Other", (CertificateError,), {})
        for module in ("connection", "connectionpool", "util.ssl_match_hostname"):
            monkeypatch.setattr(importlib.import_module(f"urllib3.{module}"), part, other)
    else:
        rename(monkeypatch, part, odd=odd)


class KeywordDecoder:
    """Accepts the size as a keyword only."""

    kind: Any

    def __init__(self, *arguments: Any) -> None:
        self._decoder = self.kind(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def decompress(self, data: bytes, *, max_length: int = -1) -> bytes:
        content: bytes = self._decoder.decompress(data, max_length)
        return content


class OddDecoder(KeywordDecoder):
    """Returns text if the size is positional."""

    def decompress(self, data: bytes, limit: int | None = None, *, max_length: int = -1) -> Any:
        return super().decompress(data, max_length=max_length) if limit is None else "text"


WAYS = [
    (part, odd) for part in sorted({*BODY_PARTS, *OTHER_PARTS, "CertificateError"}) for odd in (False, True)
]


# Once for all tests of the module: to change all classes takes longer than a test.
@pytest.fixture(
    scope="module", params=WAYS, ids=[f"{part}-{'odd' if odd else 'absent'}" for part, odd in WAYS]
)
def taken_away(request: pytest.FixtureRequest) -> Iterator[str]:
    name, odd = request.param
    gc.freeze()  # makes the collection below cheap
    with pytest.MonkeyPatch.context() as monkeypatch:
        take_away(monkeypatch, name, odd=odd)
        yield name
        gc.collect()  # Objects that are closed later would miss the new names.
    gc.unfreeze()


@pytest.fixture
def part(taken_away: str, monkeypatch: pytest.MonkeyPatch) -> str:
    use_new_response_class(monkeypatch)
    return taken_away


def use_new_response_class(monkeypatch: pytest.MonkeyPatch) -> None:
    # The choice is made once for each class.
    own = type("HTTPResponse", (urllib3.response.HTTPResponse,), {})
    monkeypatch.setattr(urllib3.response, "HTTPResponse", own)


def test_urllib3s_own_pools_keep_several_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(monkeypatch, "pool_classes_by_scheme", odd=False)
    use_new_response_class(monkeypatch)
    with RawServer([ANSWER] * 4) as server, chat(server.url) as api:
        for _ in range(2):
            options = {"chat_completion_request": BODY}
            responses = [api.chat_completion_without_preload_content(**options) for _ in range(2)]
            assert all(b"Hello" in response.data for response in responses)
        assert server.connections == 2
    gc.collect()


def text_of(api: ChatApi) -> list[str]:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        return list(stream.text)


def test_each_part_of_the_table_is_taken_away() -> None:
    parts = {part for part in private_parts() if "pydantic" not in part}
    assert parts == {part for part, _ in WAYS}


def test_calls(part: str, caplog: pytest.LogCaptureFixture) -> None:
    responses = [
        response for framing in FRAMINGS for response in (reframe(ANSWER, framing), reframe(STREAM, framing))
    ]
    caplog.set_level(logging.DEBUG, "tachyon_sdk")
    with RawServer([*responses, ANSWER]) as server, chat(server.url) as api:
        for _ in FRAMINGS:
            assert ask(api) == "Hello"
            assert text_of(api) == PIECES
        assert ask(api) == "Hello"
        connections = sum("close" in framing for framing in FRAMINGS) * 2 + 1
        assert server.connections == connections
    lines = [line for line in caplog.messages if "read1" in line or "own connections" in line]
    expected = BODY_PARTS.get(part)
    # Connections of urllib3 have responses of urllib3: two choices.
    assert len(lines) == (0 if expected is None else 2 if part == "pool_classes_by_scheme" else 1)
    assert expected is None or expected in lines[0]


def test_errors(part: str) -> None:
    unfinished = STREAM[: STREAM.index(b"two")]
    responses = [
        json_response({"message": "no"}, 404),
        [ANSWER[:-10], CLOSE],
        [unfinished, CLOSE],
        [CLOSE],
        ANSWER,
        [b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER],
    ]
    with RawServer(responses) as server, chat(server.url) as api:
        with pytest.raises(NotFoundException):
            ask(api)
        with pytest.raises(ConnectionException) as cut:
            ask(api)
        assert cut.value.request_sent and cut.value.body
        with pytest.raises(StreamTruncatedException) as truncated:
            text_of(api)
        assert truncated.value.partial.choices[0].delta.content == "one"
        with pytest.raises(ConnectionException) as lost:
            ask(api)
        assert lost.value.request_sent and not lost.value.previous
        assert ask(api) == ask(api) == "Hello"
    with chat(f"http://127.0.0.1:{closed_port()}") as api, pytest.raises(ConnectionException) as refused:
        ask(api)
    assert not refused.value.request_sent and len(refused.value.previous) == 2


def test_chunks_arrive_as_soon_as_they_are_sent(part: str) -> None:
    gate = Gate()
    with RawServer([lock_step(framed(STREAM, "chunked"), gate)]) as server, chat(server.url) as api:
        gate.open()
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            for text, expected in zip(stream.text, PIECES, strict=True):
                assert text == expected
                gate.open()
            gate.open(2)


def test_a_stream_that_is_left_early(part: str) -> None:
    with (
        RawServer([[STREAM[: STREAM.index(b"two")], AWAIT_CLOSE], ANSWER]) as server,
        chat(server.url) as api,
    ):
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            assert next(stream.text) == "one"
        server.wait_ended(1)
        assert ask(api) == "Hello"


def close_while_read(api: ChatApi) -> object:
    """Close a stream while another thread reads it. Return the last result of that thread."""
    stream = api.chat_completion_stream(chat_completion_request=BODY)
    outcome: list[object] = []
    arrived = threading.Event()

    def read() -> None:
        try:
            for text in stream.text:  # The second chunk does not come.
                outcome.append(text)
                arrived.set()
        except StreamTruncatedException as error:
            outcome.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert arrived.wait(20)
    stream.close()
    reader.join(20)
    assert not reader.is_alive()
    return outcome[-1]


def test_a_stream_that_another_thread_closes(part: str) -> None:
    with RawServer([[STREAM[: STREAM.index(b"two")], AWAIT_CLOSE]]) as server, chat(server.url) as api:
        assert isinstance(close_while_read(api), StreamTruncatedException)
        server.wait_ended(1)


def test_tls(part: str) -> None:
    with TlsServer([ANSWER, STREAM]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            assert ask(api) == "Hello"
            assert text_of(api) == PIECES
        for settings in ({}, {"ssl_ca_cert": server.ca_file, "assert_hostname": "other.example"}):
            with chat(server.url, **settings) as api, pytest.raises(ConnectionException) as caught:
                ask(api)
            assert not caught.value.request_sent and caught.value.permanent and not caught.value.previous
            assert "certificate" in str(caught.value) or part == "CertificateError"


@pytest.mark.parametrize("kind", ["http", "tls"])
def test_a_tunnel(part: str, kind: str) -> None:
    def handler(connection: Any) -> None:
        connection.read_request()
        connection.play([STREAM[: STREAM.index(b"two")], AWAIT_CLOSE])

    with RawServer([http_response(407)]) as proxy, chat("https://tachyon.example", proxy=proxy.url) as api:
        with pytest.raises(ConnectionException, match=f"the proxy 127.0.0.1:{proxy.port} refuses") as caught:
            ask(api)
    assert not caught.value.request_sent
    if (part, kind) == ("sock", "tls"):
        return  # No public method of urllib3 ends the connection while another thread reads.
    with reached(kind, "https", None, handler) as (_, settings), chat(**settings) as api:  # type: ignore[arg-type]
        assert isinstance(close_while_read(api), StreamTruncatedException)
