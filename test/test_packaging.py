"""The package as it is built and installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def workflow(name: str) -> Any:
    return yaml.safe_load(text(f".github/workflows/{name}.yml"))


PYPROJECT = tomllib.loads(text("pyproject.toml"))
PROJECT = PYPROJECT["project"]
TOX = ConfigParser(interpolation=None)
TOX.read_string(text("tox.ini"))
TOX_ENVIRONMENTS = [name.strip() for name in TOX["tox"]["env_list"].split(",")]
# The supported Pythons, oldest first: the classifiers say which, everything else follows.
PYTHONS = [
    match[1]
    for classifier in PROJECT["classifiers"]
    if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier))
]
TOX_ENV = os.environ.get("TOX_ENV_NAME")

in_tox = pytest.mark.skipif(TOX_ENV is None, reason="the package is installed by tox")


def lower_bounds() -> dict[str, str]:
    """Each dependency, those of the extras included, with the version after its `>=`."""
    extras = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(requirement for extra in extras for requirement in extra)]
    found = (re.fullmatch(r"([\w.-]+)>=([\w.]+),<\d+", requirement) for requirement in requirements)
    return {match[1]: match[2] for match in found if match}


def pins() -> dict[str, str]:
    lines = text("test/lowest.txt").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_lane_with_the_lowest_versions_has_the_lower_bounds() -> None:
    assert pins() == lower_bounds()


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    extras = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *extras["local"], *extras["cli"], *extras["otel"]]
    assert len(requirements) == len(lower_bounds())


def test_the_runtime_dependencies_are_four() -> None:
    names = {re.split(r"[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names == {"pydantic", "python-dateutil", "typing-extensions", "urllib3"}


@pytest.mark.skipif(TOX_ENV != "lowest", reason="only the lane `lowest` installs them")
def test_the_lowest_versions_are_what_is_installed() -> None:
    assert {name: importlib.metadata.version(name) for name in pins()} == pins()


# One place for each fact


def version() -> str:
    namespace: dict[str, str] = {}
    exec(text("tachyon_sdk/_version.py"), namespace)
    return namespace["__version__"]


def test_the_version_is_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"] and "version" not in PROJECT
    assert PYPROJECT["tool"]["hatch"]["version"] == {"path": "tachyon_sdk/_version.py"}
    names = [path for path in (ROOT / "tachyon_sdk").rglob("*.py") if version() in path.read_text("utf-8")]
    assert names == [ROOT / "tachyon_sdk" / "_version.py"]


def test_the_changelog_tells_of_the_version() -> None:
    headings = re.findall(r"(?m)^## (.*)$", text("CHANGELOG.md"))
    assert headings[0] == "[Unreleased]"
    assert headings[1].partition(" - ")[0] == f"[{version()}]"


def test_the_security_policy_covers_the_version() -> None:
    assert f"| {version().partition('.')[0]}.x | yes |" in text("SECURITY.md")


def test_the_supported_pythons_are_those_between_the_first_and_the_last() -> None:
    minors = [int(each.partition(".")[2]) for each in PYTHONS]
    assert minors == list(range(minors[0], minors[0] + len(minors))) and len(minors) > 1


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = PYTHONS[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert PYPROJECT["tool"]["pyright"]["pythonVersion"] == oldest
    mypy = ConfigParser()
    mypy.read_string(text("setup.cfg"))
    assert mypy["mypy"]["python_version"] == oldest
    for page in ("README.md", "CONTRIBUTING.md"):
        assert oldest in re.findall(r"Python (3\.\d+) or newer", text(page)), page


def test_tox_runs_the_supported_pythons() -> None:
    lanes = [name for name in TOX_ENVIRONMENTS if re.fullmatch(r"py\d+", name)]
    assert lanes == [f"py{each.replace('.', '')}" for each in PYTHONS[1:]]
    assert "lowest" in TOX_ENVIRONMENTS  # with the oldest Python
    assert TOX["testenv:lowest"]["base_python"].split() == [f"python{each}" for each in PYTHONS]
    (first, last) = re.findall(r"/versions/3\.1\[(\d)-(\d)\]\.\*/bin", text(".ci/run"))[0]
    assert [f"3.1{first}", f"3.1{last}"] == [PYTHONS[0], PYTHONS[-1]]


@pytest.mark.parametrize("name", ["ci", "release"])
def test_the_workflows_run_the_supported_pythons(name: str) -> None:
    assert workflow(name)["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS


def test_the_workflow_runs_all_that_tox_runs() -> None:
    matrix = workflow("ci")["jobs"]["check"]["strategy"]["matrix"]
    (lowest,) = matrix["include"]
    assert lowest == {"environment": "lowest", "python": PYTHONS[0]}
    others = {name for name in TOX_ENVIRONMENTS if not re.fullmatch(r"py\d+", name)}
    assert others <= {*matrix["environment"], "lowest"}
    # Sphinx needs one of these.
    assert {f"python{each}" for each in matrix["python"]} <= {*TOX["testenv:docs"]["base_python"].split()}


def test_the_workflow_also_runs_other_systems_and_the_next_python() -> None:
    job = workflow("ci")["jobs"]["test"]
    included = job["strategy"]["matrix"]["include"]
    assert {entry["os"].partition("-")[0] for entry in included} == {"windows", "macos", "ubuntu"}
    oldest, newest = PYTHONS[0], f"3.{int(PYTHONS[-1].partition('.')[2]) + 1}"
    assert {entry["python"] for entry in included} - {*PYTHONS} == {newest}
    assert oldest in [entry["python"] for entry in included]
    assert job["continue-on-error"] == f"${{{{ matrix.python == '{newest}' }}}}"
    assert job["steps"][-1]["run"] == "tox run -e py,guides"


def test_a_weekly_job_runs_prereleases_of_the_dependencies() -> None:
    described = workflow("ci")
    (entry,) = described[True]["schedule"]  # YAML 1.1 reads `on` as true
    assert entry["cron"].split()[2:4] == ["*", "*"] and entry["cron"].split()[4] != "*"
    assert described["jobs"]["prerelease"]["steps"][-1]["run"] == "tox run -e prerelease"
    assert TOX["testenv:prerelease"]["pip_pre"] == "true"


def test_the_release_checks_the_name_of_what_it_publishes() -> None:
    commands = " ".join(step.get("run", "") for step in workflow("release")["jobs"]["build"]["steps"])
    assert f"^dist/{PROJECT['name'].replace('-', '_')}-" in commands


@pytest.mark.parametrize("name", ["ci", "release"])
def test_the_workflows_may_do_no_more_than_they_must(name: str) -> None:
    described = workflow(name)
    assert described["permissions"] == {"contents": "read"}
    assert "concurrency" in described
    more = {job: node["permissions"] for job, node in described["jobs"].items() if "permissions" in node}
    assert more == ({"publish": {"id-token": "write"}} if name == "release" else {})
    for node in described["jobs"].values():
        assert node["timeout-minutes"] <= 20
        for step in node["steps"]:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40)), "not pinned"
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_only_what_was_tested_is_published() -> None:
    jobs = workflow("release")["jobs"]
    assert jobs["publish"]["needs"] == ["build", "test"]
    assert jobs["publish"]["environment"] == "pypi"
    assert not any("checkout" in step.get("uses", "") or "run" in step for step in jobs["publish"]["steps"])


# The name on the package index


# `tachyon-sdk` on the index is another project; `tachyon-chat-sdk` is not there before the first release. What is
# refused: either name after an installer's command, or as a requirement, with extras or a version.
INSTALLER = r"\b(?:install|add|download|inject|requires?|dependenc(?:y|ies))\b[^\n#&;|]*?[\s'\"=\[]"
NAME = r"tachyon[-_.](?:chat[-_.])?sdk"
REFUSED = re.compile(
    rf"(?i){INSTALLER}(?:{NAME})(?![-\w./])|(?<![-\w./]){NAME}\s*(?:\[\s*(?:cli|local|socks)|[=~!<>]=\s*['\"]?\d|@\s*\d)"
)


def project_files() -> list[Path]:
    """The files of the project: those of the sdist, and in a checkout those of git."""
    folders = [
        "tachyon_sdk",
        "docs",
        "examples",
        "test",
        "benchmarks",
        ".github",
        ".ci",
        ".openapi-generator",
    ]
    inner = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    top = [
        path for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".cfg", ".ini", ".yaml", ".txt")
    ]
    return [path for path in (*top, *inner) if "__pycache__" not in path.parts and path.suffix != ".http"]


def test_nothing_would_install_from_the_index_under_either_name() -> None:
    files = project_files()
    assert len(files) > 200
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        if path != Path(__file__).resolve()
        for line in path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ").splitlines()
        if REFUSED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "pip install tachyon-sdk",
        "pip install 'tachyon-sdk[local]' pytest",
        "python -m pip install --upgrade tachyon_sdk",
        "pip3 install pytest Tachyon.SDK",
        "uv add tachyon-chat-sdk",
        'uv pip install "tachyon-chat-sdk[socks]"',
        "poetry add tachyon-sdk",
        "pipx install tachyon-chat-sdk",
        "dependencies = ['tachyon-sdk']",
        "tachyon-sdk==1.0.0",
        "tachyon-chat-sdk >= 1",
        "install the extra: 'tachyon-chat-sdk[local]'",
    ],
)
def test_what_would_install_it_is_recognised(line: str) -> None:
    assert REFUSED.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install '.[local]'",
        "pip install /path/to/tachyon_sdk",
        "pip install dist/tachyon_chat_sdk-1.0.0-py3-none-any.whl",
        "a SOCKS proxy needs the extra 'socks' of tachyon-chat-sdk: PySocks is not installed",
        "python -m tachyon_sdk.local --port 0",
        "from tachyon_sdk import ChatApi",
        "User-Agent: tachyon-chat-sdk/1.0.0",
        "pip uninstall tachyon-sdk",
    ],
)
def test_other_mentions_are_allowed(line: str) -> None:
    assert not REFUSED.search(line)


# The package as it is installed


@in_tox
def test_the_tests_run_against_the_installed_package() -> None:
    spec = importlib.util.find_spec("tachyon_sdk")
    assert spec is not None
    assert Path(str(spec.origin)).is_relative_to(sys.prefix)


@in_tox
def test_the_distribution_has_what_it_should_and_no_more() -> None:
    files = importlib.metadata.files("tachyon-chat-sdk") or []
    top = {file.parts[0] for file in files if not file.parts[0].endswith(".dist-info")}
    # The command stands beside the library, and pip compiles the plugin of pytest.
    assert top - {"..", "__pycache__"} == {"tachyon_sdk", "_tachyon_sdk_pytest.py"}
    assert "tachyon_sdk/py.typed" in [file.as_posix() for file in files]
    metadata = importlib.metadata.metadata("tachyon-chat-sdk")
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Version"] == version()
