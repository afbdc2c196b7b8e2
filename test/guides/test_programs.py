"""The programs in `examples/`: each runs as it stands, with warnings as errors, and prints what it should."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chat import chunk
from support.examples import ROOT, links, table
from support.raw_server import Connection, Gate, RawServer, framed, json_response, lock_step, stream_response
from tachyon_sdk.local import LocalServer

EXAMPLES = ROOT / "examples"
PYTHON = (sys.executable, "-W", "error")
INPUT = "My name is Ken.\nWhat is my name?\n"
REMEMBERED = (
    'Hello! You said: "My name is Ken.".{0}\n'
    'Hello again! You said: "What is my name?".{0} Messages before this one: 2. '
    'You first said: "My name is Ken.".\n'
)
PRINTED = {
    "plain.py": 'Hello! You said: "What is a tide?".\n(18 tokens, finish reason stop)\n',
    "streaming.py": 'Hello! You said: "What is a tide?".\n(35 characters, finish reason stop)\n',
    "conversation.py": REMEMBERED.format(' My instruction is: "Be brief.".'),
    "chatroom.py": REMEMBERED.format(""),
    "tools.py": 'Hello! The tool get_weather answered: "["sun"]".\n',
    "streamed_tools.py": """\
[the model calls Order]
[the model calls get_price]
[result: 1 x soup is on its way]
[result: 6.5]
Hello! The tool Order answered: "1 x soup is on its way". The tool get_price answered: "6.5".
""",
    "structured_output.py": """\
Person(name='Ken', age=30)
the response is not a valid Ship: code: String should match pattern '^[A-Z]{4}$'
  text: '{"code": "code"}'
""",
    "error_handling.py": """\
