"""How models are built, checked, changed, compared and shown."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

import tachyon_sdk
from support.contract import ANSWERS, ENUMS, NATURAL, OBJECTS, SCHEMAS, attribute, example, properties
from support.numbers import Index, Scalar
from tachyon_sdk import (
    ChatCompletionChunkResponse,
    ChatCompletionRequest,
    ChatRole,
    ChunkChoice,
    ContentPart,
    DeltaMessage,
    ErrorResponse,
    ImageUrlPart,
    MemorySettingsRequest,
    Message,
    MessageContent,
    ResponseFormat,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    WebSearchOptionsRequest,
)

HELLO = ContentPart(type="text", text="Hello")


def errors_of(build: Callable[[], object]) -> list[tuple[Any, ...]]:
    """Place and type of each error that pydantic reports."""
    with pytest.raises(ValidationError) as caught:
        build()
    return [(*error["loc"], error["type"]) for error in caught.value.errors()]


# Made from dicts and JSON text


@pytest.mark.parametrize("name", OBJECTS)
def test_none_is_made_of_none(name: str) -> None:
    assert getattr(tachyon_sdk, name).from_dict(None) is None


@pytest.mark.parametrize("mapping", [OrderedDict, MappingProxyType, dict])
def test_any_mapping_is_a_dict(mapping: Callable[[Any], Any]) -> None:
    message = Message.from_dict(mapping({"role": "user", "own": mapping({"a": (1, 2)})}))
    assert message.to_dict() == {"role": "user", "own": {"a": [1, 2]}}


@pytest.mark.parametrize("value", [[], "text", 1, True, [["role", "user"]]])
def test_non_objects_are_rejected(value: Any) -> None:
    assert errors_of(lambda: Message.from_dict(value)) == [("model_type",)]
    assert errors_of(lambda: Message.from_json(json.dumps(value))) == [("model_type",)]


@pytest.mark.parametrize(
    "text", ["", "{", '{"role": "user"', "{'role': 'user'}", '{"role": "user"} x', b"\xff"]
)
def test_invalid_json_is_rejected(text: str | bytes) -> None:
    assert errors_of(lambda: Message.from_json(text)) == [("json_invalid",)]


def test_json_is_text_or_bytes() -> None:
    assert (
        Message.from_json('{"role": "é"}') == Message.from_json('{"role": "é"}'.encode()) == Message(role="é")
    )


def test_errors_name_the_place() -> None:
    given = {
        "messages": [{"role": "user"}, {"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]}]
    }
    assert errors_of(lambda: ChatCompletionRequest.from_dict(given)) == [
        ("messages", 1, "tool_calls", 0, "function", "missing")
    ]


def test_errors_about_content_name_the_model() -> None:
    with pytest.raises(ValidationError, match=r"^2 validation errors for Message\n"):
        Message(role="user", content=5)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"^2 validation errors for MessageContent\n"):
        MessageContent(5)


# Strict validation of requests


@pytest.mark.parametrize(
    ("model", "key", "wrong"),
    [
        (Message, "role", [None, 1, True, b"user", ["user"]]),
        (Message, "content", [1, True, {"type": "text"}, ["Hello"], [None], b"Hello"]),
        (ChatCompletionRequest, "n", ["1", 1.0, 1.5, True, b"1"]),
        (ChatCompletionRequest, "temperature", ["1", True, b"1"]),
        (ChatCompletionRequest, "stream", [1, 0, "true", "yes"]),
        (ChatCompletionRequest, "model", [1, True, b"large"]),
        (ChatCompletionRequest, "messages", [None, "Hello", {}, [None], ["Hello"], {"role": "user"}]),
        (ChatCompletionRequest, "tool_choice", [1, True, 1.5, ["auto"], [{"type": "function"}]]),
        (ChatCompletionRequest, "response_format", ["text", ["text"], True]),
        (ChatCompletionRequest, "messages", [[ContentPart(type="text")]]),
        (MemorySettingsRequest, "extract_memory", [1, "yes"]),
        (MemorySettingsRequest, "max_memories", ["5", 5.0, True]),
        (WebSearchOptionsRequest, "query", [5, None]),
    ],
)
def test_nothing_is_converted(model: Any, key: str, wrong: list[Any]) -> None:
    whole = {"messages": [], **example(model.__name__)}
    for value in wrong:
        with pytest.raises(ValidationError):
            model(**{**whole, key: value})
        instance = model(**whole)
        with pytest.raises(ValidationError):
            setattr(instance, key, value)
        assert instance == model(**whole)


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("max_completion_tokens", Index(500), 500),
        ("max_completion_tokens", Scalar(500), 500),
        ("max_completion_tokens", Index(2**70), 2**70),
        ("n", Index(10), 10),
        ("temperature", Index(2), 2),
        ("temperature", Scalar(0.5), 0.5),
        ("temperature", Scalar(1), 1),
        ("stream", Scalar(True), True),
        ("seed", Index(7), 7),
        ("seed", Scalar(7), 7),
        ("min_p", Scalar(0.5), 0.5),
        ("store", Scalar(False), False),
        ("own", {"a": [Index(1), {"b": Scalar(True)}]}, {"a": [1, {"b": True}]}),
    ],
)
def test_numbers_of_other_libraries_are_numbers(key: str, value: Any, sent: Any) -> None:
    assigned: Any = ChatCompletionRequest(messages=[])
    setattr(assigned, key, value)
    for request in (
        assigned,
        ChatCompletionRequest(messages=[], **{key: value}),
        ChatCompletionRequest.from_dict({"messages": [], key: value}),
    ):
        found = json.loads(request.to_json())[key]
        assert (found, type(found)) == (sent, type(sent))
        assert request.to_dict() == {"messages": [], key: sent}
    if key in ChatCompletionRequest.model_fields:
        assert type(getattr(assigned, key)) is type(sent)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("n", Index(11), ("n", "less_than_equal")),
        ("n", Scalar(0), ("n", "greater_than_equal")),
        ("n", Scalar(1.0), ("n", "int_type")),
        ("n", Scalar(True), ("n", "int_type")),
        ("n", Scalar(1, (1,)), ("n", "int_type")),
        ("n", Scalar(object()), ("n", "int_type")),
        ("stream", Index(1), ("stream", "bool_type")),
        ("stream", Scalar(1), ("stream", "bool_type")),
        ("temperature", Index(3), ("temperature", "less_than_equal")),
    ],
)
def test_numbers_of_other_libraries_are_checked_as_any(key: str, value: Any, error: tuple[str, str]) -> None:
    assert errors_of(lambda: ChatCompletionRequest(**{"messages": [], key: value})) == [error]


@pytest.mark.parametrize("value", [Scalar(1, (1,)), Scalar(1j), Scalar(object()), object()])
def test_non_json_numbers_are_not_serialized(value: Any) -> None:
    request = ChatCompletionRequest(messages=[], seed=value)
    with pytest.raises(PydanticSerializationError, match="is not a JSON value"):
        request.to_json()


def test_a_failed_assignment_changes_nothing() -> None:
    request = ChatCompletionRequest(messages=[Message(role="user")])
    assert errors_of(lambda: setattr(request, "temperature", 3)) == [("temperature", "less_than_equal")]
    assert errors_of(lambda: setattr(request, "n", 0)) == [("n", "greater_than_equal")]
    assert request.to_dict() == {"messages": [{"role": "user"}]}


def test_assignment_accepts_the_same_values_as_the_constructor() -> None:
    request: Any = ChatCompletionRequest()
    request.messages = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    request.response_format = {"type": "text"}
    request.tool_choice = "any"
    request.temperature = None
    request.seed = 7
    assert request.messages == [Message(role="user", content=[HELLO])]
    assert request.response_format == ResponseFormat(type="text")
    assert request.tool_choice is ToolChoice.ANY
    assert request.to_dict() == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "response_format": {"type": "text"},
        "tool_choice": "any",
        "temperature": None,
        "seed": 7,
    }


NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    "choice", ["required", "none", "AUTO", "get_weather", "", NAMED, {"type": "tool"}, {}]
)
def test_tool_choices_of_other_servers_are_sent_unchanged(choice: Any) -> None:
    assigned = ChatCompletionRequest(messages=[])
    assigned.tool_choice = choice
    for request in (
        assigned,
        ChatCompletionRequest(messages=[], tool_choice=choice),
        ChatCompletionRequest.from_dict({"messages": [], "tool_choice": choice}),
        ChatCompletionRequest.from_json(json.dumps({"messages": [], "tool_choice": choice})),
    ):
        assert type(request.tool_choice) is type(choice)
        assert request.to_dict() == json.loads(request.to_json()) == {"messages": [], "tool_choice": choice}


@pytest.mark.parametrize("choice", ["auto", "any", ToolChoice.AUTO, ToolChoice.ANY])
def test_a_known_choice_of_tools_is_a_member(choice: Any) -> None:
    request = ChatCompletionRequest(messages=[], tool_choice=choice)
    assert request.tool_choice is ToolChoice(choice)
    assert json.loads(request.to_json())["tool_choice"] == str(choice)


def test_dicts_stand_for_models_at_any_depth() -> None:
    tool = example("Tool")
    request = ChatCompletionRequest(messages=[Message(role="user")], tools=[tool, Tool.from_dict(tool)])
    assert request.tools == [Tool.from_dict(tool)] * 2
    assert request.to_dict()["tools"] == [tool, tool]


def test_names_are_given_not_counted() -> None:
    with pytest.raises(TypeError):
        Message("user")  # type: ignore[call-arg]


# Content in its natural form


@pytest.mark.parametrize("content", ["Hello", "", None, [HELLO], []])
def test_content_is_given_and_read_as_it_is(content: Any) -> None:
    message = Message(role="user", content=content)
    assert message.content == content
    assert type(message.content) is type(content)


@pytest.mark.parametrize("content", ["Hello", [HELLO], [], [HELLO, ContentPart(type="image_url")]])
def test_wrapped_content_is_read_as_it_is(content: Any) -> None:
    plain = Message(role="user", content=content)
    wrapped = Message(role="user", content=MessageContent(content))  # type: ignore[arg-type]
    assigned = Message(role="user")
    assigned.content = MessageContent(content)  # type: ignore[assignment]
    inside = Message.from_dict({"role": "user", "content": MessageContent(content)})
    for message in (wrapped, assigned, inside):
        assert type(message.content) is type(content)
        assert message == plain
        assert message.to_json() == plain.to_json()


def test_dicts_in_content_become_parts() -> None:
    message = Message(role="user", content=[{"type": "image_url", "image_url": {"url": "x"}}, HELLO])  # type: ignore[list-item]
    assert message.content == [ContentPart(type="image_url", image_url=ImageUrlPart(url="x")), HELLO]


def test_a_message_without_content_is_not_a_message_with_null() -> None:
    assert Message(role="assistant").to_json() == '{"role":"assistant"}'
    assert Message(role="assistant", content=None).to_json() == '{"role":"assistant","content":null}'


def test_the_wrapper() -> None:
    text, parts = MessageContent("Hello"), MessageContent([HELLO])
    assert text.actual_instance == "Hello"
    assert parts.actual_instance == [HELLO]
    assert (text.to_dict(), text.to_json(), text.to_str()) == ("Hello", '"Hello"', "'Hello'")
    assert parts.to_dict() == [{"type": "text", "text": "Hello"}]
    assert parts.to_json() == '[{"type":"text","text":"Hello"}]'
    assert parts.to_str() == "[{'text': 'Hello', 'type': 'text'}]"
    assert (repr(text), repr(parts)) == ("MessageContent('Hello')", f"MessageContent([{HELLO!r}])")
    assert (
        MessageContent(text)
        == text
        == MessageContent.from_json('"Hello"')
        == MessageContent.from_dict("Hello")
    )
    assert (
        parts
        == MessageContent.from_json(parts.to_json().encode())
        == MessageContent.from_dict(parts.to_dict())
    )
    assert text != parts
    assert text != "Hello"
    assert MessageContent(actual_instance="Hello") == text
    with pytest.raises(TypeError):
        hash(text)


def test_the_wrapper_may_be_filled_in_later() -> None:
    content = MessageContent()
    assert content.actual_instance is None
    assert (content.to_dict(), content.to_json(), repr(content)) == (None, "null", "MessageContent()")
    for same in (MessageContent(), copy.deepcopy(content), pickle.loads(pickle.dumps(content))):
        assert same == content
    with pytest.raises(ValidationError):  # it is not null that was set
        Message(role="user", content=content)
    content.actual_instance = "Hello"
    assert content == MessageContent("Hello") != MessageContent()
    assert Message(role="user", content=content).to_dict() == {"role": "user", "content": "Hello"}
    content.actual_instance = [{"type": "text", "text": "Hello"}]
    assert content.actual_instance == [HELLO]
    for same in (copy.copy(content), copy.deepcopy(content), pickle.loads(pickle.dumps(content))):
        assert same == content
        assert same.to_json() == '[{"type":"text","text":"Hello"}]'


@pytest.mark.parametrize("value", [None, 1, True, {}, ["Hello"], [None], b"Hello"])
def test_the_wrapper_checks(value: Any) -> None:
    with pytest.raises(ValidationError):
        MessageContent(value)
    content = MessageContent("Hello")
    with pytest.raises(ValidationError):
        content.actual_instance = value
    assert content == MessageContent("Hello")
    with pytest.raises(ValidationError):
        MessageContent.from_dict(value)


@pytest.mark.parametrize("text", ["null", "1", "{}", "[1]", "", "["])
def test_the_wrapper_checks_json(text: str) -> None:
    with pytest.raises(ValidationError):
        MessageContent.from_json(text)


# Built empty and filled in


def test_a_request_may_be_built_empty() -> None:
    request = ChatCompletionRequest()
    assert request.messages == []
    assert request.missing_properties() == ["messages"]
    assert request.to_dict() == {}
    assert repr(request) == "ChatCompletionRequest()"


def fill_by_assignment(request: ChatCompletionRequest) -> None:
    request.messages = [Message(role="user", content="Hello")]


def fill_by_append(request: ChatCompletionRequest) -> None:
    request.messages.append(Message(role="user", content="Hello"))


def fill_in_place(request: ChatCompletionRequest) -> None:
    request.messages[:] = [Message(role="user", content="Hello")]


@pytest.mark.parametrize("fill", [fill_by_assignment, fill_by_append, fill_in_place])
@pytest.mark.parametrize(
    ("look", "wanted"),
    [
        (ChatCompletionRequest.to_dict, {"messages": [{"role": "user", "content": "Hello"}]}),
        (ChatCompletionRequest.to_json, '{"messages":[{"role":"user","content":"Hello"}]}'),
        (ChatCompletionRequest.to_json_bytes, b'{"messages":[{"role":"user","content":"Hello"}]}'),
        (ChatCompletionRequest.to_str, "{'messages': [{'content': 'Hello', 'role': 'user'}]}"),
        (ChatCompletionRequest.missing_properties, []),
        (repr, "ChatCompletionRequest(messages=[Message(role='user', content='Hello')])"),
        (str, "messages=[Message(role='user', content='Hello')]"),
        (
            lambda request: copy.deepcopy(request).to_dict(),
            {"messages": [{"role": "user", "content": "Hello"}]},
        ),
        (lambda request: request == ChatCompletionRequest(messages=request.messages), True),
    ],
)
def test_properties_filled_in_later_count_as_set(
    fill: Callable[[ChatCompletionRequest], None], look: Callable[[ChatCompletionRequest], Any], wanted: Any
) -> None:
    request = ChatCompletionRequest()
    fill(request)
    assert look(request) == wanted


def test_an_empty_list_that_was_given_is_not_missing() -> None:
    request = ChatCompletionRequest(messages=[])
    assert request.missing_properties() == []
    assert request.to_json() == '{"messages":[]}'
    request = ChatCompletionRequest()
    request.messages = []
    assert request.missing_properties() == []


def test_two_empty_requests_share_no_list() -> None:
    first, second = ChatCompletionRequest(), ChatCompletionRequest()
    first.messages.append(Message(role="user"))
    assert second.messages == []


@pytest.mark.parametrize("name", [name for name in OBJECTS if name != "ChatCompletionRequest"])
def test_no_other_model_is_filled_in_later(name: str) -> None:
    assert getattr(tachyon_sdk, name).from_dict(example(name)).missing_properties() == []


def test_dicts_that_were_appended_are_part_of_the_json() -> None:
    request = ChatCompletionRequest()
    request.messages.append({"role": "user", "content": "Hello"})  # type: ignore[arg-type]
    request.messages[0]["own"] = [ContentPart(type="text")]  # type: ignore[index]
    assert request.to_json() == '{"messages":[{"role":"user","content":"Hello","own":[{"type":"text"}]}]}'
    assert request.to_dict() == json.loads(request.to_json_bytes())


def test_models_of_another_type_that_were_put_in_place_are_part_of_the_json() -> None:
    request = ChatCompletionRequest(messages=[Message(role="user", content=[HELLO])])
    request.messages[0].content[0] = ImageUrlPart(url="x", own=None)  # type: ignore[index,call-overload]
    assert request.to_json() == '{"messages":[{"role":"user","content":[{"url":"x","own":null}]}]}'
    assert request.to_dict() == json.loads(request.to_json())


class NotedMessage(Message):
    """A user's own message."""

    note: str


