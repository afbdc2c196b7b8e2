"""Content codings (RFC 9110, section 8.4.1): the content does not depend on how the data is cut."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, strategies as st
from urllib3.exceptions import DecodeError

from support.messages import cut_at
from tachyon_sdk._transport.body import Decompressor, decompressor_of

PIECE_BYTES = 65536


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate, gzip": lambda content: gzip.compress(zlib.compress(content)),
}


def pieces_of(decompressor: Decompressor, body: Iterable[bytes]) -> list[bytes]:
    pieces = []
    for data in body:
        pieces.append(decompressor.feed(data))
        while decompressor.has_more:
            pieces.append(decompressor.feed(b""))
    return pieces


@pytest.mark.parametrize("coding", CODINGS)
@given(
    content=st.binary(max_size=400) | st.binary(min_size=1, max_size=4).map(lambda unit: unit * 40_000),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
)
def test_content_does_not_depend_on_cuts_and_pieces_are_bounded(
    coding: str, content: bytes, cuts: list[int]
) -> None:
    pieces = pieces_of(Decompressor(coding), cut_at(CODINGS[coding](content), cuts))
    assert b"".join(pieces) == content
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


def test_raw_deflate_without_a_zlib_header() -> None:
    assert (
        pieces_of(Decompressor("deflate"), [raw_deflate(b"Hello" * 50_000)])[0]
        == (b"Hello" * 50_000)[:PIECE_BYTES]
    )
    assert (
        b"".join(pieces_of(Decompressor("deflate"), cut_at(raw_deflate(b"Hello" * 50_000), [1, 2, 70])))
        == b"Hello" * 50_000
    )


def test_several_gzip_members() -> None:
    body = gzip.compress(b"One") + gzip.compress(b" and two")
    assert b"".join(pieces_of(Decompressor("gzip"), cut_at(body, [10, 25]))) == b"One and two"


def test_flushed_data_is_returned_at_once() -> None:
    packer = zlib.compressobj(wbits=31)
    decompressor = Decompressor("gzip")
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        assert decompressor.feed(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)) == event
        assert not decompressor.has_more


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate, gzip"])
def test_invalid_data_is_an_error_that_names_the_coding(coding: str) -> None:
    with pytest.raises(DecodeError, match=f"^invalid {coding} data: "):
        pieces_of(Decompressor(coding), [b"\xff" * 20])


def test_too_many_codings_are_an_error() -> None:
    with pytest.raises(DecodeError, match=r"[Tt]oo many"):
        Decompressor(", ".join(["gzip"] * 1000)).feed(b"")


@pytest.mark.parametrize(
    "value", [None, "", " ", ",", "identity", "Identity, ", "utf-8", "none", "gzip, utf-8"]
)
def test_no_decompressor_for_unknown_or_missing_codings(value: str | None) -> None:
    assert decompressor_of({"Content-Encoding": value} if value is not None else {}) is None


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        (" gzip ", "gzip"),
        ("gzip, ", "gzip"),
        (",gzip", "gzip"),
        ("gzip, identity", "gzip"),
        ("identity,gzip", "gzip"),
        ("X-GZip", "x-gzip"),
        ("x-gzip, identity,", "x-gzip"),
        ("deflate", "deflate"),
        ("deflate,gzip", "deflate, gzip"),
        ("deflate , , gzip, identity", "deflate, gzip"),
    ],
)
def test_spellings_of_known_codings(value: str, coding: str) -> None:
    decompressor = decompressor_of({"Content-Encoding": value})
    assert decompressor is not None
    assert b"".join(pieces_of(decompressor, [CODINGS[coding](b"Hello")])) == b"Hello"
