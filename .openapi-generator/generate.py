"""Makes the generated part of the project from `openapi.yaml` and the templates beside this file.

    python .openapi-generator/generate.py            writes it
    python .openapi-generator/generate.py --check    writes nothing; exits with 1 where the tree differs

It needs the packages of the tox environment `generate`. What the generator writes is decided by
`.openapi-generator-ignore` and listed in `FILES`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ".openapi-generator"
RECORDS = (f"{OWN}/FILES", f"{OWN}/VERSION")
WIDTH = 110


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate models, API classes and their documentation.")
    parser.add_argument("--check", action="store_true", help="only tell whether the tree is up to date")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        differences = compare(fresh)
        if check:
            for path, what in differences:
                print(f"{what}: {path}", file=sys.stderr)
            print(f"{len(listed(fresh))} generated files, {len(differences)} differ")
            return 1 if differences else 0
        for path, what in differences:
            install(fresh, path)
            print(f"{what}: {path}")
    print(f"{len(listed(ROOT))} generated files are up to date")
    return 0


def generate(target: Path) -> None:
    """Runs the generator and tidies the Python that it wrote."""
    shutil.copy(ROOT / ".openapi-generator-ignore", target)
    shutil.copy(ROOT / "pyproject.toml", target)
    run(
        "openapi-generator-cli",
        "generate",
        "-c",
        f"{OWN}/config.yaml",
        "-o",
        str(target),
        cwd=ROOT,
        quiet=True,
    )
    python = [path for path in listed(target) if path.endswith(".py")]
    run("ruff", "check", "--quiet", "--fix", "--select", "F401,I,UP,RUF022", *python, cwd=target)
    run("ruff", "format", "--quiet", *listed(target), cwd=target)
    for path in python:
        wrap_long_lines(target / path)


def wrap_long_lines(path: Path) -> None:
    """Breaks the long lines of a module that was formatted: only docstrings have any."""
    lines = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        # What follows a name in an "Args" or "Attributes" section hangs below it.
        hanging = "    " if re.match(r"\w+: ", line.lstrip()) else ""
        wrapped = textwrap.wrap(
            line, WIDTH, subsequent_indent=indent + hanging, break_long_words=False, break_on_hyphens=False
        )
        lines += wrapped if len(line) > WIDTH else [line]
    path.write_text("\n".join(lines), encoding="utf-8")


def run(*command: str, cwd: Path, quiet: bool = False) -> None:
    result = subprocess.run(command, cwd=cwd, capture_output=quiet, text=True, check=False)
    if result.returncode:
        sys.exit(f"{command[0]} failed:\n{result.stdout or ''}{result.stderr or ''}")


def listed(tree: Path) -> list[str]:
    """The paths that the generator wrote into a tree, as it recorded them."""
    record = tree / OWN / "FILES"
    return record.read_text(encoding="utf-8").split() if record.exists() else []


def compare(fresh: Path) -> list[tuple[str, str]]:
    """Each path in which the tree differs from what was generated, and how."""
    differences = []
    for path in sorted({*listed(fresh), *listed(ROOT), *RECORDS}):
        new, old = fresh / path, ROOT / path
        if not new.exists():
            if old.exists():
                differences.append((path, "stale"))
        elif not old.exists():
            differences.append((path, "missing"))
        elif new.read_bytes() != old.read_bytes():
            differences.append((path, "changed"))
    return differences


def install(fresh: Path, path: str) -> None:
    new, old = fresh / path, ROOT / path
    if new.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(new, old)
    else:
        old.unlink()


if __name__ == "__main__":
    sys.exit(main())