def test_a_subclass_is_sent_with_all_that_it_has() -> None:
    request = ChatCompletionRequest(messages=[NotedMessage(role="user", note="own")])
    assert request.to_json() == '{"messages":[{"role":"user","note":"own"}]}'
    assert request.to_dict() == json.loads(request.to_json())


# Lenient validation of responses


@pytest.mark.parametrize("name", ANSWERS)
def test_responses_may_lack_any_property(name: str) -> None:
    model = getattr(tachyon_sdk, name)
    assert model.from_dict({}).to_dict() == {}
    assert model.from_json("{}") == model() == model.from_dict({})
    every_null = dict.fromkeys(SCHEMAS[name]["properties"])
    assert model.from_dict(every_null) == model.from_json(json.dumps(every_null))
    assert set(model.from_dict(every_null).to_dict()) == set(every_null)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, key in properties() if name in ANSWERS])
@pytest.mark.parametrize("how", ["missing", "null"])
def test_required_lists_and_objects_of_a_response_are_never_none(name: str, key: str, how: str) -> None:
    model = getattr(tachyon_sdk, name)
    read = getattr(model.from_dict({key: None} if how == "null" else {}), attribute(key))
    schema = SCHEMAS[name]["properties"][key]
    if key in SCHEMAS[name].get("required", ()) and schema.get("type") == "array":
        assert read == []
    elif key in SCHEMAS[name].get("required", ()) and "$ref" in schema:
        assert read.to_dict() == {}
    else:
        assert read is None


