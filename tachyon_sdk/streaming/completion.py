"""Tells whether a streamed response has come to its end. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Some servers send these with every chunk before the end.
_NO_REASONS = frozenset({"null", "none", "None"})
# Properties of a delta that are text or calls: after a finish reason, they say that it was none.
SAYS_MORE = ("content", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning")


class Completion:
    """Which choices of a streamed response have ended.

    Args:
        choices: How many were asked for.
        require_finish_reason: Whether a response must have a finish reason to be complete.

    Attributes:
        reasons: The finish reason of each choice by its index, None before its end.
    """

    def __init__(self, choices: int, require_finish_reason: bool) -> None:
        self._asked_for = choices
        self._required = require_finish_reason
        self._any = False
        self._retracted = False
        self.reasons: dict[int, str | None] = {}

    def add(self, choices: Sequence[Any]) -> None:
        """Takes the choices of the next chunk."""
        reasons = self.reasons
        for position, choice in enumerate(choices):
            index = choice.index
            if index.__class__ is not int:
                index = position
            reason = choice.finish_reason
            if reasons.get(index) and any(getattr(choice.delta, name, None) for name in SAYS_MORE):
                # A reason that more text follows was none. Where a server sends such, the next one proves nothing.
                self._retracted = True
                reasons[index] = None
            if reason and not (isinstance(reason, str) and reason in _NO_REASONS):
                reasons[index] = reason
                self._any = True
            elif index not in reasons:
                reasons[index] = None

    @property
    def at_done(self) -> bool:
        """Whether the response is complete where the server says so (`data: [DONE]`).

        Servers that are interrupted say that as well, so one choice has to have a finish reason. It need not be
        each: some proxies send only one of several.
        """
        return self._any or not self._required

    def at_end(self, certain: bool) -> bool:
        """Whether the response is complete where the body ends, and the server does not say so.

        Args:
            certain: Whether the body has ended as its framing says. An end of the connection may also be a loss.
        """
        if not self._required and certain:
            return True
        ended = all(self.reasons.values()) and len(self.reasons) >= max(1, self._asked_for)
        return ended and (certain or not self._retracted)
