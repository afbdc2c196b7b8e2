"""`python -m tachyon_sdk.local`."""

from __future__ import annotations

import inspect
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from local.client import CREDENTIALS, Client, connection, joined, raw_request, read_to_end, user

from support.examples import ROOT, table
from tachyon_sdk.local import LocalServer

pytestmark = pytest.mark.exhaustive

COMMAND = [sys.executable, "-W", "error", "-m", "tachyon_sdk.local"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL it printed."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, process.communicate(timeout=60)
        yield process, found[0]
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with running("--port", "0") as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", url)
        client = Client(url)
        assert client.ask("Hello", stream=True).chunks
        with connection(url) as sock:
            sock.sendall(raw_request({"messages": [user("Hello")], "model": "local/truncate"}))
            read_to_end(sock)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        client.pool.clear()
    assert (process.returncode, out, err) == (0, "", "")


def test_the_data_file_is_kept(tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        with running("--port", "0", "--create-rooms", "--data", str(tmp_path / "data")) as (process, url):
            client = Client(url)
            texts.append(client.ask("My name is Ken", "r").text)
            client.pool.clear()
            process.terminate()
            process.communicate(timeout=60)
    assert "You first said" not in texts[0]
    assert 'You first said: "My name is Ken".' in texts[1]


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def test_a_port_that_is_taken_is_one_line_and_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = finished("--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    reason = f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert result.stderr == f"the local server did not start: {reason}\n"


def test_rooms_are_not_created_unless_it_is_told_to() -> None:
    with running("--port", "0") as (_, url):
        client = Client(url)
        assert client.ask("Hello", "room-1").status == 404
        client.pool.clear()


def test_an_address_that_others_can_reach_needs_a_key() -> None:
    result = finished("--host", "0.0.0.0", "--port", "0")
    assert (result.returncode, result.stdout) == (1, "")
    assert "other machines may reach 0.0.0.0" in result.stderr and "--key-env" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    result = finished("--port", "0", "--key-env", "KEY_OF_THE_TESTS")
    assert result.returncode == 1
    assert "the environment variable KEY_OF_THE_TESTS is not set" in result.stderr
    monkeypatch.setenv("KEY_OF_THE_TESTS", "the-key")
    with running("--port", "0", "--key-env", "KEY_OF_THE_TESTS") as (_, url):
        client = Client(url)
        assert client.ask("Hello").status == 401
        assert client.ask("Hello", headers={**CREDENTIALS, "Authorization": "Bearer the-key"}).status == 200
        client.pool.clear()


def test_origins_of_web_pages() -> None:
    with running("--port", "0", "--allow-origin", "https://app.example") as (_, url):
        client = Client(url)
        for origin, status in (("https://app.example", 200), ("https://other.example", 403)):
            assert client.ask("Hello", headers={**CREDENTIALS, "Origin": origin}).status == status
        client.pool.clear()


def test_a_data_file_that_cannot_be_used_is_one_line_and_status_1(tmp_path: Path) -> None:
    result = finished("--port", "0", "--data", str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(
        r"the local server did not start: .* cannot be used as data file: .*\n", result.stderr
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http", ""])
def test_what_is_no_port_is_a_usage_error(port: str) -> None:
    result = finished(f"--port={port}")
    assert result.returncode == 2
    assert "invalid port value" in result.stderr


def test_help_names_the_defaults() -> None:
    result = finished("--help")
    assert result.returncode == 0
    assert "127.0.0.1" in result.stdout and "50054" in result.stdout


def test_the_options_are_those_of_the_guide() -> None:
    rows = table(ROOT / "docs" / "Local_server.md", "Option")
    told = [row["Option"].strip("`") for row in rows]
    assert re.findall(r"(?m)^  (--[a-z-]+)", finished("--help").stdout) == told
    arguments = [row["Argument of `LocalServer`"].strip("`") for row in rows]
    parameters = set(inspect.signature(LocalServer).parameters)
    assert sorted(arguments) == sorted(parameters - {"answers"}), "scripted answers are for programs"


@pytest.mark.parametrize("arguments", [["--model", "large=x"], ["--upstream-key-env", "NAME"]])
def test_options_that_need_an_upstream(arguments: list[str]) -> None:
    result = finished(*arguments)
    assert (result.returncode, "need --upstream" in result.stderr) == (2, True)


@pytest.mark.parametrize("model", ["", "=x", "large="])
def test_what_is_no_name_of_a_model_is_a_usage_error(model: str) -> None:
    result = finished("--upstream", "http://127.0.0.1:1/v1", f"--model={model}")
    assert (result.returncode, "invalid model value" in result.stderr) == (2, True)


def test_an_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_TESTS", "the-key")
    with LocalServer(key="the-key") as behind:
        options = ["--upstream", f"{behind.url}/v1/llms", "--upstream-key-env", "KEY_OF_THE_TESTS"]
        with running("--port", "0", *options, "--model", "large=local/echo", "--model", "small") as (
            process,
            url,
        ):
            client = Client(url)
            assert (
                joined(client.ask("Hello", model="large", stream=True).chunks) == 'Hello! You said: "Hello".'
            )
            assert client.ask("Hello", model="local/nothing").status == 400
            models = client.request("GET", "/v1/llms/models").json["models"]
            assert [(model["id"], model["name"]) for model in models] == [
                ("large", "local/echo"),
                ("small", "small"),
            ]
            process.terminate()
            assert process.communicate(timeout=60) == ("", "")
            client.pool.clear()
        assert behind.requests[0].body["model"] == "local/echo"