def test_empty_responses_share_nothing() -> None:
    for empty in ({}, {"choices": None}):
        first = ChatCompletionChunkResponse.from_dict(empty)
        first.choices.append(ChunkChoice())
        assert ChatCompletionChunkResponse.from_dict(empty).choices == []
    for empty in ({}, {"delta": None}):
        ChunkChoice.from_dict(empty).delta.content = "x"
        assert ChunkChoice.from_dict(empty).delta.content is None


def test_an_unknown_role_stays_a_string() -> None:
    assert type(DeltaMessage.from_dict({"role": "tool"}).role) is str
    assert type(DeltaMessage.from_json('{"role": "tool"}').role) is str
    assert DeltaMessage.from_dict({"role": "tool"}).to_dict() == {"role": "tool"}


def test_a_known_role_is_a_member() -> None:
    assert DeltaMessage.from_dict({"role": "user"}).role is ChatRole.USER
    assert DeltaMessage.from_json('{"role": "assistant"}').role is ChatRole.ASSISTANT
    delta = DeltaMessage()
    delta.role = "system"  # type: ignore[assignment]
    assert delta.role is ChatRole.SYSTEM
    assert delta.to_dict() == {"role": "system"}
    assert type(delta.to_dict()["role"]) is str


@pytest.mark.parametrize("code", ["not_found", 404, None, 1.5, ["a"], {"a": 1}])
def test_a_code_is_whatever_came(code: Any) -> None:
    assert ErrorResponse.from_dict({"code": code}).code == code


