"""`tachyon models`, `tachyon rooms` and `tachyon serve`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from support.command import (
    COMMAND,
    NOTICE,
    REQUIRED,
    Result,
    ask,
    ended,
    environment,
    is_one_line,
    run,
    run_program,
    started,
)
from support.raw_server import RawServer, json_response
from tachyon_sdk.local import LocalServer

UNDECODABLE = "\udcff"  # what Python makes of a byte that is not UTF-8

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(create_rooms=False) as server:
        yield server


def room(server: LocalServer, *arguments: str, program: Any = run) -> Result:
    """Run `tachyon rooms` with the settings for this server."""
    result: Result = program("rooms", *arguments, settings={"TACHYON_API_URL": server.url, **REQUIRED})
    return result


def create(server: LocalServer, *arguments: str) -> str:
    result = room(server, "create", *arguments)
    assert (result.status, result.err) == (0, "")
    (line,) = result.out.splitlines()
    return line


def listed(server: LocalServer, *arguments: str) -> list[Any]:
    result = room(server, "list", "--json", *arguments)
    assert (result.status, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_chatroom_from_beginning_to_end(server: LocalServer) -> None:
    made = room(server, "create", "部屋", "--metadata", '{"user_id": "ken"}', program=run_program)
    assert (made.status, made.err) == (0, "")
    id = made.out.strip()
    (found,) = listed(server, "--search", "部屋")
    assert (found["id"], found["name"], found["metadata"]) == (id, "部屋", {"user_id": "ken"})

    assert room(server, "rename", id, "Winds") == Result(0, "", "")
    (found,) = listed(server, "--search", "Winds")
    assert (found["id"], found["metadata"]) == (id, {"user_id": "ken"})

    settings = {"TACHYON_API_URL": server.url, **REQUIRED}
    assert run("-c", id, "One", settings=settings).status == 0
    assert run("-c", id, "Two", settings=settings).out.startswith("Hello again!")
    history = room(server, "history", id)
    first, _, third, fourth = history.out.splitlines()
    assert (first, third) == ("user: One", "user: Two")
    assert room(server, "history", id, "--last", "1").out == f"{fourth}\n"
    assert room(server, "history", id, "--search", "Two", "--last", "1").out == f"{fourth}\n"
    (message,) = map(json.loads, room(server, "history", id, "--last", "1", "--json").out.splitlines())
    assert message["content"] == {"type": "text", "text": fourth.removeprefix("assistant: ")}

    assert room(server, "delete", id) == Result(0, "", "")
    assert listed(server, "--search", "Winds") == []
    result = room(server, "history", id)
    assert (result.status, result.out) == (1, "")
    assert is_one_line(result.err) and "404" in result.err


def test_a_list_is_for_programs_or_for_a_terminal(server: LocalServer) -> None:
    for name in ("Tab\there", "部"):
        create(server, f"Columns {name}")
    lines = room(server, "list", "--search", "Columns").out.splitlines()
    cells = [line.split("\t") for line in lines]
    assert {name for _, _, name in cells} == {"Columns Tab here", "Columns 部"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", time) for _, time, _ in cells)
    assert len(room(server, "list", "--search", "Columns", "--limit", "1").out.splitlines()) == 1
    assert room(server, "list", "--search", "none of this name") == Result(0, "", "no chatrooms\n")
    if sys.platform != "win32":
        import pty

        main_end, terminal = pty.openpty()
        settings = {"TACHYON_API_URL": server.url, **REQUIRED}
        command = [*COMMAND, "rooms", "list", "--search", "Columns"]
        subprocess.run(command, stdout=terminal, timeout=60, check=True, env=environment(settings))
        shown = os.read(main_end, 10000).decode().splitlines()
        assert shown == ["  ".join(row) for row in cells]
        os.close(main_end)
        os.close(terminal)


def test_one_chatroom_that_does_not_exist_does_not_keep_the_others(server: LocalServer) -> None:
    rooms = [create(server), create(server, "Second")]
    result = room(server, "delete", rooms[0], "missing", rooms[1])
    assert (result.status, result.out) == (1, "")
    assert is_one_line(result.err) and "missing: 404" in result.err
    assert not {found["id"] for found in listed(server)} & {*rooms}


def test_what_is_not_text_in_a_history_is_described() -> None:
    parts = [
        {"type": "image", "image": "https://example.com/a.png"},
        {"type": "tool-call", "tool_call_id": "1", "tool_name": "get_tide", "args": "{}"},
        {"type": "text", "text": "two\nlines"},
    ]
    messages = [{"id": str(i), "role": "assistant", "content": part} for i, part in enumerate(parts)]
    with RawServer([json_response({"messages": messages}), json_response({"messages": []})]) as raw:
        result = ask(raw, "rooms", "history", "r")
    assert result == Result(
        0,
        "assistant: [image] https://example.com/a.png\n"
        "assistant: [tool-call] 1 get_tide {}\n"
        "assistant: two\nlines\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["rooms"], "ACTION"),
        (["rooms", "remove"], "remove"),
        (["rooms", "rename", "r"], "name"),
        (["rooms", "create", "--metadata", "{"], "'{' is not JSON"),
        (["rooms", "list", "--limit", "0"], "--limit"),
        (["rooms", "list"], "rooms needs a server"),
        (["models", "all"], "all"),
        (["rooms", "create", UNDECODABLE], "not valid UTF-8"),
        (["rooms", "delete", "r", UNDECODABLE], "not valid UTF-8"),
        (["ask", "--set", f"user={UNDECODABLE}", "Hello"], "not valid UTF-8"),
    ],
)
def test_invalid_arguments_are_one_line(arguments: list[str], named: str) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err.removeprefix(NOTICE)) and named in result.err


def test_the_models_are_listed() -> None:
    every = run("models")
    assert (every.status, every.err) == (0, NOTICE)
    names = [line.split("\t")[0] for line in every.out.splitlines()]
    assert names[0] == "local/echo" and len(names) > 1
    agents = run("models", "--agents").out.splitlines()
    assert [line.split("\t")[0] for line in agents] == ["local/echo"]
    assert "vision" in agents[0].split("\t")[2].split(",")
    lines = run("models", "--json", "--feature", "vision", "--feature", "streaming").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == names


def test_the_limits_of_a_model_and_an_empty_list() -> None:
    model = {"id": "a", "name": "A", "provider": "p", "supported_features": [], "context_window": 128000}
    replies = [json_response({"models": models, "total_count": len(models)}) for models in ([model], [])]
    with RawServer(replies) as raw:
        assert ask(raw, "models", "--feature", "vision") == Result(0, "a\t128000\t\n", "")
        assert ask(raw, "models") == Result(0, "", "no models\n")
    first, second = (request.target for request in raw.requests)
    assert "supported_feature=vision" in first and "require_agent_product=false" in first
    assert "supported_feature" not in second


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_serve_is_the_local_server() -> None:
    with started("serve", "--port", "0", "--create-rooms") as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[4]
        settings = {"TACHYON_API_URL": url, **REQUIRED}
        assert run("-c", "new", "Hello", settings=settings) == Result(0, 'Hello! You said: "Hello".\n', "")
        process.send_signal(signal.SIGINT)
        assert ended(process) == Result(0, "", "")


def test_serve_has_the_options_of_the_local_server() -> None:
    result = run_program("serve", "--help")
    assert result.status == 0
    assert result.out.startswith("usage: python -m tachyon_sdk serve [-h]") and "--upstream" in result.out
    assert run_program("serve", "--model", "a").status == 2
