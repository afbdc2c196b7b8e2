"""Parses the Markdown pages of the project and runs their examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"(?ms)^(`{3,}|~{3,})(\w*)[^\n]*\n(.*?)^\1[ \t]*$")
_PRINTED = re.compile(r"(?ms)\n\nIt prints:\n\n```text\n(.*?)^```$")
_TEST_FILE = re.compile(r"# (test_\w+\.py)\n")
# The pytest plugin of anyio is installed with starlette, and warns in older versions.
_PYTEST = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:anyio")


class Example(NamedTuple):
    """A fenced code block of a page."""

    page: Path
    line: int
    heading: str
    language: str
    source: str
    printed: str | None
    """The output that the page shows below the block, or None."""

    @property
    def name(self) -> str:
        """Page and line as `file:line`."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


class Outcome(NamedTuple):
    """Result of a script."""

    status: int
    out: str
    err: str


def examples(page: Path) -> Iterator[Example]:
    """Return the fenced blocks of a page with their first line number and heading."""
    text = page.read_text(encoding="utf-8")
    for block in _FENCE.finditer(text):
        above = _headings(text[: block.start()])
        yield Example(
            page,
            text.count("\n", 0, block.start(3)) + 1,
            above[-1] if above else "",
            block[2],
            block[3],
            printed[1] if (printed := _PRINTED.match(text, block.end())) else None,
        )


def run_script(source: str, directory: Path, settings: Mapping[str, str]) -> Outcome:
    """Run a script in this directory, with warnings as errors.

    A script whose first line is a comment with the name of a test file (`# test_x.py`) is run with pytest. The
    environment is that of the tests without any `TACHYON_` variable and any proxy, but with `settings`.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TACHYON_") and not name.lower().endswith("_proxy")
    }
    test_file = _TEST_FILE.match(source)
    script = directory / (test_file[1] if test_file else "example.py")
    script.write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", *(_PYTEST if test_file else ()), script.name],
        cwd=directory,
        env={**environment, "PYTHONUTF8": "1", **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def links(page: Path) -> list[str]:
    """Return the link targets of a page, in order."""
    return re.findall(r"\]\(([^()\s]*)\)", _without_code(page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the fragments that links to this page may use; the empty one is its top."""
    text = page.read_text(encoding="utf-8")
    found = {"", *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)}
    for heading in _headings(text):
        base = anchor(heading)
        numbered = (f"{base}-{number}" for number in range(1, 1000))
        found.add(base if base not in found else next(name for name in numbered if name not in found))
    return found


def anchor(heading: str) -> str:
    """Return the anchor that GitHub generates for a heading: lower case, no punctuation, hyphens for spaces."""
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def table(page: Path, first_column: str) -> list[dict[str, str]]:
    """Return the rows of the table whose first column has this name, as dicts by column name."""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        columns = _cells(line)
        if len(columns) > 1 and columns[0] == first_column:
            next(lines)  # the line of hyphens
            rows = []
            for row in lines:
                if "|" not in row:
                    break
                rows.append(dict(zip(columns, _cells(row), strict=True)))
            return rows
    raise LookupError(f"{page.name} has no table whose first column is {first_column!r}")


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in inner.split("|")]


def _headings(text: str) -> list[str]:
    return re.findall(r"(?m)^#{1,6} +(.*?) *#*$", _without_fences(text))


def _without_fences(text: str) -> str:
    return _FENCE.sub("", text)


def _without_code(text: str) -> str:
    """Remove code blocks and inline code, but keep link texts that are code."""
    return re.sub(r"`[^`\n]*`", "code", _without_fences(text))
