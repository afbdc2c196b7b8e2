"""An answer in its two forms: one `chat.completion`, and the events of a stream, as observed."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from tachyon_sdk.local.faults import Ending
from tachyon_sdk.local.model import Answer, ToolCall
from tachyon_sdk.local.wire import DONE, HEARTBEAT, Envelope, Json, error_event


def body(envelope: Envelope, answers: Sequence[Answer], usage: Json) -> Json:
    """A whole `chat.completion`."""
    choices = [
        {
            "index": index,
            "message": message(envelope, index, answer),
            "logprobs": None,
            "finish_reason": answer.finish_reason,
        }
        for index, answer in enumerate(answers)
    ]
    return envelope.answer(choices, usage)


def message(envelope: Envelope, choice: int, answer: Answer) -> Json:
    """The message of one choice. There is no text beside tool calls."""
    if not answer.calls:
        return {"role": "assistant", "content": "".join(answer.pieces)}
    calls = [
        _call(envelope.call_id(choice, index), call, "".join(call.pieces))
        for index, call in enumerate(answer.calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def events(
    envelope: Envelope,
    answers: Sequence[Answer],
    usage: Json,
    *,
    ending: Ending = Ending.COMPLETE,
    heartbeat: bool = False,
    complete: Callable[[], None],
) -> Iterator[bytes]:
    """The roles, the pieces of all choices in turns, the finish reasons, the usage, `[DONE]`.

    `complete` is called when the event after the last finish reason is asked for: by then the whole answer
    was sent. An ending other than complete comes after about half of the pieces.
    """
    if heartbeat:
        yield HEARTBEAT
    for index, answer in enumerate(answers):
        role = {
            "role": "assistant",
            "content": None if answer.calls else "",
            "refusal": None,
            "function_call": None,
        }
        yield envelope.chunk([_chunk_choice(index, role)])
    turns = zip_longest(*(_deltas(envelope, index, answer) for index, answer in enumerate(answers)))
    pieces = [
        _chunk_choice(index, delta) for turn in turns for index, delta in enumerate(turn) if delta is not None
    ]
    if ending is not Ending.COMPLETE:
        pieces = pieces[: max(1, len(pieces) // 2)]
    for choice in pieces:
        yield envelope.chunk([choice])
    if ending is Ending.ERROR:
        yield error_event("provider_error", "the model provider failed in the middle of the answer")
    if ending is not Ending.COMPLETE:
        return
    for index, answer in enumerate(answers):
        yield envelope.chunk([_chunk_choice(index, {}, answer.finish_reason)])
    complete()
    yield envelope.chunk([], usage)
    yield DONE


def _deltas(envelope: Envelope, choice: int, answer: Answer) -> Iterator[Json]:
    """What the middle chunks of one choice add: pieces of text, or tool calls in fragments."""
    for piece in answer.pieces:
        yield {"content": piece}
    for index, call in enumerate(answer.calls):
        yield {"tool_calls": [{"index": index, **_call(envelope.call_id(choice, index), call, "")}]}
        for piece in call.pieces:
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _call(call_id: str, call: ToolCall, arguments: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chunk_choice(index: int, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
