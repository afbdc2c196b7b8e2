"""Chunks made from the one before: in every way equal to what parsing them gives."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tachyon_sdk.models import ChatCompletionChunkResponse as Chunk
from tachyon_sdk.streaming.decode import AnswerDecoder
from tachyon_sdk.streaming.merge import Merger


class Response:
    status = 200
    reason = "OK"

    @property
    def headers(self) -> dict[str, str]:
        return {}


def decoder() -> AnswerDecoder[Chunk]:
    return AnswerDecoder(Chunk, Response())


def piece(text: str, **more: Any) -> dict[str, Any]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1795407783, "model": "tiny"}
    return {**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}


def fragment(text: str) -> dict[str, Any]:
    call = {"index": 0, "function": {"arguments": text}}
    return {"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def encoded(chunk: Any, compact: bool = True) -> bytes:
    separators = (",", ":") if compact else None
    return json.dumps(chunk, ensure_ascii=False, separators=separators).encode()


def read(datas: list[bytes]) -> tuple[list[Any], Merger, int]:
    """As a stream reads them: the chunks, what they were merged into, and how many were not parsed."""
    reader, merger, repeated = decoder(), Merger(), 0
    chunks: list[Any] = []
    for data in datas:
        if found := reader.repeated(data):
            chunk, text = found
            repeated += 1
            if not merger.add_text(text):
                merger.add(chunk)
        else:
            chunk = reader.event("message", data)
            merger.add(chunk)
        chunks.append(chunk)
    return chunks, merger, repeated


def check(datas: list[bytes]) -> int:
    """Compares with parsing each and merging them; gives how many were not parsed."""
    chunks, merger, repeated = read(datas)
    parsed = [Chunk.model_validate_json(data) for data in datas]
    assert chunks == parsed
    assert [chunk.to_json() for chunk in chunks] == [chunk.to_json() for chunk in parsed]
    assert [chunk.model_fields_set for chunk in chunks] == [chunk.model_fields_set for chunk in parsed]
    plain = Merger()
    for chunk in parsed:
        plain.add(chunk)
    assert merger.merged() == plain.merged()
    assert (merger.chunks, merger.finished) == (plain.chunks, plain.finished)
    return repeated


def calling(**call: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}}]}


TEXTS = [
    "Hel",
    "lo",
    " 世界",
    "🙂",
    "",
    "a b",
    "!",
    "x" * 300,
    'say "hi"',
    "back\\slash",
    "\n",
    '{"a": "',
    "\\",
]


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("make", [piece, fragment])
def test_what_differs_in_its_text_alone_is_not_parsed(make: Any, compact: bool) -> None:
    repeated = check([encoded(make(text), compact) for text in TEXTS])
    # The first is parsed; for a tool call the first and the second, which has something to go on with.
    assert repeated == len(TEXTS) - 1


@pytest.mark.parametrize("make", [piece, fragment])
@pytest.mark.parametrize("first", ['{"', 'a"b\\', "\\", "\n", "", "x" * 60_000])
def test_any_text_may_be_the_one_before(make: Any, first: str) -> None:
    assert check([encoded(make(text)) for text in (first, "a", '"')]) == 2


def test_a_chunk_that_is_large_is_not_searched_for_what_the_next_may_repeat() -> None:
    assert check([encoded(piece(text)) for text in ('"' * 100_000, "a", "b")]) == 1


@pytest.mark.parametrize("text", ["tab\t", "\x7f", "\u2028", "\x00", "\u00ad", "\\u0041", "日本", "🙂"])
def test_text_that_is_escaped_or_cannot_be_printed(text: str) -> None:
    check([json.dumps(piece(each)).encode() for each in ("a", text, "b")])


@pytest.mark.parametrize(
    "literal", [b"\\ud83d", b"\\x", b"\\", b'a","content":"b', b'\\n","content":"b', b"\\u12"]
)
def test_what_is_not_one_string_is_not_taken_for_one(literal: bytes) -> None:
    reader = decoder()
    reader.event("message", encoded(piece("a")))
    data = encoded(piece("TEXT")).replace(b"TEXT", literal)
    assert reader.repeated(data) is None
    assert reader.repeated(encoded(piece("b"))) is not None


def test_a_control_character_within_a_string_is_no_json_here_either() -> None:
    reader = decoder()
    reader.event("message", encoded(piece("a")))
    assert reader.repeated(encoded(piece("b"))) is not None
    assert reader.repeated(encoded(piece("b")).replace(b'"b"', b'"\x01"')) is None


@pytest.mark.parametrize(
    "more",
    [
        {"usage": {"total_tokens": 3}},
        {"extra": {"deep": 1}},
        {"extra": [1]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "again", "content": "a"}}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}]},
        {"choices": [{"index": i, "delta": {"content": "a"}} for i in range(2)]},
        {"choices": []},
        {"choices": [{"index": 0, "delta": {"content": None}}]},
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "a"}}]},
                }
            ]
        },
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"tool_calls": [{"index": 0, "function": {"name": "n", "arguments": ""}}]},
                }
            ]
        },
        {"choices": [{"index": 0, "delta": {"tool_calls": []}}]},
    ],
)
def test_what_is_more_than_text_is_always_parsed(more: dict[str, Any]) -> None:
    assert check([encoded(piece("a", **more))] * 4) == 0


def test_scalars_beside_the_text_may_be_unknown_ones() -> None:
    assert (
        check([encoded(piece(text, p="pad", n=1, none=None, true=True)) for text in TEXTS]) == len(TEXTS) - 1
    )


def test_a_whole_answer_in_each_event_is_like_a_chunk() -> None:
    datas = [encoded({"choices": [{"index": 0, "message": {"content": text}}]}) for text in TEXTS]
    assert check(datas) == len(TEXTS) - 1


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices":[{"index":0,"delta":{"content":"a","content":"%b"}}]}',
        b'{"content":"%b","choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"x":"\\"content\\":\\"%b","choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"a"},"arguments":"%b"}]}',
        b'{"arguments":"%b","choices":[{"index":0,"delta":{"content":"a"}}]}',
    ],
)
def test_only_the_string_that_was_meant_may_change(raw: bytes) -> None:
    check([raw % text for text in (b"a", b"b", b"c", b"?", b"a")])


def test_the_choices_of_an_answer_may_take_turns() -> None:
    def turn(index: int, text: str) -> bytes:
        return encoded({"choices": [{"index": index, "delta": {"content": text}}]})

    check([turn(i % 2, str(i)) for i in range(20)])
    check([turn(0, "a"), turn(0, "b"), turn(1, "c"), turn(0, "d"), turn(0, "e"), turn(1, "f"), turn(1, "g")])


def test_chunks_share_nothing_that_can_be_changed() -> None:
    reader = decoder()
    first: Any = reader.event("message", encoded(piece("a", extra="x")))
    pristine = copy.deepcopy(first)
    first.choices[0].delta.content = "changed"
    first.model = "changed"
    first.more = "changed"
    first.choices.clear()
    for _ in range(3):
        found = reader.repeated(encoded(piece("a", extra="x")))
        assert found is not None
        again: Any = found[0]
        assert again == pristine
        assert again.model_fields_set == pristine.model_fields_set
        again.choices[0].delta.role = "user"
        again.choices[0].finish_reason = "stop"
        again.id = again.another = "changed"
        again.choices.append(again.choices[0])


def test_looking_for_repeats_is_given_up_little_by_little_and_taken_up_again() -> None:
    # Each differs from the one before in more than text, so that nothing is ever found.
    parsed = 0

    def count(data: bytes) -> Any:
        nonlocal parsed
        parsed += 1
        return Chunk.model_validate_json(data)

    reader = decoder()
    reader._repeats._validate = count
    for number in range(1000):
        assert reader.repeated(encoded(piece("a", created=number))) is None
        reader.event("message", encoded(piece("a", created=number)))
    assert parsed <= 10
    # A run of repeats is found after some time, and proves itself.
    found = [reader.repeated(data) or reader.event("message", data) for data in [encoded(piece("b"))] * 2000]
    assert sum(isinstance(each, tuple) for each in found) > 900


texts = st.text(max_size=12) | st.sampled_from(["", "a", '"', "\\", "\n", "é", "🙂"])
makers = st.sampled_from(
    [
        lambda text: piece(text),
        lambda text: piece(text, created=2),
        lambda text: piece(text, usage=None, p="x"),
        lambda text: piece(text, usage={"total_tokens": 1}),
        lambda text: fragment(text),
        lambda text: {"choices": [{"index": 1, "delta": {"content": text}}]},
        lambda text: {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]},
        lambda text: {"choices": [{"index": 0, "delta": {"content": text, "x": text}}]},
        lambda text: {"choices": [{"delta": {"content": text}}, {"delta": {"content": text}}]},
    ]
)


@given(st.lists(st.tuples(makers, texts, st.integers(1, 4)), max_size=12), st.booleans())
def test_any_chunks_are_as_if_each_had_been_parsed(runs: list[Any], compact: bool) -> None:
    check([encoded(make(text), compact) for make, text, times in runs for _ in range(times)])
