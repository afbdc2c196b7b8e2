"""The server's code and message, out of every shape of error body that was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tachyon_sdk._errors.body import read_error_body
from tachyon_sdk.exceptions import ApiException, exception_class

pytestmark = pytest.mark.exhaustive

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"message": "no credit"}, None, "no credit"),
        ({"code": "unsupported_model", "message": "no such model"}, "unsupported_model", "no such model"),
        ({"code": 4001, "message": "no such model"}, "4001", "no such model"),
        ({"code": True, "message": "no such model"}, None, "no such model"),
        ({"code": None, "message": None}, None, None),
        ({"error": {"message": "bad", "type": "invalid", "code": "bad_model"}}, "bad_model", "bad"),
        ({"error": {"message": "bad", "type": "invalid", "code": 400}}, "400", "bad"),
        ({"error": {"message": "bad", "type": "invalid", "code": None}}, "invalid", "bad"),
        ({"error": {"message": "bad", "type": "invalid", "code": ""}}, "invalid", "bad"),
        ({"error": {"message": "bad", "type": "invalid"}}, "invalid", "bad"),
        ({"error": {"message": "bad", "type": None, "code": "500"}}, "500", "bad"),
        ({"type": "error", "error": {"type": "overloaded", "message": "busy"}}, "overloaded", "busy"),
        ({"error": "busy"}, None, "busy"),
        ({"error": "Not Found", "message": "no such room", "status": 404}, None, "no such room"),
        ({"error": {"error": {"message": "deep", "code": "x"}}}, "x", "deep"),
        ({"error": {}}, None, None),
        ({"error": None, "message": "said outside"}, None, "said outside"),
        ({"detail": "Not Found"}, None, "Not Found"),
        ({"detail": {"code": "gone", "message": "no more"}}, "gone", "no more"),
        ({"message": ["first", "second"]}, None, "first; second"),
        ({"title": "Out of credit", "type": "https://example.org/x"}, None, "Out of credit"),
        ([{"error": {"code": 503, "message": "overloaded"}}], "503", "overloaded"),
        ("just text", None, "just text"),
        ({"id": "x", "object": "chat.completion"}, None, None),
        ([], None, None),
        ({}, None, None),
        (17, None, None),
        (None, None, None),
    ],
)
def test_json_shapes(body: Any, code: str | None, message: str | None) -> None:
    assert read_error_body(json.dumps(body)) == (code, message)
    if isinstance(body, (dict, list)):
        assert read_error_body(None, body) == (code, message)


def test_findings_of_a_validator_are_joined_with_where_they_are() -> None:
    detail = [
        {"loc": ["body", "messages", 0, "role"], "msg": "Field required", "type": "missing"},
        {"loc": [], "msg": "Too large", "type": "size"},
        {"msg": "Odd"},
        "and a plain text",
    ]
    assert read_error_body(json.dumps({"detail": detail})) == (
        None,
        "body.messages[0].role: Field required; Too large; Odd; and a plain text",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Unauthorized\n", "Unauthorized"),
        ("\ufeff" + '{"message": "after a byte order mark"}', "after a byte order mark"),
        ('{"message": "cut of', '{"message": "cut of'),
        ("<html>\n<head><title>502 Bad\n Gateway</title></head><body>x</body>", "502 Bad Gateway"),
        ('<!doctype html><TITLE lang="en">A &amp; B</TITLE>', "A & B"),
        ("<html><title>never closed", "never closed"),
        ("<html><title></title>", None),
        ("<html><title", None),
        ("<html><titles>x</titles><body>nothing of use</body>", None),
        ("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", None),
        ("   \r\n ", None),
        ("", None),
        (None, None),
    ],
)
def test_bodies_that_are_no_json(body: str | None, message: str | None) -> None:
    assert read_error_body(body) == (None, message)


@pytest.mark.parametrize("depth", [900, 5_000, 500_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"error":', "}"), ('{"detail":[', "]}")])
def test_deep_nesting_raises_nothing(opening: str, closing: str, depth: int) -> None:
    assert read_error_body(opening * depth + "1" + closing * depth) == (None, None)
    assert read_error_body(opening * depth)[0] is None


def test_deep_data_raises_nothing() -> None:
    data: dict[str, Any] = {"message": "found"}
    for _ in range(3):
        data = {"error": data}
    assert read_error_body(None, data) == (None, "found")
    for _ in range(100_000):
        data = {"error": data}
    assert read_error_body(None, data) == (None, None)
    while data:  # taken apart step by step: freed at once, it could exhaust the stack
        data = data.pop("error", {})


def test_a_number_too_long_to_print_raises_nothing() -> None:
    assert read_error_body('{"message": "x", "code": ' + "9" * 10_000 + "}")[0] is None
    assert read_error_body(None, {"message": "x", "code": 10**10_000}) == (None, None)


@pytest.mark.parametrize("filling", ["<title", "<title ", "<", "<title>", "[", "{", '"'])
def test_hostile_bodies_take_no_time_to_speak_of(filling: str) -> None:
    # The time limit of the whole suite is the measure: quadratic work on this would take hours.
    read_error_body("<" + filling * 1_000_000)


@given(st.text() | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_raises(body: str) -> None:
    read_error_body(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "type", "title", "msg", "loc"]), inner
        )
    ),
)


@given(VALUES)
def test_no_json_raises_and_both_are_text(value: Any) -> None:
    for found in read_error_body(json.dumps(value)):
        assert found is None or (isinstance(found, str) and found)


@pytest.mark.parametrize(
    ("file", "code", "message"),
    [
        (
            "litellm-bad-model",
            "400",
            "/chat/completions: Invalid model name passed in model=no-such-model. Call",
        ),
        (
            "litellm-context-400",
            "400",
            "litellm.ContextWindowExceededError: litellm.BadRequestError: this is",
        ),
        (
            "litellm-rate-limited-429",
            "429",
            "litellm.RateLimitError: this is a mock rate limit error\n\nLiteLLM",
        ),
        ("litellm-wrong-key", "401", "Authentication Error, Invalid API key"),
        ("llama-malformed-json", "500", "[json.exception.parse_error.101] parse error at line 1, column 31"),
        ("llama-too-long", "400", "request (30092 tokens) exceeds the available context size (1024 tokens)"),
        ("llama-wrong-key", "401", "Invalid API Key"),
        ("nginx-dead-upstream-502", None, "502 Bad Gateway"),
    ],
)
def test_recorded_answers(file: str, code: str | None, message: str) -> None:
    head, _, body = (DATA / f"{file}.http").read_bytes().partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    _, status, reason = status_line.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)

    error = exception_class(int(status))(int(status), reason, body=body, headers=headers)

    assert error.code == code
    assert error.message is not None
    assert error.message.startswith(message)
    assert error.request_id == headers.get("x-litellm-call-id")
    line = str(error)
    assert line.startswith(f"{status} {reason}")
    assert "\n" not in line
    assert "frame-ancestors" not in line
    assert len(line) < 500
    assert type(error) is not ApiException
