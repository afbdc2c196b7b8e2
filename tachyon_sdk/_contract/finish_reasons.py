"""Interprets finish reasons. Providers use different words and spellings for the same reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Problem = Literal["failed", "withheld", "cut"]

# Word prefixes in a finish reason; the first pattern that matches wins. `re` compiles and caches them on first use.
_PATTERNS: dict[Problem, str] = {
    "failed": r"\b(abort|cancel|crash|disconnect|err|evict|exception|fail|insufficient|interrupt|invalid|kill|lost|"
    r"malform|missing|overload|preempt|shutdown|time|unavailable|unexpected)",
    "withheld": r"\b(armor\b|block(ed|list)|censor|content ?filter|copyright|denied|filter|flag|guardrail|harm(ful)?\b|"
    r"language\b|moderat|policy|prohibit|recit|redact|refus|safety|sensitiv|s?pii\b|toxic|unsafe|violat|withheld)",
    "cut": r"\b(exceed|incomplete|length|limit|max|model ?length|not\b|partial|pause|token ?limit|too\b|trunc|"
    r"unfinished)",
}
_DESCRIPTIONS: dict[Problem, str] = {
    "failed": "the response was aborted",
    "withheld": "the response was withheld",
    "cut": "the response was truncated at a length limit",
}


def finish_problem(finish_reason: Any) -> Problem | None:
    """Return why a response with this finish reason is incomplete, or None if it is complete.

    `failed`: the server aborted it. `withheld`: a filter stopped it, or the model refused. `cut`: it reached a
    limit. Any other reason is no problem: `stop`, `eos_token`, `end_turn`, an unknown word.

    Args:
        finish_reason: The value that the server sent. Some send an object with the reason in its `type`.
    """
    # MAX_TOKENS, maxTokens, max-tokens and FinishReason.MAX_TOKENS become the same words.
    words = " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", _text(finish_reason))).lower()
    return next((problem for problem, pattern in _PATTERNS.items() if re.search(pattern, words)), None)


def describe_finish_problem(finish_reason: Any) -> str | None:
    """Return `finish_problem` as a message, such as `the response was withheld (finish reason content_filter)`."""
    problem = finish_problem(finish_reason)
    if problem is None:
        return None
    printable = "".join(char for char in _text(finish_reason) if char.isprintable())
    return f"{_DESCRIPTIONS[problem]} (finish reason {printable[:60]})"


def _text(finish_reason: Any) -> str:
    if isinstance(finish_reason, Mapping):
        finish_reason = finish_reason.get("type")
    return finish_reason if isinstance(finish_reason, str) else ""
