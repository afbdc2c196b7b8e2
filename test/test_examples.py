"""README and docs: every example runs, every link leads somewhere, every table tells the truth.

An example is a script of its own and runs as it stands, but for one thing: `http://localhost:50054`, where the
examples find a local server, becomes the URL of the server that is run for the tests.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

import tachyon_sdk
from support.examples import (
    PAGES,
    README,
    ROOT,
    Example,
    Outcome,
    anchor,
    anchors,
    examples,
    links,
    run_script,
    table,
)
from support.raw_server import closed_port
from tachyon_sdk import Configuration, RetryPolicy, exceptions, models
from tachyon_sdk.local import LocalServer

SERVER_IN_EXAMPLES = "http://localhost:50054"
CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
ALL = [example for page in PAGES for example in examples(page)]
SCRIPTS = [example for example in ALL if example.language == "python"]
ECHO = 'Hello! You said: "Hello".'

Outcomes = dict[str, Future[Outcome]]


def settings_for(source: str, url: str) -> dict[str, str]:
    """The environment of an example: what it needs, or what would make it fail if an argument did not win."""
    if "ApiClient()" in source:
        return {"TACHYON_API_URL": url, "TACHYON_API_KEY": "dummy-token", "TACHYON_OPERATOR_ID": "tn_1"}
    if "ApiClient(" in source:
        nowhere = f"http://127.0.0.1:{closed_port()}"
        return {"TACHYON_API_URL": nowhere, "TACHYON_API_KEY": "invalid", "TACHYON_OPERATOR_ID": "tn_wrong"}
    return {}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """The examples by name; they run side by side while the tests go through them.

    Each has a server of its own, so that what one says in a chatroom is not what another finds there.
    """

    def run(example: Example) -> Outcome:
        with LocalServer() as server:
            source = example.source.replace(SERVER_IN_EXAMPLES, server.url)
            directory = tmp_path_factory.mktemp("example")
            return run_script(source, directory, settings_for(source, server.url))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {example.name: pool.submit(run, example) for example in SCRIPTS}
        pool.shutdown(cancel_futures=True)


def succeeded(outcomes: Outcomes, example: Example) -> str:
    """What the example printed, once it has ended well."""
    outcome = outcomes[example.name].result(timeout=100)
    assert (outcome.status, outcome.err) == (0, ""), f"{example.name}\n{outcome.err}"
    return outcome.out


@pytest.mark.parametrize("example", SCRIPTS, ids=lambda example: example.name)
def test_every_example_runs_and_prints_something(example: Example, outcomes: Outcomes) -> None:
    printed = succeeded(outcomes, example)
    assert printed.strip()
    assert "Traceback" not in printed
    assert "refused" not in printed


@pytest.mark.parametrize(
    "example", [each for each in SCRIPTS if "pprint(api_response)" in each.source], ids=lambda each: each.name
)
def test_the_documented_calls_end_as_they_say(example: Example, outcomes: Outcomes) -> None:
    printed = succeeded(outcomes, example)
    (method,) = re.findall(r"api_instance\.(\w+)\(", example.source)
    if "ChatCompletionRequest()" in example.source:
        assert re.fullmatch(rf"Exception when calling ChatApi->{method}: .*\bmessages\b.*\n\n", printed)
    else:
        head, _, answer = printed.partition("\n\n")
        assert head == f"The response of ChatApi->{method}:"
        assert f"content={ECHO!r}" in answer


@pytest.mark.parametrize(
    "example",
    [each for each in SCRIPTS if "_stream(" in each.source and "docs" in each.name],
    ids=lambda each: each.name,
)
def test_the_documented_streams_print_the_answer(example: Example, outcomes: Outcomes) -> None:
    assert succeeded(outcomes, example) == f"{ECHO}\n"


def test_every_call_has_its_three_examples() -> None:
    sources = [example.source for example in SCRIPTS if example.page.name == "ChatApi.md"]
    for operation, stream in ((name, f"{name}_stream") for name in operations()):
        calls = [source for source in sources if re.search(rf"\.({operation}|{stream})\(", source)]
        assert [f".{stream}(" in source for source in calls] == [False, False, True]
        assert ["ChatCompletionRequest()" in source for source in calls] == [True, False, False]


@pytest.mark.parametrize(
    ("heading", "printed"),
    [
        ("Ask, and get the whole answer", f"{ECHO}\n"),
        ("Ask, and get the answer as it is made", f"{ECHO}\n"),
        (
            "Talk in a chatroom",
            'Hello! You said: "My name is Ken.".\n'
            'Hello again! You said: "What is my name?". Messages before this one: 2. '
            'You first said: "My name is Ken.".\n',
        ),
        (
            "When something goes wrong",
            "No credit: not enough credit; nothing was stored (code insufficient_credit)\n"
            "Hello! You said\nBroken off after: 'Hello! You said'\n",
        ),
        ("Configuration", f"{ECHO}\n"),
        ("A server for your own tests", "as expected\n"),
    ],
)
def test_the_examples_of_the_readme_print_what_they_should(
    heading: str, printed: str, outcomes: Outcomes
) -> None:
    (example,) = (each for each in SCRIPTS if each.page == README and each.heading == heading)
    assert succeeded(outcomes, example) == printed


def test_a_block_of_code_says_what_it_is() -> None:
    assert {example.language for example in ALL} == {"python", "sh"}


def test_the_two_commands_are_there_to_the_letter() -> None:
    commands = [example.source.strip() for example in examples(README) if example.language == "sh"]
    run = "python3 -m venv .venv && .venv/bin/pip install '.[local]' && .venv/bin/python -m tachyon_sdk \"Hello\""
    test = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
    assert run in commands
    assert test in commands
    assert test in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.is_file() and target.is_relative_to(ROOT)
        if not is_there or place not in (anchors(target) if target.suffix == ".md" else {""}):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}
    assert [page.name for page in PAGES if page not in linked and page != README] == []


def operations() -> dict[str, dict[str, str]]:
    """The operations of the contract by name, each with what the README should say of it."""
    found = {}
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            found[name] = {
                "Class": f"*{operation['tags'][0]}Api*",
                "Method": f"[**{name}**](docs/{operation['tags'][0]}Api.md#{name})",
                "HTTP request": f"**{method.upper()}** {path}",
                "Description": operation["summary"],
            }
    return found


def test_the_table_of_endpoints_is_that_of_the_contract() -> None:
    assert table(README, "Class") == list(operations().values())


def test_the_list_of_models_is_that_of_the_contract() -> None:
    listed = re.findall(r"(?m)^- \[(\w+)\]\(docs/(\w+)\.md\)$", README.read_text(encoding="utf-8"))
    names = sorted(CONTRACT["components"]["schemas"])
    assert listed == [(name, name) for name in names]
    assert sorted(models.__all__) == names


def test_the_table_of_errors_is_what_the_code_does() -> None:
    rows = table(README, "What happens")
    policy = RetryPolicy()
    for row in rows:
        error = row["Error"].strip("`")
        assert issubclass(getattr(tachyon_sdk, error), tachyon_sdk.ApiException)
        for status in re.findall(r"\d{3}", row["What happens"]):
            assert exceptions.exception_class(int(status)).__name__ == error
            assert (policy.delay(1, int(status)) is not None) == (row["Tried again"] == "yes")
    told = {row["Error"].strip("`") for row in rows}
    classes = {name for name in tachyon_sdk.__all__ if name.endswith("Exception")}
    assert classes - told == {"OpenApiException", "ApiException", "StreamTimeoutException"}


def test_what_is_said_of_retries_holds() -> None:
    policy = RetryPolicy()
    text = README.read_text(encoding="utf-8")
    assert (policy.retries, policy.max_retry_after) == (2, 60)
    assert "at most twice" in text and "more than 60 seconds" in text


def test_the_table_of_settings_has_the_defaults_and_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Configuration()
    for row in table(README, "Setting"):
        name, default, variable = (row[column].strip("`") for column in ("Setting", "Default", "Environment"))
        assert str(getattr(configuration, name)) == default
        if variable.startswith("TACHYON_"):
            monkeypatch.setenv(variable, "http://127.0.0.1")
            assert getattr(Configuration(), name) == "http://127.0.0.1"
    help_text = Configuration.__doc__ or ""
    assert all(row["Setting"].strip("`") in help_text for row in table(README, "Setting"))


def outcome_of(chat: tachyon_sdk.ChatApi, model: str) -> str:
    """How a stream of this model ends: the name of the error, or the whole text."""
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        return "".join(chat.chat_completion_stream(chat_completion_request=request).text)
    except tachyon_sdk.ApiException as error:
        return type(error).__name__


def test_the_models_that_fail_on_purpose_do_so() -> None:
    names = [row["Model"].strip("`") for row in table(README, "Model")]
    with LocalServer() as server:
        configuration = Configuration(server.url, access_token="dummy-token", operator_id="tn_1", retries=0)
        with tachyon_sdk.ApiClient(configuration) as client:
            chat = tachyon_sdk.ChatApi(client)
            found = {name: outcome_of(chat, name) for name in names}
    assert found == {
        "local/error-402": "PaymentRequiredException",
        "local/rate-limit-once": "TooManyRequestsException",
        "local/truncate": "StreamTruncatedException",
        "local/midstream-error": "StreamErrorException",
        "local/slow": ECHO,
    }


def test_every_attribute_that_the_readme_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    for name in re.findall(r"`stream\.(\w+)", text):
        assert hasattr(tachyon_sdk.Stream, name) or name in (tachyon_sdk.Stream.__doc__ or "")
    for name in re.findall(r"`(chat_completion\w*)`", text):
        assert hasattr(tachyon_sdk.ChatApi, name)
    fields = re.findall(r"`(\w+)`", text[text.index("`str(error)`") : text.index("are for programs")])
    assert fields
    assert all(hasattr(tachyon_sdk.ApiException(404), name) for name in fields)


def test_every_example_is_python_of_the_oldest_version() -> None:
    for example in SCRIPTS:
        ast.parse(example.source, example.name, feature_version=(3, 10))


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Documentation for API endpoints", "documentation-for-api-endpoints"),
        ("**chat_completion**", "chat_completion"),
        ("[1.0.0] - 2026-01-01", "100---2026-01-01"),
        ("What's `new`?", "whats-new"),
    ],
)
def test_anchors_are_those_of_github(heading: str, expected: str) -> None:
    assert anchor(heading) == expected
