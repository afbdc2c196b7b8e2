"""`tachyon chat`: with a program that writes its lines, and in a pseudo-terminal."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import tachyon_sdk
from support.command import (
    COMMAND,
    NOTICE,
    REQUIRED,
    Result,
    Terminal,
    answer,
    ask,
    environment,
    is_one_line,
    piece,
    read,
    run,
    settings_for,
    streamed,
    whole,
)
from support.raw_server import (
    CLOSE,
    Connection,
    Gate,
    RawServer,
    framed,
    http_response,
    lock_step,
    stream_response,
)
from tachyon_sdk.cli.talk import Talk
from tachyon_sdk.local import LocalServer

pytestmark = pytest.mark.exhaustive

in_terminal = pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
HINT = "/help shows the commands, Ctrl-D ends the conversation.\r\n"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


def talk(server: RawServer, *arguments: str, lines: str) -> Result:
    """Run the conversation with these lines as its input."""
    return ask(server, "chat", *arguments, stdin=lines.encode())


def sent(server: RawServer) -> list[Any]:
    """The messages of each request."""
    return [request.json()["messages"] for request in server.requests]


def saved(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_the_conversation_is_sent_with_each_message() -> None:
    with RawServer([answer("A"), answer("B"), answer("C")]) as server:
        result = talk(server, "-s", "Be brief.", "-m", "m", lines="One\n\nTwo\n \nThree")
    assert result == Result(0, "A\nB\nC\n", "")
    rest = [user("One"), assistant("A"), user("Two"), assistant("B"), user("Three")]
    assert sent(server) == [[system("Be brief."), *rest[:length]] for length in (1, 3, 5)]
    assert {request.json()["model"] for request in server.requests} == {"m"}


@pytest.mark.parametrize(
    ("lines", "content"),
    [
        ("\ufeffHello\r\n", "Hello"),
        ("one\\\ntwo\\\nthree\n", "one\ntwo\nthree"),
        ('"""one\n/quit\n\n two"""\n', "one\n/quit\n\n two"),
        ('"""\none\ntwo\n"""  \n', "one\ntwo"),
        ('"""one"""\n', "one"),
        ('"""one\ntwo', "one\ntwo"),
        ("one\\", "one\\"),
        (" /etc is a folder\n", " /etc is a folder"),
        ("こんにちは", "こんにちは"),
    ],
)
def test_a_message_may_have_several_lines(lines: str, content: str) -> None:
    with RawServer([answer("A")]) as server:
        assert talk(server, lines=lines) == Result(0, "A\n", "")
    assert sent(server) == [[user(content)]]


def test_a_message_that_is_not_utf_8_is_not_sent() -> None:
    with RawServer([answer("A")]) as server:
        result = ask(server, "chat", stdin=b"\xff\nHello\n")
    assert (result.status, result.out) == (0, "A\n")
    assert result.err == "python -m tachyon_sdk: the message is not valid UTF-8\n"
    assert sent(server) == [[user("Hello")]]


def test_options_hold_for_each_message() -> None:
    with RawServer([answer("A"), answer("B")]) as server:
        result = talk(server, "--max-tokens", "7", "--set", "top_p=0.5", "--usage", lines="One\nTwo\n")
    assert result.err == "usage: not reported by the server\n" * 2
    for request in server.requests:
        body = request.json()
        assert (body["max_completion_tokens"], body["top_p"]) == (7, 0.5)
        assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("option", [["--temperature", "3"], ["--set", "stream=1"], ["--tool", "x"]])
def test_invalid_options_end_it_at_once(option: list[str]) -> None:
    with RawServer([]) as server:
        result = talk(server, *option, lines="Hello\n")
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err)


def test_without_a_url_the_local_server_talks() -> None:
    result = run("chat", stdin=b"One\nTwo\n")
    assert (result.status, result.err) == (0, NOTICE)
    assert "Messages before this one: 2" in result.out.splitlines()[1]


