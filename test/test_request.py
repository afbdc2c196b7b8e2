"""Building URLs and timeouts: what they become, and what is refused."""

from __future__ import annotations

import enum
import math
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, strategies as st

from tachyon_sdk._calls.request import build_url, choose_timeouts
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

HOST = "http://h.example"
PATH = "/rooms/{room}/talk"

# Text that UTF-8 can carry.
texts = st.text(st.characters(exclude_categories=["Cs"]))


def segment_of(room: Any, safe: str = "") -> str:
    url = build_url(HOST, PATH, {"room": room}, {}, safe)
    assert url.startswith(f"{HOST}/rooms/") and url.endswith("/talk")
    return url.removeprefix(f"{HOST}/rooms/").removesuffix("/talk")


@pytest.mark.parametrize(
    ("room", "segment"),
    [
        ("plain-1_2.3~", "plain-1_2.3~"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("/", "%2F"),
        ("%2e%2e", "%252e%252e"),
        ("?q=1&r#f", "%3Fq%3D1%26r%23f"),
        ("{room}", "%7Broom%7D"),
        ("a+b;c:@", "a%2Bb%3Bc%3A%40"),
        ("\\..\\", "%5C..%5C"),
        ("\r\n\0", "%0D%0A%00"),
        ("会議室 é", "%E4%BC%9A%E8%AD%B0%E5%AE%A4%20%C3%A9"),
        ("...", "..."),
        (7, "7"),
    ],
)
def test_a_path_parameter_becomes_one_segment(room: Any, segment: str) -> None:
    assert segment_of(room) == segment


@given(texts.filter(lambda text: text not in ("", ".", "..")))
def test_any_text_is_one_segment_that_decodes_to_itself(room: str) -> None:
    segment = segment_of(room)
    assert segment.isascii() and not set(segment) & set("/?#\\ \r\n\t")
    assert unquote(segment, errors="strict") == room


@pytest.mark.parametrize("room", ["", ".", ".."])
@pytest.mark.parametrize("safe", ["", "/"])
def test_what_would_change_the_path_is_refused(room: str, safe: str) -> None:
    with pytest.raises(ApiValueError, match="room"):
        segment_of(room, safe)


@pytest.mark.parametrize("room", ["../x", "x/..", "x/./y", "a/../../b"])
def test_a_slash_that_is_left_unescaped_brings_no_dot_segment_in(room: str) -> None:
    with pytest.raises(ApiValueError, match="room"):
        segment_of(room, safe="/")


def test_characters_may_be_left_unescaped() -> None:
    assert segment_of("a/b:c", safe="/:") == "a/b:c"


@pytest.mark.parametrize(
    ("room", "error"),
    [(None, ApiValueError), ("\ud800", ApiValueError), (True, ApiTypeError), (b"x", ApiTypeError)],
)
def test_what_is_no_text_is_refused(room: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="room"):
        segment_of(room)


def test_several_path_parameters_and_a_host_with_a_path() -> None:
    url = build_url(f"{HOST}/base", "/a/{x}/{y}", {"x": "{y}", "y": "2"}, {})
    assert url == f"{HOST}/base/a/%7By%7D/2"


def test_query_parameters() -> None:
    url = build_url(HOST, "/a", {}, {"q": "ü &=", "list": ["1", "2"], "none": None, "n": 3})
    assert url == f"{HOST}/a?q=%C3%BC+%26%3D&list=1&list=2&n=3"
    assert build_url(HOST, "/a", {}, {"none": None}) == f"{HOST}/a"
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    url = build_url(HOST, "/a", {}, {"all": True, "any": [False, True], "since": since, "day": since.date()})
    assert (
        url == f"{HOST}/a?all=true&any=false&any=true&since=2026-01-02T03%3A04%3A05%2B00%3A00&day=2026-01-02"
    )


def test_a_member_of_a_string_enumeration_stands_for_its_value() -> None:
    class Room(str, enum.Enum):
        LOBBY = "lobby"

    assert segment_of(Room.LOBBY) == "lobby"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (None, (5.0, 600.0)),
        (3, (3, 3)),
        (0.5, (0.5, 0.5)),
        ((1, 2.5), (1, 2.5)),
        ([1, 2], (1, 2)),
        ((None, 2), (None, 2)),
        ((1, None), (1, None)),
        ((None, None), (None, None)),
    ],
)
def test_the_timeouts_of_a_call(override: Any, expected: tuple[Any, Any]) -> None:
    assert choose_timeouts(override, (5.0, 600.0)) == expected


@pytest.mark.parametrize(
    "value", [0, -1, 0.0, math.nan, math.inf, -math.inf, 1e10, pytest.param(10**400, id="huge")]
)
@pytest.mark.parametrize("pair", [False, True])
def test_a_timeout_that_cannot_be_kept_is_refused(value: float, pair: bool) -> None:
    # The upper bound is that of a socket, which takes milliseconds in a C int.
    with pytest.raises(ApiValueError, match="_request_timeout"):
        choose_timeouts((1, value) if pair else value, (5.0, 600.0))


@pytest.mark.parametrize("override", [(), (1,), (1, 2, 3)])
def test_a_pair_of_timeouts_has_two_parts(override: Any) -> None:
    with pytest.raises(ApiValueError, match="pair"):
        choose_timeouts(override, (5.0, 600.0))


@pytest.mark.parametrize("override", ["5", True, {1, 2}, b"5", ("1", 2), (1, False), object()])
def test_a_timeout_that_is_no_number_is_refused(override: Any) -> None:
    with pytest.raises(ApiTypeError, match="_request_timeout"):
        choose_timeouts(override, (5.0, 600.0))
