"""The log as a service sets it up: `logging.config.dictConfig`, a line of JSON for each record, a file."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.chat import ANSWER, OPERATOR, STREAM, TOKEN, ask, chat
from support.raw_server import RawServer, json_response

# The logger `tachyon_sdk` and those above and beside it, which the settings reach.
LOGGERS = ("", "tachyon_sdk", "urllib3", "urllib3.connectionpool")


class JsonLines(logging.Formatter):
    """What the libraries for this make of a record: its message, and its arguments."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"logger": record.name, "level": record.levelname, "message": record.getMessage()}
        return json.dumps({**said, "arguments": [str(argument) for argument in record.args or ()]})


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The file that everything is written to, from DEBUG on."""
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in LOGGERS}
    file = tmp_path / "log.jsonl"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {
                "file": {"class": "logging.FileHandler", "filename": str(file), "formatter": "json"}
            },
            "loggers": {name: {"level": "DEBUG"} for name in ("tachyon_sdk", "urllib3")},
            "root": {"level": "WARNING", "handlers": ["file"]},
        }
    )
    (handler,) = logging.getLogger().handlers
    try:
        yield file
    finally:
        handler.close()
        for name, (level, handlers) in before.items():
            logger = logging.getLogger(name)
            logger.setLevel(level)
            logger.handlers[:] = handlers


def records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_attempt_is_a_record(log: Path) -> None:
    busy = json_response({"message": "overloaded"}, 503, {"x-request-id": "r-1"})
    with RawServer([busy, ANSWER, STREAM]) as server, chat(server.url) as api:
        ask(api)
        with api.chat_completion_stream(chat_completion_request={"messages": []}) as stream:
            assert stream.collect().text == "onetwothree"
    ours = [record for record in records(log) if record["logger"] == "tachyon_sdk"]
    assert {record["level"] for record in ours} == {"DEBUG"}
    told = [
        (method, url, outcome, attempt, request_id)
        for method, url, outcome, _, attempt, request_id in (record["arguments"] for record in ours)
    ]
    url = f"{server.url}/v1/llms/chat/completions"
    assert told == [
        ("POST", url, "503", "1", "r-1"),
        ("POST", url, "200", "2", "-"),
        ("POST", url, "200", "1", "-"),
    ]
    assert all(record["message"].startswith(f"POST {url}: ") for record in ours)
    everything = log.read_text(encoding="utf-8")
    assert TOKEN not in everything and OPERATOR not in everything and "onetwothree" not in everything


def test_a_level_above_debug_is_silent(log: Path) -> None:
    for name in ("tachyon_sdk", "urllib3"):
        logging.getLogger(name).setLevel("INFO")
    with RawServer([json_response({}, 503), ANSWER]) as server, chat(server.url) as api:
        ask(api)
    assert records(log) == []
