"""Framing of bodies (RFC 9112, sections 6.3 and 7.1): content and errors do not depend on how the data is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from support.messages import cut_at
from tachyon_sdk._transport.framing import Chunked, Framing, Sized


def decode(*pieces: bytes) -> tuple[bytes, Chunked]:
    decoder = Chunked()
    return b"".join([decoder.feed(piece) for piece in pieces]), decoder


def test_a_body_that_ends_with_the_connection_is_all_bytes() -> None:
    framing = Framing()
    assert [framing.feed(b"Hello"), framing.feed(b"0")] == [b"Hello", b"0"]
    assert framing.ends_with_the_connection and not framing.complete


def test_a_sized_body_is_complete_at_its_last_byte() -> None:
    framing = Sized(5)
    assert (framing.feed(b"Hel"), framing.complete) == (b"Hel", False)
    assert (framing.feed(b"lo"), framing.complete, framing.left_over) == (b"lo", True, False)
    assert (framing.feed(b"!"), framing.left_over) == (b"", True)
    assert not framing.ends_with_the_connection
    assert Sized(0).complete


def test_bytes_after_a_sized_body() -> None:
    framing = Sized(5)
    assert framing.feed(b"Hello, world") == b"Hello"
    assert framing.complete and framing.left_over


def test_the_content_of_chunks() -> None:
    content, decoder = decode(b"5\r\nHello\r\n7\r\n, world\r\n0\r\n\r\n")
    assert content == b"Hello, world"
    assert (decoder.complete, decoder.left_over, decoder.error) == (True, False, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"5;name=value\r\nHello\r\n0\r\n\r\n",
        b'5 ; name="a;b"\r\nHello\r\n0;last\r\n\r\n',
        b"005\r\nHello\r\n000\r\n\r\n",
        b"5\r\nHello\r\n0\r\nX-Trailer: value\r\nX-Other: 1\r\n\r\n",
        b"5\nHello\n0\n\n",
        b"2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_extensions_leading_zeros_trailers_and_bare_line_ends(raw: bytes) -> None:
    for pieces in ([raw], [raw[i : i + 1] for i in range(len(raw))]):
        content, decoder = decode(*pieces)
        assert content == b"Hello"
        assert decoder.complete and decoder.error is None and not decoder.left_over


def test_sizes_are_hexadecimal_in_either_case() -> None:
    body = b"x" * 0xAB
    assert decode(b"ab\r\n" + body + b"\r\nAB\r\n" + body + b"\r\n0\r\n\r\n")[0] == body * 2


def test_content_is_returned_before_its_chunk_is_complete() -> None:
    decoder = Chunked()
    assert [decoder.feed(piece) for piece in (b"5\r\nHe", b"l", b"lo", b"\r", b"\n")] == [
        b"He",
        b"l",
        b"lo",
        b"",
        b"",
    ]
    assert not decoder.complete


@pytest.mark.parametrize("cut_at", range(len(b"5\r\nHello\r\n0\r\n\r\n")))
def test_a_chunked_body_is_complete_at_its_last_byte(cut_at: int) -> None:
    content, decoder = decode(b"5\r\nHello\r\n0\r\n\r\n"[:cut_at])
    assert b"Hello".startswith(content)
    assert not decoder.complete and decoder.error is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"this is no size\r\n", "is not a valid chunk size"),
        (b"-5\r\nHello\r\n", "is not a valid chunk size"),
        (b"+5\r\nHello\r\n", "is not a valid chunk size"),
        (b"1_0\r\n0123456789abcdef\r\n", "is not a valid chunk size"),
        (b"\r\n", "is not a valid chunk size"),
        (b";name\r\n", "is not a valid chunk size"),
        (b"fffffffffffffffff\r\n", "is not a valid chunk size"),
        (b"\xff\r\n", "is not a valid chunk size"),
        (b"0x5\r\nHello\r\n", "is not a valid chunk size"),
        (b"00000000000000005\r\nHello\r\n", "is not a valid chunk size"),
        (b"2\r\nHello\r\n", "a chunk is longer than its size"),
        (b"9" * 70_000, "a chunk size line is too long"),
        (b"0\r\n" + b"X: y\r\n" * 20_000, "the trailers are too long"),
    ],
)
def test_invalid_chunks_are_an_error_after_the_content_before(bad: bytes, why: str) -> None:
    content, decoder = decode(b"5\r\nHello\r\n" + bad, b"5\r\nHello\r\n")
    assert content in (b"Hello", b"HelloHe")
    assert decoder.error is not None and why in decoder.error
    assert not decoder.complete


def test_bytes_after_the_last_chunk() -> None:
    assert decode(b"0\r\n\r\nHTTP/1.1 200 OK\r\n")[1].left_over
    assert decode(b"0\r\n\r\n", b"x")[1].left_over


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from([b"", b"\r\n", b"5\r\n", b"garbage", b"zz\r\n"]),
)
def test_content_does_not_depend_on_cuts(chunks: list[bytes], cuts: list[int], after: bytes) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n" + after
    whole, at_once = decode(raw)
    content, in_pieces = decode(*cut_at(raw, cuts))
    assert content == whole == b"".join(chunks)
    assert at_once.complete and in_pieces.complete
    assert at_once.left_over == in_pieces.left_over == bool(after)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_errors_do_not_depend_on_cuts(raw: bytes, cuts: list[int]) -> None:
    whole, at_once = decode(raw)
    content, in_pieces = decode(*cut_at(raw, cuts))
    assert (content, at_once.complete, at_once.error) == (whole, in_pieces.complete, in_pieces.error)
