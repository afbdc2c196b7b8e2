"""`python -m tachyon_sdk "..."`. A warning would fail the program.

It runs as a user runs it where that matters; else in this process, which takes a tenth of the time.
"""

from __future__ import annotations

import json
import os
import re
import signal
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
    answer,
    ask,
    ended,
    environment,
    is_one_line,
    read,
    run,
    run_program,
    settings_for,
    started,
    streamed,
    whole,
)
from support.raw_server import (
    CLOSE,
    Connection,
    Gate,
    RawServer,
    closed_port,
    framed,
    http_response,
    lock_step,
)

pytestmark = pytest.mark.exhaustive


def test_without_a_url_a_local_server_is_used_and_reported() -> None:
    assert run_program("Hello") == Result(0, 'Hello! You said: "Hello".\n', NOTICE)


def test_the_local_server_gets_no_setting_of_the_environment() -> None:
    proxy = f"http://127.0.0.1:{closed_port()}"
    settings = {"TACHYON_API_URL": " ", "TACHYON_API_KEY": " ", "http_proxy": proxy}
    assert run("Hello", settings=settings) == Result(0, 'Hello! You said: "Hello".\n', NOTICE)


def test_all_options_with_the_local_server() -> None:
    options = ["--model", "large", "--system", "Be brief", "--no-stream"]
    expected = "こんにちは。あなたは「元気?」と言いました。指示は「Be brief」です。\n"
    assert run(*options, "元気?") == Result(0, expected, NOTICE)


def test_a_server_that_is_busy_for_a_moment_is_asked_again() -> None:
    assert run("--model", "local/rate-limit-once", "Hi").status == 0


def test_settings_and_message_are_sent_and_nothing_else() -> None:
    with RawServer([answer("Hi")]) as server:
        assert run_program("Hello", settings=settings_for(server)) == Result(0, "Hi\n", "")
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/llms/chat/completions")
    assert request.get("Authorization") == "Bearer key-1"
    assert request.get("x-operator-id") == "tn_1"
    assert request.json() == {"messages": [{"role": "user", "content": "Hello"}], "stream": True}


def test_options_are_sent() -> None:
    with RawServer([answer("Hi")]) as server:
        assert ask(server, "--model", "m", "--system", "s", "--chatroom", "a/b", "Hello").status == 0
    (request,) = server.requests
    assert request.target == "/v1/llms/chatrooms/a%2Fb/chat/completions"
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "Hello"}]
    assert request.json() == {"messages": messages, "model": "m", "stream": True}


@pytest.mark.parametrize(
    ("room", "path"),
    [
        ((), "/v1/llms/chat/completions"),
        (("--chatroom", "r"), "/v1/llms/chatrooms/r/chat/completions"),
    ],
)
def test_no_stream_requests_a_complete_response(room: tuple[str, ...], path: str) -> None:
    with RawServer([whole("Hi")]) as server:
        assert ask(server, "--no-stream", *room, "Hello") == Result(0, "Hi\n", "")
    (request,) = server.requests
    assert request.target == path
    assert not request.json().get("stream")


def test_each_piece_is_printed_before_the_next_is_sent() -> None:
    gate = Gate()
    parts = framed(answer("Hel", "lo", ", こ"), "chunked")
    with RawServer([lock_step(parts, gate)]) as server:
        with started("Hello", settings=settings_for(server)) as process:
            for expected in ("Hel", "lo", ", こ"):
                gate.open()
                read(process, expected.encode())
            gate.open(3)
            assert ended(process) == Result(0, "\n", "")


def test_a_response_ending_in_a_line_break_gets_no_empty_line() -> None:
    with RawServer([answer("one\n", "two\n")]) as server:
        assert ask(server, "Hello").out == "one\ntwo\n"


