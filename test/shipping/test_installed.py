"""The wheel in an environment that has nothing else: what a user's program can do there."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest
from shipping.environments import CommandError, Distributions, Environment, run

from support.proxies import socks_proxies
from tachyon_sdk.local import LocalServer

TALK = '''
import sys

import tachyon_sdk


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    return f"sunny in {city}"


configuration = tachyon_sdk.Configuration(
    host=sys.argv[1], access_token="dummy-token", operator_id="tn_xxxxxx", proxy=sys.argv[2]
)
with tachyon_sdk.ApiClient(configuration) as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    request = tachyon_sdk.ChatCompletionRequest(
        model="large", messages=[tachyon_sdk.Message(role="user", content="Hello")]
    )
    print(chat.chat_completion(chat_completion_request=request).text)
    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        print("|".join(stream.text))
    question = {"messages": [{"role": "user", "content": "Please use get_weather"}]}
    print(tachyon_sdk.converse(chat.chat_completion, question, tachyon_sdk.Toolbox(get_weather)).text)
'''
ECHO = 'Hello! You said: "Hello".'
TYPED = """
from tachyon_sdk import ApiClient, ChatApi

chat = ChatApi(ApiClient())
answer = chat.chat_completion(chat_completion_request={"messages": []})
reveal_type(answer)
reveal_type(answer.choices[0].delta.content)
reveal_type(chat.chat_completion_stream().text)
chat.chat_complete()
"""
TYPES = [
    'note: Revealed type is "tachyon_sdk.models.chat_completion_chunk_response.ChatCompletionChunkResponse"',
    'note: Revealed type is "str | None"',
    'note: Revealed type is "typing.Iterator[str]"',
    'error: "ChatApi" has no attribute "chat_complete"; maybe "chat_completion"?  [attr-defined]',
]


def check_talk(said: str) -> None:
    plain, streamed, with_tool = said.splitlines()
    assert plain == ECHO
    assert streamed.replace("|", "") == ECHO and streamed.count("|") > 2
    assert with_tool == 'Hello! The tool get_weather answered: "sunny in city".'


def test_a_program_that_talks(bare: Environment, server: LocalServer) -> None:
    check_talk(bare.run(TALK, server.url, ""))
    assert len(server.requests) == 4


def test_the_program_in_the_terminal(bare: Environment, server: LocalServer) -> None:
    settings = {"API_URL": server.url, "API_KEY": "dummy-token", "OPERATOR_ID": "tn_1"}
    assert bare.module("tachyon_sdk", "Hello", **settings) == f"{ECHO}\n"


def test_nothing_but_what_it_needs_is_there(bare: Environment) -> None:
    installed = bare.distributions()
    assert {"tachyon-chat-sdk", "pydantic", "python-dateutil", "typing-extensions", "urllib3"} <= installed
    assert installed.isdisjoint({"pip", "setuptools", "starlette", "uvicorn", "pysocks"})


def test_what_an_extra_would_bring_is_said(bare: Environment) -> None:
    for command in (["tachyon_sdk.local", "--port", "0"], ["tachyon_sdk", "Hello"]):
        with pytest.raises(CommandError, match="needs the extra 'local' of tachyon-chat-sdk: "):
            bare.module(*command)
    with pytest.raises(CommandError, match=r"ApiValueError: .* the extra 'socks' of tachyon-chat-sdk: "):
        bare.run(TALK, "http://127.0.0.1:1", "socks5://127.0.0.1:1")


def test_a_type_checker_sees_the_types(bare: Environment, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TYPED, encoding="utf-8")
    options = ("--strict", "--no-error-summary", "--python-executable", bare.python)
    with pytest.raises(CommandError) as caught:
        run(sys.executable, "-m", "mypy", *options, program, cwd=tmp_path)
    said = [line.partition(": ")[2] for line in str(caught.value).splitlines()[1:]]
    assert said == TYPES


# With the extras


def test_the_extras_are_there(extras: Environment) -> None:
    assert {"starlette", "uvicorn", "pysocks"} <= extras.distributions()
    assert extras.pip("check") == "No broken requirements found.\n"


def test_the_local_server_that_is_installed(extras: Environment) -> None:
    assert extras.module("tachyon_sdk", "Hello").endswith(f"{ECHO}\n")


def test_a_talk_through_a_socks_proxy(extras: Environment, server: LocalServer) -> None:
    with socks_proxies() as proxies:
        check_talk(extras.run(TALK, server.url, f"socks5h://{proxies.socks5}"))
        assert proxies.asked_for


# Beside the other project with this import name


FOREIGN = {
    "tachyon_sdk/__init__.py": "class SearchClient: ...\n",
    "tachyon_sdk/search.py": "",
    "tachyon_sdk-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tachyon-sdk\nVersion: 2.0\n",
    "tachyon_sdk-2.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def test_the_error_tells_that_another_distribution_shares_the_import_name(
    built: Distributions, tmp_path: Path
) -> None:
    foreign = tmp_path / "tachyon_sdk-2.0-py3-none-any.whl"
    record = "tachyon_sdk-2.0.dist-info/RECORD"
    with zipfile.ZipFile(foreign, "w") as archive:
        for name, text in FOREIGN.items():
            archive.writestr(name, text)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*FOREIGN, record]))
    environment = Environment(tmp_path, f"{foreign}")
    environment.pip("install", "--quiet", "--no-deps", str(built.wheel))  # over it
    for program in ("import tachyon_sdk; tachyon_sdk.SearchClient", "from tachyon_sdk import SearchClient"):
        with pytest.raises(CommandError, match="the distribution tachyon-sdk is installed as well"):
            environment.run(program)
    assert environment.run("import tachyon_sdk; hasattr(tachyon_sdk, '__wrapped__')") == ""
    environment.pip("uninstall", "--quiet", "--yes", "tachyon-sdk", "tachyon-chat-sdk")
    environment.pip("install", "--quiet", "--no-deps", str(built.wheel))
    with pytest.raises(CommandError, match=r"no attribute 'SearchClient'\n$"):
        environment.run("import tachyon_sdk; tachyon_sdk.SearchClient")
