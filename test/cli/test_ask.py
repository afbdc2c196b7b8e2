"""Prompts, standard input, files, options and forms of output of `tachyon "..."`."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
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
    piece,
    read,
    run,
    run_program,
    settings_for,
    started,
    streamed,
    whole,
)
from support.raw_server import RawServer, json_response, stream_response
from tachyon_sdk.cli.arguments import COMMANDS
from tachyon_sdk.cli.interrupt import interruptible

pytestmark = pytest.mark.exhaustive

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def content_of(*arguments: str, stdin: bytes = b"") -> Any:
    """The content of the message that the command sends."""
    with RawServer([answer("Hi")]) as server:
        assert ask(server, *arguments, stdin=stdin) == Result(0, "Hi\n", "")
    (message,) = server.requests[0].json()["messages"]
    assert message["role"] == "user"
    return message["content"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "content"),
    [
        (["Summarise"], b"notes\nmore\n", "Summarise\n\nnotes\nmore"),
        (["Summarise"], b"", "Summarise"),
        (["Summarise"], b"\r\n \n", "Summarise"),
        ([], "\ufeff要約\r\n".encode(), "要約"),
        (["-m", "large"], b"prompt", "prompt"),
        (["-"], b"prompt", "prompt"),
        (["ask", "Summarise"], b"notes", "Summarise\n\nnotes"),
        (["--no-stdin", "Summarise"], b"notes", "Summarise"),
    ],
)
def test_the_prompt_and_standard_input_are_combined(arguments: list[str], stdin: bytes, content: str) -> None:
    assert content_of(*arguments, stdin=stdin) == content


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_prompt_may_be_the_name_of_a_command(name: str) -> None:
    assert content_of("--", name) == name
    assert content_of("ask", name) == name
    assert content_of("-m", "large", "--", name) == name
    assert content_of(f"{name} of cars") == f"{name} of cars"
    result = run("-m", "large", name)
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and f"'{name}' is a command" in result.err


def test_a_prompt_may_begin_with_a_hyphen() -> None:
    assert content_of("--", "-5 + 3?") == "-5 + 3?"


def test_files_follow_the_prompt_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffeins\r\n".encode())
    (tmp_path / "b.txt").write_bytes(b"two\n")
    files = ["-f", str(tmp_path / "a.txt"), "--file", str(tmp_path / "b.txt")]
    framed_files = "File: a.txt\n```\neins\r\n```\n\n\nFile: b.txt\n```\ntwo\n```\n"
    assert content_of("Compare", *files, stdin=b"notes") == f"Compare\n\nnotes\n\n{framed_files}"
    assert content_of(*files) == framed_files


def test_images_are_sent_as_data(tmp_path: Path) -> None:
    # The name says nothing: the first bytes do.
    (tmp_path / "photo").write_bytes(PNG)
    image = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"},
    }
    described = [{"type": "text", "text": "Describe"}, image]
    assert content_of("Describe", "-f", str(tmp_path / "photo")) == described
    assert content_of("Describe", stdin=PNG) == described
    assert content_of("-f", str(tmp_path / "photo")) == [image]
    url = "https://example.com/a.png"
    assert content_of("-f", url) == [{"type": "image_url", "image_url": {"url": url}}]


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe\x00", "neither text in UTF-8 nor an image"), (None, "No such")]
)
def test_a_file_that_cannot_be_sent_is_an_error(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "data.bin"
    if content is not None:
        file.write_bytes(content)
    result = run("Describe", "-f", str(file))
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and says in result.err and "data.bin" in result.err


def test_input_that_does_not_come_is_said() -> None:
    with RawServer([answer("Hi")]) as server:
        with subprocess.Popen(
            [*COMMAND, "Hello"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(settings_for(server)),
        ) as process:
            assert process.stderr is not None
            assert b"--no-stdin ignores it" in process.stderr.readline()
            out, err = process.communicate(b"", timeout=60)
    assert (process.returncode, out, err) == (0, b"Hi\n", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_a_terminal_is_not_read_and_shows_no_control_characters() -> None:
    import pty

    main_end, terminal = pty.openpty()
    with RawServer([answer("a\x1b[31m", "b\r\n\x9bc\td")]) as server:
        done = subprocess.run(
            [*COMMAND, "Hello"],
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            timeout=60,
            env=environment(settings_for(server)),
        )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = os.read(main_end, 1000).decode()
    assert shown.split() == ["a\ufffd[31mb", "\ufffdc", "d"]
    done = subprocess.run(COMMAND, stdin=terminal, capture_output=True, timeout=60, env=environment({}))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"a prompt is required" in done.stderr
    os.close(main_end)
    os.close(terminal)


def request_of(*arguments: str) -> Any:
    """What the command sends besides the messages."""
    with RawServer([answer("Hi")]) as server:
        assert ask(server, *arguments, "Hello").status == 0
    request = server.requests[0].json()
    assert request.pop("stream") is True
    del request["messages"]
    return request


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (["-m", "m"], {"model": "m"}),
        (["--max-tokens", "7"], {"max_completion_tokens": 7}),
        (["--temperature", "0.5"], {"temperature": 0.5}),
        (["--format", "text"], {}),
        (["--set", "top_p=0.25", "--set", "user=ken=1"], {"top_p": 0.25, "user": "ken=1"}),
        (["--set", "stop=NaN", "--set", "seed=null"], {"stop": "NaN", "seed": None}),
        (["--set", 'x.y=["a"]', "--set", "x.z="], {"x": {"y": ["a"], "z": ""}}),
        (["--usage"], {"stream_options": {"include_usage": True}}),
        (["--usage", "--set", "stream_options={}"], {"stream_options": {}}),
    ],
)
def test_options_become_properties_of_the_request(arguments: list[str], sent: dict[str, Any]) -> None:
    assert request_of(*arguments) == sent


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--temperature", "9"], "temperature"),
        (["--temperature", "warm"], "--temperature"),
        (["--max-tokens", "1.5"], "--max-tokens"),
        (["--set", "top_p"], "'top_p' is not NAME=VALUE"),
        (["--set", "a..b=1"], "NAME=VALUE"),
        (["--set", "messages=[]"], "use the prompt"),
        (["--set", "stream=false"], "--no-stream"),
        (["--set", "a=1", "--set", "a.b=1"], "'a' is not an object"),
        (["--set", "n=0"], "n: "),
        (["--format", "xml"], "--format"),
        (["--tool", "json"], "MODULE:NAME"),
        (["--tool", "no_such_module_x:f"], "no module 'no_such_module_x'"),
        (["--tool", "json:no_such_name"], "no 'no_such_name'"),
        (["--tool", "json:dumps"], "dumps"),
        (["--schema", "no-such-file.json"], "No such file"),
        (["--schema", "s.json", "--stream"], "--stream"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_sent(arguments: list[str], named: str) -> None:
    with RawServer([]) as server:
        result = ask(server, *arguments, "Hello")
    assert (result.status, result.out, server.requests) == (2, "", [])
    assert is_one_line(result.err) and named in result.err


# The server


@pytest.mark.parametrize("name", [*REQUIRED, "TACHYON_TENANT_ID"])
def test_credentials_without_a_url_are_not_for_the_local_server(name: str) -> None:
    result = run("Hello", settings={name: "x"})
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and "TACHYON_API_URL" in result.err and name in result.err


@pytest.mark.parametrize("option", [["--operator", "tn_1"], ["--key-env", "KEY"]])
def test_options_for_a_server_need_its_url(option: list[str]) -> None:
    result = run("Hello", *option, settings={"KEY": "k"})
    assert (result.status, result.out) == (2, "")
    assert "TACHYON_API_URL is not set, but --" in result.err


def test_a_chatroom_needs_a_server() -> None:
    result = run("--chatroom", "r", "Hello")
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and "--chatroom needs a server" in result.err


def test_the_server_and_its_credentials_may_be_options() -> None:
    with RawServer([answer("Hi")]) as server:
        options = ["--host", f"{server.url}/base", "--operator", "tn_2", "--key-env", "OTHER_KEY"]
        settings = {"TACHYON_API_URL": "http://127.0.0.1:9", **REQUIRED, "OTHER_KEY": "key-2"}
        assert run(*options, "Hello", settings=settings) == Result(0, "Hi\n", "")
    (request,) = server.requests
    assert request.target.startswith("/base/v1/")
    assert (request.get("x-operator-id"), request.get("Authorization")) == ("tn_2", "Bearer key-2")


def test_a_named_variable_without_a_key_is_an_error() -> None:
    with RawServer([]) as server:
        result = ask(server, "--key-env", "NO_KEY", "Hello")
    assert result == Result(2, "", "python -m tachyon_sdk: not set in the environment: NO_KEY\n")


# Output


@pytest.mark.parametrize("arguments", [[], ["--no-stream"]])
def test_json_is_one_line_with_the_response(arguments: list[str]) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    message = {"role": "assistant", "content": "こ\n"}
    body = {"id": "a", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    with RawServer([json_response(body)] * 2) as server:
        result = ask(server, "--json", *arguments, "Hello")
        ascii_only = subprocess.run(
            [*COMMAND, "--json", "Hello"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            env=environment(settings_for(server, PYTHONIOENCODING="ascii")),
        ).stdout
    (line,) = result.out.splitlines()
    assert (result.status, result.err) == (0, "")
    assert "こ" in line
    assert json.loads(line) == json.loads(ascii_only)
    assert json.loads(line)["usage"] == usage
    assert json.loads(line)["choices"] == [{"index": 0, "delta": message, "finish_reason": "stop"}]
    assert "stream" not in server.requests[0].json() or not server.requests[0].json()["stream"]


def test_json_of_a_stream_is_one_line_for_each_chunk() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    with RawServer([stream_response(piece("a"), end, usage, "[DONE]")]) as server:
        result = ask(server, "--json", "--stream", "Hello")
    assert [json.loads(line) for line in result.out.splitlines()] == [piece("a"), end, usage]
    assert result.status == 3
    assert server.requests[0].json()["stream_options"] == {"include_usage": True}


def test_json_shows_a_response_without_text() -> None:
    with RawServer([whole(None)]) as server:
        assert ask(server, "--json", "Hello").status == 0


@pytest.mark.parametrize("arguments", [[], ["--no-stream"], ["--json"]])
def test_usage_goes_to_stderr(arguments: list[str]) -> None:
    end = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42, "total_cost": 0.5}
    with RawServer([json_response({**end, "usage": usage})]) as server:
        result = ask(server, "--usage", *arguments, "Hello")
    assert result.err == "usage: 12 prompt, 30 completion, 42 total tokens; cost 0.5\n"
    with RawServer([json_response(end)]) as server:
        assert ask(server, "--usage", *arguments, "Hello").err == "usage: not reported by the server\n"


def test_calls_without_tools_are_named() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}]
    with RawServer([whole(None, "tool_calls", tool_calls=calls)]) as server:
        result = ask(server, "--no-stream", "Hello")
    assert (result.status, result.out) == (1, "")
    assert "calls get_tide: see the option --tool" in result.err


# Tools


TOOLS = '''
def get_tide(harbour: str = "Oslo") -> str:
    """The next high tide."""
    return "14:20"

def fail() -> str:
    """Fails."""
    raise LookupError("no\\ntide")
'''


@pytest.mark.parametrize("form", [[], ["--no-stream"], ["--json"]])
def test_the_model_may_call_a_function_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    (tmp_path / "tide_tools.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = run_program("--tool", "tide_tools:get_tide", *form, "Please call get_tide.")
    assert (result.status, result.err) == (0, NOTICE)
    assert "The tool get_tide answered" in result.out


def test_each_round_of_a_stream_begins_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tide_tools_2.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    function = {"name": "get_tide", "arguments": "{}"}
    call = {
        "index": 0,
        "delta": {"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": function}]},
    }
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    first = [piece("Let me see."), {"choices": [{**call, "finish_reason": "tool_calls"}], "usage": usage}]
    second = [
        piece("At 14:20."),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage},
    ]
    with RawServer([stream_response(*chunks, "[DONE]") for chunks in (first, second)]) as server:
        monkeypatch.syspath_prepend(str(tmp_path))
        result = ask(server, "--usage", "--tool", "tide_tools_2:get_tide", "When?")
    assert result == Result(0, "Let me see.\nAt 14:20.\n", "usage: 2 prompt, 4 completion, 6 total tokens\n")
    assert server.requests[1].json()["messages"][-1]["content"] == "14:20"


def test_an_exception_of_a_tool_is_two_lines_and_debug_shows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tide_tools_3.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    arguments = ["--tool", "tide_tools_3:fail", "Please call fail."]
    result = run_program(*arguments)
    assert result.status == 1
    assert "Traceback" not in result.err and len(result.err.splitlines()) == 3
    assert "LookupError" in result.err and "no tide" in result.err and "--debug" in result.err
    result = run_program("--debug", *arguments)
    assert result.status == 1
    assert "Traceback" in result.err and "tide_tools_3.py" in result.err


# JSON as the response


SCHEMA = {
    "type": "object",
    "properties": {"level": {"$ref": "#/$defs/Level"}},
    "required": ["level"],
    "$defs": {"Level": {"type": "integer", "minimum": 3}},
}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    file = tmp_path / "level.json"
    file.write_text(json.dumps(SCHEMA), encoding="utf-8")
    return str(file)


def test_a_response_of_a_schema_is_one_line_of_json(schema: str) -> None:
    with RawServer([whole('<think>5?</think>```json\n{"level":\n5}\n```')]) as server:
        assert ask(server, "--schema", schema, "-s", "Be brief.", "Hello") == Result(0, '{"level": 5}\n', "")
    request = server.requests[0].json()
    assert request["response_format"] == {"type": "json_object"}
    system, user = request["messages"]
    assert system["content"].startswith("Be brief.\n\n")
    assert json.loads(system["content"].splitlines()[-1]) == SCHEMA
    assert user == {"role": "user", "content": "Hello"}


def test_the_local_server_answers_with_the_schema(schema: str) -> None:
    assert run("--schema", schema, "Hello") == Result(0, '{"level": 3}\n', NOTICE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"level": 2}', "['level']: 2 is less than the minimum of 3"),
        ("{}", "'level' is a required property"),
        ("Hello", "level.json"),
    ],
)
def test_a_response_that_is_not_of_the_schema_has_its_own_status(schema: str, text: str, says: str) -> None:
    with RawServer([whole(text)] * 2) as server:
        result = ask(server, "--schema", schema, "Hello")
        assert (result.status, result.out) == (5, f"{text}\n")
        assert is_one_line(result.err) and says in result.err
        result = ask(server, "--json", "--schema", schema, "Hello")
        assert result.status == 5
        assert json.loads(result.out)["choices"][0]["delta"]["content"] == text


def test_a_truncated_response_is_told_from_one_that_does_not_match(schema: str) -> None:
    with RawServer([whole('{"level":', "length")]) as server:
        result = ask(server, "--schema", schema, "Hello")
    assert (result.status, result.out) == (3, '{"level":\n')


def test_a_schema_may_be_a_python_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import dataclasses, datetime\n@dataclasses.dataclass\nclass Tide:\n    day: datetime.date\n"
    (tmp_path / "tide_types.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with RawServer([whole('{"day": "2024-02-01"}'), whole('{"day": "2024-02-31"}')]) as server:
        assert ask(server, "--schema", "tide_types:Tide", "?") == Result(0, '{"day": "2024-02-01"}\n', "")
        result = ask(server, "--schema", "tide_types:Tide", "?")
    assert result.status == 5
    assert "day" in result.err


@pytest.mark.parametrize("content", ["{", "[]", '{"type": "no such type"}'])
def test_a_file_that_is_no_schema_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.json").write_text(content, encoding="utf-8")
    result = run("--schema", str(tmp_path / "bad.json"), "Hello")
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err) and "bad.json is not" in result.err


def test_without_jsonschema_it_says_that_nothing_is_checked(schema: str, tmp_path: Path) -> None:
    absent = "raise ModuleNotFoundError(\"No module named 'jsonschema'\", name='jsonschema')"
    (tmp_path / "jsonschema.py").write_text(absent, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with RawServer([whole('{"level": 2}'), whole("Hello")]) as server:
        settings = settings_for(server, PYTHONPATH=path)
        result = run_program("--schema", schema, "Hello", settings=settings)
        assert (result.status, result.out) == (0, '{"level": 2}\n')
        assert "not checked against level.json" in result.err
        assert run_program("--schema", schema, "Hello", settings=settings).status == 5


@pytest.mark.parametrize("options", [[], ["--no-stream"]])
@pytest.mark.parametrize(("text", "status"), [('{"a": 1}', 0), ("[1]", 5), ("Hello", 5)])
def test_format_json_checks_the_response(options: list[str], text: str, status: int) -> None:
    with RawServer([streamed(text)]) as server:
        result = ask(server, "--format", "json", *options, "Hello")
    assert (result.status, result.out) == (status, f"{text}\n")
    assert server.requests[0].json()["response_format"] == {"type": "json_object"}


# The process


CONSOLE_SCRIPT = (
    "import sys; from tachyon_sdk.__main__ import main; sys.argv[0] = '/bin/tachyon'; sys.exit(main())"
)


def as_script(*arguments: str) -> list[str]:
    """What an installer writes into the script, as a command."""
    return [sys.executable, "-W", "error", "-c", CONSOLE_SCRIPT, *arguments]


def test_the_script_is_called_tachyon() -> None:
    done = subprocess.run(as_script("no", "no"), capture_output=True, timeout=60, env=environment({}))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"tachyon: unrecognized arguments: no (see tachyon --help)\n"
    done = subprocess.run(as_script("help"), capture_output=True, timeout=60, env=environment({}))
    assert done.returncode == 0 and done.stdout.startswith(b"usage: tachyon [")
    assert done.stdout.count(b"\n") > 40


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["chat", "--help"]])
def test_what_needs_no_client_does_not_load_it(arguments: list[str]) -> None:
    code = f"""import sys; from tachyon_sdk.__main__ import main; sys.argv = ["tachyon", *{arguments!r}]
