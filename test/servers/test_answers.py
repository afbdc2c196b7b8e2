"""Plain and streamed calls, and structured output, with real servers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pydantic import BaseModel
from servers.targets import WITH_LLAMA, Target, code_of_the_page
from servers.tiny_model import ANSWER, ENDLESS, GO_ON

import tachyon_sdk
from tachyon_sdk import (
    ChatCompletionChunkResponse,
    ServiceException,
    StructuredOutputError,
    ask_for,
)

HELLO = [{"role": "user", "content": "Hello"}]


class Person(BaseModel):
    name: str
    age: int


def test_a_plain_call(target: Target) -> None:
    with target.chat() as api:
        answer = api.chat_completion(chat_completion_request={"model": target.model, "messages": HELLO})
    assert isinstance(answer, ChatCompletionChunkResponse)
    assert (answer.text, answer.finish_reason) == ("".join(ANSWER), "stop")
    assert answer.model == target.model
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream(target: Target) -> None:
    request = {"model": target.model, "messages": HELLO}
    with target.chat() as api:
        with api.chat_completion_stream(chat_completion_request=request) as stream:
            pieces = list(stream.text)
            answer = stream.merged
    assert "".join(pieces) == answer.text == "".join(ANSWER)
    assert len(pieces) > 3
    assert answer.finish_reason == stream.finish_reason == "stop"


def test_an_answer_is_handed_out_while_it_is_made(target: Target) -> None:
    """A stream that is left early does not prevent the next call."""
    if target.name not in WITH_LLAMA:
        pytest.skip("the text of a mock is short")
    request = {"model": target.model, "messages": [{"role": "user", "content": GO_ON}]}
    with target.chat() as api:
        with api.chat_completion_stream(chat_completion_request=request) as stream:
            pieces = list(itertools.islice(stream.text, 6))
        assert pieces == [*ENDLESS, *ENDLESS]
        assert api.chat_completion(chat_completion_request={**request, "messages": HELLO}).text


# These servers know the limit by its older name.
@pytest.mark.filterwarnings("ignore:ChatCompletionRequest has no property 'max_tokens'")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_longer_than_allowed(target: Target, streamed: bool) -> None:
    if target.name not in WITH_LLAMA:
        pytest.skip("a mock ignores max_tokens")
    messages = [{"role": "user", "content": GO_ON}]
    request = {"model": target.model, "messages": messages, "max_tokens": len(ENDLESS)}
    answer = asked(target, request, streamed)
    assert (answer.text, answer.finish_reason) == ("".join(ENDLESS), "length")


@pytest.mark.parametrize("streamed", [False, True])
def test_several_choices(target: Target, streamed: bool) -> None:
    """llama-cpp-python always gives one. A stream of LiteLLM's mock has a finish reason for one of them only."""
    answer = asked(target, {"model": target.model, "messages": HELLO, "n": 2}, streamed)
    texts = [choice.delta.content for choice in answer.choices]
    reasons = [choice.finish_reason for choice in answer.choices]
    if target.name in WITH_LLAMA:
        assert (texts, reasons) == (["".join(ANSWER)], ["stop"])
    else:
        assert texts == ["".join(ANSWER)] * 2
        assert reasons == (["stop", None] if streamed else ["stop", "stop"])


@pytest.mark.parametrize("streamed", [False, True])
def test_unknown_parameters_are_ignored(target: Target, streamed: bool) -> None:
    of_the_platform = {
        "memory_settings": {"extract_memory": False, "max_memories": 1, "min_relevance_score": 0.5},
        "web_search": {"query": "the weather"},
        "max_completion_tokens": 500,
    }
    answer = asked(target, {"model": target.model, "messages": HELLO, **of_the_platform}, streamed)
    assert answer.text == "".join(ANSWER)


def test_an_object_of_a_type(target: Target) -> None:
    """The schema is where llama-cpp-python reads it."""
    model = target.model
    form: dict[str, Any] = {"type": "json_object", "schema": Person.model_json_schema()}
    expected = Person(name="", age=7)
    if target.name not in WITH_LLAMA:
        model, expected = "mock-json", Person(name="Ken", age=30)
    request = {"model": model, "messages": HELLO, "response_format": form, "temperature": 0}
    with target.chat() as api:
        assert ask_for(api.chat_completion, request, Person) == expected


def test_an_object_by_the_usual_schema(target: Target) -> None:
    """This is the code of the page. llama-cpp-python accepts only the type `json_object`."""
    code = code_of_the_page("schema = ")
    with target.chat() as chat:
        names = {"tachyon_sdk": tachyon_sdk, "Person": Person, "chat": chat}
        names["request"] = {"model": target.model, "messages": HELLO}
        if target.name in WITH_LLAMA:
            with pytest.raises(ServiceException) as caught:
                exec(code, names)
            assert caught.value.status == 500 and "json_object" in str(caught.value.message)
        else:
            names["request"]["model"] = "mock-json"
            exec(code, names)
            assert names["person"] == Person(name="Ken", age=30)


def test_json_that_is_not_of_the_type(target: Target) -> None:
    """Without a schema in `response_format`, the model gives the shortest object."""
    with target.chat() as api:
        with pytest.raises(StructuredOutputError) as caught:
            ask_for(api.chat_completion, {"model": target.model, "messages": HELLO, "temperature": 0}, Person)
    expected = '{"":""}' if target.name in WITH_LLAMA else "".join(ANSWER)
    assert caught.value.text == caught.value.answer.text == expected


def asked(target: Target, request: dict[str, Any], streamed: bool) -> ChatCompletionChunkResponse:
    """The whole answer."""
    with target.chat() as api:
        if not streamed:
            return api.chat_completion(chat_completion_request=request)
        with api.chat_completion_stream(chat_completion_request=request) as stream:
            return stream.collect()