large: Hello! You said: "Hello".
local/rate-limit-once: Hello! You said: "Hello".
local/error-429: rate limited after 3 attempts; retry after 1.0 seconds
local/error-402: no credit: not enough credit; nothing was stored
local/error-500: failed with 500
local/truncate: truncated after 'Hello! You said': the stream ended before the response was complete
local/midstream-error: truncated after 'Hello! You said': the model provider failed in the middle of the answer
""",
    "threads.py": "".join(
        f'What is {what}? Hello! You said: "What is {what}?".\n'
        for what in ("a tide", "an ebb", "a flood", "a wave")
    ),
}
LOGGED = {
    "error_handling.py": r"log: 500 Internal Server Error: the server failed; .*"
    r"\(code internal_error, request id req_\w+\)\n"
}
STREAM = stream_response(chunk("one"), chunk(" and"), chunk(" two", "stop"), "[DONE]")
HEAD, FIRST, *_ = framed(STREAM, "chunked")


def environment(url: str) -> dict[str, str]:
    """Settings for a program, for a server at `url`; nothing is written beside the programs."""
    settings = {"TACHYON_API_URL": url, "TACHYON_API_KEY": "dummy-token", "TACHYON_OPERATOR_ID": "tn_xxxxxx"}
    # Unbuffered output would hide that a program does not flush what it prints.
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**outside, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", **settings}


@pytest.mark.parametrize("name", PRINTED)
def test_a_program_prints_what_it_should(name: str, tmp_path: Path) -> None:
    with LocalServer(create_rooms=False) as server:
        done = subprocess.run(
            [*PYTHON, EXAMPLES / name],
            cwd=tmp_path,
            env=environment(server.url),
            input=INPUT,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (0, PRINTED[name]), done.stderr
    assert re.fullmatch(LOGGED.get(name, ""), done.stderr)


def test_the_text_is_printed_while_it_is_made(tmp_path: Path) -> None:
    gate = Gate()
    with RawServer([lock_step(framed(STREAM, "chunked"), gate)]) as server:
        with subprocess.Popen(
            [*PYTHON, EXAMPLES / "streaming.py"],
            cwd=tmp_path,
            env=environment(server.url),
            stdout=subprocess.PIPE,
        ) as program:
            assert program.stdout is not None
            for piece in (b"one", b" and", b" two"):
                gate.open()
                assert program.stdout.read(len(piece)) == piece
            gate.open(2)  # the end of the events, and that of the body
            assert program.stdout.read().split() == b"(11 characters, finish reason stop)".split()
    assert program.returncode == 0


@contextlib.contextmanager
def web_application(url: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to the web application, which asks a server at `url`; in the end it has logged no fault."""
    command = [
        *PYTHON,
        "-m",
        "uvicorn",
        "--app-dir",
        EXAMPLES,
        "--port",
        "0",
        "--ws",
        "none",
        "web_endpoint:app",
    ]
    with subprocess.Popen(
        command,
        env=environment(url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as program:
        assert program.stderr is not None
        log = ""
        try:
            while not (running := re.search(r"running on http://127\.0\.0\.1:(\d+)", log)):
                line = program.stderr.readline()
                assert line, log
                log += line
            with contextlib.closing(
                http.client.HTTPConnection("127.0.0.1", int(running[1]), timeout=60)
            ) as web:
                yield web
        finally:
            program.terminate()
            log += program.stderr.read()
    assert {line.partition(":")[0] for line in log.splitlines()} == {"INFO"}, log


def ask(web: http.client.HTTPConnection, question: str = "Hello") -> http.client.HTTPResponse:
    web.request("GET", f"/ask?question={question}")
    return web.getresponse()


def event(response: http.client.HTTPResponse) -> str:
    """The next event: its lines, without the empty one that ends it."""
    lines = iter(response.readline, b"\n")
    return b"".join(lines).decode()


def test_the_web_application_answers() -> None:
    with LocalServer() as server, web_application(server.url) as web:
        response = ask(web, "Ahoy")
        events = response.read().decode().split("\n\n")
        assert response.getheader("content-type", "").startswith("text/event-stream")
    pieces = [json.loads(each.removeprefix("data: ")) for each in events[:-2]]
    assert "".join(pieces) == 'Hello! You said: "Ahoy".'
    assert events[-2:] == ["event: done\ndata:", ""]


def test_the_web_application_passes_each_piece_on_before_the_next_is_there() -> None:
    gate = Gate()
    with (
        RawServer([lock_step(framed(STREAM, "chunked"), gate)]) as server,
        web_application(server.url) as web,
    ):
        gate.open()
        response = ask(web)
        assert event(response) == 'data: "one"\n'
        for piece in (" and", " two"):
            gate.open()
            assert event(response) == f'data: "{piece}"\n'
        gate.open(2)
        assert response.read() == b"event: done\ndata:\n\n"


def test_the_web_application_tells_of_errors_before_and_in_the_middle() -> None:
    no_credit = json_response({"code": "insufficient_credit", "message": "not enough credit"}, 402)
    broken = stream_response(chunk("one"), {"error": {"message": "it failed", "type": "server_error"}})
    with RawServer([no_credit, broken]) as server, web_application(server.url) as web:
        response = ask(web)
        assert (response.status, response.read()) == (402, b'{"message":"not enough credit"}')
        response = ask(web)
        assert response.status == 200
        assert response.read() == b'data: "one"\n\nevent: error\ndata: "it failed"\n\n'


def test_a_client_that_goes_away_ends_the_stream_at_its_source() -> None:
    def endless(connection: Connection) -> None:
        connection.read_request()
        connection.send(HEAD)
        while True:
            connection.send(FIRST)

    with RawServer(handler=endless) as server, web_application(server.url) as web:
        response = ask(web)
        assert event(response) == 'data: "one"\n'
        response.close()
        web.close()
        server.wait_ended()


def test_every_program_is_run_and_described() -> None:
    programs = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert programs == sorted([*PRINTED, "web_endpoint.py"])
    page = EXAMPLES / "README.md"
    rows = table(page, "Program")
    assert sorted(row["Program"] for row in rows) == [f"[{name}]({name})" for name in programs]
    assert all(row["What it shows"] for row in rows)
    assert all((EXAMPLES / link).is_file() for link in links(page))
