"""When a streamed response is complete."""

from __future__ import annotations

from typing import Any

import pytest

from tachyon_sdk.models import ChunkChoice
from tachyon_sdk.streaming.completion import Completion

Piece = tuple[int | None, str | None, str | None]  # index, finish reason, text


def completion_of(*pieces: Piece, choices: int = 1, required: bool = True) -> Completion:
    completion = Completion(choices, required)
    for index, reason, text in pieces:
        delta = {} if text is None else {"content": text}
        completion.add([ChunkChoice.from_dict({"index": index, "delta": delta, "finish_reason": reason})])
    return completion


@pytest.mark.parametrize(
    ("pieces", "at_done", "at_end", "at_loss"),
    [
        ([], False, False, False),
        ([(0, None, "a")], False, False, False),
        ([(0, "", "a")], False, False, False),
        ([(0, "null", "a")], False, False, False),
        ([(0, "stop", None)], True, True, True),
        ([(0, "a reason nobody knows", "a")], True, True, True),
        ([(0, None, "a"), (0, "stop", ""), (0, None, ""), (0, None, None)], True, True, True),
        ([(0, "stop", None), (1, None, "b")], True, False, False),
        ([(1, "stop", None), (0, None, "a")], True, False, False),
        ([(0, None, "a"), (1, None, "b"), (1, "stop", None), (0, "length", None)], True, True, True),
        ([(None, "stop", "a")], True, True, True),
        # A finish reason that more text follows was none, and the next one proves nothing where the end is no proof.
        ([(0, "stop", "a"), (0, None, "b")], True, False, False),
        ([(0, "stop", "a"), (0, "stop", "b")], True, True, False),
    ],
)
def test_the_end_of_a_response(pieces: list[Piece], at_done: bool, at_end: bool, at_loss: bool) -> None:
    completion = completion_of(*pieces)
    assert (completion.at_done, completion.at_end(True), completion.at_end(False)) == (
        at_done,
        at_end,
        at_loss,
    )


@pytest.mark.parametrize(
    "more",
    [
        {"content": "b"},
        {"tool_calls": [{"index": 0}]},
        {"refusal": "no"},
        {"function_call": {"name": "f"}},
        {"reasoning_content": "Hm"},
        {"reasoning": "Hm"},
    ],
)
def test_what_makes_a_finish_reason_none(more: dict[str, Any]) -> None:
    completion = completion_of((0, "stop", "a"))
    completion.add([ChunkChoice.from_dict({"index": 0, "delta": more})])
    assert not completion.at_end(True)


@pytest.mark.parametrize("choices", [2, 3])
def test_as_many_choices_must_end_as_were_asked_for(choices: int) -> None:
    pieces: list[Piece] = [(0, None, "a"), (0, "stop", None)]
    assert not completion_of(*pieces, choices=choices).at_end(True)
    assert completion_of(*pieces, choices=choices).at_done
    for index in range(1, choices):
        pieces += [(index, None, "b"), (index, "stop", None)]
    assert completion_of(*pieces, choices=choices).at_end(False)


def test_a_server_may_never_send_a_finish_reason() -> None:
    completion = completion_of((0, None, "a"), required=False)
    assert (completion.at_done, completion.at_end(True), completion.at_end(False)) == (True, True, False)


def test_a_finish_reason_and_an_index_of_any_type_do_no_harm() -> None:
    completion = Completion(1, True)
    odd = {"index": [1], "delta": {"content": "a"}, "finish_reason": {"x": 1}}
    completion.add([ChunkChoice.from_dict(odd)])
    assert completion.at_end(True)
