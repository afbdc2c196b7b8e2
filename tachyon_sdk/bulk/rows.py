"""Rows of the input: files and iterables as requests."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from string import Formatter
from typing import Any, NamedTuple

from tachyon_sdk.exceptions import ApiTypeError, ApiValueError
from tachyon_sdk.models import ChatCompletionRequest

Source = str | os.PathLike[str] | Iterable[Any]

_CSV, _JSON_LINES = (".csv", ".tsv"), (".jsonl", ".ndjson")


class Row(NamedTuple):
    """A row of the input.

    Attributes:
        position: Its place in the input, counted from 0.
        key: `custom_id`, or a name made of the digest. The caller adds the ordinal among equal bodies.
        digest: Hash of the canonical body.
        named: Whether the row has a `custom_id`.
        body: Properties of its request.
    """

    position: int
    key: str
    digest: str
    named: bool
    body: dict[str, Any]


def read_rows(source: Source, prompt: str | None = None) -> Iterator[Row]:
    """Yield the rows of a file or an iterable.

    Args:
        source: A path, or an iterable of requests, dicts, strings; or a frame of pandas or polars.
        prompt: Template of the prompt, with the columns in braces.

    Raises:
        ApiValueError, ApiTypeError: A row cannot be read. The message names its place.
        OSError: The file cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        values, place = _file(name), f"{name}, row "
    else:
        values, place = _values(source), "row "
    for index, value in enumerate(values):
        try:
            yield _row(index, value, prompt)
        except (ApiValueError, ApiTypeError) as error:
            raise type(error)(f"{place}{index + 1}: {error}") from error


def _values(source: Any) -> Iterator[Any]:
    if hasattr(source, "iter_rows"):  # polars
        return iter(source.iter_rows(named=True))
    if hasattr(source, "itertuples"):  # pandas
        columns = [str(name) for name in source.columns]
        return (dict(zip(columns, each, strict=True)) for each in source.itertuples(index=False, name=None))
    return iter(source)


def _file(name: str) -> Iterator[Any]:
    plain = name[:-3] if name.endswith(".gz") else name
    suffix = os.path.splitext(plain)[1].lower()
    with gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb") as binary:
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="" if suffix in _CSV else None) as text:  # type: ignore[arg-type, type-var, unused-ignore]
            try:
                if suffix in _CSV:
                    yield from csv.DictReader(text, delimiter="\t" if suffix == ".tsv" else ",", strict=True)
                else:
                    for line in text:
                        if line.strip():
                            yield _json_line(line) if suffix in _JSON_LINES else line.rstrip("\n")
            except (csv.Error, UnicodeError) as error:
                raise ApiValueError(f"{name}: {error}") from error


def _json_line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        return error


def _row(index: int, value: Any, prompt: str | None) -> Row:
    if isinstance(value, ValueError):
        raise ApiValueError(f"not valid JSON: {value}")
    if isinstance(value, ChatCompletionRequest):
        value = value.to_dict()
    custom_id = None
    if isinstance(value, str):
        body = _from_prompt(prompt, {"text": value}) if prompt else _asked(value)
    elif isinstance(value, Mapping):
        custom_id = value.get("custom_id")
        if prompt:
            body = _from_prompt(prompt, value)
        elif isinstance(value.get("body"), Mapping):
            body = dict(value["body"])
        elif "messages" in value:
            body = {name: each for name, each in value.items() if name != "custom_id"}
        elif isinstance(value.get("prompt"), str):
            rest = {name: each for name, each in value.items() if name not in ("custom_id", "prompt")}
            body = {**_asked(value["prompt"]), **rest}
        else:
            raise ApiValueError(
                f"it has neither body, messages nor prompt, but {', '.join(map(str, value)) or 'nothing'}; "
                'give a template, such as prompt="Summarise: {text}"'
            )
    else:
        raise ApiTypeError(f"a row must be a request, a dict or a string, not {type(value).__name__}")
    body.pop("stream", None)  # a bulk run reads whole responses
    with suppress(AttributeError):
        body["messages"] = [
            each.to_dict() if hasattr(each, "to_dict") else each for each in body.get("messages") or ()
        ]
    try:
        canonical = json.dumps(
            body, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise ApiValueError(f"the request cannot be sent as JSON: {error}") from error
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    if custom_id is None or custom_id == "":
        return Row(index, digest, digest, False, body)
    return Row(index, str(custom_id), digest, True, body)


def _asked(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _from_prompt(prompt: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _asked(Formatter().vformat(prompt, (), columns))
    except KeyError as error:
        known = ", ".join(map(str, columns))
        raise ApiValueError(f"the template has {{{error.args[0]}}}, but the columns are {known}") from error
    except (ValueError, IndexError, AttributeError) as error:
        raise ApiValueError(f"the template is invalid: {error}") from error
