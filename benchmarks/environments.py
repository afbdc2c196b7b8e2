"""An environment for each client, made when it is first needed, with nothing in it but the client."""

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOOR, OURS = "floor", "tachyon_sdk"
HERE = Path(__file__).parent
_CONSTRAINTS = HERE / "constraints.txt"
_VERSIONS = """
import importlib.metadata, json
print(json.dumps({found.name: found.version for found in importlib.metadata.distributions()}))
"""


class InstallError(Exception):
    """A client cannot be installed."""


@dataclass(frozen=True)
class Environment:
    """A client as it is installed.

    Attributes:
        client: Name of its module in `clients`.
        python: Its interpreter.
        path: Where its package is to be imported from instead of what is installed, or None.
    """

    client: str
    python: Path
    path: Path | None = None

    def variables(self, **more: str) -> dict[str, str]:
        """The environment variables of its processes: as few as possible, no proxy among them."""
        kept = {
            name: os.environ[name] for name in ("HOME", "PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ
        }
        path = {"PYTHONPATH": str(self.path)} if self.path else {}
        return {**kept, **path, "LANG": "C.UTF-8", **more}

    def versions(self) -> dict[str, str]:
        """What is installed, by name."""
        shown = subprocess.run([self.python, "-c", _VERSIONS], capture_output=True, check=True)
        return {name.lower(): version for name, version in json.loads(shown.stdout).items()}


def clients() -> list[str]:
    """The names of all clients, the floor first, this package second."""
    found = sorted(path.stem for path in (HERE / "clients").glob("[!_]*.py"))
    return sorted(found, key=lambda name: {FLOOR: 0, OURS: 1}.get(name, 2))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say where the clients are."""
    parser.add_argument(
        "--environments",
        type=Path,
        metavar="FOLDER",
        default=Path(sys.prefix, "benchmarks"),
        help="where the clients are installed, each in an environment of its own that is made when it is missing "
        "(default: inside the environment of this Python)",
    )
    parser.add_argument(
        "--sdk",
        type=Path,
        metavar="FOLDER",
        help="a folder to import tachyon_sdk from, instead of installing this checkout: for a quick look",
    )


def prepared(names: list[str], options: argparse.Namespace) -> list[Environment]:
    """The environments of those clients that can be installed."""
    environments = []
    for name in names:
        try:
            environments.append(_prepare(name, options.environments, options.sdk))
        except InstallError as error:
            if name in (FLOOR, OURS):
                sys.exit(f"{name} cannot be installed: {error}")
            print(f"{name} is left out, it cannot be installed: {error}", file=sys.stderr)
    return environments


def _prepare(client: str, folder: Path, path: Path | None = None) -> Environment:
    """The environment of a client, made anew where it is missing or not as it should be.

    Args:
        client: Name of its module in `clients`.
        folder: Where the environments are.
        path: Where this package is to be imported from; what is installed is then only there
            for its dependencies, and may be of any age.
    """
    home = folder.absolute() / client
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    requirements = _requirements(client)
    mark, wanted = home / "made-of", _made_of(requirements)
    mine = "." in requirements
    if not mark.exists() or (mark.read_text(encoding="utf-8") != wanted and not (mine and path)):
        print(f"making the environment of {client} ...", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, symlinks=os.name != "nt")
        _install(python, requirements)
        mark.write_text(wanted, encoding="utf-8")
    return Environment(client, python, path.absolute() if path and mine else None)


def _requirements(client: str) -> list[str]:
    # Read, not imported: what it imports is not installed here.
    for node in ast.parse((HERE / "clients" / f"{client}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "REQUIREMENTS":
            return list(ast.literal_eval(node.value))
    raise ValueError(f"clients/{client}.py has no REQUIREMENTS")


def _made_of(requirements: list[str]) -> str:
    """What an environment depends on; where it changes, the environment is made anew."""
    digest = hashlib.sha256()
    if "." in requirements:
        for source in [ROOT / "pyproject.toml", *sorted((ROOT / "tachyon_sdk").rglob("*.py"))]:
            digest.update(f"{source.relative_to(ROOT)}\0".encode() + source.read_bytes())
    return "\n".join(
        (sys.version, *requirements, _CONSTRAINTS.read_text(encoding="utf-8"), digest.hexdigest())
    )


def _install(python: Path, requirements: list[str]) -> None:
    wanted = [str(ROOT) if requirement == "." else requirement for requirement in requirements]
    command = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "install", "--quiet", "-c", str(_CONSTRAINTS), *wanted],
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise InstallError(done.stderr.strip())
