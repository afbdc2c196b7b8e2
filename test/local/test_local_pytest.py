"""The pytest plugin. `shipping/test_plugin.py` tests it as it is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FAILING = """
import pytest, tachyon_sdk
from tachyon_sdk.local import Fault

BODY = {"messages": [{"role": "user", "content": "Hello"}]}


def ask():
    with tachyon_sdk.ApiClient() as api_client:
        return tachyon_sdk.ChatApi(api_client).chat_completion(chat_completion_request=BODY).text


def test_unused(tachyon_server):
    tachyon_server.answers = ["one", "two"]
    assert ask() == "one"

def test_no_answer_left(tachyon_server):
    tachyon_server.answers = []
    with pytest.raises(tachyon_sdk.ServiceException):
        ask()

def test_failing_function(tachyon_server):
    def answer(request):
        assert request.body["messages"] == "wrong"
    tachyon_server.answers = answer
    with pytest.raises(tachyon_sdk.ServiceException):
        ask()

def test_its_own_failure_is_the_only_one(tachyon_server):
    tachyon_server.answers = ["one"]
    assert 1 == 2

@pytest.fixture
def late(tachyon_server):
    yield
    tachyon_server.answers = []
    with pytest.raises(tachyon_sdk.ServiceException):
        ask()

def test_late(late):
    pass
"""
PASSING = """
import os, pytest, tachyon_sdk, unittest

BODY = {"model": "local/limit-0.001", "messages": [{"role": "user", "content": "Hello"}]}
ECHO = 'Hello! You said: "Hello".'


@pytest.mark.parametrize("number", [1, 2])
def test_nothing_is_left_of_the_test_before(number, tachyon_server, tachyon_chat):
    assert (tachyon_server.requests, tachyon_server.statuses, tachyon_server.answers) == ([], {}, None)
    answer = tachyon_chat.chat_completion_on_chatroom("r", chat_completion_request=BODY)
    assert answer.text == ECHO
    tachyon_server.answers = ["not used"]
    tachyon_server.answers = None

def test_stopped(tachyon_server):
    tachyon_server.stop()
    configuration = tachyon_sdk.Configuration(retries=0)
    with tachyon_sdk.ApiClient(configuration) as api_client, pytest.raises(tachyon_sdk.ConnectionException):
        tachyon_sdk.ChatApi(api_client).chat_completion(chat_completion_request=BODY)

def test_the_default_client(tachyon_server):
    tachyon_server.answers = ["one"]
    chat = tachyon_sdk.ChatApi()
    assert chat.api_client.configuration.host == os.environ["TACHYON_API_URL"] == tachyon_server.url
    assert chat.chat_completion(chat_completion_request=BODY | {"model": "large"}).text == "one"
    assert tachyon_server.requests[0].headers["x-operator-id"] == "tn_xxxxxx"
    assert "x-user-id" not in tachyon_server.requests[0].headers

def test_the_settings_are_back():
    assert tachyon_sdk.Configuration.get_default().host == "http://settings.invalid"
    assert os.environ["TACHYON_USER_ID"] == "user"

@pytest.mark.usefixtures("tachyon_server")
class TestOld(unittest.TestCase):
    def test_it(self):
        with tachyon_sdk.ApiClient() as api_client:
            tachyon_sdk.ChatApi(api_client).chat_completion(chat_completion_request=BODY)
"""
UNUSED = """
import sys

def test_nothing_is_imported():
    assert "_tachyon_sdk_pytest" in sys.modules
    assert not [name for name in sys.modules if name.startswith(("tachyon_sdk", "starlette", "pydantic"))]
"""


def outcome(tmp_path: Path, source: str) -> tuple[int, str]:
    (tmp_path / "test_own.py").write_text(source, encoding="utf-8")
    # The plugin by its module: the package need not be installed.
    plugins = ("-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:tachyon", "-p", "_tachyon_sdk_pytest")
    others = {"http_proxy": "http://127.0.0.1:9", "TACHYON_USER_ID": "user"}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-rA", "-W", "error", *plugins, "test_own.py"],
        cwd=tmp_path,
        env={**os.environ, "TACHYON_API_URL": "http://settings.invalid", **others},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_what_fails(tmp_path: Path) -> None:
    status, said = outcome(tmp_path, FAILING)
    assert status == 1
    summary = re.findall(r"(?m)^(FAILED|ERROR|PASSED) test_own.py::(\w+)", said)
    assert sorted(summary) == [
        ("ERROR", "test_late"),
        ("FAILED", "test_failing_function"),
        ("FAILED", "test_its_own_failure_is_the_only_one"),
        ("FAILED", "test_no_answer_left"),
        ("FAILED", "test_unused"),
        ("PASSED", "test_late"),
    ]
    assert "tachyon_server: 1 answer was not used: 'two'" in said
    assert "tachyon_server: no answer is left for request 1, POST /v1/llms/chat/completions" in said
    assert 'assert request.body["messages"] == "wrong"' in said, "the line that failed is shown"


def test_what_passes(tmp_path: Path) -> None:
    status, said = outcome(tmp_path, PASSING)
    assert (status, "6 passed" in said) == (0, True), said


def test_nothing_is_imported_before_a_fixture_is_used(tmp_path: Path) -> None:
    status, said = outcome(tmp_path, UNUSED)
    assert status == 0, said


@pytest.mark.parametrize("running", [True, False])
def test_reset(running: bool) -> None:
    from tachyon_sdk.local import LocalServer

    server = LocalServer(answers=["one"])
    if running:
        server.start()
    server.reset()
    server.verify()
    assert (server.answers, server.is_running) == (None, running)
    server.stop()
    assert not server.is_running
