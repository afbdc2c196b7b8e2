"""The table of private parts in docs/Architecture.md."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "Architecture.md"
HEADING = "\n## Private parts of dependencies\n"


def rows() -> list[list[str]]:
    """Return the rows of the table: the parts, the reason, and the fallback."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition(HEADING)
    lines = section.partition("\n## ")[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if " | " in line]
    return table[2:]  # Without the head.


def private_parts() -> list[str]:
    """Return the names in the first column."""
    return [part for first, *_ in rows() for part in re.findall(r"`(\w+)`", first)]
