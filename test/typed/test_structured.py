"""Structured output: the request, accepted responses, and StructuredOutputError for all others."""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from support.chat import chat
from support.raw_server import RawServer, json_response
from support.tools import called, completion
from tachyon_sdk import (
    ApiTypeError,
    ChatCompletionChunkResponse,
    ChatCompletionRequest,
    Message,
    OpenApiException,
    StructuredOutputError,
    ask_for,
    parse_as,
)
from tachyon_sdk.local import LocalServer

SAY = {"role": "user", "content": "健は三十歳です"}


class Person(BaseModel):
    """Someone."""

    name: str = Field(description="名前")
    age: int = Field(ge=0)
    children: list[Person] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Answer(BaseModel):
    answer: str


KEN = Person(name="健", age=30)
TEXT = '{"name": "健", "age": 30}'


@contextmanager
def answering(
    text: str | None, finish_reason: str = "stop", **message: Any
) -> Iterator[tuple[RawServer, Any]]:
    """A server that responds with this text, and a ChatApi for it."""
    answer = completion([], text)
    answer["choices"][0]["finish_reason"] = finish_reason
    answer["choices"][0]["message"].update(message)
    with RawServer([json_response(answer)]) as server, chat(server.url) as api:
        yield server, api


def sent_for(request: Any, kind: Any = Person, text: str = TEXT) -> Any:
    """The body that asks for a value of a type."""
    with answering(text) as (server, api):
        ask_for(api.chat_completion, request, kind)
    (body,) = (each.json() for each in server.requests)
    return body


def failure(text: str | None, finish_reason: str = "stop", **message: Any) -> StructuredOutputError:
    """The error for a response that is not a valid Person."""
    with answering(text, finish_reason, **message) as (_, api):
        with pytest.raises(StructuredOutputError) as caught:
            ask_for(api.chat_completion, {"messages": [SAY]}, Person)
    error = caught.value
    assert isinstance(error.answer, ChatCompletionChunkResponse)
    assert error.text == error.answer.text == (text or "")
    return error


# Requests


def test_the_result_is_an_object_of_the_type() -> None:
    with answering(TEXT) as (server, api):
        assert (
            ask_for(api.chat_completion, {"messages": [SAY], "model": "large", "temperature": 0}, Person)
            == KEN
        )
    (body,) = (each.json() for each in server.requests)
    instruction, *others = body.pop("messages")
    assert body == {
        "model": "large",
        "temperature": 0,
        "response_format": {"type": "json_object"},
    }
    assert others == [SAY]
    assert instruction["role"] == "system"
    text, _, schema = instruction["content"].partition("\n")
    assert "JSON" in text
    assert "名前" in schema
    validator = Draft202012Validator(json.loads(schema))
    assert validator.is_valid({**json.loads(TEXT), "children": [json.loads(TEXT)]})
    assert not validator.is_valid({**json.loads(TEXT), "children": [{"name": "x"}]})


def test_a_real_server_is_asked_for_json() -> None:
    request = {"messages": [SAY]}
    with LocalServer() as server, chat(server.url) as api:
        room = functools.partial(api.chat_completion_on_chatroom, "r")
        said = [ask_for(ask, request, Answer).answer for ask in (api.chat_completion, room)]
    assert said == ["answer", "answer"]
    assert [each.body["messages"][-1] for each in server.requests] == [SAY, SAY]
    assert request == {"messages": [SAY]}


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("Be brief.", "Be brief.\n\n"),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "Be brief."}], [{"type": "text", "text": "Be brief."}]),
    ],
)
def test_there_is_one_instruction_at_the_beginning(role: str, content: Any, kept: Any) -> None:
    first = {"role": role, "content": content}
    given = Message.from_dict(first)
    plain = sent_for({"messages": [SAY]})["messages"][0]["content"]
    for request in ({"messages": [first, SAY]}, {"messages": [given, SAY]}):
        instruction, *others = sent_for(request)["messages"]
        assert others == [SAY]
        assert instruction["role"] == role
        added = [*kept, {"type": "text", "text": plain}] if isinstance(kept, list) else kept + plain
        assert instruction["content"] == added
    assert given.to_dict() == first  # the caller's own message


def test_the_request_is_left_as_it_is() -> None:
    request = ChatCompletionRequest(messages=[Message(role="system", content="A"), Message(role="user")])
    before = request.to_json()
    sent_for(request)
    assert request.to_json() == before


@pytest.mark.parametrize(
    "form", [{"type": "text"}, {"type": "json_schema", "json_schema": {"name": "x"}}, None]
)
def test_a_form_that_the_request_sets_is_kept(form: Any) -> None:
    assert sent_for({"messages": [SAY], "response_format": form})["response_format"] == form


