"""What the command prints, and its exit statuses."""

import os
import sys
from collections.abc import Iterable
from typing import Any

from tachyon_sdk._contract.finish_reasons import describe_finish_problem, finish_problem
from tachyon_sdk._contract.first_choice import FirstChoice, first_message
from tachyon_sdk._errors.body import one_line

Response = FirstChoice[Any, Any]

_STATUS_OF_PROBLEM = {"failed": 1, "cut": 3, "withheld": 4}
# Control characters other than tabs and line breaks: they could change what a terminal shows.
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"} | {
    13: None
}


def program() -> str:
    """Return the name of the program as the user typed it."""
    return "tachyon" if os.path.basename(sys.argv[0]).startswith("tachyon") else "python -m tachyon_sdk"


def say(line: str) -> None:
    """Print a line to stderr."""
    if sys.stderr:  # None if the process has no stderr
        print(line, file=sys.stderr, flush=True)


def failure(status: int, error: object) -> int:
    """Say what went wrong and return the exit status."""
    say(f"{program()}: {one_line(str(error), 1000)}")
    return status


def put(text: str, end: str = "\n") -> None:
    """Print text to stdout now; to a terminal without control characters."""
    if sys.stdout:  # None if the process has no stdout
        print(text.translate(_CONTROLS) if sys.stdout.isatty() else text, end=end, flush=True)


def put_json(value: Any) -> None:
    """Print a value as one line of JSON, which loses no character whatever the encoding of the output is."""
    import json

    encoding = getattr(sys.stdout, "encoding", None) or ""
    put(json.dumps(value, ensure_ascii=encoding.lower().replace("-", "") != "utf8"))


def put_table(rows: Iterable[Iterable[Any]]) -> None:
    """Print rows: in columns on a terminal, else with tabs, for `cut` and other programs."""
    table = [["" if cell is None else one_line(str(cell), 1000) for cell in row] for row in rows]
    if sys.stdout and sys.stdout.isatty():
        widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
        for row in table:
            cells = [f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(row, widths, strict=True)]
            put("  ".join(cells).rstrip())
    else:
        for row in table:
            put("\t".join(row))


def put_pieces(pieces: Iterable[str]) -> None:
    """Print each piece of a text as it arrives, then end the line, also after an error."""
    last = ""
    try:
        for piece in pieces:
            last = piece or last  # before it is printed: Ctrl-C may come right after that
            put(piece, end="")
    finally:
        if last and not last.endswith("\n"):
            put("")


def report_end(response: Response, text_expected: bool = True) -> int:
    """Return the exit status for a response, and say why if it is not 0."""
    if refusal := getattr(first_message(response.choices), "refusal", None):
        return failure(4, f"the model refused: {one_line(refusal, 300)}")
    if problem := finish_problem(response.finish_reason):
        return failure(_STATUS_OF_PROBLEM[problem], describe_finish_problem(response.finish_reason))
    if response.text or not text_expected:
        return 0
    if names := [call.function.name for call in response.to_message().tool_calls or ()]:
        return failure(1, f"the response has no text, but calls {', '.join(names)}: see the option --tool")
    return failure(1, "the response has no text")


def _width(text: str) -> int:
    """Return the number of columns of a text on a terminal."""
    import unicodedata

    return sum(
        1 + (unicodedata.east_asian_width(char) in "FW") for char in text if not unicodedata.combining(char)
    )
