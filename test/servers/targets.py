"""The servers of docs/Other_servers.md: their commands, files and keys, and how the tests call them."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from servers.processes import ServerProcess

from support.chat import chat
from support.examples import ROOT, examples
from tachyon_sdk import ChatApi

PAGE = ROOT / "docs" / "Other_servers.md"
LLAMA_KEY, LITELLM_KEY = "xxxxx", "sk-xxxxx"  # as on the page
DOOMED = "doomed"
"""A model of LiteLLM. A test starts the server behind it, and kills it."""
INTERRUPTED = "interrupted"
"""A model of LiteLLM. The server behind it interrupts a stream when another request arrives."""

TARGETS = ("llama-cpp-python", "LiteLLM, mock", "LiteLLM, llama-cpp-python")
WITH_LLAMA = (TARGETS[0], TARGETS[2])


class Target(NamedTuple):
    """A server, and a model of it whose text is `ANSWER`."""

    name: str
    host: str
    key: str
    model: str

    @contextlib.contextmanager
    def chat(self, **settings: Any) -> Iterator[ChatApi]:
        with chat(self.host, **{"access_token": self.key, "operator_id": "none", **settings}) as api:
            yield api


def code_of_the_page(beginning: str) -> str:
    """The code block of the page that begins with this text. A file begins with a comment that has its name."""
    (source,) = (each.source for each in examples(PAGE) if each.source.startswith(beginning))
    return source


def command_of_the_page(program: str) -> tuple[dict[str, str], list[str]]:
    """Environment and arguments of the command on the page that starts this program, with `{port}` as port."""
    lines = [line for each in examples(PAGE) if each.language == "sh" for line in each.source.splitlines()]
    (line,) = (line for line in lines if f" {program} " in line and "--port" in line)
    words = shlex.split(line)
    start = words.index(program)
    arguments = [str(Path(sys.executable).with_name(program)), *words[start + 1 :]]
    arguments[arguments.index("--port") + 1] = "{port}"
    return dict(word.split("=", 1) for word in words[:start]), arguments


def llama_cpp_python(
    folder: Path, settings: Mapping[str, str] | None = None, port: int | None = None
) -> ServerProcess:
    """The server of llama-cpp-python."""
    environment, command = command_of_the_page("uvicorn")
    environment |= settings or {}
    return ServerProcess(*command, ready="/openapi.json", folder=folder, settings=environment, port=port)


def litellm(folder: Path, config: dict[str, Any]) -> ServerProcess:
    """The proxy of LiteLLM."""
    environment, command = command_of_the_page("litellm")
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # do not download the list of prices
    return ServerProcess(*command, ready="/v1/llms/health/liveliness", folder=folder, settings=environment)
