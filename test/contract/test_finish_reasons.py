"""Finish reasons in the words and spellings of many providers."""

from __future__ import annotations

from typing import Any

import pytest

from tachyon_sdk._contract.finish_reasons import describe_finish_problem, finish_problem

CUT = """
    length LENGTH Length max_tokens MAX_TOKENS maxTokens MaxTokens max-tokens maxtokens max_length max_output_tokens
    max_completion_tokens max_new_tokens model_length modellength token_limit tokenLimit length_limit limit
    model_context_window_exceeded context_length_exceeded incomplete truncated unfinished not_finished too_long
    FinishReason.MAX_TOKENS FINISH_REASON_MAX_TOKENS REASON_MAX_LEN pause_turn responseTruncated stoppedByLimit
    finishReasonLength
"""
WITHHELD = """
    content_filter CONTENT_FILTER contentFilter content-filter contentfilter content_filtered filtered SAFETY safety
    RECITATION LANGUAGE BLOCKLIST blocked PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT MODEL_ARMOR
    guardrail_intervened refusal refused sensitive toxic moderation flagged policy_violation FinishReason.SAFETY
    stoppedBySafety modelRefused
"""
FAILED = """
    error ERROR Error network_error abort aborted ABORT cancelled canceled CANCELLED cancel user_cancel USER_CANCEL
    ERROR_TOXIC ERROR_LIMIT failed failure timeout TIMEOUT time_limit timed_out interrupted client_disconnect
    insufficient_system_resource server_overloaded MALFORMED_FUNCTION_CALL malformed_model_output
    UNEXPECTED_TOOL_CALL MISSING_THOUGHT_SIGNATURE FinishReason.ERROR serverError userCancelled
"""
FINE = """
    stop STOP Stop FinishReason.STOP FINISH_REASON_STOP FINISH_REASON_UNSPECIFIED OTHER stop_sequence STOP_SEQUENCE
    stopSequence eos eos_token EOS end_turn endTurn end complete COMPLETE completed done finished normal success null
    none None natural tool_calls TOOL_CALL tool_use function_call TOOL_USE unknown xyzzy harmony nothing notable
    tooling content code_block end_of_block 停止 7 load
"""


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        *((reason, "cut") for reason in CUT.split()),
        *((reason, "withheld") for reason in WITHHELD.split()),
        *((reason, "failed") for reason in FAILED.split()),
        *((reason, None) for reason in FINE.split()),
        ("max tokens", "cut"),
        ("", None),
        (" ", None),
    ],
)
def test_a_finish_reason_is_known_in_any_spelling(reason: str, problem: str | None) -> None:
    assert finish_problem(reason) == problem
    assert finish_problem({"type": reason, "length": 7, "message": "error"}) == problem
    sentence = describe_finish_problem(reason)
    assert (sentence is None) is (problem is None)
    assert sentence is None or sentence.endswith(f" (finish reason {reason})")
    assert describe_finish_problem({"type": reason}) == sentence


@pytest.mark.parametrize(
    "reason", [None, 0, 7, True, 1.5, [], ["length"], {}, {"type": None}, {"reason": "x"}]
)
def test_other_types_are_no_problem(reason: Any) -> None:
    assert finish_problem(reason) is None
    assert describe_finish_problem(reason) is None


def test_the_sentence_is_for_a_terminal() -> None:
    said = describe_finish_problem("length\n\x1b[31m" + "x" * 1000)
    assert said is not None
    assert said.startswith("the response was truncated at a length limit (finish reason length[31mxxx")
    assert said.isprintable() and len(said) < 140
