"""The page of the command: its shell examples run as they stand, and its tables are those of `--help`."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import REQUIRED, Terminal, answer, run
from support.examples import ROOT, Example, examples, table
from support.raw_server import Gate, RawServer, framed, lock_step
from tachyon_sdk.local import LocalServer

PAGE = ROOT / "docs" / "Command.md"
ALL = list(examples(PAGE))
PRINTING = [example for example in ALL if example.language == "sh" and example.printed is not None]
(PROGRAM,) = (example.source for example in ALL if example.language == "python")
OPTION = r"(?<![\w-])--[a-z][a-z-]+"
PNG = b"\x89PNG\r\n\x1a\n"

needs_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")


def source(language: str) -> str:
    """The only block in this language."""
    (found,) = (example.source for example in ALL if example.language == language)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a reader who has the files of the page, and `tachyon` on the path."""
    (tmp_path / "notes.txt").write_text("High tide: 14:20\n", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(PNG)
    (tmp_path / "person.json").write_text(source("json"), encoding="utf-8")
    (tmp_path / "tides.py").write_text(source("py"), encoding="utf-8")
    (tmp_path / "bin").mkdir()
    code = "import sys; from tachyon_sdk.__main__ import main; sys.argv[0] = 'tachyon'; sys.exit(main())"
    for name, rest in (("tachyon", f"-W error -c {shlex.quote(code)}"), ("python", "")):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {rest} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return tmp_path


@needs_a_shell
@pytest.mark.parametrize("example", PRINTING, ids=lambda example: example.name)
def test_an_example_prints_what_it_says(example: Example, folder: Path) -> None:
    with LocalServer(create_rooms=False) as server:
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-e", "-c", example.source],
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONUTF8": "1", "TACHYON_API_URL": server.url, **REQUIRED},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, example.printed, "")


def test_the_table_of_exit_statuses_is_that_of_the_help() -> None:
    listed = re.findall(r"(?m)^  (\d+) +(.*(?:\n {7}.*)*)$", run("--help").out.partition("exit status:")[2])
    told = {row["Status"]: row["Meaning"].replace("`", "") for row in table(PAGE, "Status")}
    assert {status: " ".join(meaning.split()) for status, meaning in listed} == told


def test_every_option_is_in_the_help_and_in_the_page() -> None:
    page = PAGE.read_text("utf-8")
    helps = {
        name: run(*name.split(), "--help").out
        for name in ("ask", "chat", "models", "rooms list", "rooms history")
    }
    known = {option for text in helps.values() for option in re.findall(OPTION, text)}
    used = set(re.findall(OPTION, page))
    assert used - known == set()
    assert {*re.findall(OPTION, helps["ask"])} - used <= {"--help"}


def test_the_table_of_commands_of_a_conversation_is_that_of_its_help() -> None:
    told = {row["Command"].strip("`") for row in table(PAGE, "Command")}
    assert told == {*re.findall(r"(?m)^(/\w+)", run("chat", stdin=b"/help").err)}


def test_the_conversation_of_the_page_is_what_happens() -> None:
    (shown,) = (
        each.source for each in ALL if each.language == "text" and each.source.startswith("$ tachyon chat")
    )
    lines = re.findall(r"(?m)^> (.*)$", shown)
    answers = [line for line in shown.splitlines() if line.startswith("Hello")]
    assert run("chat", stdin="\n".join(lines).encode()).out.splitlines() == answers


@needs_a_shell
def test_the_program_keeps_what_arrived_before_ctrl_c(tmp_path: Path) -> None:
    gate = Gate()
    history = tmp_path / "history.json"
    lost = b"HTTP/1.1 503 \r\nContent-Length: 0\r\nRetry-After: 999\r\n\r\n"
    with RawServer([lock_step(framed(answer("Hel", "lo"), "chunked"), gate), lost, answer("B")]) as server:
        code = PROGRAM.replace("http://localhost:50054", server.url).replace('"history.json"', f'"{history}"')
        with Terminal(command=[sys.executable, "-W", "error", "-X", "dev", "-c", code]) as terminal:
            terminal.wait_for("> ")
            terminal.type("One\r")
            gate.open()
            terminal.wait_for("Hel")
            terminal.interrupt()
            terminal.wait_for("(stopped)\r\n> ")
            gate.open(3)
            terminal.type("Two\r")
            terminal.wait_for("(503 ")
            terminal.wait_for("> ")
            terminal.type("Three\r")
            terminal.wait_for("B\r\n> ")
            assert terminal.end() == 0
    asked = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Hel"},
        {"role": "user", "content": "Three"},
    ]
    assert server.requests[2].json()["messages"] == asked
    assert json.loads(history.read_text("utf-8")) == [*asked, {"role": "assistant", "content": "B"}]


def test_the_program_is_short() -> None:
    assert sum(bool(line.strip()) for line in PROGRAM.splitlines()) <= 38
