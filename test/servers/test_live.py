"""Events and partial objects of real servers."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel
from servers.targets import WITH_LLAMA, Target
from servers.tiny_model import ANSWER

from tachyon_sdk import Toolbox, ask_for_stream
from tachyon_sdk.events import Finished, TextDelta, ToolArgumentsDelta, ToolCallDone, ToolCallStarted

HELLO = [{"role": "user", "content": "Hello"}]


def get_weather(city: Literal["Oslo"], days: int) -> str:
    """The weather forecast of a city."""
    return f"{city}, {days} days"


class Person(BaseModel):
    name: str
    age: int


def test_events(target: Target) -> None:
    request = {"model": target.model, "messages": HELLO}
    with target.chat() as api, api.chat_completion_stream(chat_completion_request=request) as stream:
        events = list(stream.events())
    texts = [event for event in events if isinstance(event, TextDelta)]
    assert len(texts) > 3
    assert texts[-1].snapshot == "".join(text.text for text in texts) == "".join(ANSWER)
    assert events[-1] == Finished("stop")


def test_a_stream_is_passed_on(target: Target) -> None:
    request = {"model": target.model, "messages": HELLO}
    with target.chat() as api:
        copied = list(api.chat_completion_stream(chat_completion_request=request).sse())
    assert copied[-1] == b"data: [DONE]\n\n"
    assert all(event.startswith(b"data: {") for event in copied[:-1])


def test_partial_objects(target: Target) -> None:
    form: dict[str, Any] = {"type": "json_object", "schema": Person.model_json_schema()}
    model, expected = target.model, Person(name="", age=7)
    if target.name not in WITH_LLAMA:
        model, expected = "mock-json", Person(name="Ken", age=30)
    request = {"model": model, "messages": HELLO, "response_format": form, "temperature": 0}
    with target.chat() as api:
        with ask_for_stream(api.chat_completion_stream, request, Person) as people:
            *partial, last = list(people)
        assert people.value == last == expected
    assert partial
    assert all(
        type(person) is Person and person.name in (None, last.name[:3], "K", "Ke") for person in partial
    )
    assert all(person.age in (None, last.age) for person in partial)


def test_events_of_a_tool_call(target: Target) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock does not stream tool calls")
    request = {
        "model": target.model,
        "messages": HELLO,
        "tools": Toolbox(get_weather).definitions,
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    }
    with target.chat() as api, api.chat_completion_stream(chat_completion_request=request) as stream:
        events = list(stream.events())
        calls = stream.tool_calls
    kinds = [type(event) for event in events]
    assert kinds[0] is ToolCallStarted and kinds[-2:] == [ToolCallDone, Finished]
    pieces = [event for event in events if isinstance(event, ToolArgumentsDelta)]
    assert len(pieces) > 1
    ended = [event for event in events if isinstance(event, ToolCallDone)]
    assert [event.call.to_dict() for event in ended] == [call.to_dict() for call in calls]
    done = ended[0]
    of_it = [piece for piece in pieces if piece.position == 0]
    assert "".join(piece.text for piece in of_it) == of_it[-1].snapshot == done.arguments
    assert (done.name, done.parsed) == ("get_weather", {"city": "Oslo", "days": 7})
    assert pieces[0].parsed in ({}, None)
