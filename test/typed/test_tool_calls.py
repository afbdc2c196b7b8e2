"""Tool calls: arguments, results, and errors for the model or for the program."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError

from support.tools import (
    WHOLE,
    Color,
    Place,
    Tree,
    called,
    completion,
    everything,
    failing,
    get_weather,
    nothing,
    refusal,
    result,
    run,
)
from tachyon_sdk import (
    ApiTypeError,
    ChatCompletionChunkResponse,
    ChatCompletionResponse,
    FunctionCallDelta,
    OpenApiException,
    Toolbox,
    ToolCall,
    ToolCallResponse,
    ToolError,
)

# Calls


def test_arguments_are_converted_to_the_annotated_types() -> None:
    seen: list[Any] = []

    def look(place: Place, color: Color, when: date, at: Path, others: list[Place]) -> None:
        """Looks."""
        seen.extend([place, color, when, at, others])

    arguments = {
        "place": {"title": "大阪"},
        "color": "blue",
        "when": "2024-01-31",
        "at": "/tmp",
        "others": [{"title": "Rio"}],
    }
    assert run(Toolbox(look), "look", arguments) == "null"
    assert seen == [Place(title="大阪"), Color.BLUE, date(2024, 1, 31), Path("/tmp"), [Place(title="Rio")]]


def test_a_call_has_either_form() -> None:
    toolbox = Toolbox(get_weather)
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Rom"}'},
    }
    assert toolbox.call(ToolCall.from_dict(call)) == toolbox.call(ToolCallResponse.from_dict(call))


@pytest.mark.parametrize("arguments", ["", " \n", None, "{}", " { } ", "null", "\tnull ", "[]", '""'])
def test_no_arguments_are_none(arguments: str | None) -> None:
    assert run(Toolbox(nothing), "nothing", arguments) == "null"


@pytest.mark.parametrize(
    "arguments",
    [
        {"city": "大阪", "days": 2},
        MappingProxyType({"city": "大阪", "days": 2}),
        '"{\\"city\\": \\"大阪\\", \\"days\\": 2}"',
        json.dumps(' {"city": "大阪", "days": 2}\n'),
    ],
)
def test_arguments_come_in_either_form(arguments: Any) -> None:
    function = FunctionCallDelta.model_construct(name="get_weather", arguments=arguments)
    call = ToolCall.model_construct({"function"}, id="c", function=function)
    assert Toolbox(get_weather).call(call) == "大阪: sunny for 2 days, 20 c"


def test_arguments_in_another_form_are_validated_as_any() -> None:
    function = FunctionCallDelta.model_construct(name="get_weather", arguments={"days": 9})
    with pytest.raises(ToolError) as caught:
        Toolbox(get_weather).call(ToolCall.model_construct(function=function))
    fault = "city: Missing required argument; days: Input should be less than or equal to 7"
    assert str(caught.value) == f"the arguments of get_weather are not valid: {fault}"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("ありがとう\n", "ありがとう\n"),
        (Color.RED, "red"),
        (None, "null"),
        (True, "true"),
        ({"街": [1.5, "大阪"]}, '{"街":[1.5,"大阪"]}'),
        (Place(title="Rio"), '{"title":"Rio","country":null}'),
        ([date(2024, 1, 31), {Color.BLUE}], '["2024-01-31",["blue"]]'),
        (datetime(2024, 1, 31, tzinfo=timezone.utc), '"2024-01-31T00:00:00Z"'),
    ],
)
def test_a_result_becomes_text(result: Any, text: str) -> None:
    def give() -> Any:
        """Gives."""
        return result

    given = run(Toolbox(give), "give", "{}")
    assert given == text
    assert type(given) is str


def test_a_result_that_is_not_json_raises() -> None:
    def give() -> Any:
        """Gives."""
        return object()

    with pytest.raises(ApiTypeError, match=r"^the result of give cannot be serialized to JSON: .*object"):
        run(Toolbox(give), "give", "{}")


def test_a_model_is_made_and_called() -> None:
    toolbox = Toolbox(Place, Tree)
    assert run(toolbox, "Place", {"title": "Rio"}) == '{"title":"Rio","country":null}'
    assert run(toolbox, "Tree", {"name": "oak", "branches": [{"name": "a"}]}) == "oak has 1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "place: Missing required argument; way: Missing required argument"),
        ({**WHOLE, "place": {}}, "place.title: Field required"),
        ({**WHOLE, "place": 1}, "place: Input should be an object"),
        (
            {**WHOLE, "others": [{"title": "a"}, {"title": 2}]},
            "others.1.title: Input should be a valid string",
        ),
        ({**WHOLE, "place": {"title": "Atlantis"}}, "place.title: it has sunk"),
        ({**WHOLE, "place": {"title": "Eldorado"}}, "place.title: nobody has found it"),
        ({**WHOLE, "color": "green"}, "color: Input should be 'red' or 'blue'"),
        ({**WHOLE, "size": 0}, "size: Input should be greater than 0"),
        ({**WHOLE, "大": 0}, "大: Unexpected keyword argument"),
        ({**WHOLE, "way": {}}, "way: Input should be a valid integer; way.title: Field required"),
        ({**WHOLE, "way": [1]}, "way: Input should be a valid integer; way: Input should be an object"),
        ('{"place":', "Invalid JSON: EOF while parsing a value at line 1 column 9"),
        ("[1]", "they must be a JSON object"),
        ('"大阪"', "they must be a JSON object"),
        ("city=Oslo", "they must be a JSON object"),
        ('"{"', "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ('"[1]"', "they must be a JSON object"),
        ('"', "they must be a JSON object"),
        ("nullify", "they must be a JSON object"),
    ],
)
def test_each_invalid_argument_is_reported(arguments: Any, says: str) -> None:
    text = refusal(Toolbox(everything), "everything", arguments)
    assert text == f"the arguments of everything are not valid: {says}"


def test_many_errors_are_abbreviated() -> None:
    text = refusal(Toolbox(everything), "everything", {**WHOLE, "others": [{}] * 1000})
    assert text.endswith("others.9.title: Field required; and 990 more")


def test_errors_of_model_validators_are_reported() -> None:
    text = refusal(Toolbox(Tree), "Tree", {"name": "a", "branches": [{"name": "b"}, {}]})
    assert text == "the arguments of Tree are not valid: branches.1.name: Field required"


def test_a_tool_that_is_not_there() -> None:
    toolbox = Toolbox(get_weather, nothing)
    assert (
        refusal(toolbox, "wetter", "{}") == "no tool is named wetter; available tools: get_weather, nothing"
    )
    assert refusal(Toolbox(), "x", "{}") == "no tool is named x; available tools: none"
    with pytest.raises(ToolError, match="no tool is named None"):
        toolbox.call(ToolCall(tool_id="t", tool_name="web_search"))


def a_validation_error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Place.model_validate({})
    return caught.value


@pytest.mark.parametrize(
    "error", [ValueError("x"), a_validation_error(), TypeError("x"), KeyboardInterrupt()]
)
def test_an_error_of_the_tool_itself_is_not_swallowed(error: BaseException) -> None:
    toolbox = Toolbox(failing(error))
    with pytest.raises(type(error)) as caught:
        run(toolbox, "fail", "{}")
    assert caught.value is error
    with pytest.raises(type(error)):
        toolbox.results(answer_with([called("fail", "{}")]))


def test_a_tool_error_is_one_of_ours() -> None:
    error = ToolError("大阪 is not there")
    with pytest.raises(OpenApiException) as caught:
        run(Toolbox(failing(error)), "fail", "{}")
    assert caught.value is error
    assert str(error) == "大阪 is not there"


# Results


def answer_with(calls: list[Any]) -> ChatCompletionResponse:
    return ChatCompletionResponse.from_dict(completion(calls))


def test_each_call_has_a_result_and_an_error_is_one() -> None:
    calls = [
        called("get_weather", '{"city":"大阪"}', "a"),
        called("get_weather", '{"days":9}', "b"),
        called("nowhere", "", "c"),
        called("fail", "", ""),
    ]
    toolbox = Toolbox(get_weather, failing(ToolError("ask later")))
    found = [message.to_dict() for message in toolbox.results(answer_with(calls))]
    assert found == [
        result("大阪: sunny for 1 days, 20 c", "a"),
        result(
            "the arguments of get_weather are not valid: city: Missing required argument; "
            "days: Input should be less than or equal to 7",
            "b",
        ),
        result("no tool is named nowhere; available tools: get_weather, fail", "c"),
        result("ask later", "call_3"),
    ]


def test_calls_of_the_platforms_own_tools_are_left_alone() -> None:
    calls = [
        {"tool_id": "t", "tool_name": "web_search", "is_client_tool": False},
        {**called("nothing", "{}", "x"), "is_client_tool": False},
        {**called("nothing", "{}", "y"), "is_client_tool": True},
    ]
    chunk = ChatCompletionChunkResponse.from_dict(completion(calls))
    assert [message.to_dict() for message in Toolbox(nothing).results(chunk)] == [result("null", "y")]
    assert Toolbox(nothing).results(ChatCompletionChunkResponse()) == []
