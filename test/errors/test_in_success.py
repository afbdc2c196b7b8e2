"""Which objects of a successful response are errors, and which only look like one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from tachyon_sdk._errors.in_success import error_in

CHOICE = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}

# Errors whether or not there are choices.
ANYWHERE: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "error": ({"error": {"message": "died", "code": 500}}, "500", "died"),
    "error-text": ({"error": "died"}, None, "died"),
    "error-true": ({"error": True, "message": "died"}, None, "died"),
    "error-true-alone": ({"error": True}, None, None),
    "error-number": ({"error": 7}, None, None),
    "error-list": ({"error": [{"message": "died"}]}, None, "died"),
    "error-code-zero-but-a-message": ({"error": {"code": 0, "message": "died"}}, "0", "died"),
    "object-error": ({"object": "error", "message": "died", "type": "InternalServerError", "code": 500}, "500", "died"),
    "object-error-alone": ({"object": "error"}, None, None),
    "type-error": ({"type": "error", "message": "died", "code": "x"}, "x", "died"),
    "type-error-alone": ({"type": "error"}, None, None),
    "anthropic": ({"type": "error", "error": {"type": "overloaded", "message": "busy"}}, "overloaded", "busy"),
    "error-code": ({"error_code": 336002, "error_msg": "bad"}, "336002", "bad"),
    "error-code-text": ({"error_code": "DENIED", "message": "bad"}, "DENIED", "bad"),
    "error-code-camel": ({"errorCode": 7, "errorMessage": "bad"}, "7", "bad"),
    "errno": ({"errno": 110, "errmsg": "no credit"}, "110", "no credit"),
    "error-code-alone": ({"error_code": 1}, "1", None),
    "error-msg-alone": ({"error_msg": "bad"}, None, "bad"),
    "aws-lambda": ({"errorMessage": "boom", "errorType": "KeyError"}, "KeyError", "boom"),
    "base-resp": ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, "1002", "rate limit"),
    "base-resp-text": ({"base_resp": {"status_code": "1002", "status_msg": "rate limit"}}, "1002", "rate limit"),
    "groq": ({"x_groq": {"id": "r", "error": "stopped"}}, None, "stopped"),
    "status-text": ({"status": "error", "message": "died"}, None, "died"),
    "status-failed": ({"status": "FAILED", "reason": "died"}, None, "died"),
}  # fmt: skip
# Errors only without choices.
ALONE: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "code-and-message": ({"code": "x", "message": "died"}, "x", "died"),
    "code-number": ({"code": 503, "msg": "died"}, "503", "died"),
    "code-and-details": ({"code": 400, "details": "at most 20"}, "400", "at most 20"),
    "code-in-a-type": ({"type": "requests", "code": "rate_limit", "message": "slow"}, "rate_limit", "slow"),
    "capitals": ({"Code": "Denied", "Message": "no"}, "Denied", "no"),
    "named-type": ({"type": "invalid_request_error", "message": "bad"}, "invalid_request_error", "bad"),
    "aws-type": ({"__type": "x.y#ThrottlingException", "message": "slow"}, "ThrottlingException", "slow"),
    "errors": ({"errors": [{"code": 7003, "message": "no route"}]}, "7003", "no route"),
    "errors-of-fields": ({"errors": {"model": ["unknown"]}}, None, "model: unknown"),
    "success-false": ({"success": False, "msg": "no"}, None, "no"),
    "success-false-text": ({"success": "false", "data": {"message": "no"}}, None, "no"),
    "success-false-alone": ({"success": False}, None, None),
    "status-number": ({"status": 404, "title": "Not Found", "detail": "gone", "type": "about:blank"}, None, "gone"),
    "status-code": ({"statusCode": 429, "message": "slow"}, None, "slow"),
    "status-object": ({"status": {"code": 3, "message": "bad"}}, "3", "bad"),
    "validator": ({"detail": [{"loc": ["body", "n"], "msg": "required", "type": "missing"}]}, None, "body.n: required"),
    "detail-object": ({"detail": {"error": {"message": "died"}}}, None, "died"),
    "fault": ({"fault": {"faultstring": "no key"}}, None, "no key"),
    "exception": ({"modelStreamErrorException": {"message": "died"}}, None, "died"),
    "tencent": ({"Response": {"Error": {"Code": "Denied", "Message": "no"}}}, "Denied", "no"),
    "header": ({"header": {"code": 10013, "message": "refused"}}, "10013", "refused"),
}  # fmt: skip
# No errors whether or not there are choices.
NEVER: dict[str, dict[str, Any]] = {
    "nothing": {},
    "error-null": {"error": None},
    "error-empty": {"error": ""},
    "error-object-empty": {"error": {}},
    "error-list-empty": {"error": []},
    "error-false": {"error": False},
    "error-zero": {"error": 0},
    "error-object-of-nothing": {"error": {"code": None, "message": "", "type": None, "param": None}},
    "error-object-of-success": {"error": {"code": 0, "message": "success"}},
    "base-resp": {"base_resp": {"status_code": 0, "status_msg": "success"}},
    "base-resp-of-any-text": {"base_resp": {"status_code": 0, "status_msg": "done well"}},
    "base-resp-empty": {"base_resp": {}},
    "base-resp-null": {"base_resp": None},
    "code-zero": {"code": 0, "message": "Success", "sid": "s"},
    "code-200": {"code": 200, "message": "all is well"},
    "code-200-text": {"code": "200", "message": "all is well"},
    "code-empty": {"code": "", "message": "", "success": True},
    "code-ok": {"code": "Success", "message": "Success"},
    "error-code-zero": {"error_code": 0, "error_msg": "whatever"},
    "error-code-of-text-zero": {"errorCode": "0", "errorMessage": "ok"},
    "errno-zero": {"errno": 0, "errmsg": "fine"},
    "error-msg-empty": {"error_msg": "", "error_message": None},
    "errors-empty": {"errors": [], "messages": []},
    "status-text": {"status": "completed"},
    "status-number": {"status": 200, "statusCode": 200},
    "status-object": {"status": {"code": 0, "message": "fine"}},
    "groq": {"x_groq": {"id": "r"}},
    "say": {"type": "say", "text": "Noted"},
    "say-with-a-code": {"type": "say", "text": "Noted", "code": 1, "message": "m"},
    "done": {"type": "done", "code": "x", "message": "m"},
    "ping": {"type": "ping"},
    "tool-of-an-agent": {"type": "tool_result", "is_error": True, "status": "failed", "success": False},
    "type-of-nothing": {"type": None},
    "type-of-anything": {"type": [], "status": {}, "object": {}, "base_resp": [], "x_groq": 1, "success": []},
    "message": {"message": "queued"},
    "title": {"title": "A room"},
    "code-without-a-message": {"code": "x"},
    "filter": {"prompt_filter_results": [{"content_filter_results": {"error": {"code": "x"}}}]},
    "timings": {"timings": {"ms": 1.5}, "default": "x", "usage": None, "provider": "p"},
}


@pytest.mark.parametrize("case", ANYWHERE)
def test_errors_beside_choices_and_alone(case: str) -> None:
    properties, code, message = ANYWHERE[case]
    for has_choices in (True, False):
        assert error_in(properties, has_choices) == (code, message)
        assert error_in({"choices": [CHOICE], **properties}, has_choices) == (code, message)
        for event in (True, False):
            assert error_in({"id": "c1", **properties}, has_choices, event=event) == (code, message)


@pytest.mark.parametrize("case", ALONE)
def test_errors_only_without_choices(case: str) -> None:
    properties, code, message = ALONE[case]
    assert error_in(properties, False) == (code, message)
    assert error_in(properties, False, "chat.completion.chunk", event=True) == (code, message)
    assert error_in(properties, True) is None


@pytest.mark.parametrize("case", NEVER)
def test_successful_bodies_are_not_errors(case: str) -> None:
    for has_choices in (True, False):
        for event in (True, False):
            assert error_in(NEVER[case], has_choices, event=event) is None
            assert error_in({**NEVER[case], "object": "chat.completion"}, has_choices, event=event) is None


def test_the_kind_of_the_object_may_be_given_apart() -> None:
    for has_choices in (True, False):
        assert error_in({"message": "died"}, has_choices, "error") == (None, "died")
        assert error_in({"message": "fine"}, has_choices, "chat.completion.chunk") is None
    assert error_in({"object": "error"}, True, "chat.completion") == (None, None)


def test_a_detail_alone_is_an_error_only_in_a_stream() -> None:
    # A full body like this cannot be decoded as a response, which is another error.
    assert error_in({"detail": "died"}, False, event=True) == (None, "died")
    assert error_in({"detail": "died", "id": None}, False, event=True) == (None, "died")
    assert error_in({"detail": "died"}, False) is None
    assert error_in({"detail": "died"}, True, event=True) is None
    assert error_in({"detail": "thinking", "step": 3}, False, event=True) is None
    assert error_in({"detail": ""}, False, event=True) is None


def test_the_error_of_a_choice_is_read_from_its_own_properties() -> None:
    own = {"error": {"code": 502, "message": "gone"}, "native_finish_reason": "error"}
    assert error_in(own, True) == ("502", "gone")
    filtered = {"content_filter_results": {"error": {"code": "x", "message": "not filtered"}}}
    assert error_in(filtered, True) is None
    assert (
        error_in({"stop_reason": None, "text": "", "matched_stop": 7, "message": {"content": "x"}}, True)
        is None
    )


NAMES = [
    *(
        "error",
        "errors",
        "code",
        "message",
        "msg",
        "type",
        "object",
        "status",
        "detail",
        "base_resp",
        "fault",
    ),
    *("status_code", "error_code", "error_msg", "success", "x_groq", "Response", "title"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "error", "say", "0", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4), st.booleans(), st.booleans())
def test_nothing_raises_and_choices_only_take_errors_away(
    properties: dict[str, Any], has_choices: bool, event: bool
) -> None:
    before = repr(properties)
    found = error_in(properties, has_choices, event=event)
    assert found is None or all(part is None or isinstance(part, str) for part in found)
    if found is not None and has_choices:
        assert error_in(properties, False, event=event) == found
    assert repr(properties) == before