@pytest.mark.parametrize(
    ("kind", "text", "value", "is_object"),
    [
        (Point, '{"x": 1}', Point(1), True),
        (dict[str, int], '{"大": 1}', {"大": 1}, True),
        (list[Person], f"[{TEXT}]", [KEN], False),
        (Person | None, "null", None, False),
        (int, " 7\n", 7, False),
    ],
)
def test_any_type_may_be_asked_for(kind: Any, text: str, value: Any, is_object: bool) -> None:
    with answering(text) as (server, api):
        assert ask_for(api.chat_completion, {"messages": [SAY]}, kind) == value
    (body,) = (each.json() for each in server.requests)
    assert ("response_format" in body) is is_object


def test_a_schema_of_several_members_may_be_asked_for() -> None:
    members = [{"type": "object"}, {"minProperties": 1}]
    for every in (members, [], [True]):
        kind = Annotated[dict[str, int], WithJsonSchema({"allOf": every})]
        instruction = sent_for({"messages": [SAY]}, kind, '{"a": 1}')["messages"][0]["content"]
        assert json.loads(instruction.partition("\n")[2]) == {"allOf": every}


class Also:
    """Annotation that puts more into the schema of a type, the way pydantic has for that."""

    def __init__(self, members: list[Any], **more: Any) -> None:
        self.members, self.more = members, more

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> Any:
        return {"allOf": [handler(core_schema), *self.members], **self.more}


@pytest.mark.parametrize(
    "also", [Also([{"maxProperties": 2}]), Also([], maxProperties=2), Also([], description="x")]
)
def test_keywords_beside_a_reference_are_kept(also: Also) -> None:
    class Named(BaseModel):
        name: str

    text = '{"name": "x"}'
    instruction = sent_for({"messages": [SAY]}, Annotated[Named, also], text)["messages"][0]["content"]
    validator = Draft202012Validator(json.loads(instruction.partition("\n")[2]))
    assert validator.is_valid(json.loads(text))
    assert not validator.is_valid({})
    assert validator.is_valid({"name": "x", "a": 1, "b": 2}) is ("description" in also.more)


@pytest.mark.parametrize("kind", [Callable[[], int], "Missing", type(lambda: None)])
def test_a_type_without_json_schema_is_rejected(kind: Any) -> None:
    with pytest.raises(ApiTypeError) as caught:
        ask_for(pytest.fail, {"messages": [SAY]}, kind)
    assert "http" not in str(caught.value)


# Accepted responses


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n  {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```\n",
        f"\n```JSON\r\n{TEXT}\r\n  ```",
        f"````json\n\n{TEXT}\n\n````",
        '```json\n{"name": "健", "age": 30,\n"x": "```"}\n```',
    ],
)
def test_json_is_taken_bare_or_fenced(text: str) -> None:
    assert parse_as(Person, text) == KEN


@pytest.mark.parametrize(
    "thought",
    [
        "<think>\nKen {30}?\n</think>\n\n",
        "<think></think>",
        "Okay, the template opened it.\n</think>\n",
        "</think>",
        "<think>one <think>two</think> three</think>",
        "<think>one</think>\n<think>two</think>\n",
        "<think>{} </think> is how it ends</think>",
        "<think>12</think>",
        '{"name": "draft"}</think>',
        "```json\n{}\n```\n</think>\n",
        "<THINK>loud</THINK>",
        "<think>a\r\nb</think >\r\n",
        "<thinking>a</thinking>",
        "<thought>a</thought>\n",
        "<reasoning>a</reasoning>",
        "<seed:think>a</seed:think>",
        "<antThinking>a</antThinking>",
        "<analysis>a</analysis>",
        "[THINK]a[/THINK]",
        "◁think▷a◁/think▷",
        "<|begin_of_thought|>a<|end_of_thought|>\n",
        "<|START_THINKING|>a<|END_THINKING|>",
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|channel|>analysis<|message|>a<|channel|>final <|constrain|>json<|message|>",
        "<think>" + "</think>" * 40,
    ],
)
@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "\n```\n{}\n```\n"])
def test_thoughts_in_front_of_the_json_are_left_out(thought: str, fence: str) -> None:
    assert parse_as(Person, thought + fence.format(TEXT)) == KEN


@pytest.mark.parametrize("text", ["</think>", "<think>a</think>", "a </think> {", "[/THINK]", "◁/think▷"])
def test_a_mark_within_the_json_is_a_part_of_it(text: str) -> None:
    value = json.dumps({"answer": text}, ensure_ascii=False)
    for whole in (
        value,
        f"```json\n{value}\n```",
        f"<think>{text}</think>{value}",
        f"hm</think>```\n{value}\n```",
    ):
        assert parse_as(Answer, whole).answer == text
    assert parse_as(str, json.dumps(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"<think>{TEXT}", "Invalid JSON: expected value"),
        ("<think>a</think>", "Invalid JSON: EOF"),
        ("<think>a</think>\n", "Invalid JSON: EOF"),
        (f"<think>a</think> Here it is: {TEXT}", "Invalid JSON: expected value"),
        (f"<think>a</think>{TEXT} Done.", "Invalid JSON: trailing characters"),
        (f"<think>a</thin>{TEXT}", "Invalid JSON: expected value"),
        (f"{TEXT}<think>a</think>", "Invalid JSON: EOF"),
        ("<think>a</think>{}", "name: Field required; age: Field required"),
        (f"<think>a</think>[{TEXT}]", "Input should be an object"),
        ('{"name": "</think>"}', "age: Field required"),
    ],
)
def test_after_thoughts_nothing_else_is_guessed_either(text: str, says: str) -> None:
    error = failure(text)
    assert str(error).startswith(f"the response is not a valid Person: {says}")
    assert error.text == text


def test_a_text_of_nothing_but_marks_is_read_in_a_moment() -> None:
    with pytest.raises(StructuredOutputError, match="Invalid JSON"):
        parse_as(Person, "```\n</think>" * 40_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ken",
        f"Here it is: {TEXT}",
        f"{TEXT} I hope that helps.",
        f"Here it is:\n```json\n{TEXT}\n```",
        f"```json\n{TEXT}",
        f"```json {TEXT} ```",
        f"````\n{TEXT}\n```",
        f"`{TEXT}`",
        "{'name': '健', 'age': 30}",
        "```json\n```",
    ],
)
def test_nothing_else_is_guessed(text: str) -> None:
    with pytest.raises(
        StructuredOutputError, match=r"^the response is not a valid Person: Invalid JSON: "
    ) as caught:
        parse_as(Person, text)
    assert caught.value.text == text
    assert caught.value.answer is None


