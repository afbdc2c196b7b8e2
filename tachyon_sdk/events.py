"""The events of `Stream.events()`.

::

    from tachyon_sdk import events

    for event in stream.events():
        match event:
            case events.TextDelta(text):
                print(text, end="", flush=True)
            case events.ReasoningDelta(text):
                print(dim(text), end="", flush=True)

`StreamEvent` is the union of all of them. Each has a `type`, such as `text`. Later versions may add events.
"""

from tachyon_sdk.streaming.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallDone,
    ToolCallStarted,
    UsageReported,
)

__all__ = [
    "Finished",
    "ReasoningDelta",
    "RefusalDelta",
    "StreamEvent",
    "TextDelta",
    "ToolArgumentsDelta",
    "ToolCallDone",
    "ToolCallStarted",
    "UsageReported",
]
