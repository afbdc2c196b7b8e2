"""The package as it is built and installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TOX_ENV = os.environ.get("TOX_ENV_NAME")

in_tox = pytest.mark.skipif(TOX_ENV is None, reason="the package is installed by tox")


def lower_bounds() -> dict[str, str]:
    """Each dependency, those of the extras included, with the version after its `>=`."""
    extras = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(requirement for extra in extras for requirement in extra)]
    found = (re.fullmatch(r"([\w.-]+)>=([\w.]+),<\d+", requirement) for requirement in requirements)
    return {match[1]: match[2] for match in found if match}


def pins() -> dict[str, str]:
    lines = (ROOT / "test" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_lane_with_the_lowest_versions_has_the_lower_bounds() -> None:
    assert pins() == lower_bounds()


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    requirements = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["local"]]
    assert len(requirements) == len(lower_bounds())


def test_the_runtime_dependencies_are_four() -> None:
    names = {re.split(r"[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names == {"pydantic", "python-dateutil", "typing-extensions", "urllib3"}


@pytest.mark.skipif(TOX_ENV != "lowest", reason="only the lane `lowest` installs them")
def test_the_lowest_versions_are_what_is_installed() -> None:
    assert {name: importlib.metadata.version(name) for name in pins()} == pins()


@in_tox
def test_the_tests_run_against_the_installed_package() -> None:
    spec = importlib.util.find_spec("tachyon_sdk")
    assert spec is not None
    assert Path(str(spec.origin)).is_relative_to(sys.prefix)


@in_tox
def test_the_distribution_has_what_it_should_and_no_more() -> None:
    files = importlib.metadata.files("tachyon-sdk") or []
    assert {file.parts[0] for file in files if not file.parts[0].endswith(".dist-info")} == {"tachyon_sdk"}
    assert "tachyon_sdk/py.typed" in [file.as_posix() for file in files]
    metadata = importlib.metadata.metadata("tachyon-sdk")
    assert metadata["License-Expression"] == "MIT"
    namespace: dict[str, str] = {}
    exec((ROOT / "tachyon_sdk" / "_version.py").read_text(encoding="utf-8"), namespace)
    assert metadata["Version"] == namespace["__version__"]
