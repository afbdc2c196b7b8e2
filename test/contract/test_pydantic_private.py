"""Without the private attributes of pydantic that the package reads, the public interface gives the same results.

A program of its own runs the package with one of the names replaced by one that pydantic does not have.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tachyon_sdk
from support.chat import ANSWER, STREAM
from support.programs import STRICT
from support.raw_server import RawServer
from tachyon_sdk import ChatCompletionRequest, Message

PACKAGE = Path(tachyon_sdk.__file__).parent
NAMES = sorted(
    {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"__pydantic_\w+__", file.read_text(encoding="utf-8"))
    }
)

PROGRAM = """
import importlib.abc, importlib.machinery, json, logging, sys

url, name = sys.argv[1:]

class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, module):
        source = self.get_data(self.path).replace(name.encode(), b"__pydantic_absent__") if name else None
        return super().get_code(module) if source is None else self.source_to_code(source, self.path)

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, module, path, target=None):
        if module.partition(".")[0] != "tachyon_sdk":
            return None
        spec = importlib.machinery.PathFinder.find_spec(module, path, target)
        spec.loader = Loader(module, spec.origin)
        return spec

class Messages(logging.Handler):
    texts = []
    def emit(self, record):
        self.texts.append(record.getMessage())

sys.meta_path.insert(0, Finder())
logging.getLogger("tachyon_sdk").addHandler(Messages())
logging.getLogger("tachyon_sdk").setLevel(logging.DEBUG)

import tachyon_sdk
from tachyon_sdk import ChatCompletionRequest, Message

def request():
    request = ChatCompletionRequest(model="large", own={"a": None}, seed=None)
    assert request.missing_properties() == ["messages"]
    request.messages.append(Message(role="user", content="Hello"))
    assert request.missing_properties() == []
    return request

configuration = tachyon_sdk.Configuration(url, access_token="t", operator_id="o", proxy="")
with tachyon_sdk.ApiClient(configuration) as client:
    chat = tachyon_sdk.ChatApi(client)
    whole = chat.chat_completion(chat_completion_request=request())
    with chat.chat_completion_stream(chat_completion_request=request()) as stream:
        chunks = [chunk.to_dict() for chunk in stream]
        merged = stream.collect()
print(json.dumps({
    "request": [request().to_json(), request().to_dict(), repr(request())],
    "whole": [whole.to_json(), whole.to_dict(), repr(whole), whole.to_message().to_dict()],
    "chunks": chunks,
    "merged": [merged.text, merged.to_dict(), merged.model_extra],
}))
print(json.dumps([text for text in Messages.texts if "pydantic" in text]))
"""


def run(absent: str) -> tuple[dict[str, Any], list[str], list[bytes]]:
    """The results of the program, its messages about pydantic, and the bodies of its requests."""
    with RawServer([ANSWER, STREAM]) as server:
        command = [sys.executable, *STRICT, "-c", PROGRAM, server.url, absent]
        process = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (process.returncode, process.stderr) == (0, "")
        results, messages = map(json.loads, process.stdout.splitlines())
        return results, messages, [request.body for request in server.requests]


@pytest.fixture(scope="module")
def usual() -> tuple[dict[str, Any], list[bytes]]:
    results, messages, bodies = run("")
    assert messages == []
    return results, bodies


@pytest.mark.parametrize("name", NAMES)
def test_results_without_a_private_attribute_are_the_same(
    name: str, usual: tuple[dict[str, Any], list[bytes]]
) -> None:
    results, messages, bodies = run(name)
    assert (results, bodies) == usual
    assert messages == ["pydantic has no __pydantic_absent__: using its slower public interface"]


def test_the_private_attributes_are_these() -> None:
    assert [name.strip("_").removeprefix("pydantic_") for name in NAMES] == [
        "extra",
        "fields_set",
        "serializer",
        "validator",
    ]


# The signature that `help` shows


def test_the_signature_is_there_before_the_first_use() -> None:
    code = "import inspect, sys, tachyon_sdk; print(*inspect.signature(getattr(tachyon_sdk, sys.argv[1])).parameters)"
    command = [sys.executable, *STRICT, "-c", code, "Message"]
    assert subprocess.check_output(command, text=True, timeout=60).split() == [
        "role",
        "content",
        "tool_calls",
        "extra_data",
    ]


def test_the_signature_of_a_subclass_and_of_an_instance() -> None:
    class Own(Message):
        mark: int = 0

    assert [*inspect.signature(Own).parameters][-2:] == ["mark", "extra_data"]
    assert "messages" in inspect.signature(ChatCompletionRequest).parameters
    assert not hasattr(Own(role="user"), "__signature__")

    class Unused(Message):
        pass

    assert not hasattr(Unused.model_construct(), "__signature__")
