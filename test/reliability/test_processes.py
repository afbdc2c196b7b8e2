"""Several processes: each has connections of its own, and leaves those of the others alone."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.chat import ANSWER, ask, chat, chunk
from support.programs import STRICT, Program
from support.raw_server import (
    AWAIT_CLOSE,
    Connection,
    Gate,
    RawServer,
    framed,
    json_response,
    stream_response,
)
from support.tls_server import TlsServer
from tachyon_sdk import RetryPolicy

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

# --- fork

FORK = """
import gc, json, os, sys, threading
from tachyon_sdk import ApiClient, ChatApi, Configuration

settings = {"ssl_ca_cert": sys.argv[2]} if sys.argv[2:] else {}
settings = {"read_timeout": 60, "keepalive_expiry": None, **settings}
client = ApiClient(Configuration(sys.argv[1], operator_id="tn_1", access_token="t", **settings))
api = ChatApi(client)

def asking(text):
    return {"messages": [{"role": "user", "content": text}]}

def ask(text):
    return api.chat_completion(chat_completion_request=asking(text)).choices[0].delta.content

def in_a_child(act):
    sys.stdout.flush()
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
    else:
        act()
        sys.exit()
"""

FORK_WHILE_STREAMING = """
def drop():
    global stream, text
    del stream, text
    gc.collect()

def close():
    stream.close()
    client.close()

def ask_in_child():
    assert ask("child") == "Hello"

stream = api.chat_completion_stream(chat_completion_request=asking("stream"))
text = stream.text
assert next(text) == "one"
assert ask("parent") == "Hello"  # which leaves a second connection, idle
for act in (ask_in_child, drop, close):
    in_a_child(act)
print(json.dumps("forked"), flush=True)
assert "".join(text) == "twothree"
assert ask("parent") == "Hello"
client.close()
"""

FORK_WHILE_A_THREAD_READS = """
stream = api.chat_completion_stream(chat_completion_request=asking("stream"))
read = []
reader = threading.Thread(target=lambda: read.extend(stream.text))
reader.start()
while sys._current_frames()[reader.ident].f_code.co_name not in ("readinto", "read", "recv_into"):
    pass

def close():
    stream.close()
    assert ask("child") == "Hello"
    client.close()

assert ask("parent") == "Hello"  # which leaves a second connection, idle
in_a_child(close)
print(json.dumps("forked"), flush=True)
reader.join()
assert read == ["one", "two", "three"], read
assert ask("parent") == "Hello"
client.close()
"""

PARTS = framed(stream_response(chunk("one"), chunk("two"), chunk("three", "stop"), "[DONE]"), "chunked")


@needs_fork
@pytest.mark.parametrize(
    ("code", "tls"),
    [(FORK_WHILE_STREAMING, False), (FORK_WHILE_STREAMING, True), (FORK_WHILE_A_THREAD_READS, False)],
    ids=["tcp", "tls", "read-by-a-thread"],
)
def test_a_child_leaves_the_streams_of_its_parent_alone(code: str, tls: bool) -> None:
    gate = Gate()
    said: list[tuple[int, str]] = []

    def handler(connection: Connection) -> None:
        while True:
            text = connection.read_request().json()["messages"][0]["content"]
            said.append((connection.number, text))
            steps = [b"".join(PARTS[:2]), gate, b"".join(PARTS[2:])] if text == "stream" else [ANSWER]
            connection.play(steps)

    with TlsServer(handler=handler) if tls else RawServer(handler=handler) as server:
        arguments = [server.url, *([server.ca_file] if isinstance(server, TlsServer) else [])]
        # From Python 3.12 on, a fork beside threads warns.
        with Program(
            FORK + code, *arguments, options=(*STRICT, "-W", "ignore::DeprecationWarning")
        ) as program:
            assert program.hear() == "forked"
            gate.open()
    # The parent has gone on with the connection that it had when it forked.
    assert said == [(0, "stream"), (1, "parent"), (2, "child"), (0, "parent")]


# --- clients that are sent to other processes

POOL = """
import json, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration

if __name__ == "__main__":
    # Starting processes may take longer than an idle connection is kept by default.
    client = ApiClient(Configuration(sys.argv[1], operator_id="tn_1", access_token="t", keepalive_expiry=None))
    api = ChatApi(client)

    def asking(text):
        return {"messages": [{"role": "user", "content": text}]}

    assert api.chat_completion(chat_completion_request=asking("parent")).choices[0].delta.content == "parent"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        answers = [pool.submit(api.chat_completion, chat_completion_request=asking(name)) for name in "abcd"]
        assert [answer.result().choices[0].delta.content for answer in answers] == ["a", "b", "c", "d"]
        try:
            pool.submit(api.chat_completion, chat_completion_request=asking("missing")).result()
        except ApiException as error:
            print(json.dumps([type(error).__name__, error.status, error.message, error.request_id]), flush=True)
    assert api.chat_completion(chat_completion_request=asking("parent")).choices[0].delta.content == "parent"
    client.close()
"""


def echo(connection: Connection) -> None:
    while True:
        text = connection.read_request().json()["messages"][0]["content"]
        if text == "missing":
            connection.send(json_response({"message": "no such room"}, 404, {"X-Request-Id": "r-1"}))
        else:
            connection.send(json_response(chunk(text, "stop")))


def test_other_processes_use_a_client_that_was_sent_to_them(tmp_path: Path) -> None:
    file = tmp_path / "pool.py"
    file.write_text(POOL)
    with RawServer(handler=echo) as server:
        with Program(file, server.url) as program:
            assert program.hear() == ["NotFoundException", 404, "no such room", "r-1"]
        server.wait_ended(server.connections)
    of_parent = [request.connection for request in server.requests if b'"parent"' in request.body]
    assert of_parent == [0, 0]
    assert len(server.requests) == 7 and server.requests[1].connection != 0


TWINS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle-{number}": lambda one, number=number: pickle.loads(pickle.dumps(one, number))
        for number in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("how", TWINS)
def test_a_client_in_use_is_copied_without_its_connections(how: str) -> None:
    stream = [PARTS[0] + PARTS[1], AWAIT_CLOSE]
    with RawServer([ANSWER, stream, ANSWER, ANSWER]) as server:
        settings: dict[str, Any] = {"retries": RetryPolicy(5, statuses={500}), "max_response_bytes": 12345}
        with chat(server.url, **settings) as api:
            client = api.api_client
            client.set_default_header("X-One", "1")
            assert ask(api) == "Hello"
            with api.chat_completion_stream(chat_completion_request={"messages": []}) as open_stream:
                next(open_stream)
                twin = TWINS[how](api)
                with twin.api_client:
                    assert ask(twin) == "Hello"
            settings_of = twin.api_client.configuration
            assert settings_of.max_response_bytes == 12345
            assert repr(settings_of.retries) == repr(settings["retries"])
            assert settings_of.authorization_header() == client.configuration.authorization_header()
            assert (settings_of is client.configuration) == (how == "copy")
            assert twin.api_client.default_headers == client.default_headers
    assert [request.connection for request in server.requests] == [0, 0, 1]