def test_lossless_conversions_are_accepted() -> None:
    usage = Usage.from_dict({"prompt_tokens": "3", "completion_tokens": 4.0})
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 4)
    assert type(usage.completion_tokens) is int
    assert ToolCall.from_dict({"index": "0", "is_client_tool": "true"}) == ToolCall(
        index=0, is_client_tool=True
    )


@pytest.mark.parametrize("tokens", [1.5, "many", -1, [1], {"total": 1}, True])
def test_invalid_values_beside_the_text_are_kept_unchanged(tokens: Any) -> None:
    usage = Usage.from_dict({"prompt_tokens": tokens, "total_tokens": 3})
    assert usage.to_dict() == {"prompt_tokens": tokens, "total_tokens": 3}
    assert Usage.from_json(json.dumps({"prompt_tokens": tokens})).prompt_tokens == tokens
    answer = ChatCompletionChunkResponse.from_dict({"usage": tokens, "created": {"at": 1}})
    assert answer.to_dict() == {"usage": tokens, "created": {"at": 1}}


@pytest.mark.parametrize(
    "delta", [{"content": 1}, {"tool_calls": "f"}, {"tool_calls": [1]}, {"tool_calls": [{"function": "f"}]}]
)
def test_text_and_calls_have_to_fit(delta: Any) -> None:
    with pytest.raises(ValidationError):
        DeltaMessage.from_dict(delta)