# Rejected responses


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "name: Field required; age: Field required"),
        (
            '{"name": 1, "age": -1}',
            "name: Input should be a valid string; age: Input should be greater than or equal to 0",
        ),
        (f'{TEXT[:-1]}, "children": [{{"name": "x"}}]}}', "children.0.age: Field required"),
        ("[]", "Input should be an object"),
    ],
)
def test_a_response_of_another_type(text: str, says: str) -> None:
    error = failure(text)
    assert str(error) == f"the response is not a valid Person: {says}"
    assert isinstance(error.__cause__, ValidationError)
    assert isinstance(error, OpenApiException)


def test_the_error_has_the_unchanged_text() -> None:
    fenced = "\n```json\n[]\n```\n"
    assert failure(fenced).text == fenced


@pytest.mark.parametrize(
    ("finish_reason", "message", "says"),
    [
        ("length", {}, "the response was truncated at a length limit (finish reason length)"),
        ("content_filter", {}, "the response was withheld (finish reason content_filter)"),
        ("MAX_TOKENS", {}, "the response was truncated at a length limit (finish reason MAX_TOKENS)"),
        ("modelLength", {}, "the response was truncated at a length limit (finish reason modelLength)"),
        ("RECITATION", {}, "the response was withheld (finish reason RECITATION)"),
        ("guardrail_intervened", {}, "the response was withheld (finish reason guardrail_intervened)"),
        ("abort", {}, "the response was aborted (finish reason abort)"),
        ("USER_CANCEL", {}, "the response was aborted (finish reason USER_CANCEL)"),
        ("stop", {"refusal": "だめです"}, "the model refused: だめです"),
        ("tool_calls", {"tool_calls": [called("look", "{}")]}, "the model called look instead of responding"),
    ],
)
def test_an_incomplete_response_is_rejected(finish_reason: str, message: Any, says: str) -> None:
    """Its text may be JSON all the same: a number that was cut is one, too."""
    error = failure(TEXT, finish_reason, **message)
    assert str(error) == says
    assert error.__cause__ is None


@pytest.mark.parametrize(
    "finish_reason", ["stop", "STOP", "eos_token", "end_turn", "COMPLETE", "xyzzy", "", None]
)
def test_unknown_finish_reasons_are_accepted(finish_reason: Any) -> None:
    with answering(TEXT, finish_reason) as (_, api):
        assert ask_for(api.chat_completion, {"messages": [SAY]}, Person) == KEN


def test_a_model_that_thinks_aloud_is_understood() -> None:
    with answering(f"<think>\n健?\n</think>\n\n```json\n{TEXT}\n```") as (_, api):
        assert ask_for(api.chat_completion, {"messages": [SAY]}, Person) == KEN


def test_a_response_without_text() -> None:
    assert str(failure(None)) == "the response has no text"
    assert str(failure("")) == "the response has no text"


def test_the_error_names_the_type() -> None:
    for kind, name in ((list[int], "list[int]"), (int | None, "int | None"), (Point, "Point")):
        with pytest.raises(StructuredOutputError) as caught:
            parse_as(kind, "x")
        assert str(caught.value).startswith(f"the response is not a valid {name}: Invalid JSON")


def test_the_error_can_be_pickled() -> None:
    error = failure("[]")
    other = pickle.loads(pickle.dumps(error))
    assert (str(other), other.text, other.answer) == (str(error), error.text, error.answer)
