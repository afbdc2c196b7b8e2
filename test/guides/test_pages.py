"""What the guides say in tables and lists is what the package does: nothing is missing, and nothing is made up."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import tachyon_sdk
from support.examples import ROOT, examples, links, table
from tachyon_sdk import ChatApi, Configuration, RetryPolicy, exceptions
from tachyon_sdk.local import LocalServer, RecordedRequest

DOCS = ROOT / "docs"
# Those of the site's navigation, so that the two cannot go different ways.
GUIDES = re.search(r"(?ms)^GUIDES = (\(.+?^\))$", (DOCS / "site" / "conf.py").read_text(encoding="utf-8"))
assert GUIDES
ORDER: tuple[str, ...] = ast.literal_eval(GUIDES[1])
PROXY_VARIABLES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
SETTINGS_OF_THE_CONSTRUCTOR = inspect.signature(Configuration).parameters


def names_in(text: str) -> list[str]:
    """What is set as code."""
    return re.findall(r"`([^`]+)`", text)


def settings() -> dict[str, dict[str, str]]:
    """The rows of all tables of settings, by setting."""
    rows: dict[str, dict[str, str]] = {}
    cells = r"\|([^|\n]*)" * 3
    page = (DOCS / "Configuration.md").read_text(encoding="utf-8")
    for body in re.findall(r"(?m)^Setting \| Default \| Environment \| Meaning\n[- |]+\n((?:.+\n)+)", page):
        for setting, default, variables, meaning in re.findall(rf"(?m)^`(\w+)` {cells}$", body):
            assert setting not in rows
            rows[setting] = {"Default": default, "Environment": variables, "Meaning": meaning.strip()}
    return rows


@pytest.mark.parametrize(("page", "following"), list(pairwise(ORDER)))
def test_every_guide_ends_with_a_link_to_the_next(page: str, following: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert f"\nNext: [{following.replace('_', ' ')}]({following}.md)" in text[-200:]
    assert links(DOCS / f"{page}.md")[-1] == f"{following}.md"


def test_every_setting_is_in_the_page() -> None:
    configuration = Configuration()
    public = {name for name in dir(configuration) if not name.startswith("_")}
    page = (DOCS / "Configuration.md").read_text(encoding="utf-8")
    rows = settings()
    assert SETTINGS_OF_THE_CONSTRUCTOR.keys() <= rows.keys() <= public
    assert public - set(names_in(re.sub(r"(?ms)^```.*?^```$", "", page))) == set()


@pytest.mark.parametrize("name", list(settings()))
def test_the_default_of_a_setting(name: str) -> None:
    (told,) = names_in(settings()[name]["Default"])
    if name in SETTINGS_OF_THE_CONSTRUCTOR and SETTINGS_OF_THE_CONSTRUCTOR[name].default is None:
        kept = getattr(Configuration(), name)
        assert told == ("None" if name in ("connection_pool_maxsize", "debug") else str(kept))
    elif name in SETTINGS_OF_THE_CONSTRUCTOR:
        default = SETTINGS_OF_THE_CONSTRUCTOR[name].default
        assert told == (str(default) or '""')
    else:
        assert told == str(getattr(Configuration(), name))


def variables() -> Iterator[tuple[str, str]]:
    for name, row in settings().items():
        for variable in names_in(row["Environment"]):
            yield name, variable


@pytest.mark.parametrize(("name", "variable"), list(variables()))
def test_a_setting_of_the_environment(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = "https://api.example" if variable == "HTTPS_PROXY" else "http://api.example"
    given = {} if name == "host" else {"host": host}
    value = "http://other.example"
    before = getattr(Configuration(**given), name)
    for spelling in {variable, variable.lower() if variable in PROXY_VARIABLES else variable}:
        with monkeypatch.context() as patch:
            patch.setenv(spelling, value)
            assert before != getattr(Configuration(**given), name) == value


def test_no_variable_is_missing() -> None:
    source = (ROOT / "tachyon_sdk" / "configuration.py").read_text(encoding="utf-8")
    used = set(re.findall(r'"(TACHYON_\w+)"', source))
    assert used
    assert {variable for _, variable in variables()} == used | PROXY_VARIABLES


def test_the_first_variable_of_two_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = names_in(settings()["operator_id"]["Environment"])
    monkeypatch.setenv(first, "tn_first")
    monkeypatch.setenv(second, "tn_second")
    assert Configuration().operator_id == "tn_first"


def test_the_number_of_connections() -> None:
    assert "5 for each CPU, at most 32" in settings()["connection_pool_maxsize"]["Meaning"]
    assert Configuration().connection_pool_maxsize == min(32, 5 * (os.cpu_count() or 1))


def test_the_table_of_the_retry_policy() -> None:
    rows = {row["Argument"].strip("`"): row for row in table(DOCS / "Configuration.md", "Argument")}
    parameters = inspect.signature(RetryPolicy).parameters
    assert rows.keys() == parameters.keys()
    for name, parameter in parameters.items():
        default = parameter.default
        if isinstance(default, frozenset):
            default = ", ".join(map(str, sorted(default)))
        assert rows[name]["Default"] == f"`{default}`"


def test_settings_that_are_said_to_be_unused_are_not_used() -> None:
    unused = [name for name, row in settings().items() if "not used" in row["Meaning"]]
    assert len(unused) == 7
    others = ("configuration.py", "checks.py")
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "tachyon_sdk").rglob("*.py")
        if file.name not in others
    )
    for name in unused:
        # `client_side_validation` is handed on, as generated clients do, and read by nobody.
        found = re.findall(rf"(?<!self)\.{name}\b", source.replace(f"self.configuration.{name}", ""))
        assert found == [], name


def tree(base: type[BaseException]) -> dict[str, str]:
    """The classes below this one, each with the one that it is shown under."""
    found = {}
    for cls in base.__subclasses__():
        if cls.__module__.startswith("tachyon_sdk."):
            found[cls.__name__] = cls.__bases__[0].__name__
            found |= tree(cls)
    return found


def test_the_tree_of_errors() -> None:
    for name in tachyon_sdk.__all__:
        getattr(tachyon_sdk, name)  # subclasses are known once they are loaded
    (drawn,) = (
        block.source
        for block in examples(DOCS / "Errors.md")
        if block.language == "text" and block.heading == "Exception hierarchy"
    )
    parents: dict[int, str] = {}
    found: dict[str, str] = {}
    for line in drawn.splitlines():
        name = re.search(r"\w+", line)
        assert name is not None
        depth = name.start() // 4
        parents[depth] = name[0]
        if depth:
            found[name[0]] = parents[depth - 1]
        for status in re.findall(r" (\d{3})$", line):
            assert exceptions.exception_class(int(status)).__name__ in (name[0], "ServiceException")
    assert found == tree(tachyon_sdk.OpenApiException)


def test_which_error_when() -> None:
    rows = table(DOCS / "Errors.md", "Cause")
    policy = RetryPolicy()
    for row in rows:
        (error,) = names_in(row["Exception"])
        assert issubclass(getattr(tachyon_sdk, error), tachyon_sdk.ApiException)
        for status in re.findall(r"\b\d{3}\b", row["Cause"]):
            assert exceptions.exception_class(int(status)).__name__ == error
            assert (policy.delay(1, int(status)) is not None) == (row["Retried"] == "yes")
        if row["Retried"] == "yes":
            assert row["Took effect"] == "no"
    shown = {names_in(row["Exception"])[0] for row in rows}
    assert shown == tree(tachyon_sdk.ApiException).keys()


def test_what_an_error_carries() -> None:
    rows = {row["Attribute"].strip("`"): row for row in table(DOCS / "Errors.md", "Attribute")}
    properties = {
        name: member.fget.__annotations__["return"]
        for name, member in vars(tachyon_sdk.ApiException).items()
        if isinstance(member, property)
    }
    annotations = {**tachyon_sdk.ApiException.__annotations__, **properties}
    assert rows.keys() == annotations.keys()
    for name, row in rows.items():
        declared = annotations[name].split("[")[0].split(" |")[0]
        assert declared in ("Any", row["Type"].capitalize(), row["Type"]), name


Ask = Callable[..., object]


def outcome(ask: Ask, model: str = "large", *arguments: str) -> str:
    """The whole text of the answer, or the name of the error."""
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        answer = ask(*arguments, chat_completion_request=request)
        return str((answer.collect() if isinstance(answer, tachyon_sdk.Stream) else answer).text)  # type: ignore[attr-defined]
    except tachyon_sdk.ApiException as error:
        return type(error).__name__


@pytest.fixture
def chat() -> Iterator[ChatApi]:
    with LocalServer() as server:
        configuration = Configuration(server.url, access_token="dummy-token", operator_id="tn_1", retries=0)
        with tachyon_sdk.ApiClient(configuration) as client:
            yield ChatApi(client)


def test_the_models_that_fail_on_purpose(chat: ChatApi) -> None:
    echo = 'Hello! You said: "Hello".'
    for row in table(DOCS / "Testing.md", "Model"):
        model = row["Model"].strip("`")
        ends = (outcome(chat.chat_completion_stream, model), outcome(chat.chat_completion, model))
        told = names_in(row["Result in your program"])
        if model == "local/rate-limit-once":
            assert ends == ("TooManyRequestsException", echo)
        else:
            assert ends == ((told[0], told[-1]) if told else (echo, echo))


def test_the_tokens_and_the_chatroom_that_fail_on_purpose(chat: ChatApi) -> None:
    page = " ".join((DOCS / "Testing.md").read_text(encoding="utf-8").split())
    assert "tokens `invalid`, `forbidden` and `no-credit` get 401, 403 and 402" in page
    for token, status in (("invalid", 401), ("forbidden", 403), ("no-credit", 402)):
        chat.api_client.configuration.access_token = token
        assert outcome(chat.chat_completion) == exceptions.exception_class(status).__name__
    chat.api_client.configuration.access_token = "dummy-token"
    assert "The chatroom `missing` gets 404" in page
    assert outcome(chat.chat_completion_on_chatroom, "large", "missing") == "NotFoundException"


def test_what_the_local_server_answers(chat: ChatApi) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "roll_dice",
            "description": "Rolls dice.",
            "parameters": {
                "type": "object",
                "properties": {"sides": {"type": "integer", "default": 6}},
                "required": ["sides"],
            },
        },
    }

    def ask(*texts: str, **more: object) -> tachyon_sdk.ChatCompletionChunkResponse:
        messages = [{"role": "user", "content": text} for text in texts]
        return chat.chat_completion(chat_completion_request={"messages": messages, **more})

    system = {"role": "system", "content": "Be brief."}
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    called = ask("Please roll_dice", tools=[tool])
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "4"}
    instructed = ask(messages=[system, {"role": "user", "content": "Hi"}])
    with_result = ask(messages=[{"role": "user", "content": "Please roll_dice"}, called.to_message(), result])
    shown = {
        "a text": ask("Hi").text == 'Hello! You said: "Hi".' and "「潮」" in ask("潮").text,
        "another text, after": ask("Hi", "Ho").text
        == 'Hello again! You said: "Ho". Messages before this one: 1. You first said: "Hi".',
        "a system message": instructed.text == 'Hello! You said: "Hi". My instruction is: "Be brief.".',
        "tools, and the name": called.tool_calls[0].to_dict()["function"]
        == {"name": "roll_dice", "arguments": '{"sides": 6}'},
        "tools and `tool_choice`": len(ask("Hi", tools=[tool], tool_choice="any").tool_calls) == 1,
        "the results of tools": 'The tool roll_dice answered: "4".' in with_result.text,
        "`response_format`": ask("Hi", response_format={"type": "json_object"}).text
        == '{"answer": "Hello! You said: \\"Hi\\"."}',
        "`n`": len(ask("Hi", n=3).choices) == 3,
        "a small": ask("Hi", max_completion_tokens=2).to_dict()["choices"][0]
        == {"index": 0, "delta": {"role": "assistant", "content": "Hello!"}, "logprobs": None}
        | {"finish_reason": "length"},
        "images": "Images I received: 1." in ask(messages=[{"role": "user", "content": [picture]}]).text,
    }
    assert [name for name, holds in shown.items() if not holds] == []
    told = [row["Request"] for row in table(DOCS / "Testing.md", "Request")]
    assert len(told) == len(shown)
    assert all(row.startswith(name) for row, name in zip(told, shown, strict=True))


def test_what_is_said_to_be_recorded() -> None:
    rows = [row["Attribute"].strip("`") for row in table(DOCS / "Testing.md", "Attribute")]
    assert rows == list(RecordedRequest._fields)


def test_what_stays_is_there() -> None:
    stays = {row["Area"]: names_in(row["What stays"]) for row in table(DOCS / "Migrating.md", "Area")}
    parameters = inspect.signature(ChatApi.chat_completion).parameters
    # Those that are added can only be named.
    assert stays["Options of a call"] == [
        name
        for name in parameters
        if name.startswith("_") and parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    for name in stays["Imports"][1:]:
        assert inspect.ismodule(getattr(tachyon_sdk, name))
    for name in stays["Calls"]:
        assert hasattr(ChatApi, name) or hasattr(ChatApi, f"chat_completion{name}")
    assert all(hasattr(tachyon_sdk.Message, name) for name in stays["Models"])
    assert all(hasattr(tachyon_sdk.ApiException(404), name) for name in stays["Errors"])


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_name_of_the_package_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for dotted in set(re.findall(r"\btachyon_sdk((?:\.\w+)+)", re.sub(r"(?ms)^```.*?^```$", "", text))):
        found: object = tachyon_sdk
        for name in dotted.strip(".").split("."):
            if not hasattr(found, name):
                assert inspect.ismodule(found), dotted
                importlib.import_module(f"{found.__name__}.{name}")
            found = getattr(found, name)