def test_a_full_response_with_an_incomplete_message_is_read() -> None:
    for message in (
        {"content": "Hello"},
        {"role": None, "content": "Hello"},
        {"role": "assistant", "tool_calls": [{"tool_id": "t", "tool_name": "search"}]},
        {"role": "assistant", "tool_calls": [{"index": 0, "function": {"name": "f", "arguments": None}}]},
    ):
        answer = ChatCompletionChunkResponse.from_dict({"choices": [{"message": message}]})
        assert answer.to_dict() == {"choices": [{"delta": message}]}


# Full responses have `message` where chunks have `delta`


def test_a_message_is_read_as_the_delta() -> None:
    for choice in (
        ChunkChoice.from_dict({"message": {"role": "assistant", "content": "Hello"}}),
        ChunkChoice.from_json('{"message": {"role": "assistant", "content": "Hello"}}'),
        ChunkChoice(message={"role": "assistant", "content": "Hello"}),  # type: ignore[call-arg]
    ):
        assert choice.delta == DeltaMessage(role=ChatRole.ASSISTANT, content="Hello")
        assert choice.to_dict() == {"delta": {"role": "assistant", "content": "Hello"}}


def test_a_delta_comes_before_a_message() -> None:
    choice = ChunkChoice.from_dict({"message": {"content": "a"}, "delta": {"content": "b"}})
    assert choice.delta.content == "b"
    assert choice.to_dict() == {"message": {"content": "a"}, "delta": {"content": "b"}}


