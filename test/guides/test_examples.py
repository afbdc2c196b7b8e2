"""README and docs: every example runs, every link leads somewhere, every table tells the truth.

An example is a script of its own and runs as it stands, but for one thing: `http://localhost:50054`, where the
examples find a local server, becomes the URL of the server that is run for the tests. A block of text after the words
`It prints:`, right below an example, is what it prints.

A block marked `py` instead of `python` needs other servers or packages. test/servers runs those of
docs/Other_servers.md, test/shipping tests the instrumentation in docs/Configuration.md.
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
from tachyon_sdk import RetryPolicy, models
from tachyon_sdk.local import LocalServer

SERVER_IN_EXAMPLES = "http://localhost:50054"
CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
REFERENCE = ROOT / "docs" / "Reference.md"
ALL = [example for page in PAGES for example in examples(page)]
SCRIPTS = [example for example in ALL if example.language == "python"]
# In these each example says what it prints.
TOLD = [
    ROOT / "docs" / f"{name}.md"
    for name in (
        "Getting_started",
        "Streaming",
        "Live_output",
        "Tools",
        "Structured_output",
        "Chatrooms",
        "Models",
        "Asyncio",
    )
]
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
        # The pages of the APIs name --create-rooms for their server; the guides name the plain command.
        with LocalServer(create_rooms=example.page.name.endswith("Api.md")) as server:
            source = example.source.replace(SERVER_IN_EXAMPLES, server.url)
            directory = tmp_path_factory.mktemp("example")
            return run_script(source, directory, settings_for(source, server.url))

    tmp_path_factory.getbasetemp()  # so that the threads do not make it all at once
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {example.name: pool.submit(run, example) for example in SCRIPTS}
        pool.shutdown(cancel_futures=True)


def succeeded(outcomes: Outcomes, example: Example) -> str:
    """What the example printed, once it has ended well."""
    outcome = outcomes[example.name].result(timeout=100)
    assert (outcome.status, outcome.err) == (0, ""), f"{example.name}\n{outcome.err}"
    return outcome.out


@pytest.mark.parametrize("example", SCRIPTS, ids=lambda example: example.name)
def test_every_example_runs_and_prints_what_it_says(example: Example, outcomes: Outcomes) -> None:
    printed = succeeded(outcomes, example)
    if example.printed is not None:
        assert printed == example.printed
    assert printed.strip()
    assert "Traceback" not in printed


def test_every_promise_to_print_is_kept() -> None:
    for page in PAGES:
        promises = page.read_text(encoding="utf-8").count("\nIt prints:\n")
        assert promises == sum(example.printed is not None for example in examples(page)), page


@pytest.mark.parametrize("page", TOLD, ids=lambda page: page.name)
def test_every_example_of_these_guides_says_what_it_prints(page: Path) -> None:
    scripts = [example for example in SCRIPTS if example.page == page]
    assert scripts
    assert all(example.printed for example in scripts)


@pytest.mark.parametrize(
    "example", [each for each in SCRIPTS if "pprint(api_response)" in each.source], ids=lambda each: each.name
)
def test_the_documented_calls_end_as_they_say(example: Example, outcomes: Outcomes) -> None:
    printed = succeeded(outcomes, example)
    api = example.page.stem
    (method,) = re.findall(r"api_instance\.(\w+)\(", example.source)
    head, _, response = printed.partition("\n\n")
    if (
        api != "ChatApi" and "chatroom_id = " in example.source
    ):  # of a chatroom that the reader has to create first
        assert head.startswith(
            f"Exception when calling {api}->{method}: 404 Not Found: no such chatroom: 'room-1'"
        )
        return
    assert head == f"The response of {api}->{method}:"
    assert api != "ChatApi" or f"content={ECHO!r}" in response


@pytest.mark.parametrize(
    "example",
    [each for each in SCRIPTS if "_stream(" in each.source and each.page.name == "ChatApi.md"],
    ids=lambda each: each.name,
)
def test_the_documented_streams_print_the_answer(example: Example, outcomes: Outcomes) -> None:
    assert succeeded(outcomes, example) == f"{ECHO}\n"


def test_every_call_has_its_three_examples() -> None:
    sources = [example.source for example in SCRIPTS if example.page.name == "ChatApi.md"]
    streamed = [name for name, row in operations().items() if row["Class"] == "*ChatApi*"]
    for operation, stream in ((name, f"{name}_stream") for name in streamed):
        calls = [source for source in sources if re.search(rf"\.({operation}|{stream})\(", source)]
        assert [f".{stream}(" in source for source in calls] == [False, True, False]
        assert ["ChatCompletionRequest()" in source for source in calls] == [False, False, True]


@pytest.mark.parametrize(
    ("heading", "printed"),
    [
        ("Send a message", f"{ECHO}\n"),
        ("Streaming", f"{ECHO}\n"),
        (
            "Tools",
            'Hello! The tool get_weather answered: "Oslo will be sunny, 1 day(s) ahead".\n',
        ),
        (
            "Handle errors",
            "No credit: not enough credit; nothing was stored (code insufficient_credit)\n"
            "Hello! You said\nTruncated after: 'Hello! You said'\n",
        ),
    ],
)
def test_the_examples_of_the_readme_print_what_they_should(
    heading: str, printed: str, outcomes: Outcomes
) -> None:
    (example,) = (each for each in SCRIPTS if each.page == README and each.heading == heading)
    assert succeeded(outcomes, example) == printed


def test_a_block_of_code_says_what_it_is() -> None:
    assert "" not in {example.language for example in ALL}


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


def test_every_page_is_linked_from_the_readme_or_the_reference() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (README, REFERENCE)
        for link in links(page)
    }
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
    listed = re.findall(r"(?m)^- \[(\w+)\]\((\w+)\.md\)$", REFERENCE.read_text(encoding="utf-8"))
    names = sorted(CONTRACT["components"]["schemas"])
    assert listed == [(name, name) for name in names]
    assert sorted(models.__all__) == names


def test_what_is_said_of_retries_holds() -> None:
    text = README.read_text(encoding="utf-8")
    assert RetryPolicy().retries == 2
    assert "retried up to twice" in text


def test_every_attribute_that_the_readme_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    names = re.findall(r"\b(response|stream|error)\.(\w+)", text)
    response = tachyon_sdk.ChatCompletionChunkResponse.from_dict({"id": "1", "choices": [], "usage": None})
    things = {
        "response": response,
        "stream": tachyon_sdk.Stream,
        "error": tachyon_sdk.StreamTruncatedException(),
    }
    assert {kind for kind, _ in names} == things.keys()
    assert [name for kind, name in names if not hasattr(things[kind], name)] == []


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
