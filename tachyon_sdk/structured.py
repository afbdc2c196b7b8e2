"""Answers as objects of your own types.

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

from tachyon_sdk._contract.finish_reasons import sentence_of
from tachyon_sdk._contract.first_choice import FirstChoice, said
from tachyon_sdk._typed.schema import adapter_of, faults_of, schema_of
from tachyon_sdk.exceptions import OpenApiException
from tachyon_sdk.models import ChatCompletionRequest, ContentPart, Message, ResponseFormat

T = TypeVar("T")

# Where the thoughts end that a model puts in front of its answer: </think>, [/THINK] and the like.
_END_OF_THOUGHTS = re.compile(
    r"""
      [<\[◁] \s? / \s? (?: [\w:]{0,20} (?: think | thought | reason ) \w{0,20}
                        | reflection | analysis | scratchpad ) \s? [>\]▷]
    | <\|? (?: / | end_of_ | end_ ) (?: think | thought | reason ) \w{0,20} \|?>
    | <\|channel\|> \s? final \s? (?: <\|constrain\|> \s? \w{1,20} \s? )? <\|message\|>
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MOST_MARKS = 50
_FENCED = re.compile(r"(`{3,})[^`\n]*\n(.*)\n[ \t]*\1", re.DOTALL)
_INSTRUCTION = (
    "Answer with nothing but JSON: no explanation, no code fence. It must be valid against this JSON Schema:"
)


class StructuredOutputError(OpenApiException):
    """A model did not answer with JSON of the type that it was asked for.

    Where the text is the reason, its cause is the `pydantic.ValidationError`::

        try:
            person = ask_for(chat.chat_completion, request, Person)
        except StructuredOutputError as error:
            print(error, "-", error.text)

    Attributes:
        text: The text of the answer, as it came.
        answer: The whole answer, or None where only a text was given.
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
    """The value of a JSON text.

    ::

        people = parse_as(list[Person], answer.text)

    A Markdown code fence around the JSON is removed, and so is what a model thought in front of it, up to a
    `</think>` or a mark like that. No other text may be around the JSON.

    Args:
        model_type: A pydantic model, or any other type that pydantic knows, such as a dataclass or `list[int]`.
        text: The text of an answer.

    Raises:
        StructuredOutputError: It is not JSON, or not of that type.
        ApiTypeError: pydantic does not know the type.
    """
    adapter = adapter_of(model_type, _name(model_type))
    # Thoughts may be nested, and the JSON may have such a mark in it: the first text that is JSON is taken.
    marks = [mark.end() for mark in _END_OF_THOUGHTS.finditer(text)]
    starts = [0, *marks[-_MOST_MARKS:]]
    for start in starts:
        body = _without_fence(text[start:].strip())
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            if start == starts[-1] or not _is_no_json(error):
                faults = faults_of(error, body)
                raise StructuredOutputError(
                    f"the answer is no {_name(model_type)}: {faults}", text
                ) from error


def _without_fence(body: str) -> str:
    fenced = _FENCED.fullmatch(body)
    return fenced[2] if fenced else body


def _is_no_json(error: ValidationError) -> bool:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return fault["type"] == "json_invalid" and not fault["loc"]


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
    """Asks a model for JSON of a type and returns the validated value.

    ::

        person = ask_for(chat.chat_completion, request, Person)

        in_room = functools.partial(chat.chat_completion_on_chatroom, "room-1")
        person = ask_for(in_room, request, Person)

    The JSON Schema of the type goes into a system message, at the end of the first message if that is one. Where
    the type is an object, `response_format` is set to `json_object`, unless the request sets it.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`; what it needs besides the request goes into a
            `functools.partial`.
        request: The request. It is left as it is.
        model_type: A pydantic model, or any other type that pydantic knows, such as a dataclass or `list[int]`.

    Raises:
        StructuredOutputError: The answer is not JSON or not of that type; its finish reason says that it was cut
            (such as `length`), withheld (`content_filter`) or aborted (`error`); the model refused, or called a
            tool.
        ApiTypeError: pydantic does not know the type, or no JSON stands for it. Nothing was sent.
        Exception: What `ask` raises.
    """
    schema = schema_of(adapter_of(model_type, _name(model_type)), _name(model_type))
    fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else request
    asked = ChatCompletionRequest.from_dict(fields)
    asked.messages = _instructed(asked.messages, f"{_INSTRUCTION}\n{json.dumps(schema, ensure_ascii=False)}")
    if "response_format" not in asked.model_fields_set and schema.get("type") == "object":
        asked.response_format = ResponseFormat(type="json_object")
    answer = ask(chat_completion_request=asked)
    if reason := _why_not(answer):
        raise StructuredOutputError(reason, answer.text, answer)
    try:
        return parse_as(model_type, answer.text)
    except StructuredOutputError as error:
        error.answer = answer
        raise


def _instructed(messages: list[Message], instruction: str) -> list[Message]:
    """The messages with one more instruction, in the first one: several models take a system message only there."""
    if not messages or messages[0].role not in ("system", "developer"):
        return [Message(role="system", content=instruction), *messages]
    first, *others = messages
    content = first.content
    if isinstance(content, list):
        content = [*content, ContentPart(type="text", text=instruction)]
    else:
        content = f"{content}\n\n{instruction}" if content else instruction
    return [first.model_copy(update={"content": content}), *others]


def _why_not(answer: FirstChoice[Any, Message]) -> str | None:
    """Why an answer cannot be what was asked for, whatever its text."""
    if refusal := getattr(said(answer.choices), "refusal", None):
        return f"the model refused: {refusal}"
    # Before the text is read: what is left of an answer may be JSON as well, such as 12 of 123.
    if problem := sentence_of(answer.finish_reason):
        return problem
    if calls := answer.to_message().tool_calls:
        return f"the model called {calls[0].function.name} instead of answering"
    return None if answer.text else "the answer has no text"


def _name(model_type: Any) -> str:
    name = None if get_origin(model_type) else getattr(model_type, "__name__", None)
    return name or str(model_type)
