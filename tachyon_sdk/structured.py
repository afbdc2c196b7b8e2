"""Responses as objects of your own types.

::

    class Person(BaseModel):
        name: str
        age: int

    request = {"model": "large", "messages": [{"role": "user", "content": "Ken is 30 years old. Who is it?"}]}
    person = ask_for(chat.chat_completion, request, Person)
    print(person.name, person.age)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_origin, overload

from pydantic import ValidationError

from tachyon_sdk._contract.finish_reasons import describe_finish_problem
from tachyon_sdk._contract.first_choice import FirstChoice, first_message
from tachyon_sdk._typed.schema import describe_errors, json_schema, type_adapter
from tachyon_sdk.exceptions import OpenApiException
from tachyon_sdk.models import ChatCompletionRequest, ContentPart, Message, ResponseFormat

T = TypeVar("T")

# End of the reasoning that some models write before their reply: </think>, [/THINK] and similar marks.
_END_OF_REASONING = re.compile(
    r"""
      [<\[◁] \s? / \s? (?: [\w:]{0,20} (?: think | thought | reason ) \w{0,20}
                        | reflection | analysis | scratchpad ) \s? [>\]▷]
    | <\|? (?: / | end_of_ | end_ ) (?: think | thought | reason ) \w{0,20} \|?>
    | <\|channel\|> \s? final \s? (?: <\|constrain\|> \s? \w{1,20} \s? )? <\|message\|>
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAX_MARKS = 50
_FENCED = re.compile(r"(`{3,})[^`\n]*\n(.*)\n[ \t]*\1", re.DOTALL)
_INSTRUCTION = (
    "Answer with nothing but JSON: no explanation, no code fence. It must be valid against this JSON Schema:"
)


class StructuredOutputError(OpenApiException):
    """The response of a model is not valid JSON of the requested type.

    If the text is invalid, `__cause__` is the `pydantic.ValidationError`::

        try:
            person = ask_for(chat.chat_completion, request, Person)
        except StructuredOutputError as error:
            print(error, "-", error.text)

    Attributes:
        text: The unchanged text of the response.
        answer: The response, or None if `parse_as` was called with a text.
    """

    def __init__(self, msg: str, text: str = "", answer: Any = None) -> None:
        super().__init__(msg)
        self.text = text
        self.answer = answer


@overload
def parse_as(model_type: type[T], text: str) -> T: ...


@overload
def parse_as(model_type: Any, text: str) -> Any: ...


def parse_as(model_type: Any, text: str) -> Any:
    """Parse and validate a JSON text.

    ::

        people = parse_as(list[Person], response.text)

    A Markdown code fence around the JSON is removed, and so is reasoning before it that ends with `</think>` or a
    similar mark. Any other text around the JSON is an error.

    Args:
        model_type: A pydantic model, or any other type that pydantic supports, such as a dataclass or `list[int]`.
        text: The text of a response.

    Returns:
        The validated value.

    Raises:
        StructuredOutputError: The text is not valid JSON, or not of this type.
        ApiTypeError: pydantic does not support the type.
    """
    adapter = type_adapter(model_type, _name(model_type))
    # Reasoning may be nested, and the JSON itself may contain a mark. The first candidate that is JSON is used.
    marks = [mark.end() for mark in _END_OF_REASONING.finditer(text)]
    starts = [0, *marks[-_MAX_MARKS:]]
    for start in starts:
        body = _without_fence(text[start:].strip())
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            if start == starts[-1] or not _is_syntax_error(error):
                detail = describe_errors(error, body)
                message = f"the response is not a valid {_name(model_type)}: {detail}"
                raise StructuredOutputError(message, text) from error


def _without_fence(body: str) -> str:
    fenced = _FENCED.fullmatch(body)
    return fenced[2] if fenced else body


def _is_syntax_error(error: ValidationError) -> bool:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return first["type"] == "json_invalid" and not first["loc"]


@overload
def ask_for(
    ask: Callable[..., FirstChoice[Any, Message]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: type[T],
) -> T: ...


@overload
def ask_for(
    ask: Callable[..., FirstChoice[Any, Message]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: Any,
) -> Any: ...


def ask_for(
    ask: Callable[..., FirstChoice[Any, Message]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: Any,
) -> Any:
    """Ask a model for JSON of a type and return the validated value.

    ::

        person = ask_for(chat.chat_completion, request, Person)

        in_room = functools.partial(chat.chat_completion_on_chatroom, "room-1")
        person = ask_for(in_room, request, Person)

    The JSON Schema of the type is sent in a system message: appended to the first message if that is one, else as a
    new first message. If the type is a JSON object, `response_format` is set to `json_object`, unless the request
    sets it.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`. Pass further arguments with `functools.partial`.
        request: The request. It is not modified.
        model_type: A pydantic model, or any other type that pydantic supports, such as a dataclass or `list[int]`.

    Returns:
        The validated value.

    Raises:
        StructuredOutputError: The response is not valid JSON of this type; its finish reason says that it was
            truncated (such as `length`), withheld (`content_filter`) or aborted (`error`); the model refused, or
            called a tool.
        ApiTypeError: pydantic does not support the type, or no JSON Schema describes it. Nothing was sent.
        Exception: Any error that `ask` raises.
    """
    schema = json_schema(type_adapter(model_type, _name(model_type)), _name(model_type))
    fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else request
    request = ChatCompletionRequest.from_dict(fields)
    instruction = f"{_INSTRUCTION}\n{json.dumps(schema, ensure_ascii=False)}"
    request.messages = _with_instruction(request.messages, instruction)
    if "response_format" not in request.model_fields_set and schema.get("type") == "object":
        request.response_format = ResponseFormat(type="json_object")
    response = ask(chat_completion_request=request)
    if problem := _problem(response):
        raise StructuredOutputError(problem, response.text, response)
    try:
        return parse_as(model_type, response.text)
    except StructuredOutputError as error:
        error.answer = response
        raise


def _with_instruction(messages: list[Message], instruction: str) -> list[Message]:
    """Add an instruction to the first message: several models accept a system message only there."""
    if not messages or messages[0].role not in ("system", "developer"):
        return [Message(role="system", content=instruction), *messages]
    first, *others = messages
    content = first.content
    if isinstance(content, list):
        content = [*content, ContentPart(type="text", text=instruction)]
    else:
        content = f"{content}\n\n{instruction}" if content else instruction
    return [first.model_copy(update={"content": content}), *others]


def _problem(response: FirstChoice[Any, Message]) -> str | None:
    """Return why a response cannot be the requested value, whatever its text."""
    if refusal := getattr(first_message(response.choices), "refusal", None):
        return f"the model refused: {refusal}"
    # Before the text is parsed: a truncated text may be valid JSON, such as 12 of 123.
    if problem := describe_finish_problem(response.finish_reason):
        return problem
    if calls := response.to_message().tool_calls:
        return f"the model called {calls[0].function.name} instead of responding"
    return None if response.text else "the response has no text"


def _name(model_type: Any) -> str:
    name = None if get_origin(model_type) else getattr(model_type, "__name__", None)
    return name or str(model_type)
