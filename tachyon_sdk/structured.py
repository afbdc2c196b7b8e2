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
import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_origin, overload

from pydantic import ValidationError

from tachyon_sdk._contract.finish_reasons import describe_finish_problem
from tachyon_sdk._contract.first_choice import FirstChoice, first_message
from tachyon_sdk._typed.json_prefix import END_OF_REASONING, JsonInText
from tachyon_sdk._typed.partial import ABSENT, PartialBuilder, same
from tachyon_sdk._typed.schema import describe_errors, json_schema, type_adapter
from tachyon_sdk.exceptions import OpenApiException
from tachyon_sdk.models import ChatCompletionRequest, ContentPart, Message, ResponseFormat
from tachyon_sdk.streaming.stream import Stream

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any  # for typing.get_type_hints

T = TypeVar("T")

_MAX_MARKS = 50
_FENCED = re.compile(r"(`{3,})[^`\n]*\n(.*)\n[ \t]*\1", re.DOTALL)
# Characters of JSON that are parsed again for each piece. Above, parsing takes at most half of the time.
_MAX_FREE_JSON = 4096
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
    marks = [mark.end() for mark in END_OF_REASONING.finditer(text)]
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
    response = ask(chat_completion_request=_with_schema(request, model_type))
    return _value_of(response, model_type)


class ObjectStream(Generic[T]):
    """Iterates over an object of a type while its JSON arrives. `ask_for_stream` returns it.

    ::

        with ask_for_stream(chat.chat_completion_stream, request, Article) as articles:
            for article in articles:
                show(article.title, article.sections or [])
        print(articles.value)

    All items but the last are partial: what has arrived so far, as an object of its own. The last item is the
    complete, validated value.

    In a partial object

    - models and dataclasses are instances of their class. A field that has not arrived has its default, or None if it
      is required, whatever its type says. `model_fields_set` of a model has the fields that arrived;
    - a TypedDict and a dict have the keys that arrived, and lists the elements that arrived;
    - a string grows. Numbers and all other values are complete and of their type, or are not there. A value that is
      invalid is not there;
    - validators of the class and `__post_init__` were not called.

    For a union, a partial object is of the member that fits best so far. There is no partial object of a tuple with
    a fixed length or a named tuple, nor of a model that cannot be constructed without its required fields.

    Each partial object differs from the one before it. It costs time linear in the length of the JSON so far. If the
    JSON is longer than 4096 characters, pieces are skipped so that this takes at most half of the time.

    Use it in a `with` statement, or read it to its end. One thread reads it.

    Attributes:
        stream: The stream of chunks that it reads, for `status`, `headers` and the response so far (`merged`).

    Raises:
        StructuredOutputError: At the end of the iteration: as for `ask_for`.
        ApiException: During the iteration: any error of the stream.
    """

    def __init__(self, stream: Stream[Any], model_type: Any) -> None:
        self.stream = stream
        self._outcome = _Outcome()
        # The generator has no reference to this object, so that one that is dropped is closed at once.
        self._objects = _objects(stream, model_type, self._outcome)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._objects)  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.stream!r}>"

    @property
    def value(self) -> T:
        """The complete, validated value. Before the end of the stream, this reads the rest.

        Raises:
            StructuredOutputError: As for `ask_for`.
            StreamTruncatedException: The stream was closed, or failed, before its end.
            ApiException: Any other error of the stream.
        """
        outcome = self._outcome
        outcome.only_value = True
        for _ in self._objects:
            pass
        if outcome.error is not None:
            raise outcome.error
        if outcome.value is ABSENT:
            self.stream.collect()  # raises the error of a stream that is not complete
        return outcome.value  # type: ignore[no-any-return]

    def close(self) -> None:
        """Stop reading. The connection is closed, unless the response was complete. Closing again has no effect."""
        self.stream.close()


class _Outcome:
    """How the reading of an `ObjectStream` ended.

    Attributes:
        value: The validated value, or ABSENT.
        error: The error if there is no value.
        only_value: Whether partial objects are no longer wanted.
    """

    def __init__(self) -> None:
        self.value: Any = ABSENT
        self.error: StructuredOutputError | None = None
        self.only_value = False


def _objects(stream: Stream[Any], model_type: Any, outcome: _Outcome) -> Generator[Any, None, None]:
    arriving, builder = JsonInText(), PartialBuilder(model_type)
    last: Any = ABSENT
    last_json: Any = None
    ready_at = 0.0
    for text in stream.text:
        arriving.feed(text)
        json_text = arriving.json
        if outcome.only_value or json_text is None or json_text.complete:
            continue
        started = time.perf_counter()
        if json_text.length > _MAX_FREE_JSON and started < ready_at:
            continue
        incomplete = arriving.parsed()
        built = ABSENT
        if incomplete is not None and incomplete != last_json:
            last_json = incomplete
            built = builder.build(incomplete)
        is_new = built is not ABSENT and not same(built, last)
        ready_at = 2 * time.perf_counter() - started
        if is_new:
            last = built
            yield built
    try:
        outcome.value = _value_of(stream.collect(), model_type)
    except StructuredOutputError as error:
        outcome.error = error
        raise
    yield outcome.value


@overload
def ask_for_stream(
    ask: Callable[..., Stream[Any]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: type[T],
) -> ObjectStream[T]: ...


@overload
def ask_for_stream(
    ask: Callable[..., Stream[Any]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: Any,
) -> ObjectStream[Any]: ...


def ask_for_stream(
    ask: Callable[..., Stream[Any]],
    request: ChatCompletionRequest | Mapping[str, Any],
    model_type: Any,
) -> ObjectStream[Any]:
    """Ask a model for JSON of a type, and return the value while it arrives.

    ::

        with ask_for_stream(chat.chat_completion_stream, request, Article) as articles:
            for article in articles:
                show(article.title, article.sections or [])

    The request is that of `ask_for`, as a stream. Reasoning before the JSON and a code fence around it are skipped.

    Args:
        ask: `chat_completion_stream` or `chat_completion_on_chatroom_stream`. Pass further arguments with
            `functools.partial`.
        request: The request. It is not modified.
        model_type: As for `ask_for`.

    Returns:
        An iterator of partial objects, which is also a context manager. Its last item, and its `value`, is the
        complete, validated value.

    Raises:
        ApiTypeError: As for `ask_for`. Nothing was sent.
        Exception: Any error that `ask` raises. Later errors are raised by the iterator.
    """
    return ObjectStream(ask(chat_completion_request=_with_schema(request, model_type)), model_type)


def _with_schema(
    request: ChatCompletionRequest | Mapping[str, Any], model_type: Any
) -> ChatCompletionRequest:
    """Return a copy of a request that asks for JSON of a type."""
    schema = json_schema(type_adapter(model_type, _name(model_type)), _name(model_type))
    fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else request
    request = ChatCompletionRequest.from_dict(fields)
    instruction = f"{_INSTRUCTION}\n{json.dumps(schema, ensure_ascii=False)}"
    request.messages = _with_instruction(request.messages, instruction)
    if "response_format" not in request.model_fields_set and schema.get("type") == "object":
        request.response_format = ResponseFormat(type="json_object")
    return request


def _value_of(response: FirstChoice[Any, Message], model_type: Any) -> Any:
    """Return the validated value of a response.

    Raises:
        StructuredOutputError: There is none.
    """
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
