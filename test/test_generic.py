"""Calls of undocumented endpoints, written as programs for clients of OpenAPI Generator write them."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import itertools
import json
import math
import typing
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pydantic
import pytest

from support.contract import operations, resolved
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    RawRequest,
    RawServer,
    closed_port,
    http_response,
    json_response,
)
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiResponse,
    ApiTypeError,
    ApiValueError,
    ChatCompletionRequest,
    Configuration,
    ConnectionException,
    ContentPart,
    Message,
    MessageContent,
    NotFoundException,
    ResponseDecodeException,
    RetryPolicy,
    ServiceException,
    TimeoutException,
    ToolChoice,
)
from tachyon_sdk._calls.generic import GenericCalls
from tachyon_sdk._calls.request import credentials
from tachyon_sdk.models import ErrorResponse, Usage

_clients: list[ApiClient] = []
OK = json_response({"models": [{"id": "m1"}], "total_count": 1})


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().close()


def client(server: RawServer | str, **settings: Any) -> ApiClient:
    host = server if isinstance(server, str) else server.url
    settings = {"operator_id": "tn_1", "access_token": "t", "retries": RetryPolicy(backoff=0), **settings}
    _clients.append(ApiClient(Configuration(host, **settings)))
    return _clients[-1]


def sent_by(_timeout: Any = None, **parameters: Any) -> RawRequest:
    """The request that `param_serialize` and `call_api` make of these."""
    with RawServer([OK]) as server:
        one = client(server)
        serialized = one.param_serialize(**{"method": "GET", "resource_path": "/x", **parameters})
        one.call_api(*serialized, _request_timeout=_timeout).read()
    (request,) = server.requests
    return request


def query_of(request: RawRequest) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True)


# The whole way


@pytest.mark.parametrize("name", [name for name in vars(GenericCalls) if not name.startswith("_")])
def test_type_hints_can_be_read(name: str) -> None:
    assert typing.get_type_hints(getattr(ApiClient, name))


def test_the_pattern_of_generated_clients() -> None:
    with RawServer([OK]) as server:
        api_client = client(server)
        header_params = {"Accept": api_client.select_header_accept(["text/plain", "application/json"])}
        param = api_client.param_serialize(
            method="GET",
            resource_path="/v1/llms/{kind}/models",
            path_params={"kind": "a b"},
            query_params=[("supported_feature", ["vision", "json_mode"]), ("require_agent_product", False)],
            header_params=header_params,
            body=None,
            post_params=[],
            files={},
            auth_settings=[],
            collection_formats={"supported_feature": "multi"},
            _host=None,
            _request_auth=None,
        )
        response_data = api_client.call_api(*param, _request_timeout=5)
        assert response_data.data is None
        assert json.loads(response_data.read())["total_count"] == 1
        response = api_client.response_deserialize(
            response_data=response_data, response_types_map={"200": "object", "400": "ErrorResponse"}
        )
    assert isinstance(response, ApiResponse)
    assert response.data == {"models": [{"id": "m1"}], "total_count": 1}
    assert (response.status_code, response.raw_data) == (200, response_data.data)
    assert response.headers is not None and response.headers["content-type"] == "application/json"
    (request,) = server.requests
    assert request.method == "GET"
    assert request.target == (
        "/v1/llms/a%20b/models?supported_feature=vision&supported_feature=json_mode"
        "&require_agent_product=false"
    )
    assert (request.get("Accept"), request.get("Content-Type")) == ("application/json", None)
    assert (request.get("x-operator-id"), request.get("Authorization")) == ("tn_1", "Bearer t")
    assert (request.get("User-Agent") or "").startswith("tachyon-chat-sdk/")


def test_the_contracts_credentials_are_those_that_are_sent() -> None:
    contract = {
        (resolved(parameter)["name"], resolved(parameter)["x-configured-by"])
        for _, _, operation in operations()
        for parameter in operation["parameters"]
        if "x-configured-by" in resolved(parameter)
    }
    contract.add(("x-user-id", "user_id"))  # observed, and in no declared operation
    values = {"operator_id": "tn_9", "access_token": "u", "user_id": "user-1"}
    sent = credentials(Configuration("http://h", **values))  # type: ignore[arg-type]
    assert sent == {name: {"access_token": "Bearer u"}.get(key, values[key]) for name, key in contract}


# param_serialize


@pytest.mark.parametrize(
    ("query", "formats", "expected"),
    [
        ({"a": 1, "b": "ü &", "c": None, "d": True}, {}, [("a", "1"), ("b", "ü &"), ("d", "true")]),
        ([("a", "1"), ("a", "2")], {}, [("a", "1"), ("a", "2")]),
        ({"a": [1, True, "x"]}, {}, [("a", "1"), ("a", "true"), ("a", "x")]),
        ({"a": ("x", "y")}, {"a": "multi"}, [("a", "x"), ("a", "y")]),
        ({"a": ["x", "y"]}, {"a": "csv"}, [("a", "x,y")]),
        ({"a": ["x", "y"]}, {"a": "ssv"}, [("a", "x y")]),
        ({"a": ["x", "y"]}, {"a": "tsv"}, [("a", "x\ty")]),
        ({"a": ["x", "y"]}, {"a": "pipes"}, [("a", "x|y")]),
        ({"a": "x"}, {"a": "csv"}, [("a", "x")]),
        ({"a": {"b": 1}}, {}, [("a", '{"b": 1}')]),
        ({"a": ToolChoice.AUTO, "b": datetime.date(2026, 1, 2)}, {}, [("a", "auto"), ("b", "2026-01-02")]),
        ({}, {}, []),
        (None, None, []),
    ],
)
def test_query_parameters(query: Any, formats: Any, expected: Any) -> None:
    assert query_of(sent_by(query_params=query, collection_formats=formats)) == expected


def test_path_parameters_are_single_segments() -> None:
    path = "/{a}/{b}/{c}/{d}"
    values = {"a": "x/../y", "b": ["p", "q"], "c": 7, "d": True}
    request = sent_by(resource_path=path, path_params=values)
    assert request.target == "/x%2F..%2Fy/p%2Cq/7/true"
    assert sent_by(resource_path="/{a}", path_params=[("a", "{b}")]).target == "/%7Bb%7D"


def test_headers_of_the_call_win_and_none_takes_one_away() -> None:
    def headers(header_params: Any, **settings: Any) -> RawRequest:
        with RawServer([OK]) as server:
            one = client(server, **settings)
            one.set_default_header("X-Default", "1")
            one.set_default_header("Authorization", "Bearer default")
            one.cookie = "a=1"
            one.call_api(*one.param_serialize("GET", "/x", header_params=header_params)).read()
        return server.requests[0]

    request = headers({"authorization": "Bearer own", "X-List": ["a", "b"], "X-Number": 7})
    assert request.get_all("Authorization") == ["Bearer own"]
    assert [request.get(name) for name in ("X-Default", "Cookie", "X-List", "X-Number")] == [
        *("1", "a=1", "a,b", "7")
    ]
    assert headers(None).get_all("Authorization") == ["Bearer default"]
    assert headers({"AUTHORIZATION": None, "x-operator-id": None}).get("authorization") is None
    without = headers({}, operator_id=None, access_token=None)
    assert (without.get("x-operator-id"), without.get("Authorization")) == (None, "Bearer default")


@pytest.mark.parametrize(
    ("auth", "name", "value", "target"),
    [
        ({"in": "header", "key": "X-Key", "value": "v"}, "X-Key", "v", "/x?q=1"),
        ({"in": "cookie", "key": "sid", "value": "v"}, "Cookie", "sid=v", "/x?q=1"),
        ({"in": "query", "key": "key", "value": "v w"}, "Cookie", None, "/x?q=1&key=v+w"),
    ],
)
def test_a_credential_for_one_call(auth: Any, name: str, value: str | None, target: str) -> None:
    request = sent_by(query_params={"q": 1}, _request_auth={"type": "api_key", **auth})
    assert (request.get(name), request.target) == (value, target)


def test_another_host() -> None:
    with RawServer([OK]) as server:
        one = client("http://unused.invalid")
        one.call_api(*one.param_serialize("GET", "/x", _host=f"{server.url}/base/")).read()
    assert server.requests[0].target == "/base/x"


@pytest.mark.parametrize(
    "parameters",
    [
        {"resource_path": "x"},
        {"resource_path": "@other.example/x"},
        {"resource_path": ""},
        {"resource_path": "/{room}"},
        {"resource_path": "/{room}", "path_params": {"rooms": "1"}},
        {"resource_path": "/{room}", "path_params": {"room": ""}},
        {"resource_path": "/{room}", "path_params": {"room": ".."}},
        {"resource_path": "/{room}", "path_params": {"room": None}},
        {"query_params": {"a": "\ud800"}},
        {"query_params": {"a": ["x", "\ud800"]}},
        {"query_params": {"\ud800": "x"}},
        {"query_params": {"a": object()}},
        {"header_params": {"X": "a\r\nY: b"}},
        {"header_params": {"X Y": "a"}},
        {"_host": "ftp://other.example"},
        {"_request_auth": {"in": "body", "key": "k", "value": "v"}},
        {"body": object()},
        {"body": {"a": {1: lambda: 0}}},
    ],
)
def test_what_cannot_be_sent_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises((ApiValueError, ApiTypeError)):
        client("http://h.example").param_serialize(**{"method": "GET", "resource_path": "/x", **parameters})


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["itself"] = [value]
    with pytest.raises(ApiValueError, match="contains itself"):
        client("http://h.example").param_serialize("POST", "/x", body=value)


# Bodies


def test_a_json_body() -> None:
    body = {
        "messages": [Message(role="user", content=MessageContent("日本"))],
        "none": None,
        "list": (1, True),
    }
    request = sent_by(method="post", body=body)
    assert request.method == "POST"
    assert request.get_all("Content-Type") == ["application/json"]
    assert request.body.decode() == (
        '{"messages":[{"role":"user","content":"日本"}],"none":null,"list":[1,true]}'
    )


@pytest.mark.parametrize("body", [{}, [], 0, False, ""])
def test_an_empty_body_is_a_body(body: Any) -> None:
    request = sent_by(method="PUT", body=body)
    assert (request.json(), request.get("Content-Type")) == (body, "application/json")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS"])
def test_every_method_without_a_body(method: str) -> None:
    request = sent_by(method=method)
    assert (request.method, request.body, request.get("Content-Type")) == (method, b"", None)


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        ("application/vnd.x+json; charset=utf-8", {"a": 1}, b'{"a":1}'),
        ("application/json", b'{"a": 1}', b'{"a": 1}'),
        ("application/json", "text", b'"text"'),
        ("text/plain", "日本", "日本".encode()),
        ("application/octet-stream", b"\0\xff", b"\0\xff"),
        ("application/x-ndjson", bytearray(b"{}\n{}\n"), b"{}\n{}\n"),
    ],
)
def test_bodies_of_other_types(content_type: str, body: Any, sent: bytes) -> None:
    with RawServer([OK]) as server:
        headers = {"content-TYPE": content_type, "Content-Length": "3"}
        client(server).call_api("POST", f"{server.url}/x", headers, body).read()
    (request,) = server.requests
    assert (request.body, request.get_all("Content-Type")) == (sent, [content_type])
    assert request.get_all("Content-Length") == [str(len(sent))]


def test_a_form() -> None:
    fields = [("a", "ü &"), ("b", 1), ("b", True), ("c", None), ("d", {"e": 1}), ("f", ["x", "y"])]
    request = sent_by(
        method="POST",
        header_params={"Content-Type": "application/x-www-form-urlencoded"},
        post_params=fields,
        collection_formats={"f": "csv"},
    )
    assert request.get_all("Content-Type") == ["application/x-www-form-urlencoded"]
    assert parse_qsl(request.body.decode()) == [
        *(("a", "ü &"), ("b", "1"), ("b", "true"), ("d", '{"e": 1}'), ("f", "x,y"))
    ]


@pytest.mark.parametrize("content_type", [None, "multipart/form-data"])
def test_a_form_with_files(content_type: str | None, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content of a")
    request = sent_by(
        method="POST",
        header_params={"Content-Type": content_type},
        post_params={"purpose": "test", "n": 1},
        files={"one": str(file), "two": [b"second", ("c.json", b"{}")], "three": file},
    )
    (sent_type,) = request.get_all("Content-Type")
    assert sent_type.startswith("multipart/form-data; boundary=")
    boundary = sent_type.partition("boundary=")[2].encode()
    parts = [part.strip(b"\r\n") for part in request.body.split(b"--" + boundary)[1:-1]]
    assert [part.partition(b"\r\n\r\n")[2] for part in parts] == [
        *(b"test", b"1", b"content of a", b"second", b"{}", b"content of a")
    ]
    assert b'name="one"; filename="a.txt"' in parts[2] and b"text/plain" in parts[2]
    assert b'name="two"; filename="c.json"' in parts[4] and b"application/json" in parts[4]


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "TRACE"},
        {"method": "GET /x"},
        {"url": "/x"},
        {"url": "ftp://h.example/x"},
        {"url": "http://[broken/x"},
        {"header_params": {"X": "a\nb"}},
        {"header_params": [("X", "1")]},
        {"body": {1, 2}},
        {"body": math.nan},
        {"body": {"a": "\ud800"}},
        {"body": {}, "post_params": [("a", "b")]},
        {"body": {}, "header_params": {"Content-Type": "text/plain"}},
        {"post_params": [("a", "b")], "header_params": {"Content-Type": "application/json"}},
        {"_request_timeout": 0},
        {"_request_timeout": "5"},
    ],
)
def test_a_call_that_cannot_be_sent_is_refused(arguments: dict[str, Any]) -> None:
    with RawServer(itertools.repeat(OK)) as server:
        with pytest.raises((ApiValueError, ApiTypeError)):
            client(server).call_api(**{"method": "POST", "url": f"{server.url}/x", **arguments})
        assert server.connections == 0


def test_only_the_given_headers_are_sent_to_a_url_of_the_programs_own() -> None:
    with RawServer([OK]) as server:
        one = client("http://unused.invalid")
        one.set_default_header("X-Default", "1")
        one.call_api("GET", f"{server.url}/x", {"X-Own": "1"}).read()
    names = {name.lower() for name, _ in server.requests[0].headers}
    assert "x-own" in names and not names & {"authorization", "x-operator-id", "x-default"}


# Attempts, errors and limits


def test_it_is_tried_again_like_any_call() -> None:
    with RawServer([json_response({}, 503), json_response({}, 429), OK]) as server:
        one = client(server)
        assert one.call_api("GET", f"{server.url}/x").status == 200
    assert len(server.requests) == 3


def test_the_error_of_a_status_tells_of_the_attempts_before() -> None:
    busy = json_response({"code": "busy", "message": "later"}, 503, {"Retry-After": "0"})
    gone = json_response({"code": "gone", "message": "no room"}, 404)
    with RawServer([busy, gone, busy, busy, busy]) as server:
        one = client(server)
        response = one.call_api("GET", f"{server.url}/x")
        assert response.status == 404  # not an error yet
        with pytest.raises(NotFoundException) as caught:
            one.response_deserialize(response, {"200": "object", "404": "ErrorResponse"})
        error = caught.value
        assert (error.code, error.message, error.attempts) == ("gone", "no room", 2)
        assert [it.status for it in error.previous] == [503]
        assert error.data == ErrorResponse(code="gone", message="no room")
        with pytest.raises(ServiceException) as last:
            one.response_deserialize(one.call_api("GET", f"{server.url}/x"))
        assert (last.value.attempts, last.value.data, last.value.retry_after) == (3, None, 0)


@pytest.mark.parametrize("kind", ["ErrorResponse", "NoSuchType", "int"])
def test_an_error_body_of_another_type_is_an_error_of_its_status(kind: str) -> None:
    with RawServer(
        [http_response(502, {"Content-Type": "text/html"}, "<title>Bad Gateway</title>")]
    ) as server:
        one = client(server, retries=0)
        with pytest.raises(ServiceException, match="502 Bad Gateway") as caught:
            one.response_deserialize(one.call_api("GET", f"{server.url}/x"), {"5XX": kind})
    assert caught.value.data is None and "Bad Gateway" in (caught.value.body or "")


def test_a_redirect_is_an_error() -> None:
    with RawServer([http_response(302, {"Location": "http://other.example/?key=secret"})]) as server:
        one = client(server)
        with pytest.raises(ApiException, match=r"redirects to http://other\.example/\?<hidden>"):
            one.response_deserialize(one.call_api("GET", f"{server.url}/x"))


def test_a_response_that_is_too_large_is_refused() -> None:
    with RawServer([http_response(200, body="x" * 2000)] * 2) as server:
        one = client(server, max_response_bytes=1000)
        for read in (lambda it: it.read(), lambda it: one.response_deserialize(it, {"200": "bytearray"})):
            with pytest.raises(ResponseDecodeException, match="larger than 1000 bytes"):
                read(one.call_api("GET", f"{server.url}/x"))


def test_no_connection_and_no_response() -> None:
    with pytest.raises(ConnectionException) as refused:
        client("http://unused.invalid").call_api("GET", f"http://127.0.0.1:{closed_port()}/x")
    assert (refused.value.attempts, refused.value.request_sent) == (3, False)
    with RawServer([[AWAIT_CLOSE]]) as server:
        with pytest.raises(TimeoutException):
            client(server).call_api("GET", f"{server.url}/x", _request_timeout=(5, 0.05))


def test_a_body_that_breaks_off() -> None:
    cut = [OK[:-5], CLOSE]
    with RawServer([json_response({}, 503), cut]) as server:
        one = client(server)
        with pytest.raises(ConnectionException) as caught:
            one.response_deserialize(one.call_api("GET", f"{server.url}/x"), {"200": "object"})
    assert (caught.value.attempts, caught.value.status) == (2, 200)


# response_deserialize and deserialize


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"201": "object"}, {"a": 1}),
        ({"2XX": "object"}, {"a": 1}),
        ({"default": "object"}, {"a": 1}),
        ({"201": "Dict[str, int]", "2XX": "str", "default": "str"}, {"a": 1}),
        ({"201": None, "default": "object"}, None),
        ({"200": "object"}, None),
        ({"201": "bytearray"}, b'{"a": 1}'),
        ({}, None),
        (None, None),
    ],
)
def test_the_type_belongs_to_the_status(types: Any, expected: Any) -> None:
    raw = http_response(201, {"Content-Type": "application/json"}, '{"a": 1}')
    with RawServer([raw]) as server:
        one = client(server)
        response = one.response_deserialize(one.call_api("POST", f"{server.url}/x"), types)
    assert (response.status_code, response.data, response.raw_data) == (201, expected, b'{"a": 1}')


class Room(pydantic.BaseModel):
    """A type of the program."""

    name: str
    opened: datetime.date | None = None


class Colour(enum.Enum):
    """Another one."""

    RED = "red"


@pytest.mark.parametrize(
    ("text", "kind", "content_type", "expected"),
    [
        ('{"a": [1]}', "object", None, {"a": [1]}),
        ("[1, 2]", "List[int]", "application/json", [1, 2]),
        ('["1"]', "list[str]", "application/json; charset=utf-8", ["1"]),
        ('{"a": 1.5}', "Dict[str, float]", "application/problem+json", {"a": 1.5}),
        ('{"a": [null, 1]}', "Dict[str, List[Optional[int]]]", None, {"a": [None, 1]}),
        ("null", "Usage", None, None),
        ('{"total_tokens": 3}', "Usage", None, Usage(total_tokens=3)),
        ('{"total_tokens": 3}', Usage, "text/plain", Usage(total_tokens=3)),
        ('[{"total_tokens": 3}]', "List[Usage]", None, [Usage(total_tokens=3)]),
        ('"Hi"', "MessageContent", None, MessageContent("Hi")),
        ('{"name": "green", "opened": "2026-01-02"}', Room, None, Room(name="green", opened=datetime.date(2026, 1, 2))),
        ('[{"name": "green"}]', list[Room], None, [Room(name="green")]),
        ('"red"', Colour, None, Colour.RED),
        ('"2026-01-02T03:04:05"', "datetime", None, datetime.datetime(2026, 1, 2, 3, 4, 5)),
        ('"2026-01-02"', "date", None, datetime.date(2026, 1, 2)),
        ("1.10", "decimal", None, decimal.Decimal("1.1")),
        ('"00000000-0000-0000-0000-000000000001"', "UUID", None, uuid.UUID(int=1)),
        ("true", "bool", None, True),
        ("7", "int", "text/plain", 7),
        ("7", "str", "text/plain", "7"),
        ("7", "object", "text/plain", "7"),
        ('"7"', "str", None, "7"),
        ("plain text", "str", None, "plain text"),
        ("plain text", "object", "application/json", "plain text"),
        ("", "object", "application/json", ""),
    ],
)  # fmt: skip
def test_deserialize(text: str, kind: Any, content_type: str | None, expected: Any) -> None:
    read = client("http://h.example").deserialize(text, kind, content_type)
    assert read == expected and type(read) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('{"content": 1}', "DeltaMessage", "not a valid DeltaMessage: content: "),
        ('[{"name": 1}]', list[Room], "0.name: Input should be a valid string"),
        ("", "Usage", "it is empty"),
        ("<title>Sign in</title>", "Usage", "it is a web page, 'Sign in'"),
        ("[" * 100_000, "Usage", "not a valid Usage"),
        ('"blue"', Colour, "not a valid Colour"),
    ],
)
def test_what_is_not_of_the_type_is_an_error_with_the_text(text: str, kind: Any, said: str) -> None:
    with pytest.raises(ResponseDecodeException) as caught:
        client("http://h.example").deserialize(text, kind, "application/json")
    assert said in (caught.value.message or "") and caught.value.body == text
    raw = (
        json_response({"message": "busy"}, 503),
        http_response(200, {"Content-Type": "application/json"}, text),
    )
    with RawServer(raw) as server:
        one = client(server)
        with pytest.raises(ResponseDecodeException) as caught:
            one.response_deserialize(one.call_api("GET", f"{server.url}/x"), {"200": kind})
    assert said in (caught.value.message or "")
    assert (caught.value.body, caught.value.status, caught.value.attempts) == (text, 200, 2)


@pytest.mark.parametrize("kind", ["Nothing", "List[Nothing]", "__all__", "file", "Dict[int, str]"])
def test_a_type_that_does_not_exist_is_a_mistake_of_the_program(kind: str) -> None:
    with pytest.raises(ApiValueError, match="not the name of a response type"):
        client("http://h.example").deserialize("1", kind)


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("", "日本".encode()),
        ("; charset=utf-8", "日本".encode()),
        ('; charset="EUC-JP"', "日本".encode("euc-jp")),
        ("; charset=none", "日本".encode()),
        ("", b"\xef\xbb\xbf" + "日本".encode()),
    ],
)
def test_text_is_read_in_its_charset(charset: str, body: bytes) -> None:
    with RawServer([http_response(200, {"Content-Type": f"text/plain{charset}"}, body)]) as server:
        one = client(server)
        response = one.response_deserialize(one.call_api("GET", f"{server.url}/x"), {"200": "str"})
    assert response.data == "日本"


# sanitize_for_serialization and the selection of headers


@dataclasses.dataclass
class Point:
    """A type without to_dict."""

    x: int
    at: datetime.date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("a", "a"),
        (b"a", b"a"),
        (1.5, 1.5),
        (True, True),
        ((1, "a"), (1, "a")),
        ([ToolChoice.AUTO, Colour.RED], ["auto", "red"]),
        ({"a": {1}}, {"a": [1]}),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pydantic.SecretStr("s"), "s"),
        (MessageContent([ContentPart(type="text", text="a")]), [{"type": "text", "text": "a"}]),
        (
            ChatCompletionRequest(messages=[Message(role="user", content="a")], n=1),
            {"messages": [{"role": "user", "content": "a"}], "n": 1},
        ),
        (Room(name="green"), {"name": "green", "opened": None}),
        (Point(1, datetime.date(2026, 1, 2)), {"x": 1, "at": "2026-01-02"}),
    ],
)
def test_sanitize_for_serialization(value: Any, expected: Any) -> None:
    found = client("http://h.example").sanitize_for_serialization(value)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize("value", [object(), len, Message, {"a": [object()]}])
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(ApiTypeError, match="cannot be sent as JSON"):
        client("http://h.example").sanitize_for_serialization(value)


@pytest.mark.parametrize(
    ("types", "selected"),
    [
        (["text/event-stream", "application/json"], "application/json"),
        (["text/plain", "application/problem+JSON"], "application/problem+JSON"),
        (["text/plain", "text/html"], "text/plain"),
        ([], None),
    ],
)
def test_json_is_preferred(types: list[str], selected: str | None) -> None:
    one = client("http://h.example")
    assert one.select_header_accept(types) == one.select_header_content_type(types) == selected
