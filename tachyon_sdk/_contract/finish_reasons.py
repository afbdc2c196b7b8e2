"""What a finish reason says about an answer. Providers have words and spellings of their own for the same thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Problem = Literal["failed", "withheld", "cut"]

# What the words of a finish reason begin with; the first line that fits counts. Compiled when they are first used.
_PATTERNS: dict[Problem, str] = {
    "failed": r"\b(abort|cancel|crash|disconnect|err|evict|exception|fail|insufficient|interrupt|invalid|kill|lost|"
    r"malform|missing|overload|preempt|shutdown|time|unavailable|unexpected)",
    "withheld": r"\b(armor\b|block(ed|list)|censor|content ?filter|copyright|denied|filter|flag|guardrail|harm(ful)?\b|"
    r"language\b|moderat|policy|prohibit|recit|redact|refus|safety|sensitiv|s?pii\b|toxic|unsafe|violat|withheld)",
    "cut": r"\b(exceed|incomplete|length|limit|max|model ?length|not\b|partial|pause|token ?limit|too\b|trunc|"
    r"unfinished)",
}
_SENTENCES: dict[Problem, str] = {
    "failed": "the answer was aborted",
    "withheld": "the answer was withheld",
    "cut": "the answer was cut, it is longer than allowed",
}


def problem_of(finish_reason: Any) -> Problem | None:
    """Why an answer with this finish reason is not a whole one; None where nothing says so.

    `failed`: the server aborted it. `withheld`: a filter stopped it, or the model refused. `cut`: it met a limit.
    Everything else is no problem: `stop`, `eos_token`, `end_turn`, a word that is not known.

    Args:
        finish_reason: As the server sent it. Some send an object, with the reason as its `type`.
    """
    # The same words for MAX_TOKENS, maxTokens, max-tokens and FinishReason.MAX_TOKENS.
    words = " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", _text(finish_reason))).lower()
    return next((problem for problem, pattern in _PATTERNS.items() if re.search(pattern, words)), None)


def sentence_of(finish_reason: Any) -> str | None:
    """The same for people, such as `the answer was withheld (finish reason content_filter)`."""
    problem = problem_of(finish_reason)
    if problem is None:
        return None
    printable = "".join(char for char in _text(finish_reason) if char.isprintable())
    return f"{_SENTENCES[problem]} (finish reason {printable[:60]})"


def _text(finish_reason: Any) -> str:
    if isinstance(finish_reason, Mapping):
        finish_reason = finish_reason.get("type")
    return finish_reason if isinstance(finish_reason, str) else ""
