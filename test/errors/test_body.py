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
        ({"message": "outside", "code": 400, "error": {"code": "inside"}}, "inside", "outside"),
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


OTHER_SHAPES: dict[str, tuple[Any, str | None, str | None]] = {
    # gateways
    "cloudflare": (
        {"result": None, "success": False, "errors": [{"code": 7003, "message": "no route"}], "messages": []},
        "7003",
        "no route",
    ),
    "cloudflare-edge": (
        {"type": "https://e.example/1015", "title": "Error 1015", "status": 429, "detail": "wait", "error_code": 1015},
        "1015",
        "wait",
    ),
    "apigee": (
        {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}},
        "oauth.v2.InvalidApiKey",
        "Invalid ApiKey",
    ),
    "wso2": ({"fault": {"code": 900901, "message": "Invalid", "description": "more"}}, "900901", "Invalid"),
    "azure-gateway": ({"statusCode": 401, "message": "no subscription key"}, None, "no subscription key"),
    "kong": ({"message": "No API key found in request", "request_id": "1"}, None, "No API key found in request"),
    "spring": ({"timestamp": "t", "status": 500, "error": "Broken", "path": "/v1"}, None, "Broken"),
    "spring-message": ({"status": 500, "error": "Broken", "message": "why", "path": "/"}, None, "why"),
    "aws-capitals": ({"Message": "not authorized"}, None, "not authorized"),
    "aws-type": (
        {"__type": "com.amazon.coral.service#ThrottlingException", "message": "slow down"},
        "ThrottlingException",
        "slow down",
    ),
    "aws-lambda": ({"errorMessage": "boom", "errorType": "KeyError"}, "KeyError", "boom"),
    "tencent": (
        {"Response": {"Error": {"Code": "AuthFailure", "Message": "no"}, "RequestId": "r"}},
        "AuthFailure",
        "no",
    ),
    "volcengine": ({"ResponseMetadata": {"Error": {"Code": "Denied", "Message": "no"}}}, "Denied", "no"),
    "grpc": ({"code": 5, "message": "gone", "details": []}, "5", "gone"),
    "quarkus": ({"details": "Error id 7", "stack": ""}, None, "Error id 7"),
    "couch": ({"error": "not_found", "reason": "missing"}, None, "not_found: missing"),
    "error-twice": ({"error": "gone", "detail": "gone"}, None, "gone"),
    "error-and-details": ({"error": "Bad Request", "details": [{"field": "n", "message": "too large"}]},
                          None, "Bad Request: n: too large"),
    "vapor": ({"error": True, "reason": "no such room"}, None, "no such room"),
    "error-number": ({"error": 40101, "msg": "no such key"}, "40101", "no such key"),
    # credentials
    "oauth": ({"error": "invalid_token", "error_description": "expired"}, "invalid_token", "expired"),
    "oauth-of-azure": (
        {"error": "invalid_client", "error_description": "AADSTS7000215", "error_codes": [7000215]},
        "invalid_client",
        "AADSTS7000215",
    ),
    # frameworks
    "asp-net": (
        {"title": "Validation failed", "status": 400, "errors": {"$.messages": ["is required", "is null"]}},
        None,
        "$.messages: is required, is null",
    ),
    "problem": ({"title": "Validation", "errors": [{"detail": "too old", "pointer": "#/age"}]}, None, "#/age: too old"),
    "express": ({"errors": [{"msg": "is required", "path": "model", "type": "field"}]}, None, "model: is required"),
    "graphql": ({"errors": [{"message": "no", "path": ["chat", 0]}]}, None, "chat[0]: no"),
    "errors-of-text": ({"errors": ["first", "second"]}, None, "first; second"),
    "errors-object": ({"errors": {"code": "x", "message": "no"}}, "x", "no"),
    "flask": ({"message": {"model": "is required"}}, None, "model: is required"),
    "odata": ({"error": {"code": "x", "message": {"lang": "en", "value": "no"}}}, "x", "lang: en; value: no"),
    "conversation": ({"message": {"role": "assistant", "content": "Hi"}}, None, None),
    # providers
    "baidu": ({"error_code": 336002, "error_msg": "bad JSON", "id": "1"}, "336002", "bad JSON"),
    "minimax": ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "1004", "login fail"),
    "wechat": ({"errcode": 40001, "errmsg": "bad credential"}, "40001", "bad credential"),
    "msg": ({"success": False, "code": 401, "msg": "token expired"}, "401", "token expired"),
    "details-text": ({"code": 400, "details": "at most 20"}, "400", "at most 20"),
    "error-details": ({"error": {"code": 400, "error_details": "at most 20"}}, "400", "at most 20"),
    "errno": ({"errno": 110, "errmsg": "no credit"}, "110", "no credit"),
    "exception-text": ({"exception": "ValueError: x"}, None, "ValueError: x"),
    "exception-object": ({"internalServerException": {"message": "died"}}, None, "died"),
    "data": ({"success": False, "data": {"code": "x", "message": "no"}}, "x", "no"),
    "description": ({"description": "out of quota"}, None, "out of quota"),
    "hugging-face": (
        {"error": "Input validation error", "error_type": "validation"},
        "validation",
        "Input validation error",
    ),
    "vllm": (
        {"object": "error", "message": "died", "type": "InternalServerError", "param": None, "code": None},
        "InternalServerError",
        "died",
    ),
    "vllm-code": ({"object": "error", "message": "died", "type": "BadRequestError", "code": 400}, "400", "died"),
    "mistral": (
        {"object": "error", "message": {"detail": [{"type": "missing", "loc": ["body", "n"], "msg": "required"}]}},
        None,
        "body.n: required",
    ),
    "google": (
        {"error": {"code": 400, "message": "bad key", "status": "INVALID", "details": [{"reason": "KEY"}]}},
        "400",
        "bad key",
    ),
    "google-status": ({"error": {"message": "bad key", "status": "UNAUTHENTICATED"}}, "UNAUTHENTICATED", "bad key"),
    "groq": ({"x_groq": {"id": "r", "error": "stopped"}}, None, "stopped"),
    "open-router": (
        {"error": {"code": 429, "message": "Provider returned error",
                   "metadata": {"raw": '{"error": {"message": "quota exceeded"}}', "provider_name": "x"}}},
        "429",
        "Provider returned error: quota exceeded",
    ),
    "open-router-text": (
        {"error": {"code": 502, "metadata": {"raw": "upstream is down"}}},
        "502",
        "upstream is down",
    ),
    # passed on
    "json-in-a-message": (
        {"error": {"code": 400, "message": '{"error": {"code": "API_KEY", "message": "bad key"}}'}},
        "API_KEY",
        "bad key",
    ),
    "json-in-a-detail": ({"detail": '[{"error": {"message": "busy"}}]'}, None, "busy"),
    "json-in-json-text": ('{"message": "busy"}', None, "busy"),
    "json-that-says-nothing": ({"message": '{"a": 1}'}, None, '{"a": 1}'),
    "cut-json-in-a-message": ({"message": '{"error": {"mess'}, None, '{"error": {"mess'),
    "hostile-json-in-a-message": ({"message": "[" * 100_000, "code": "x"}, "x", "[" * 100_000),
    "page-in-a-message": (
        {"error": {"message": "<html><title>502 Bad Gateway</title>", "code": "bad"}},
        "bad",
        "502 Bad Gateway",
    ),
    "markup-in-a-message": ({"message": "<b>busy</b>"}, None, "<b>busy</b>"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_SHAPES)