def test_a_wrapped_content_in_an_unknown_place_is_unwrapped() -> None:
    request = ChatCompletionRequest(messages=[Message(role="user", content="Hello")])
    request.messages.append({"role": "user", "content": MessageContent("again")})  # type: ignore[arg-type]
    assert request.to_dict()["messages"][1] == {"role": "user", "content": "again"}
    assert '{"role":"user","content":"again"}' in request.to_json()


def test_a_null_delta_is_as_good_as_none() -> None:
    assert ChunkChoice.from_dict({"delta": None}).delta == DeltaMessage()
    assert ChunkChoice.from_dict({"message": None}).delta == DeltaMessage()


def test_a_full_response_is_read_as_a_chunk() -> None:
    chunk = ChatCompletionChunkResponse.from_dict(example("ChatCompletionResponse"))
    assert chunk.choices[0].delta.content == "Hello"
    assert chunk.choices[0].finish_reason == "stop"
    assert chunk.usage is not None
    assert chunk.usage.total_tokens == 4


# Shown and compared


def test_repr_shows_only_what_was_set() -> None:
    assert repr(Message(role="user")) == "Message(role='user')"
    assert repr(Message(role="user", content=None, own=1)) == "Message(role='user', content=None, own=1)"
    assert repr(Usage()) == "Usage()"
    request = ChatCompletionRequest(messages=[])
    request.n = 2
    assert repr(request) == "ChatCompletionRequest(messages=[], n=2)"
    assert (
        repr(ChunkChoice(delta=DeltaMessage(content="x"))) == "ChunkChoice(delta=DeltaMessage(content='x'))"
    )


