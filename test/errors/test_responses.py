"""Exceptions of responses: error statuses, errors in a successful response, undecodable bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.raw_server import RawServer, http_response, json_response
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ChatApi,
    Configuration,
    NotFoundException,
    ResponseDecodeException,
    UnauthorizedException,
)
from tachyon_sdk._errors.responses import reported_error, undecodable_error, undecodable_message

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
PAGE = "<!doctype html><html><head><title>Sign in to\n the gateway</title></head><body></body></html>"


class Responded:
    """The attributes of a response that an exception uses."""

    status = 200
    reason: str | None = "OK"
    headers = {"X-Request-Id": "r-1", "Content-Type": "application/json"}  # noqa: RUF012


def failure(raw: bytes, form: str = "") -> ApiException:
    """The error of a call that gets this response."""
    with RawServer([raw]) as server:
        configuration = Configuration(server.url, operator_id="tn_1", access_token="t", retries=0)
        with ApiClient(configuration) as client, pytest.raises(ApiException) as caught:
            list(getattr(ChatApi(client), f"chat_completion{form}")(chat_completion_request=QUESTION))
    return caught.value


@pytest.mark.parametrize("form", ["", "_stream"])
def test_a_web_page_is_named_with_its_title_and_type(form: str) -> None:
    error = failure(http_response(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE), form)
    assert type(error) is ResponseDecodeException
    assert error.body == PAGE
    assert str(error) == (
        "the response is not a valid ChatCompletionChunkResponse: it is a web page, 'Sign in to the gateway' "
        "(the content type is text/html)"
    )


@pytest.mark.parametrize("form", ["", "_stream"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_empty_body_is_reported_as_empty(form: str, status: int) -> None:
    error = failure(http_response(status), form)
    assert type(error) is ResponseDecodeException
    assert str(error).endswith(": it is empty (there is no content type)")


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"", "application/json", "it is empty"),
        (b" \r\n", None, "it is empty (there is no content type)"),
        (b"\xef\xbb\xbf", "application/json", "it is empty"),
        (b"<html>hello", "text/html", "it is a web page (the content type is text/html)"),
        (b"<h1>Busy</h1>", "application/json", "it is a web page, 'Busy'"),
        (b"<?xml version='1.0'?><a><Message>No</Message></a>", "text/xml",
         "it is XML, 'No' (the content type is text/xml)"),
        (b"<a/>", "application/XML", "it is XML (the content type is application/xml)"),
        (b"<title>" + b"x" * 500, "a/json", "it is a web page, '" + "x" * 117 + "...'"),
        (b"upstream\nis busy", "text/plain",
         "it is not JSON and begins with 'upstream is busy' (the content type is text/plain)"),
        (b"data: {}", "application/octet-stream",
         "it is not JSON and begins with 'data: {}' (the content type is application/octet-stream)"),
        (b"\xff\xfe\x00", None, "it is not JSON and begins with '\ufffd\ufffd' (there is no content type)"),
        (b'{"choices": [', "application/json", "where"),
        (b"[1, 2", "application/json", "where"),
        (b"[]", "application/json", "where"),
        (b"null", "application/json", "where"),
        (b'"busy"', "application/json", "where"),
        (b'{"id": 7}', "application/json; charset=utf-8", "where"),
        (b'{"id": 7}', "application/problem+json", "where"),
        (b'{"id": 7}', "text/event-stream", "where"),
        (b'{"id": 7}', "text/plain", "where (the content type is text/plain)"),
        (b'{"detail": "gone"}', "application/json", "where; it says 'gone'"),
        (b'{"detail": "' + b"x" * 100_000 + b'"}', "application/json", "where"),
        (b"[" * 100_000, "application/json", "where"),
    ],
)  # fmt: skip
def test_undecodable_bodies_are_described(body: bytes, content_type: str | None, said: str) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert (
        undecodable_message(headers, body, "Person", "where") == f"the response is not a valid Person: {said}"
    )


def test_the_error_of_an_undecodable_response() -> None:
    error = undecodable_error(Responded(), b'{"id": \xff}', "Person", "where")
    assert (error.status, error.reason, error.headers) == (200, "OK", Responded.headers)
    assert (error.body, error.request_id) == ('{"id": \ufffd}', "r-1")
    assert str(error) == "the response is not a valid Person: where (request id r-1)"


@pytest.mark.parametrize(
    ("body", "found", "code", "message"),
    [
        ({"error": {"code": "x", "message": "m"}}, None, "x", "m"),
        ({"error": {"code": "x", "message": "m"}}, ("y", "n"), "y", "n"),
        ({"choices": [{"error": {"message": "m"}}]}, ("502", "gone"), "502", "gone"),
        ({"error": True}, (None, None), None, None),
        ({}, None, None, None),
        ("text", None, None, "text"),
        (5, None, None, "5"),
        ([], None, None, "[]"),
    ],
)
def test_an_error_inside_a_success(body: Any, found: Any, code: str | None, message: str | None) -> None:
    data = json.dumps(body)
    error = reported_error(Responded(), data.encode(), found)
    assert (error.code, error.message, error.body) == (code, message, data)
    assert (error.status, error.request_id) == (200, "r-1")
    assert "200 OK" not in str(error)


@pytest.mark.parametrize(
    ("raw", "kind", "line"),
    [
        (
            json_response({"success": False, "errors": [{"code": 7003, "message": "no route"}]}, 404),
            NotFoundException,
            "404 Not Found: no route (code 7003)",
        ),
        (
            json_response({"error": "invalid_token", "error_description": "It has expired"}, 401),
            UnauthorizedException,
            "401 Unauthorized: It has expired (code invalid_token)",
        ),
        (
            http_response(
                500, {"Content-Type": "text/event-stream"}, 'data: {"error": {"message": "died"}}\n\n'
            ),
            ApiException,
            "500 Internal Server Error: died",
        ),
    ],
)
@pytest.mark.parametrize("form", ["", "_stream"])
def test_an_error_status_has_the_message_of_the_server(
    raw: bytes, kind: type[ApiException], line: str, form: str
) -> None:
    error = failure(raw, form)
    assert isinstance(error, kind)
    assert str(error) == line
