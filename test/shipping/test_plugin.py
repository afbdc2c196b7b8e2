"""The pytest plugin, as it is installed: a suite of a user in an environment that has nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shipping.environments import CommandError, Distributions, Environment, run

SUITE = Path(__file__).with_name("suite.py")
OPTIONS = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")


@pytest.fixture(scope="module")
def environment(built: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("plugin"), f"{built.wheel}[local]")
    environment.pip("install", "--quiet", "pytest", "pytest-xdist")
    return environment


@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_a_suite_of_a_user(environment: Environment, tmp_path: Path, more: tuple[str, ...]) -> None:
    shutil.copy(SUITE, tmp_path / "test_suite.py")
    said = run(
        environment.python, "-X", "dev", *OPTIONS, *more, cwd=tmp_path, TACHYON_API_URL="http://x.invalid"
    )
    assert "5 passed" in said


def test_without_the_plugin(environment: Environment, tmp_path: Path) -> None:
    shutil.copy(SUITE, tmp_path / "test_suite.py")
    with pytest.raises(CommandError, match="fixture 'tachyon_server' not found"):
        run(environment.python, *OPTIONS, "-p", "no:tachyon", cwd=tmp_path)


def test_without_the_extra(built: Distributions, tmp_path: Path) -> None:
    environment = Environment(tmp_path, str(built.wheel))
    environment.pip("install", "--quiet", "pytest")
    (tmp_path / "test_own.py").write_text("def test_it(tachyon_chat): pass\n")
    with pytest.raises(
        CommandError, match=r"the fixture tachyon_server cannot be used: .* the extra 'local' of"
    ):
        run(environment.python, *OPTIONS, "test_own.py", cwd=tmp_path)