@pytest.mark.parametrize("name", [*OBJECTS, *NATURAL])
def test_to_str_shows_the_dict(name: str) -> None:
    instance = getattr(tachyon_sdk, name).from_dict(example(name))
    assert eval(instance.to_str(), {"__builtins__": {}}) == instance.to_dict()


def test_equality() -> None:
    assert Message(role="user") == Message(role="user")
    assert Message(role="user") != Message(role="system")
    assert Message(role="user") != Message(role="user", own=1)
    assert ImageUrlPart(url="x") != {"url": "x"}
    assert MessageContent("x") != Message(role="user", content="x")


def test_a_copy_has_its_own_values() -> None:
    request = ChatCompletionRequest(messages=[Message(role="user", content=[HELLO], own={"a": [1]})])
    other = copy.deepcopy(request)
    other.messages[0].role = "system"
    other.messages[0].own["a"].append(2)
    assert request.to_dict()["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}], "own": {"a": [1]}}
    ]


# Enumerations


@pytest.mark.parametrize("name", ENUMS)
def test_members_are_the_strings_that_are_sent(name: str) -> None:
    enum = getattr(tachyon_sdk, name)
    for value in SCHEMAS[name]["enum"]:
        member = enum(value)
        assert member == value
        assert isinstance(member, str)
        assert str(member) == f"{member}" == value
        assert json.dumps(member) == json.dumps(value)
        assert enum.from_json(json.dumps(value)) is member
        assert copy.deepcopy(member) is member


@pytest.mark.parametrize("text", ['"nobody"', "5", "null", "user", "", "[]"])
@pytest.mark.parametrize("name", ENUMS)
def test_unknown_members_are_rejected(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a valid|Expecting value"):
        getattr(tachyon_sdk, name).from_json(text)


def test_members_go_into_requests_as_they_are() -> None:
    request = ChatCompletionRequest(messages=[Message(role=ChatRole.USER)], tool_choice=ToolChoice.AUTO)
    assert request.to_json() == '{"messages":[{"role":"user"}],"tool_choice":"auto"}'
    assert type(request.to_dict()["messages"][0]["role"]) is str
