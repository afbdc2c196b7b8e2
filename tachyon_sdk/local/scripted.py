"""What a scripted answer is for the server: choices of a model, and how they are delivered."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tachyon_sdk.local.answers import Answer, CallTool, Content, Fault, parts_of_content
from tachyon_sdk.local.faults import Ending, Plan, status_error
from tachyon_sdk.local.model import Choice, ToolCall
from tachyon_sdk.local.tokens import split
from tachyon_sdk.local.wire import ApiError

_ENDINGS = {
    "cut": Ending.TRUNCATED,
    "error": Ending.ERROR,
    "disconnect": Ending.DISCONNECTED,
    "stall": Ending.STALLED,
}
_RETRIED = (429, 502, 503)


class Scripted(NamedTuple):
    """A scripted answer. `usage` has the properties that replace counted ones."""

    choice: Choice
    plan: Plan
    usage: Mapping[str, Any]


def scripted(answer: Answer | Fault) -> Scripted:
    """Return what an answer is for the server; an error response is none, see `error_response`."""
    if isinstance(answer, Answer):
        choice = _choice(answer.content, answer.finish_reason)
        plan = Plan(pause=answer.pause, delay=answer.delay, headers=answer.headers)
        return Scripted(choice, plan, answer.usage)
    assert isinstance(answer.kind, str)
    plan = Plan(
        ending=_ENDINGS[answer.kind],
        code=answer.code,
        message=answer.message,
        delay=answer.delay,
        headers=answer.headers,
    )
    return Scripted(_choice(answer.after, None), plan, {})


def error_response(fault: Fault) -> ApiError | None:
    """Return the error response of a fault; None if it comes after the response has begun."""
    if not isinstance(fault.kind, int):
        return None
    error = status_error(fault.kind, fault.code, fault.message)
    error.headers.pop("retry-after", None)
    if fault.kind in _RETRIED and fault.retry_after is not None:
        error.headers["retry-after"] = str(fault.retry_after)
    error.headers.update({name.lower(): value for name, value in fault.headers.items()})
    return error


def _choice(content: Content, finish_reason: str | None) -> Choice:
    text, calls = parts_of_content(content)
    pieces = split(text) if isinstance(text, str) else text
    usual = "tool_calls" if calls else "stop"
    return Choice(pieces, [_call(call) for call in calls], finish_reason or usual)


def _call(call: CallTool) -> ToolCall:
    arguments = call.arguments
    if not isinstance(arguments, str):
        arguments = json.dumps(dict(arguments), ensure_ascii=False)
    return ToolCall(call.name, split(arguments), call.id)
