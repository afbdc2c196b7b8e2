"""Headers of an error: request id and retry delay."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tachyon_sdk._errors.headers import read_error_headers, read_request_id, read_retry_after
from tachyon_sdk.exceptions import UnauthorizedException


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Request-Id": "a"}, "a"),
        ({"x-REQUEST-id": " a "}, "a"),
        ({"X-LiteLLM-Call-Id": "b", "X-Request-ID": ""}, "b"),
        ({"x-amzn-RequestId": "c"}, "c"),
        ({"x-litellm-call-id": "b", "x-request-id": "a"}, "a"),
        ([("x-request-id", "first"), ("X-Request-Id", "second")], "first"),
        ({b"x-request-id": b"\xe4"}, "\xe4"),
        ({"server": "x"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_request_id(headers: Any, found: str | None) -> None:
    assert read_request_id(headers) == found


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [
        ({"WWW-Authenticate": 'Bearer error="expired", error_description="It expired"'}, "expired", "It expired"),
        ({"www-authenticate": 'Bearer realm="x", error="insufficient_scope", scope="a"'}, "insufficient_scope", None),
        ({"WWW-Authenticate": 'Basic realm="error"'}, None, None),
        ({"X-Amzn-ErrorType": "ThrottlingException:http://internal.example/"}, "ThrottlingException", None),
        ({b"WWW-Authenticate": b'Bearer error_description="It expired"'}, None, "It expired"),
        ({}, None, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_the_error_of_the_headers(headers: Any, code: str | None, message: str | None) -> None:
    assert read_error_headers(headers) == (code, message)


def test_headers_are_used_if_the_body_has_no_message() -> None:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="It expired"'}
    assert (
        str(UnauthorizedException(401, headers=headers))
        == "401 Unauthorized: It expired (code invalid_token)"
    )
    for body, code, message in (
        ('{"code": "x"}', "x", "It expired"),
        ('{"message": "no"}', None, "no"),
        ("no", None, "no"),
    ):
        error = UnauthorizedException(401, headers=headers, body=body)
        assert (error.code, error.message) == (code, message)
    assert UnauthorizedException(401, headers=headers, message="ours").message == "ours"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("1_0", None),
        ("\u0663", None),
        ("\u00b2", None),
        (".", None),
        ("", None),
    ],
)
def test_retry_after_as_a_number(value: str, seconds: float | None) -> None:
    assert read_retry_after({"retry-AFTER": value}) == seconds
    assert read_retry_after({"retry-AFTER-ms": value}) == (None if seconds is None else seconds / 1000)


@pytest.mark.parametrize(
    "written",
    [
        "%a, %d %b %Y %H:%M:%S GMT",  # IMF-fixdate
        "%A, %d-%b-%y %H:%M:%S GMT",  # RFC 850
        "%a %b %d %H:%M:%S %Y",  # asctime
    ],
)
def test_retry_after_as_a_date(written: str) -> None:
    now = datetime.now(timezone.utc)
    later = (now + timedelta(hours=1)).strftime(written)
    assert 3500 < (read_retry_after({"Retry-After": later}) or 0) <= 3600
    assert read_retry_after({"Retry-After": (now - timedelta(days=1)).strftime(written)}) == 0


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "Monday",
        "12:00",
        "Sun, 06 Nov 2095 08:49:37 PST",
        "Sun, 99 Nov 2095 08:49:37 GMT",
        "Sun, 06 Nov 2095 08:49:37 GMT+0900",
        "Sun, " + "9" * 5000 + " Nov 2095 08:49:37 GMT",
    ],
)
def test_an_unclear_date_is_none(value: str) -> None:
    assert read_retry_after({"Retry-After": value}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "2", "retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "2", "x-ms-retry-after-ms": "250.5"}, 0.2505),
        ({"Retry-After": "2", "retry-after-ms": "soon"}, 2.0),
        ({"Retry-After": "2", "retry-after-ms": ""}, 2.0),
        ({"Retry-After": "soon", "retry-after-ms": "0"}, 0.0),
        ({b"Retry-After-Ms": b"20"}, 0.02),
        ({}, None),
        (None, None),
    ],
)
def test_milliseconds_win(headers: Any, seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds
