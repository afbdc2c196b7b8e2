"""Starts the servers with the commands and files of docs/Other_servers.md, on other ports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import tiny_model
from servers.processes import ServerProcess, free_port
from servers.targets import (
    DOOMED,
    INTERRUPTED,
    LITELLM_KEY,
    LLAMA_KEY,
    TARGETS,
    Target,
    code_of_the_page,
    litellm,
    llama_cpp_python,
)
from servers.tiny_model import ANSWER

MOCKS: dict[str, Any] = {
    "mock": {"mock_response": "".join(ANSWER)},
    "mock-json": {"mock_response": '{"name": "Ken", "age": 30}'},
    "mock-tools": {
        "mock_tool_calls": [
            {
                "id": "call_a",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Oslo", "days": 2}'},
            }
        ]
    },
    "mock-429": {"mock_response": "litellm.RateLimitError"},
    "mock-context": {"mock_response": "litellm.ContextWindowExceededError"},
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the servers, with the model and the file that starts llama-cpp-python."""
    folder = tmp_path_factory.mktemp("servers")
    subprocess.run([sys.executable, tiny_model.__file__, folder / "model.gguf"], check=True)
    (folder / "serve.py").write_text(code_of_the_page("# serve.py\n"), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def llama(folder: Path) -> Iterator[ServerProcess]:
    with llama_cpp_python(folder) as server:
        yield server


@pytest.fixture(scope="session")
def interrupting(folder: Path) -> Iterator[ServerProcess]:
    """The same without the setting that the page recommends."""
    with llama_cpp_python(folder, {"INTERRUPT_REQUESTS": "1"}) as server:
        yield server


@pytest.fixture(scope="session")
def doomed_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def proxy_config(llama: ServerProcess, interrupting: ServerProcess, doomed_port: int) -> dict[str, Any]:
    """The configuration of the page, with more models."""
    config: dict[str, Any] = yaml.safe_load(code_of_the_page("# config.yaml\n"))
    (large,) = config["model_list"]
    parameters = large["litellm_params"]
    assert parameters["api_base"] == "http://localhost:8000/v1" and parameters["api_key"] == LLAMA_KEY
    large["litellm_params"] = {**parameters, "api_base": f"{llama.host}/v1"}
    others = {
        INTERRUPTED: {**parameters, "api_base": f"{interrupting.host}/v1"},
        DOOMED: {**parameters, "api_base": f"http://127.0.0.1:{doomed_port}/v1"},
        **{name: {"model": f"openai/{name}", "api_key": "none", **mock} for name, mock in MOCKS.items()},
    }
    config["model_list"] += [{"model_name": name, "litellm_params": each} for name, each in others.items()]
    config["litellm_settings"] = {"num_retries": 0, "telemetry": False}
    return config


@pytest.fixture(scope="session")
def proxy(folder: Path, proxy_config: dict[str, Any]) -> Iterator[ServerProcess]:
    with litellm(folder, proxy_config) as server:
        yield server


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the servers."""
    if request.param == "llama-cpp-python":
        return Target(request.param, request.getfixturevalue("llama").host, LLAMA_KEY, "large")
    model = "mock" if request.param == "LiteLLM, mock" else "large"
    return Target(request.param, request.getfixturevalue("proxy").host, LITELLM_KEY, model)
