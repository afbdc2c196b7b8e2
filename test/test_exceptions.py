"""Exceptions: classes, attributes, messages, pickling and copying."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from urllib3 import HTTPHeaderDict, HTTPResponse

from tachyon_sdk import exceptions
from tachyon_sdk.exceptions import (
    ApiAttributeError,
    ApiException,
    ApiKeyError,
    ApiTypeError,
    ApiValueError,
    BadRequestException,
    ConflictException,
    ConnectionException,
    ForbiddenException,
    NotFoundException,
    OpenApiException,
    PaymentRequiredException,
    ResponseDecodeException,
    ServiceException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
    TooManyRequestsException,
    UnauthorizedException,
    UnprocessableEntityException,
    exception_class,
    render_path,
)

STATUS_CLASSES: dict[int, type[ApiException]] = {
    400: BadRequestException,
    401: UnauthorizedException,
    402: PaymentRequiredException,
    403: ForbiddenException,
    404: NotFoundException,
    409: ConflictException,
    422: UnprocessableEntityException,
    429: TooManyRequestsException,
    500: ServiceException,
    502: ServiceException,
    503: ServiceException,
    599: ServiceException,
    300: ApiException,
    408: ApiException,
    418: ApiException,
    600: ApiException,
}
OUR_SIDE: dict[type[OpenApiException], type[Exception]] = {
    ApiTypeError: TypeError,
    ApiValueError: ValueError,
    ApiAttributeError: AttributeError,
    ApiKeyError: KeyError,
}
ALL_API_CLASSES = sorted(
    {
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, ApiException)
    },
    key=lambda cls: cls.__name__,
)


def answer(
    status: int = 404, body: bytes = b"", headers: Any = None, reason: str | None = None
) -> HTTPResponse:
    return HTTPResponse(body=body, status=status, reason=reason, headers=headers)


# The tree


@pytest.mark.parametrize(("status", "cls"), STATUS_CLASSES.items())
def test_the_class_of_a_status(status: int, cls: type[ApiException]) -> None:
    assert exception_class(status) is cls
    with pytest.raises(ApiException) as caught:
        ApiException.from_response(http_resp=answer(status), body='{"message": "m"}', data={"message": "m"})
    assert type(caught.value) is cls
    assert caught.value.status == status
    assert caught.value.body == '{"message": "m"}'
    assert caught.value.data == {"message": "m"}


def test_from_response_of_a_subclass_goes_by_the_status_too() -> None:
    with pytest.raises(NotFoundException):
        BadRequestException.from_response(http_resp=answer(404), body=None, data=None)


@pytest.mark.parametrize(("cls", "builtin"), OUR_SIDE.items())
def test_client_side_errors_are_builtin_errors_and_not_api_exceptions(
    cls: type[OpenApiException], builtin: type[Exception]
) -> None:
    assert issubclass(cls, (OpenApiException,))
    assert issubclass(cls, builtin)
    assert not issubclass(cls, ApiException)


def test_network_errors_are_api_exceptions() -> None:
    assert issubclass(ConnectionException, ApiException)
    assert issubclass(TimeoutException, ConnectionException)
    assert issubclass(ResponseDecodeException, ApiException)
    assert issubclass(StreamErrorException, ApiException)
    assert issubclass(StreamTruncatedException, ApiException)
    assert issubclass(StreamTimeoutException, StreamTruncatedException)
    assert issubclass(StreamTimeoutException, TimeoutException)


@pytest.mark.parametrize("cls", [OpenApiException, *OUR_SIDE, *ALL_API_CLASSES])
def test_every_class_says_when_it_is_raised(cls: type[Exception]) -> None:
    assert cls.__doc__
    assert cls.__doc__ != cls.__mro__[1].__doc__


# Construction


def test_positional_order() -> None:
    error = ApiException(404, "Not Found", answer(500, b"body", {"a": "b"}))
    assert (error.status, error.reason, error.body) == (404, "Not Found", "body")
    assert error.headers == {"a": "b"}


def test_everything_may_be_left_out() -> None:
    error = ApiException()
    assert (error.status, error.reason, error.headers, error.body, error.data) == (None,) * 5
    assert (error.code, error.message, error.request_id, error.retry_after, error.partial) == (None,) * 5
    assert (error.attempts, error.previous, error.request_sent) == (1, (), True)
    assert str(error) == "ApiException"


def test_from_a_response() -> None:
    body = '{"code": "chatroom_not_found", "message": "部屋がありません"}'.encode()
    error = NotFoundException(http_resp=answer(404, body, {"X-Request-Id": "8b9e"}, "Not Found"))
    assert (error.status, error.reason, error.body) == (404, "Not Found", body.decode())
    assert (error.code, error.message, error.request_id) == ("chatroom_not_found", "部屋がありません", "8b9e")
    assert str(error) == "404 Not Found: 部屋がありません (code chatroom_not_found, request id 8b9e)"


def test_arguments_take_precedence_over_the_response() -> None:
    error = ApiException(
        status=409,
        reason="Mine",
        http_resp=answer(404, b"theirs", {"Retry-After": "1", "x-request-id": "theirs"}, "Theirs"),
        body="mine",
        headers={"retry-after": "2", "x-request-id": "mine"},
        message="told",
        retry_after=3.5,
        attempts=4,
        partial="part",
        request_sent=False,
    )
    assert (error.status, error.reason, error.body, error.message) == (409, "Mine", "mine", "told")
    assert (error.request_id, error.retry_after, error.attempts, error.partial) == ("mine", 3.5, 4, "part")
    assert error.request_sent is False


def test_an_explicit_message_keeps_the_code_of_the_body() -> None:
    error = ApiException(body='{"code": "c", "message": "theirs"}', message="ours")
    assert (error.code, error.message) == ("c", "ours")


def test_a_body_in_bytes_becomes_text() -> None:
    assert ApiException(body=b"caf\xc3\xa9 \xff").body == "caf\u00e9 \ufffd"


def test_a_response_with_an_unreadable_body() -> None:
    class Broken:
        status, reason, headers = 502, "Bad Gateway", None

        @property
        def data(self) -> bytes:
            raise OSError("connection lost")

    error = ApiException(http_resp=Broken())
    assert (error.status, error.body) == (502, None)


def test_data_is_read_if_there_is_no_body() -> None:
    error = StreamErrorException(data={"error": {"message": "model fell over", "code": "x"}})
    assert (error.code, error.message) == ("x", "model fell over")


@pytest.mark.parametrize(
    "headers",
    [
        {"RETRY-after": "7", "x-Request-Id": "r"},
        HTTPHeaderDict({"Retry-After": "7", "X-Request-Id": "r"}),
        [("Retry-After", "7"), ("X-Request-Id", "r")],
    ],
)
def test_headers_of_any_kind(headers: Any) -> None:
    error = TooManyRequestsException(429, headers=headers)
    assert error.retry_after == 7.0
    assert error.request_id == "r"
    assert error.headers is headers


def test_headers_of_the_standard_library() -> None:
    headers = HTTPMessage()
    headers["Retry-After"] = "7"
    assert ServiceException(503, headers=headers).retry_after == 7.0


def test_every_form_of_the_wait_is_read() -> None:
    past, future = "Mon, 23 Nov 2020 04:20:09 GMT", "Mon, 23 Nov 2099 04:20:09 GMT"
    assert ServiceException(503, headers={"Retry-After": past}).retry_after == 0.0
    assert (ServiceException(503, headers={"Retry-After": future}).retry_after or 0) > 1e9
    both = {"Retry-After": "7", "Retry-After-Ms": "1500"}
    assert ServiceException(503, headers=both).retry_after == 1.5
    assert ServiceException(503, headers=both, retry_after=0.0).retry_after == 0.0


# Messages


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFoundException(404, "Not Found", message="no such chatroom"), "404 Not Found: no such chatroom"),
        (NotFoundException(404, message="no such chatroom"), "404 Not Found: no such chatroom"),
        (ApiException(404), "404 Not Found"),
        (ApiException(499), "499"),
        (ApiException(0, "told as the reason"), "0 told as the reason"),
        (ServiceException(502, "Bad Gateway", body="<title>502 Bad Gateway</title>"), "502 Bad Gateway"),
        (ServiceException(502, "Bad Gateway", body="bad gateway"), "502 Bad Gateway"),
        (BadRequestException(400, "Bad Request", body='{"message": "m", "code": 400}'), "400 Bad Request: m"),
        (BadRequestException(400, "Bad Request", body='{"code": "c"}'), "400 Bad Request (code c)"),
        (ConnectionException(message="no connection"), "no connection"),
        (ConnectionException(message="no connection", attempts=3), "no connection (after 3 attempts)"),
        (TimeoutException(), "TimeoutException"),
        (TimeoutException(attempts=2), "TimeoutException (after 2 attempts)"),
        (
            ServiceException(503, "Busy", body='{"code": "c"}', attempts=2),
            "503 Busy (code c) (after 2 attempts)",
        ),
        (StreamErrorException(200, "OK", message="the model fell over"), "the model fell over"),
        (StreamErrorException(200, "OK"), "the server reported an error"),
        (StreamErrorException(200, "OK", body='{"code": 7}'), "the server reported an error (code 7)"),
        (StreamErrorException(), "the server reported an error"),
        (ResponseDecodeException(200, "OK"), "200 OK"),
    ],
)
def test_str(error: ApiException, text: str) -> None:
    assert str(error) == text
    assert repr(error) == f"{type(error).__name__}({text!r})"


def test_str_is_one_short_line_whatever_the_server_sends() -> None:
    long = "line\r\n\u2028 \x1b[31m" + "x" * 1_000_000
    body = '{"code": "' + "c" * 1000 + '"}'
    error = ApiException(400, "r" * 1000, message=long, body=body, headers={"x-request-id": "i" * 1000})
    text = str(error)
    assert len(text) < 600
    assert text.isprintable()
    assert text.startswith("400 rrr")
    assert ": line [31mxxx" in text
    assert len(repr(error)) < 650
    assert error.message == long


def test_a_message_at_the_limit_is_not_truncated() -> None:
    assert str(ConnectionException(message="x" * 300)) == "x" * 300
    assert str(ConnectionException(message="x" * 301)) == "x" * 297 + "..."


def test_str_keeps_other_scripts_as_they_are() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert str(ConnectionException(message=f"接続\u3000できません {family}")) == f"接続 できません {family}"


def test_str_can_always_be_encoded() -> None:
    assert str(ApiException(400, body=r'{"message": "half \ud83d of a pair"}')).encode()


def test_neither_headers_nor_passwords_show() -> None:
    error = ApiException(
        400,
        "Bad Request",
        headers={"Set-Cookie": "session=secret", "Authorization": "Bearer secret"},
        message="cannot reach http://user:secret@proxy:3128 or ftp://user:sec@ret@host/",
    )
    for text in (str(error), repr(error), f"{error}"):
        assert "sec" not in text
        assert "proxy:3128" in text


def test_neither_body_nor_partial_inflate_the_text() -> None:
    error = StreamTruncatedException(
        message="stopped", body="b" * 10_000, data=["d"] * 10_000, partial="p" * 10_000
    )
    assert str(error) == "stopped"
    assert len(repr(error)) < 100


def test_attributes_set_later_are_shown() -> None:
    error = TimeoutException(message="nothing came")
    error.attempts = 3
    assert str(error) == "nothing came (after 3 attempts)"


# Pickle and copy


def full(cls: type[ApiException]) -> ApiException:
    headers = HTTPHeaderDict({"X-Request-Id": "r", "Retry-After": "7"})
    headers.add("Set-Cookie", "a")
    headers.add("Set-Cookie", "b")
    body = b'{"code": "c", "message": "m"}'
    error = cls(
        http_resp=answer(503, body, headers, "Busy"),
        data={"d": 1},
        partial=["p"],
        attempts=2,
        request_sent=False,
    )
    error.previous = (ConnectionException(message="first", request_sent=False),)
    return error


def assert_same(twin: ApiException, error: ApiException) -> None:
    assert twin is not error
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert twin.args == error.args
    names = set(vars(error)) - {"previous"}
    assert {name: vars(twin)[name] for name in names} == {name: vars(error)[name] for name in names}
    assert [str(earlier) for earlier in twin.previous] == [str(earlier) for earlier in error.previous]


@pytest.mark.parametrize("cls", ALL_API_CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(cls: type[ApiException], protocol: int) -> None:
    error = full(cls)
    twin = pickle.loads(pickle.dumps(error, protocol))
    assert_same(twin, error)
    assert twin.headers["retry-after"] == "7"
    assert_same(pickle.loads(pickle.dumps(cls(), protocol)), cls())


@pytest.mark.parametrize("cls", ALL_API_CLASSES)
def test_copy(cls: type[ApiException]) -> None:
    error = full(cls)
    assert_same(copy.copy(error), error)
    assert copy.copy(error).data is error.data
    assert_same(copy.deepcopy(error), error)
    assert copy.deepcopy(error).data is not error.data


def test_unpicklable_attributes_become_none() -> None:
    class Odd:
        """Headers that cannot be pickled, as a class in a function is not found again."""

        def items(self) -> list[tuple[str, str]]:
            return [("X-Request-Id", "r")]

    error = ApiException(
        404, "Not Found", headers=Odd(), data=threading.Lock(), partial=lambda: 0, message="m"
    )
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.status, twin.message, twin.request_id) == (404, "m", "r")
    assert twin.headers == {"X-Request-Id": "r"}
    assert twin.data is None
    assert twin.partial is None
    assert copy.copy(error).data is error.data
    error.previous = (threading.Lock(),)  # no error, but it must not be in the way
    assert pickle.loads(pickle.dumps(error)).previous == ()


def test_deep_data_can_be_pickled_with_the_error() -> None:
    data: list[Any] = []
    for _ in range(100_000):
        data = [data]
    assert pickle.loads(pickle.dumps(ApiException(400, data=data, message="m"))).message == "m"
    while data:
        data = data.pop()


class Own(ApiException):
    """A user's class with another signature."""

    def __init__(self, room: str) -> None:
        super().__init__(404, "Not Found", message=f"no room {room}")
        self.room = room


