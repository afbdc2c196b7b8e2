"""Tool calls with real servers. The model calls a tool only if `tool_choice` names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from servers.targets import LLAMA_KEY, WITH_LLAMA, Target, llama_cpp_python
from servers.tiny_model import ANSWER, RESULT

from tachyon_sdk import (
    ChatApi,
    ChatCompletionRequest,
    ConversationSuspended,
    Message,
    ServiceException,
    StreamTruncatedException,
    Toolbox,
    ToolCallResponse,
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


def converse_either(streamed: bool, api: ChatApi, request: Any, toolbox: Toolbox, **options: Any) -> str:
    if not streamed:
        return converse(api.chat_completion, request, toolbox, **options).text
    with converse_stream(api.chat_completion_stream, request, toolbox, **options) as chunks:
        return "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_suspended_conversation(target: Target, streamed: bool) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")

    def suspend(call: ToolCallResponse) -> bool:
        raise ConversationSuspended

    def change(call: ToolCallResponse) -> dict[str, Any]:
        return {**json.loads(call.function.arguments), "days": 3}

    with target.chat() as api:
        with pytest.raises(ConversationSuspended) as caught:
            converse_either(streamed, api, request_of(target), TOOLBOX, on_tool_call=suspend)
        (call,) = caught.value.pending
        assert json.loads(call.function.arguments) == {"city": "Oslo", "days": 7}
        saved = json.dumps([message.to_dict() for message in caught.value.messages])
    new: list[Message] = []
    with target.chat() as api:
        request = request_of(target, messages=json.loads(saved))
        text = converse_either(streamed, api, request, TOOLBOX, on_tool_call=change, on_message=new.append)
    assert text == "".join(RESULT)
    assert (new[0].role, new[0].content) == ("tool", "Oslo, 3 days: 晴れ")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_that_fails_or_is_refused(target: Target, streamed: bool) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")

    def fail(city: Literal["Oslo"], days: int) -> str:
        raise LookupError(city)

    toolbox = Toolbox()
    toolbox.add(fail, name="get_weather", description="The weather forecast of a city.")
    new: list[Message] = []
    options: list[dict[str, Any]] = [
        {"tool_errors": "tell", "max_workers": 2},
        {"on_tool_call": lambda call: False},
        {"on_tool_call": lambda call: "not today"},
    ]
    with target.chat() as api:
        for each in options:
            text = converse_either(streamed, api, request_of(target), toolbox, on_message=new.append, **each)
            assert text == "".join(RESULT)
    texts = [message.content for message in new if message.role == "tool"]
    assert texts == ["LookupError: Oslo", "this call was refused; the tool did not run", "not today"]


def test_the_usage_of_all_rounds(target: Target) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")
    rounds: list[Any] = []
    with target.chat() as api:

        def ask(**arguments: Any) -> Any:
            rounds.append(api.chat_completion(**arguments))
            return rounds[-1]

        usage = converse(ask, request_of(target), TOOLBOX).usage
    assert len(rounds) == 2 and usage is not None
    assert usage.total_tokens == sum(response.usage.total_tokens for response in rounds) > 0


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
