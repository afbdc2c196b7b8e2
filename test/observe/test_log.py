"""The environment variable TACHYON_LOG: lines on stderr for calls and attempts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.chat import ANSWER, OPERATOR, STREAM, TOKEN, chunk
from support.raw_server import CLOSE, RawServer, Response, json_response

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
METERED = json_response(
    {**chunk("Hello", "stop"), "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    200,
    {"x-request-id": "r1"},
)
PROGRAM = """
import logging, sys, tachyon_sdk
from tachyon_sdk import *
{before}
configuration = Configuration(host=sys.argv[1], access_token=sys.argv[2], operator_id=sys.argv[3],
                              retries=RetryPolicy(backoff=0))
client = ApiClient(configuration)
body = {{"messages": [{{"role": "user", "content": "Hello"}}], "model": "asked"}}
{after}
try:
    ChatApi(client).chat_completion(chat_completion_request=body)
except ApiException as error:
    print(type(error).__name__)
"""


def run(
    responses: list[Response], log: str | None, tmp_path: Path, before: str = "", after: str = ""
) -> list[str]:
    """Run a program; return the lines on its stderr, without times and durations."""
    environment = {name: value for name, value in os.environ.items() if name != "TACHYON_LOG"}
    if log is not None:
        environment["TACHYON_LOG"] = log
    with RawServer(responses) as server:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(before=before, after=after), server.url, TOKEN, OPERATOR],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stderr.replace(server.url, "URL")
    assert TOKEN not in text and OPERATOR not in text
    return re.sub(r"in \d+\.\d{3} s", "in N s", re.sub(f"(?m)^{TIME} ", "", text)).splitlines()


LINE = "INFO chat_completion m: 200 in N s, 3 + 2 tokens, 1 attempt, request id r1"
ATTEMPT = "DEBUG POST URL/v1/llms/chat/completions: 200 in N s (attempt 1, request id r1)"


@pytest.mark.parametrize(
    ("log", "lines"),
    [(None, []), ("", []), ("info", [LINE]), (" INFO ", [LINE]), ("debug", [ATTEMPT, LINE])],
)
def test_the_levels(log: str | None, lines: list[str], tmp_path: Path) -> None:
    assert run([METERED], log, tmp_path) == lines


def test_retries_and_errors(tmp_path: Path) -> None:
    assert run([json_response({}, 503), METERED], "info", tmp_path) == [
        LINE.replace("1 attempt", "2 attempts")
    ]
    (line,) = run([json_response({"message": "no such\\nmodel"}, 400)], "info", tmp_path)
    start = "INFO chat_completion asked: 400 in N s, - tokens, 1 attempt, request id -, BadRequestException: "
    assert line.startswith(start)
    (line,) = run([[CLOSE]], "info", tmp_path, after="client.configuration.retries = 0")
    assert line.startswith("INFO chat_completion asked: no response in N s, - tokens, 1 attempt, ")


def test_a_stream_that_is_closed_early(tmp_path: Path) -> None:
    after = (
        "with ChatApi(client).chat_completion_stream(chat_completion_request=body) as stream: next(stream)"
    )
    first, second = run([STREAM, METERED], "info", tmp_path, after=after)
    assert first.endswith(", - tokens, 1 attempt, request id -, closed early") and second == LINE


def test_an_invalid_value_warns(tmp_path: Path) -> None:
    first, *_ = run([ANSWER], "verbose", tmp_path)
    assert re.search(r"<string>:7: UserWarning: TACHYON_LOG must be 'debug' or 'info', not 'verbose'", first)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        # The program logs itself: its lines, and no second ones.
        ("logging.basicConfig(level='INFO', format='own %(message)s')", "", [LINE.replace("INFO", "own")]),
        ("", "logging.basicConfig(level='INFO', format='own %(message)s')", [LINE.replace("INFO", "own")]),
        # It logs only errors, or to a file: these lines are no duplicates.
        ("h = logging.StreamHandler(); h.setLevel('ERROR'); logging.getLogger().addHandler(h)", "", [LINE]),
        ("logging.basicConfig(level='INFO', filename='own.log')", "", [LINE]),
        # Of several clients, and of views with other hooks, each call has one line.
        ("", "client = ApiClient(configuration).with_options(hooks=[UsageMeter()])", [LINE]),
        ("", "client = client.with_options(hooks=client.hooks)", [LINE]),
        # Debug of a configuration is for its log file, and does not end this log.
        ("", "configuration.debug = True", [LINE]),
        ("c = Configuration(debug=True)", "c.debug = False", [LINE]),
        ("", "configuration.debug = True; configuration.debug = False", [LINE]),
    ],
)
def test_with_other_settings_of_logging(before: str, after: str, lines: list[str], tmp_path: Path) -> None:
    assert run([METERED], "info", tmp_path, before, after) == lines