@pytest.mark.parametrize(
    ("sent", "prompt"),
    [
        (b"Hello\n", "Hello"),
        ("\ufeffこんにちは\r\n".encode(), "こんにちは"),
        (b"  two\n\nlines", "  two\n\nlines"),
    ],
)
def test_a_dash_reads_the_prompt_from_standard_input(sent: bytes, prompt: str) -> None:
    with RawServer([answer("Hi")]) as server:
        settings = settings_for(server, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert run_program("-", stdin=sent, settings=settings).status == 0
    assert server.requests[0].json()["messages"] == [{"role": "user", "content": prompt}]


@pytest.mark.parametrize(
    ("model", "text"), [("local/truncate", "Hello! You said\n"), ("local/error-429", "")]
)
def test_an_error_is_one_line_after_the_partial_text(model: str, text: str) -> None:
    result = run("--model", model, "Hello")
    assert (result.status, result.out) == (1, text)
    assert result.err.startswith(NOTICE)
    assert is_one_line(result.err.removeprefix(NOTICE))


def test_the_message_of_the_server_is_printed() -> None:
    result = run("--model", "local/midstream-error", "Hello")
    assert (result.status, result.out) == (1, "Hello! You said\n")
    assert "the model provider failed in the middle of the answer (code provider_error" in result.err

    result = run("--model", "local/error-402", "--no-stream", "Hello")
    assert (result.status, result.out) == (1, "")
    assert "402 Payment Required: not enough credit; nothing was stored (code ins" in result.err


def test_an_error_body_of_many_lines_is_one_line() -> None:
    body = json.dumps({"message": "first\nsecond\r\n\x1b[31mthird\u2028fourth"})
    with RawServer([http_response(400, {"Content-Type": "application/json"}, body)]) as server:
        result = ask(server, "Hello")
    assert (result.status, result.out) == (1, "")
    assert is_one_line(result.err)
    assert all(word in result.err for word in ("400 Bad Request", "first", "fourth"))
    assert "\x1b" not in result.err


def test_a_lost_connection_keeps_the_partial_text() -> None:
    head, *events, _ = framed(answer("Hel", "lo"), "chunked")
    with RawServer([[head, events[0], CLOSE]]) as server:
        result = ask(server, "Hello")
    assert (result.status, result.out) == (1, "Hel\n")
    assert is_one_line(result.err)


def test_no_server_is_one_line() -> None:
    address = f"127.0.0.1:{closed_port()}"
    result = run("Hello", settings={"TACHYON_API_URL": f"http://{address}", **REQUIRED})
    assert (result.status, result.out) == (1, "")
    assert is_one_line(result.err)
    assert "refused" in result.err and address in result.err


@pytest.mark.parametrize(("arguments", "response"), [((), answer()), (("--no-stream",), whole(None))])
def test_a_response_without_text_is_a_failure(arguments: tuple[str, ...], response: bytes) -> None:
    with RawServer([response]) as server:
        result = ask(server, *arguments, "Hello")
    assert result == Result(1, "", "python -m tachyon_sdk: the response has no text\n")


CUT = "the response was truncated at a length limit"


@pytest.mark.parametrize(("options", "response"), [((), streamed), (("--no-stream",), whole)])
@pytest.mark.parametrize("room", [(), ("--chatroom", "r")])
@pytest.mark.parametrize(
    ("finish_reason", "status", "says"),
    [
        ("length", 3, CUT),
        ("MAX_TOKENS", 3, CUT),
        ("max_output_tokens", 3, CUT),
        ("content_filter", 4, "the response was withheld"),
        ("SAFETY", 4, "the response was withheld"),
        ("aborted", 1, "the response was aborted"),
    ],
)
def test_an_incomplete_response_has_its_own_status(
    options: tuple[str, ...], room: tuple[str, ...], response: Any, finish_reason: str, status: int, says: str
) -> None:
    told = f"python -m tachyon_sdk: {says} (finish reason {finish_reason})\n"
    for text, printed in (("Cut in the mid", "Cut in the mid\n"), ("line\n", "line\n"), (None, "")):
        with RawServer([response(text, finish_reason)]) as server:
            assert ask(server, *options, *room, "Hello") == Result(status, printed, told)


@pytest.mark.parametrize(("options", "response"), [((), streamed), (("--no-stream",), whole)])
@pytest.mark.parametrize("text", [None, "No."])
def test_a_refusal_is_reported(options: tuple[str, ...], response: Any, text: str | None) -> None:
    with RawServer([response(text, refusal="I will\nnot.\x1b[31m")]) as server:
        result = ask(server, *options, "Hello")
    told = "python -m tachyon_sdk: the model refused: I will not. [31m\n"
    assert result == Result(4, f"{text}\n" if text else "", told)


@pytest.mark.parametrize(("options", "response"), [((), streamed), (("--no-stream",), whole)])
@pytest.mark.parametrize("finish_reason", ["stop", "STOP", "eos_token", "end_turn", "xyzzy"])
def test_unknown_finish_reasons_are_success(
    options: tuple[str, ...], response: Any, finish_reason: str
) -> None:
    with RawServer([response("Hi", finish_reason, refusal=None)]) as server:
        assert ask(server, *options, "Hello") == Result(0, "Hi\n", "")


def test_the_program_itself_has_the_status_of_its_own() -> None:
    with RawServer([streamed("Hi", "length")]) as server:
        result = run_program("Hello", settings=settings_for(server))
    assert result == Result(3, "Hi\n", f"python -m tachyon_sdk: {CUT} (finish reason length)\n")


@pytest.mark.parametrize("prompt", ["", " \t\n", "-"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    assert run(prompt) == Result(2, "", "python -m tachyon_sdk: the prompt is empty\n")


def test_invalid_utf_8_is_rejected() -> None:
    refused = Result(2, "", "python -m tachyon_sdk: the prompt or an option is not valid UTF-8\n")
    assert run_program("-", stdin=b"\xff") == refused
    if sys.platform not in ("win32", "darwin"):
        assert run_program(os.fsdecode(b"\xff")) == refused
        assert run_program(os.fsdecode(b"--model=\xff"), "Hello") == refused


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (["TACHYON_API_KEY"], "TACHYON_API_KEY"),
        (["TACHYON_OPERATOR_ID"], "TACHYON_OPERATOR_ID"),
        (["TACHYON_API_KEY", "TACHYON_OPERATOR_ID"], "TACHYON_API_KEY and TACHYON_OPERATOR_ID"),
    ],
)
def test_missing_credentials_are_named(missing: list[str], named: str) -> None:
    with RawServer([]) as server:
        result = run("Hello", settings={**settings_for(server), **dict.fromkeys(missing, "")})
    assert result == Result(2, "", f"python -m tachyon_sdk: not set in the environment: {named}\n")


def test_the_older_name_of_the_operator_will_do() -> None:
    with RawServer([answer("Hi")]) as server:
        assert ask(server, "Hello", TACHYON_OPERATOR_ID="", TACHYON_TENANT_ID="tn_2").status == 0
    assert server.requests[0].get("x-operator-id") == "tn_2"


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["Hello"], {"TACHYON_API_URL": "somewhere", **REQUIRED}, "TACHYON_API_URL"),
        (["--chatroom", "..", "Hello"], {"TACHYON_API_URL": "http://127.0.0.1", **REQUIRED}, "chatroom_id"),
        ([], {}, "prompt"),
        (["Hello", "there"], {}, "there"),
        (["--mod", "large", "Hello"], {}, "--mod"),
    ],
)
def test_invalid_arguments_are_one_line_and_status_2(
    arguments: list[str], settings: dict[str, str], named: str
) -> None:
    result = run(*arguments, settings=settings)
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err)
    assert named in result.err


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    absent = "raise ModuleNotFoundError(\"No module named 'starlette'\", name='starlette')"
    (tmp_path / "starlette.py").write_text(absent, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    result = run_program("Hello", settings={"PYTHONPATH": path})
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err)
    assert "needs the extra 'local' of tachyon-chat-sdk: starlette is not installed" in result.err
    with RawServer([answer("Hi")]) as server:
        assert run_program("Hello", settings=settings_for(server, PYTHONPATH=path)) == Result(0, "Hi\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_ctrl_c_during_a_response_is_quiet() -> None:
    gate = Gate()
    with RawServer([lock_step(framed(answer("Hel", "lo"), "chunked"), gate)]) as server:
        with started("Hello", settings=settings_for(server)) as process:
            gate.open()
            read(process, b"Hel")
            process.send_signal(signal.SIGINT)
            assert ended(process) == Result(130, "\n", "")
            gate.open(3)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_ctrl_c_before_the_response_is_quiet() -> None:
    asked = threading.Event()

    def never_answer(connection: Connection) -> None:
        connection.read_request()
        asked.set()
        connection.await_close()

    with RawServer(handler=never_answer) as server:
        with started("--no-stream", "Hello", settings=settings_for(server)) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            assert ended(process) == Result(130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_ctrl_c_ends_the_local_server_too() -> None:
    with started("--model", "local/slow", "Hello") as process:
        read(process, b"Hello")
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert (result.status, result.err) == (130, NOTICE)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break differently there")
def test_a_closed_pipe_ends_it_quietly() -> None:
    gate = Gate()
    with RawServer([lock_step(framed(answer("Hello", "again"), "chunked"), gate)]) as server:
        with started("Hello", settings=settings_for(server)) as process:
            gate.open()
            read(process, b"Hello")
            assert process.stdout is not None
            process.stdout.close()
            process.stdout = None
            gate.open(4)
            assert ended(process) == Result(141, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_an_output_that_cannot_be_written_is_one_line() -> None:
    with RawServer([answer("Hello", "again")]) as server, open("/dev/full", "wb") as full:
        settings = environment(settings_for(server))
        done = subprocess.run(
            [*COMMAND, "Hello"], stdout=full, stderr=subprocess.PIPE, timeout=60, env=settings
        )
    assert done.returncode == 1
    assert is_one_line(done.stderr.decode())


@pytest.mark.parametrize(("encoding", "printed"), [("ascii", b"? ?\n"), ("cp932", "こ ?\n".encode("cp932"))])
def test_a_terminal_that_lacks_a_character_shows_another(encoding: str, printed: bytes) -> None:
    with RawServer([answer("こ ", "\U0001f600")]) as server:
        settings = environment(settings_for(server, PYTHONIOENCODING=encoding))
        done = subprocess.run([*COMMAND, "Hello"], capture_output=True, timeout=60, env=settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, b"")


def test_version() -> None:
    assert run_program("--version") == Result(0, f"tachyon-chat-sdk {tachyon_sdk.__version__}\n", "")


def test_help_has_the_options_examples_and_exit_statuses() -> None:
    result = run("--help", settings={"COLUMNS": "100"})
    assert (result.status, result.err) == (0, "")
    for option in ("--model", "--system", "--chatroom", "--no-stream", "--version", "--help"):
        assert option in result.out
    assert 'python -m tachyon_sdk "Hello"' in result.out
    assert re.findall(r"(?m)^  (\d+) ", result.out) == ["0", "1", "2", "3", "4", "5", "130", "141"]
    for name in ("TACHYON_API_URL", *REQUIRED):
        assert name in result.out
