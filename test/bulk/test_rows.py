"""Rows of files and iterables, and their identity."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tachyon_sdk import ApiTypeError, ApiValueError, ChatCompletionRequest
from tachyon_sdk.bulk.rows import read_rows


def asked(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("Hello", asked("Hello")),
        ({"prompt": "Hello", "model": "small"}, {**asked("Hello"), "model": "small"}),
        ({"custom_id": "a", "method": "POST", "body": asked("こんにちは")}, asked("こんにちは")),
        ({**asked("Hello"), "stream": True}, asked("Hello")),
        (ChatCompletionRequest.from_dict(asked("Hello")), asked("Hello")),
    ],
)
def test_each_form_of_a_row(value: Any, body: dict[str, Any]) -> None:
    (row,) = read_rows([value])
    assert row.body == body


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.txt", "one\n\ntwo\u2028three\r\nfour", ["one", "two\u2028three", "four"]),
        ("a.jsonl", '\ufeff{"prompt": "one"}\n\n"two"\n', ["one", "two"]),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_each_form_of_a_file(tmp_path: Path, name: str, content: str, texts: list[str], zipped: bool) -> None:
    path = tmp_path / f"{name}{'.gz' if zipped else ''}"
    path.write_bytes(gzip.compress(content.encode()) if zipped else content.encode())
    assert [row.body for row in read_rows(path)] == [asked(text) for text in texts]


def test_columns_of_a_csv_file_with_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('custom_id,text\nx,"a, {b}\nc"\n', encoding="utf-8")
    (row,) = read_rows(path, "Summarise: {text}")
    assert (row.key, row.body) == ("x", asked("Summarise: a, {b}\nc"))


def test_the_identity_does_not_depend_on_the_order_of_properties() -> None:
    first, second, other = read_rows([{"a": 1, **asked("x")}, {**asked("x"), "a": 1}, {**asked("x"), "a": 2}])
    assert first.key == second.key != other.key


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["ok", 3], ApiTypeError, "row 2: a row must be"),
        (["ok", {"question": 1}], ApiValueError, "row 2: .*but question"),
        ([{"messages": [{"role": "user", "content": float("nan")}]}], ApiValueError, "row 1: .*JSON"),
    ],
)
def test_a_row_that_cannot_be_read(rows: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        list(read_rows(rows))


def test_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "one"}) + '\n{"prompt": "tw', encoding="utf-8")
    with pytest.raises(ApiValueError, match="row 2: not valid JSON"):
        list(read_rows(path))


def test_a_template_with_an_unknown_column() -> None:
    with pytest.raises(ApiValueError, match=r"\{title\}, but the columns are text"):
        list(read_rows(["x"], "{title}"))
