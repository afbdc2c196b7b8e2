"""Tool calls with real servers. The model calls a tool only if `tool_choice` names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from servers.targets import LLAMA_KEY, WITH_LLAMA, Target, llama_cpp_python
from servers.tiny_model import ANSWER, RESULT

from tachyon_sdk import (
    ChatCompletionRequest,
    Message,
    ServiceException,
    StreamTruncatedException,
    Toolbox,
    TooManyRoundsError,
    converse,
    converse_stream,
)

HELLO = [{"role": "user", "content": "Hello"}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}


def get_weather(city: Literal["Oslo"], days: int) -> str:
    """The weather forecast of a city."""
    return f"{city}, {days} days: 晴れ"


TOOLBOX = Toolbox(get_weather)


def request_of(target: Target, **more: Any) -> dict[str, Any]:
    return {"model": target.model, "messages": HELLO, "tool_choice": NAMED, **more}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_conversation(target: Target, streamed: bool) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")
    messages: list[Message] = []
    with target.chat() as api:
        if streamed:
            chunks = list(
                converse_stream(
                    api.chat_completion_stream, request_of(target), TOOLBOX, on_message=messages.append
                )
            )
            text = "".join(chunk.text for chunk in chunks)
        else:
            text = converse(api.chat_completion, request_of(target), TOOLBOX, on_message=messages.append).text
    called, result, said = messages
    assert called.tool_calls is not None
    (call,) = called.tool_calls
    assert (call.function.name, call.function.arguments.replace(" ", "")) == (
        "get_weather",
        '{"city":"Oslo","days":7}',
    )
    assert (result.role, result.content) == ("tool", "Oslo, 7 days: 晴れ")
    assert result.to_dict()["tool_call_id"] == call.id
    assert text == said.content == "".join(RESULT)


@pytest.mark.parametrize("streamed", [False, True])
def test_the_loop_by_hand(target: Target, streamed: bool) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")
    messages = [Message(role="user", content="Hello")]
    fields = {"model": target.model, "messages": messages, "tools": TOOLBOX.definitions}
    first = ChatCompletionRequest.from_dict({**fields, "tool_choice": NAMED})
    with target.chat() as api:
        if streamed:
            with api.chat_completion_stream(chat_completion_request=first) as stream:
                answer = stream.collect()
        else:
            answer = api.chat_completion(chat_completion_request=first)
        assert answer.finish_reason == "tool_calls"
        messages += [answer.to_message(), *TOOLBOX.results(answer)]
        second = ChatCompletionRequest.from_dict(fields)
        assert api.chat_completion(chat_completion_request=second).text == "".join(RESULT)


def test_a_mock_that_calls_a_tool_each_time(target: Target) -> None:
    """Its finish reason is `stop`, and it has a text and a call."""
    if target.name in WITH_LLAMA:
        pytest.skip("not a mock")
    with target.chat() as api:
        with pytest.raises(TooManyRoundsError) as caught:
            converse(api.chat_completion, {"model": "mock-tools", "messages": HELLO}, TOOLBOX, max_rounds=3)
    error = caught.value
    assert error.answer.finish_reason == "stop"
    results = [*error.messages, *TOOLBOX.results(error.answer)]
    assert [each.content for each in results if each.role == "tool"] == ["Oslo, 2 days: 晴れ"] * 3


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_choice_that_is_left_to_the_server(target: Target, choice: str) -> None:
    """Servers accept these values. The model of these tests then calls no tool."""
    with target.chat() as api:
        request = request_of(target, tool_choice=choice, tools=TOOLBOX.definitions)
        assert api.chat_completion(chat_completion_request=request).text == "".join(ANSWER)


def test_any_is_refused_by_servers_that_look(target: Target) -> None:
    request = request_of(target, tool_choice="any", tools=TOOLBOX.definitions)
    with target.chat() as api:
        if target.name in WITH_LLAMA:
            with pytest.raises(ServiceException) as caught:
                api.chat_completion(chat_completion_request=request)
            assert caught.value.status == 500
            assert "Input should be 'none', 'auto' or 'required'" in str(caught.value.message)
        else:
            assert api.chat_completion(chat_completion_request=request).text == "".join(ANSWER)


# The only chat format of llama-cpp-python in which the model selects a tool


@pytest.fixture(scope="module")
def format_with_functions(folder: Path) -> Iterator[Target]:
    with llama_cpp_python(folder, {"CHAT_FORMAT": "chatml-function-calling"}) as server:
        yield Target("llama-cpp-python", server.host, LLAMA_KEY, "large")


def test_the_model_calls_a_tool(format_with_functions: Target) -> None:
    """Each message must have `content`, also a message with tool calls."""
    request = request_of(format_with_functions, tool_choice="auto", tools=TOOLBOX.definitions)
    with format_with_functions.chat() as api:
        answer = api.chat_completion(chat_completion_request=request)
        assert answer.finish_reason == "tool_calls"
        (result,) = TOOLBOX.results(answer)
        assert result.content == "Oslo, 7 days: 晴れ"
        said = answer.to_message()
        said.content = ""
        del request["tool_choice"]
        request["messages"] = [*HELLO, said, result]
        assert api.chat_completion(chat_completion_request=request).finish_reason == "stop"


def test_the_model_calls_no_tool_in_a_stream(format_with_functions: Target) -> None:
    """The server fails after it has sent 200."""
    request = request_of(format_with_functions, tool_choice="auto", tools=TOOLBOX.definitions)
    with format_with_functions.chat() as api:
        with api.chat_completion_stream(chat_completion_request=request) as stream:
            with pytest.raises(StreamTruncatedException):
                stream.collect()
