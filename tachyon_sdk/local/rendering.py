"""A response of the built-in model in its two forms: one `chat.completion`, and the events of a stream."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import zip_longest

from tachyon_sdk.local.faults import Ending, Plan
from tachyon_sdk.local.model import Choice, ToolCall
from tachyon_sdk.local.wire import DONE, HEARTBEAT, BrokenOff, Envelope, Json, error_event

_MIDSTREAM_ERROR = "the model provider failed in the middle of the answer"


def body(envelope: Envelope, choices: Sequence[Choice], usage: Json) -> Json:
    """Return a whole `chat.completion`."""
    rendered = [
        {
            "index": index,
            "message": message(envelope, index, choice),
            "logprobs": None,
            "finish_reason": choice.finish_reason,
        }
        for index, choice in enumerate(choices)
    ]
    return envelope.response(rendered, usage)


def message(envelope: Envelope, index: int, choice: Choice) -> Json:
    """Return the message of one choice."""
    text = "".join(choice.pieces)
    if not choice.calls:
        return {"role": "assistant", "content": text}
    calls = [
        _call(call.id or envelope.call_id(index, number), call, "".join(call.pieces))
        for number, call in enumerate(choice.calls)
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": calls}


async def events(
    envelope: Envelope,
    choices: Sequence[Choice],
    usage: Json,
    plan: Plan,
    complete: Callable[[], Awaitable[None]],
) -> AsyncIterator[bytes]:
    """Yield the roles, the pieces of all choices in turns, the finish reasons, the usage, `[DONE]`.

    `complete` is called when the event after the last finish reason is requested: the whole response was sent
    by then. An ending other than complete comes after the pieces.

    Raises:
        BrokenOff: The response ends without its end.
    """
    if plan.breaks_off and not any(choice.pieces or choice.calls for choice in choices):
        raise BrokenOff(stalled=plan.ending is Ending.STALLED)
    if plan.heartbeat:
        yield HEARTBEAT
    for index, choice in enumerate(choices):
        role = {
            "role": "assistant",
            "content": None if choice.calls and not choice.pieces else "",
            "refusal": None,
            "function_call": None,
        }
        yield envelope.chunk([_chunk_choice(index, role)])
    turns = zip_longest(*(_deltas(envelope, index, choice) for index, choice in enumerate(choices)))
    for turn in turns:
        for index, delta in enumerate(turn):
            if delta is not None:
                yield envelope.chunk([_chunk_choice(index, delta)])
    if plan.breaks_off:
        raise BrokenOff(stalled=plan.ending is Ending.STALLED)
    if plan.ending is Ending.ERROR:
        yield error_event(plan.code or "provider_error", plan.message or _MIDSTREAM_ERROR)
    if plan.ending is not Ending.COMPLETE:
        return
    for index, choice in enumerate(choices):
        yield envelope.chunk([_chunk_choice(index, {}, choice.finish_reason)])
    await complete()
    yield envelope.chunk([], usage)
    yield DONE


def _deltas(envelope: Envelope, index: int, choice: Choice) -> Iterator[Json]:
    """Yield what the middle chunks of one choice add: pieces of text, or tool calls in fragments."""
    for piece in choice.pieces:
        yield {"content": piece}
    for number, call in enumerate(choice.calls):
        yield {
            "tool_calls": [{"index": number, **_call(call.id or envelope.call_id(index, number), call, "")}]
        }
        for piece in call.pieces:
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _call(call_id: str, call: ToolCall, arguments: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chunk_choice(index: int, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
