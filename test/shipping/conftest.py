"""The distributions, built once, and environments into which nothing else is installed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from shipping.environments import Distributions, Environment, build

from support.contract import ROOT
from tachyon_sdk.local import LocalServer


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The sdist, and the wheel that was built from it."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def environments(built: Distributions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Environment]:
    """By name: `bare` has the wheel and what it depends on, `extras` has it with the extras."""
    wanted = {"bare": str(built.wheel), "extras": f"{built.wheel}[cli,local,socks]"}
    with ThreadPoolExecutor() as pool:
        made = {
            name: pool.submit(Environment, tmp_path_factory.mktemp(name), requirement)
            for name, requirement in wanted.items()
        }
        return {name: environment.result() for name, environment in made.items()}


@pytest.fixture(scope="session")
def bare(environments: dict[str, Environment]) -> Environment:
    return environments["bare"]


@pytest.fixture(scope="session")
def extras(environments: dict[str, Environment]) -> Environment:
    return environments["extras"]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server
