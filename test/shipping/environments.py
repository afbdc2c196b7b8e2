"""Builds distributions, and makes environments of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

WAIT = 100.0  # seconds after which a command is given up


class Distributions(NamedTuple):
    sdist: Path
    wheel: Path


class CommandError(Exception):
    """A command failed; the message is what it wrote."""


def run(*command: str | Path, cwd: Path, **settings: str) -> str:
    """What a command writes to stdout.

    Neither the settings of this machine nor the checkout can reach it; `settings` are environment variables.

    Raises:
        CommandError: Its status is not 0.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TACHYON_")) and name != "SOURCE_DATE_EPOCH"
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "PYTHONUTF8": "1", **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT,
    )
    if done.returncode:
        raise CommandError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(source: Path, target: Path) -> Distributions:
    """Builds the sdist, and the wheel from that, with the build backend of this environment."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source, cwd=target)
    (sdist,), (wheel,) = target.glob("*.tar.gz"), target.glob("*.whl")
    return Distributions(sdist, wheel)


class Environment:
    """A virtual environment without pip, into which one requirement is installed.

    Attributes:
        python: Its interpreter.
    """

    def __init__(self, folder: Path, requirement: str) -> None:
        self._folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", "venv", cwd=folder)
        self.python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        self.pip("install", "--quiet", requirement)

    def pip(self, *arguments: str) -> str:
        """Runs the pip of this environment on that one."""
        options = ("--disable-pip-version-check", "--no-input")
        return run(
            sys.executable, "-m", "pip", "--python", self.python, *options, *arguments, cwd=self._folder
        )

    def distributions(self) -> set[str]:
        """The names of what is installed, in lower case and with hyphens."""
        program = "import importlib.metadata as m; print(*[each.name for each in m.distributions()])"
        return {name.lower().replace("_", "-") for name in self.run(program).split()}

    def run(self, program: str, *arguments: str) -> str:
        """What a program writes to stdout. Warnings are errors, and so is anything left open."""
        script = self._folder / "program.py"
        script.write_text(program, encoding="utf-8")
        return run(self.python, "-X", "dev", "-W", "error", script, *arguments, cwd=self._folder)

    def module(self, *arguments: str, **settings: str) -> str:
        """What `python -m ...` writes to stdout; the settings are those of the package, without `TACHYON_`."""
        settings = {f"TACHYON_{name}": value for name, value in settings.items()}
        return run(self.python, "-W", "error", "-m", *arguments, cwd=self._folder, **settings)