try: main()
except SystemExit: pass
print({{"pydantic", "urllib3", "starlette", "http.client", "logging"}} & sys.modules.keys(), file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == "set()\n"
    assert done.stdout


INTERRUPTED = [
    # The first module that the command imports, as it is found on the path, waits for ever.
    ("argparse.py", "import os, time; os.write(1, b'now'); time.sleep(60)"),
    ("pydantic.py", "import os, time; os.write(1, b'now'); time.sleep(60)"),
    # What raises something else when it is interrupted, while the models are loaded.
    (
        "pydantic_core.py",
        "import os, time\nos.write(1, b'now')\ntry: time.sleep(60)\n"
        "except BaseException: raise BaseException('not built')",
    ),
    # At the end of the process.
    (
        "sitecustomize.py",
        "import atexit, os, time\natexit.register(lambda: (os.write(1, b'now'), time.sleep(60)))",
    ),
]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
@pytest.mark.parametrize("command", [[*COMMAND, "Hello"], as_script("Hello")])
@pytest.mark.parametrize(("name", "code"), INTERRUPTED)
def test_ctrl_c_is_quiet_while_it_starts_and_ends(
    tmp_path: Path, command: list[str], name: str, code: str
) -> None:
    (tmp_path / name).write_text(code, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with RawServer([answer("Hi")]) as server:
        settings = settings_for(server, PYTHONPATH=path)
        with started("Hello", settings=settings, command=command[:-1]) as process:
            read(process, b"Hi\nnow" if name == "sitecustomize.py" else b"now")
            process.send_signal(signal.SIGINT)
            assert ended(process) == Result(130, "", "")


def test_the_command_is_installed() -> None:
    from importlib.metadata import entry_points

    scripts = [script for script in entry_points(group="console_scripts") if script.name == "tachyon"]
    if not scripts:
        pytest.skip("the package is not installed")
    assert scripts[0].value == "tachyon_sdk.__main__:main"


def test_version_is_that_of_the_package() -> None:
    assert run("--version") == Result(0, f"tachyon-chat-sdk {tachyon_sdk.__version__}\n", "")


def test_whatever_an_interrupted_block_raises_is_an_interrupt() -> None:
    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise BaseException("lost") from error

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible():
        interrupted()
    with pytest.raises(ValueError, match="own"), interruptible():
        raise ValueError("own")
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