def test_a_subclass_with_its_own_signature() -> None:
    error = Own("green")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert_same(twin, error)
        assert twin.room == "green"


@pytest.mark.parametrize("cls", OUR_SIDE)
def test_mistakes_on_this_side_survive_too(cls: Any) -> None:
    error = cls("wrong", ["messages", 0])
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is cls
        assert str(twin) == "wrong at ['messages'][0]"
        assert twin.path_to_item == ["messages", 0]


# The classes for this side


@pytest.mark.parametrize("cls", OUR_SIDE)
def test_the_path_is_shown(cls: Any) -> None:
    assert str(cls("wrong")) == "wrong"
    assert cls("wrong").path_to_item is None
    assert str(cls("wrong", path_to_item=["a", 1, "b"])) == "wrong at ['a'][1]['b']"


def test_type_error_keeps_the_valid_classes() -> None:
    error = ApiTypeError("wrong", ["a"], (int, str), True)
    assert (error.path_to_item, error.valid_classes, error.key_type) == (["a"], (int, str), True)


def test_render_path() -> None:
    assert render_path(["choices", 0, "delta"]) == "['choices'][0]['delta']"
    assert render_path([]) == ""


def test_importing_the_errors_loads_next_to_nothing(tmp_path: Path) -> None:
    code = "import sys; old = set(sys.modules); import tachyon_sdk.exceptions; print(*set(sys.modules) - old)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "tachyon_sdk.exceptions" in loaded
    heavy = {"json", "html", "http", "pickle", "logging", "urllib3", "dataclasses", "inspect"}
    assert not heavy & set(loaded)
