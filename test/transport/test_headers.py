"""Request headers: merging, validation, and a repr without credentials."""

from __future__ import annotations

import copy
import enum
import pickle
import pprint
from collections.abc import Mapping
from typing import Any

import pytest

from tachyon_sdk import ApiClient, Configuration
from tachyon_sdk._transport.headers import Headers, build_headers
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError


def test_later_headers_win_and_names_ignore_case() -> None:
    headers = build_headers({"Accept": "a", "X-One": "1"}, {"ACCEPT": "b"}, {}, {"accept": "c"})
    assert headers == {"X-One": "1", "accept": "c"}


def test_none_removes_a_header() -> None:
    assert build_headers({"Accept": "a", "X-One": "1"}, {"accept": None, "X-Two": None}) == {"X-One": "1"}
    assert build_headers({"Accept": None}, {"Accept": "a"}) == {"Accept": "a"}


def test_the_arguments_are_not_changed() -> None:
    layers: list[Mapping[str, Any]] = [{"Accept": "a"}, {"accept": None}]
    build_headers(*layers)
    assert layers == [{"Accept": "a"}, {"accept": None}]


@pytest.mark.parametrize("value", ["", "é ÿ", "a\tb", " spaced ", "!#$%&'*+-.^_`|~(){}\"\\", "x" * 5000])
def test_a_header_value_is_not_changed(value: str) -> None:
    assert build_headers({"X-One": value}) == {"X-One": value}


def test_a_number_is_written_as_text() -> None:
    assert build_headers({"X-One": 5}) == {"X-One": "5"}


@pytest.mark.parametrize("bad", ["\r", "\n", "\r\n", "\0", "\x1f", "\x7f", "あ", "\u2028", "\ud800"])
@pytest.mark.parametrize("place", ["{bad}s3cret", "s3{bad}cret", "s3cret{bad}"])
def test_a_header_value_that_cannot_be_sent_is_refused_and_not_shown(bad: str, place: str) -> None:
    value = place.format(bad=bad)
    with pytest.raises(ApiValueError, match="Authorization") as caught:
        build_headers({"Authorization": value})
    assert "s3" not in str(caught.value) and "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:b", "a\r\nb", "a\0", "é", "あ", "a\n", "(a)", 5, None, b"a"]
)
def test_a_header_name_that_is_not_a_token_is_refused(name: Any) -> None:
    with pytest.raises((ApiValueError, ApiTypeError)):
        build_headers({name: "x"})


def test_a_credential_passed_as_a_name_is_not_shown() -> None:
    for name in ("Authorization: Bearer s3cret", "Bearer s3cret"):
        with pytest.raises(ApiValueError) as caught:
            build_headers({name: "x"})
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", [b"x", True, ["x"], object()])
def test_a_header_value_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(ApiTypeError, match="X-One"):
        build_headers({"X-One": value})


def test_a_string_enumeration_is_sent_as_its_value() -> None:
    class Room(str, enum.Enum):
        LOBBY = "lobby"

    assert build_headers({"X-One": Room.LOBBY}) == {"X-One": "lobby"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer s3cret", "Bearer <hidden>"),
        ("authorization", "basic s3cret", "basic <hidden>"),
        ("Proxy-Authorization", "s3cret", "<hidden>"),
        ("Authorization", "s3cret with spaces", "<hidden>"),
        ("Cookie", "session=s3cret", "<hidden>"),
        ("X-Any-Name", "s3cret", "<hidden>"),
        ("x-operator-id", "acme", "acme"),
        ("Content-Type", "application/json", "application/json"),
    ],
)
def test_the_repr_hides_credentials(name: str, value: str, shown: str) -> None:
    headers = build_headers({name: value})
    for text in (repr(headers), str(headers), f"{headers}", pprint.pformat(headers), repr([headers])):
        assert shown in text
        assert "s3cret" not in text
    assert headers[name] == value


def test_the_repr_of_default_headers_hides_credentials() -> None:
    client = ApiClient(Configuration(), "Authorization", "Bearer s3cret")
    assert "'Authorization': 'Bearer <hidden>'" in pprint.pformat(vars(client))
    assert "s3cret" not in pprint.pformat(vars(client))


def test_copies_and_pickles_hide_credentials() -> None:
    headers = build_headers({"Authorization": "Bearer s3cret"})
    for twin in (copy.copy(headers), copy.deepcopy(headers), pickle.loads(pickle.dumps(headers))):
        assert twin == headers
        assert type(twin) is Headers