# Commands


def test_the_model_and_the_system_message_may_change() -> None:
    lines = "/model\n/model small\nOne\n/system\n/system Be kind.\nTwo\n/system -\nThree\n/quit\nFour\n"
    with RawServer([answer("A")] * 3) as server:
        result = talk(server, lines=lines)
    assert (result.status, result.out) == (0, "A\nA\nA\n")
    assert result.err.splitlines() == [
        "model: chosen by the server",
        "model: small",
        "system message: none",
        "system message: Be kind.",
        "system message: none",
    ]
    assert [request.json()["model"] for request in server.requests] == ["small"] * 3
    assert [messages[0]["role"] for messages in sent(server)] == ["user", "system", "user"]


def test_retry_replaces_the_last_response() -> None:
    with RawServer([answer("A"), answer("B"), answer("C"), answer("D")]) as server:
        result = talk(server, lines="/retry\nOne\nTwo\n/retry\nThree\n")
    assert (result.out, result.err) == ("A\nB\nC\nD\n", "there is no message yet\n")
    before = [user("One"), assistant("A"), user("Two")]
    assert sent(server)[1:] == [before, before, [*before, assistant("C"), user("Three")]]


def test_retry_keeps_the_response_until_there_is_another() -> None:
    with RawServer([answer("A"), http_response(400), answer("B")]) as server:
        result = talk(server, lines="One\n/retry\nTwo\n")
    assert result.status == 0
    assert sent(server)[2] == [user("One"), assistant("A"), user("Two")]


def test_the_conversation_may_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.md").write_text("mine", encoding="utf-8")
    lines = "One\n/save talk.jsonl\n/save talk.md\nTwo\n/save talk.md\n/save there.md\n/save\n/save no/a.md\n"
    with RawServer([answer("A"), answer("こ")]) as server:
        result = talk(server, "-s", "Be brief.", lines=lines)
    said = result.err.splitlines()
    assert said[:3] == [
        "saved 2 messages in talk.jsonl",
        "saved 2 messages in talk.md",
        "saved 4 messages in talk.md",
    ]
    assert said[3] == "there.md exists already: choose another name"
    assert "name of a file" in said[4] and "not saved: no/a.md: No such file" in said[5]
    assert saved(tmp_path / "talk.jsonl") == [system("Be brief."), user("One"), assistant("A")]
    assert (tmp_path / "talk.md").read_text("utf-8") == (
        "## system\n\nBe brief.\n\n## user\n\nOne\n\n## assistant\n\nA\n\n"
        "## user\n\nTwo\n\n## assistant\n\nこ\n\n"
    )
    assert (tmp_path / "there.md").read_text("utf-8") == "mine"
    assert sorted(os.listdir(tmp_path)) == ["talk.jsonl", "talk.md", "there.md"]


def test_help_and_unknown_commands() -> None:
    with RawServer([]) as server:
        result = talk(server, lines="/help\n/nope\n/exit\nHello")
    assert (result.status, result.out) == (0, "")
    for name in ("/model", "/system", "/retry", "/save", "/help", "/quit"):
        assert f"\n{name} " in f"\n{result.err}"
    assert "/nope is not a command" in result.err


# History


def test_the_history_is_kept_in_a_file_and_continued(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with RawServer([answer("A"), answer("B"), answer("C")]) as server:
        assert talk(server, "--history", str(file), "-s", "Be kind.", lines="One\n").status == 0
        assert saved(file) == [system("Be kind."), user("One"), assistant("A")]
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            file.chmod(0o644)
        assert talk(server, "--history", str(file), lines="Two\n").status == 0
        assert talk(server, "--history", str(file), "-s", "Be brief.", lines="Three\n").status == 0
    assert sent(server)[1] == [system("Be kind."), user("One"), assistant("A"), user("Two")]
    assert sent(server)[2][0] == system("Be brief.")
    assert saved(file) == [*sent(server)[2], assistant("C")]
    assert os.listdir(tmp_path) == ["talk.jsonl"]
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_history_file_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with RawServer([answer("A")]) as server:
        assert talk(server, "--history", str(tmp_path / "link"), lines="One\n").status == 0
    assert (tmp_path / "link").is_symlink()
    assert saved(tmp_path / "file") == [user("One"), assistant("A")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"role": "user", "content": "a"}\n{"role"', "line 2: "),
        (b"[]", "line 1: "),
        (b'\n\n{"content": "a"}', "line 3: role"),
        (b'{"role": 1}', "line 1: role"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_file_that_is_no_history_is_left_alone(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_bytes(content)
    with RawServer([]) as server:
        result = talk(server, "--history", str(file), lines="Hello\n")
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and says in result.err and "talk.jsonl" in result.err
    assert file.read_bytes() == content


def test_a_history_that_cannot_be_written_is_refused_or_said(tmp_path: Path) -> None:
    with RawServer([answer("A")]) as server:
        result = talk(server, "--history", str(tmp_path / "no" / "a"), lines="Hello\n")
        assert (result.status, result.out) == (2, "")
        assert is_one_line(result.err)
        (tmp_path / "folder").mkdir()
        result = talk(server, "--history", str(tmp_path / "folder"), lines="Hello\n")
        assert (result.status, result.out) == (2, "")
        assert is_one_line(result.err)
    assert server.requests == []


# What goes wrong


def test_a_message_without_a_response_is_not_kept_but_may_be_sent_again() -> None:
    with RawServer([answer("A"), http_response(500), answer(), answer("B"), answer("C")]) as server:
        result = talk(server, lines="One\nTwo\n/retry\n/retry\nThree\n")
    assert (result.status, result.out) == (0, "A\nB\nC\n")
    assert "500" in result.err and "the response has no text" in result.err
    assert result.err.count("Nothing arrived. /retry sends the message again.\n") == 2
    two = [user("One"), assistant("A"), user("Two")]
    assert sent(server)[1:] == [two, two, two, [*two, assistant("B"), user("Three")]]


def test_the_status_is_that_of_the_last_response() -> None:
    with RawServer([http_response(500), streamed("A", "length")]) as server:
        result = talk(server, lines="One\nTwo\n")
    assert (result.status, result.out) == (3, "A\n")
    assert "truncated at a length limit" in result.err


def test_what_arrived_before_an_error_is_kept(tmp_path: Path) -> None:
    head, *events, _ = framed(answer("Hel", "lo"), "chunked")
    with RawServer([[head, events[0], CLOSE], answer("B")]) as server:
        result = talk(server, "--history", str(tmp_path / "a"), lines="One\nTwo\n")
    assert (result.status, result.out) == (0, "Hel\nB\n")
    assert is_one_line(result.err)
    assert sent(server)[1] == [user("One"), assistant("Hel"), user("Two")]
    assert saved(tmp_path / "a")[1] == assistant("Hel")


TOOLS = '''
import os, signal

def get_tide() -> str:
    """The next high tide."""
    return "14:20"

def fail() -> str:
    """Fails."""
    raise LookupError("no tide")
'''


def calling(name: str, text: str = "Let me see.") -> bytes:
    function = {"name": name, "arguments": "{}"}
    call = {"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": function}]}
    end = {"choices": [{"index": 0, "delta": call, "finish_reason": "tool_calls"}]}
    return stream_response(piece(text), end, "[DONE]")


def test_calls_of_tools_belong_to_the_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat_tools.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with RawServer([calling("get_tide"), answer("At 14:20."), answer("B")]) as server:
        result = talk(server, "--tool", "chat_tools:get_tide", lines="When?\nThanks\n")
    assert result == Result(0, "Let me see.\nAt 14:20.\nB\n", "")
    _, call, output, reply, _ = sent(server)[2]
    assert call["tool_calls"][0]["function"]["name"] == "get_tide"
    assert output["content"] == "14:20"
    assert reply == assistant("At 14:20.")


def test_a_call_without_a_result_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat_tools_2.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    tools = ["--tool", "chat_tools_2:fail", "--tool", "chat_tools_2:get_tide"]
    with RawServer([calling("get_tide", ""), calling("fail"), answer("B")]) as server:
        result = talk(server, *tools, lines="When?\nAgain?\n")
    assert (result.status, result.out) == (0, "Let me see.\nB\n")
    assert "no tide" in result.err
    first, call, output, partial, second = sent(server)[2]
    assert (first, partial, second) == (user("When?"), assistant("Let me see."), user("Again?"))
    assert (call["tool_calls"][0]["function"]["name"], output["content"]) == ("get_tide", "14:20")


@pytest.mark.parametrize("results", [0, 1])
def test_a_call_that_is_told_before_its_results_is_not_kept_either(results: int) -> None:
    calls = [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id in "ab"]
    done = [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
    ]
    call = {"role": "assistant", "content": "Let me see.", "tool_calls": calls}
    with RawServer([]) as server, tachyon_sdk.ApiClient(tachyon_sdk.Configuration(server.url)) as api_client:
        talk = Talk(api_client, None, None)
        told = [call, *done, call, *done[:results]]
        talk.messages += [tachyon_sdk.Message.from_dict(message) for message in told]
        assert talk.arrived() == [call, *done, assistant("Let me see.")]


# Chatrooms


def test_in_a_chatroom_only_the_message_is_sent() -> None:
    with RawServer([answer("A"), answer("B"), answer("C")]) as server:
        result = talk(server, "-c", "r", "-s", "Be brief.", lines="One\nTwo\n/retry\n")
    assert result == Result(0, "A\nB\nC\n", "")
    assert sent(server) == [[system("Be brief."), user(text)] for text in ("One", "Two", "Two")]
    assert {request.target for request in server.requests} == {"/v1/llms/chatrooms/r/chat/completions"}


def test_a_chatroom_remembers() -> None:
    with LocalServer() as server:
        settings = {"TACHYON_API_URL": server.url, **REQUIRED}
        run("chat", "-c", "r", stdin=b"One\n", settings=settings)
        result = run("chat", "-c", "r", stdin=b"Two\n", settings=settings)
    assert "Messages before this one: 2" in result.out


def test_a_chatroom_keeps_the_conversation_itself() -> None:
    with RawServer([]) as server:
        result = talk(server, "-c", "r", "--history", "a", lines="One\n")
    assert (result.status, result.out) == (2, "") and "--history excludes --chatroom" in result.err
    result = run("chat", "-c", "r", stdin=b"One\n")
    assert (result.status, result.out) == (2, "") and "needs a server" in result.err


# The terminal


@in_terminal
def test_ctrl_c_stops_the_response_and_keeps_what_arrived(tmp_path: Path) -> None:
    gate = Gate()
    history = tmp_path / "a.jsonl"
    with RawServer([lock_step(framed(answer("Hel", "lo"), "chunked"), gate), answer("B")]) as server:
        with Terminal("chat", "--history", str(history), settings=settings_for(server)) as terminal:
            terminal.wait_for(HINT)
            terminal.wait_for("> ")
            terminal.type("One\r")
            gate.open()
            terminal.wait_for("Hel")
            terminal.interrupt()
            terminal.wait_for("\r\nstopped\r\n")
            gate.open(3)
            terminal.wait_for("> ")
            assert saved(history) == [user("One"), assistant("Hel")]
            terminal.type("Two\r")
            terminal.wait_for("B\r\n")
            terminal.wait_for("> ")
            assert terminal.end() == 0
    assert sent(server)[1] == [user("One"), assistant("Hel"), user("Two")]
    assert saved(history) == [*sent(server)[1], assistant("B")]


@in_terminal
def test_ctrl_c_before_anything_arrived_and_at_the_prompt() -> None:
    asked = threading.Event()
    bodies = iter([None, answer("A")])

    def reply(connection: Connection) -> None:
        connection.read_request()
        asked.set()
        if (body := next(bodies)) is None:
            connection.await_close()
        else:
            connection.play(body)

    with RawServer(handler=reply) as server:
        with Terminal("chat", "-c", "r", settings=settings_for(server)) as terminal:
            terminal.wait_for("> ")
            terminal.type("half")
            terminal.wait_for("half")
            terminal.interrupt()
            terminal.wait_for("Ctrl-D or /quit ends the conversation.\r\n")
            terminal.wait_for("> ")
            terminal.type("One\r")
            assert asked.wait(30)
            terminal.interrupt()
            terminal.wait_for("stopped; the chatroom may not have stored it\r\n")
            terminal.wait_for("Nothing arrived. /retry sends the message again.\r\n")
            terminal.wait_for("> ")
            terminal.type("/retry\r")
            terminal.wait_for("A\r\n")
            terminal.wait_for("> ")
            assert terminal.end() == 0
    assert sent(server) == [[user("One")], [user("One")]]


@in_terminal
def test_lines_can_be_edited_recalled_and_pasted(tmp_path: Path) -> None:
    pytest.importorskip("readline")
    history = tmp_path / "a.jsonl"
    history.write_text(json.dumps(user("Old")) + "\n" + json.dumps(assistant("A")), encoding="utf-8")
    with RawServer([answer("B"), answer("C"), answer("D")]) as server:
        with Terminal("chat", "--history", str(history), settings=settings_for(server)) as terminal:
            terminal.wait_for("Continuing the 2 messages in ")
            terminal.wait_for("\x1b[?2004h")  # asks the terminal to mark what is pasted
            terminal.wait_for("> ")
            terminal.type("\x1b[A\x01My \r")  # up, to the beginning of the line
            terminal.wait_for("B\r\n")
            terminal.wait_for("> ")
            terminal.type("\x1b[200~one\rtwo\x1b[201~\r")  # as terminals send what is pasted
            terminal.wait_for("C\r\n")
            terminal.wait_for("> ")
            terminal.type("three\\\r")
            terminal.wait_for(". ")
            terminal.type("four\r")
            terminal.wait_for("D\r\n")
            terminal.wait_for("> ")
            assert terminal.end() == 0
    asked = [messages[-1]["content"] for messages in sent(server)]
    assert asked == ["My Old", "one\ntwo", "three\nfour"]


@in_terminal
def test_the_output_may_go_elsewhere(tmp_path: Path) -> None:
    with RawServer([answer("A")]) as server, open(tmp_path / "out", "wb") as out:
        with Terminal("chat", settings=settings_for(server), stdout=out.fileno()) as terminal:
            terminal.wait_for("> ")
            terminal.type("One\r")
            terminal.wait_for("> ")
            assert terminal.end() == 0
    assert (tmp_path / "out").read_bytes() == b"A\n\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_ctrl_c_ends_it_if_nobody_sits_at_it(tmp_path: Path) -> None:
    gate = Gate()
    with RawServer([lock_step(framed(answer("Hel", "lo"), "chunked"), gate)]) as server:
        with subprocess.Popen(
            [*COMMAND, "chat", "--history", str(tmp_path / "a")],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(settings_for(server)),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            assert process.stdin is not None
            process.stdin.write(b"One\nTwo\n")
            gate.open()
            read(process, b"Hel")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            gate.open(3)
    assert (process.returncode, out, err) == (130, b"\n", b"")
    assert saved(tmp_path / "a") == [user("One"), assistant("Hel")]


@pytest.mark.parametrize("response", [whole("A"), streamed("A")])
def test_a_complete_response_will_do(response: bytes) -> None:
    with RawServer([response]) as server:
        assert talk(server, lines="One\n") == Result(0, "A\n", "")