def test_shapes_of_gateways_and_providers(name: str) -> None:
    body, code, message = OTHER_SHAPES[name]
    assert read_error_body(json.dumps(body)) == (code, message)
    if isinstance(body, dict):
        assert read_error_body(None, body) == (code, message)
        assert read_error_body(json.dumps([body])) == (code, message)


@pytest.mark.parametrize("name", ["error_msg", "errorMsg", "ErrorMsg", "error-msg", "ERROR_MSG"])
def test_names_are_read_in_any_case(name: str) -> None:
    assert read_error_body(json.dumps({name: "no", name.lower().replace("msg", "code"): 7})) == ("7", "no")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ('data: {"error": {"message": "busy", "code": 503}}\n\n', "503", "busy"),
        ('id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"Invalid","message":"no"}\n\n', "Invalid", "no"),
        (': waiting\r\n\r\ndata: {"id": "1"}\r\n\r\ndata: {"message": "no"}\r\n\r\n', None, "no"),
        ("data: [DONE]\n\n", None, "data: [DONE]"),
        ("data: busy", None, "data: busy"),
        ("event: " + "data:\n" * 1000 + 'data: {"message": "too late"}', None, None),
        (
            "<html><body><h1>503 Service Unavailable</h1>\nNo server\n</body></html>",
            None,
            "503 Service Unavailable",
        ),
        (
            "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
            "AccessDenied",
            "Access Denied",
        ),
        ("<s:Envelope><faultcode>x</faultcode><faultstring>no</faultstring></s:Envelope>", None, "no"),
    ],
)
def test_bodies_of_other_types(body: str, code: str | None, message: str | None) -> None:
    found = read_error_body(body)
    assert found == (code, body.strip() if message is None else message)


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
def test_bodies_that_are_not_json(body: str | None, message: str | None) -> None:
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
def test_hostile_bodies_are_parsed_quickly(filling: str) -> None:
    # Limited by the timeout of the suite: quadratic time would be hours.
    read_error_body("<" + filling * 1_000_000)


@given(st.text() | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_raises(body: str) -> None:
    read_error_body(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "error",
                        "message",
                        "detail",
                        "code",
                        "type",
                        "title",
                        "msg",
                        "loc",
                        "errors",
                        "status",
                    ),
                    *("base_resp", "error_description", "metadata", "raw", "fault", "__type", "path"),
                ]
            ),
            inner,
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
def test_recorded_responses(file: str, code: str | None, message: str) -> None:
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
