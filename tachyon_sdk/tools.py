"""Tools made of typed Python functions, and the whole conversation in which a model calls them.

::

    def get_weather(city: str, days: Annotated[int, Field(ge=1, le=7)] = 1) -> str:
        '''The weather forecast of a city.

        Args:
            city: Name of the city.
            days: How many days to look ahead.
        '''
        return f"{city}: sunny for {days} days"

    request = {"model": "large", "messages": [{"role": "user", "content": "How is the weather in Oslo?"}]}
    print(converse(chat.chat_completion, request, Toolbox(get_weather)).text)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from tachyon_sdk._contract.first_choice import FirstChoice, arguments_text
from tachyon_sdk._typed.callee import Callee, callee_of
from tachyon_sdk._typed.schema import faults_of
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError, OpenApiException
from tachyon_sdk.models import (
    ChatCompletionRequest,
    ChatCompletionWithChatroomStreamResponse,
    Message,
    Tool,
    ToolCall,
    ToolCallResponse,
)
from tachyon_sdk.streaming.stream import Stream

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=FirstChoice[Any, Message])

_INSTRUCTIONS = ("system", "developer")


class ToolError(OpenApiException):
    """A tool cannot do what the model asks of it. Its text is for the model, which may then ask better.

    Raise it in a tool of your own to tell the model what is wrong. Any other error of a tool goes to your program,
    not to the model::

        def get_weather(city: str) -> str:
            '''The weather forecast of a city.'''
            if city not in FORECASTS:
                raise ToolError(f"there is no forecast for {city}")
            return FORECASTS[city]
    """


class TooManyRoundsError(OpenApiException):
    """A model still calls tools after as many rounds as it was given.

    Attributes:
        messages: The conversation so far, as the model knew it when it gave its last answer.
        answer: The last answer. The tools that it calls were not run; `Toolbox.results(answer)` does that.
    """

    def __init__(self, msg: str, messages: list[Message] | None = None, answer: Any = None) -> None:
        super().__init__(msg)
        self.messages = messages or []
        self.answer = answer


class _Runnable(NamedTuple):
    definition: Tool
    callee: Callee


class Toolbox:
    """Functions that a model may call.

    A function's parameters need type annotations, of any type that pydantic knows. The model reads the name, the
    first paragraph of the docstring, and a JSON Schema of the parameters: their types, defaults, and descriptions,
    from `Annotated[..., Field(description=...)]` or an `Args:` section of the docstring. Arguments are validated
    by pydantic before the function is called, and arrive as what the annotations say. With `python -OO` there are no
    docstrings: then a tool has the description that `add` is given, or an empty one.

    A pydantic model is a tool as well: its fields are the arguments. Called, it is made and, where the class has a
    `__call__`, that is called; otherwise the model is the result.

    By hand, without `converse`::

        toolbox = Toolbox(get_weather, Order)
        request = ChatCompletionRequest(model="large", messages=messages, tools=toolbox.definitions)
        answer = chat.chat_completion(chat_completion_request=request)
        messages += [answer.to_message(), *toolbox.results(answer)]

    Args:
        tools: Functions, methods and pydantic models.

    Raises:
        ApiTypeError: One of them is no such thing, or asynchronous; a parameter has no annotation, one that
            cannot be resolved, one that no JSON stands for, or no name to give it by (`*args`, `**kwargs`,
            positional-only).
        ApiValueError: One has no name or no docstring, or two have the same name.
    """

    def __init__(self, *tools: Callable[..., Any]) -> None:
        self._tools: dict[str, _Runnable] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: F, *, name: str | None = None, description: str | None = None) -> F:
        """Adds a tool and returns it, so that this can be a decorator::

            @toolbox.add
            def now() -> datetime: ...

            toolbox.add(weather.fetch, name="get_weather", description="The weather forecast of a city.")

        Args:
            tool: A function, a method or a pydantic model.
            name: The name that the model calls it by, instead of its own.
            description: What the model is told about it, instead of the docstring.

        Raises:
            ApiTypeError, ApiValueError: As for the class.
        """
        callee = callee_of(tool)
        name = name or callee.name
        if not name.replace("-", "_").isidentifier():
            raise ApiValueError(f"{name} is no name for a tool; give it one: Toolbox.add(..., name=...)")
        if name in self._tools:
            raise ApiValueError(f"there are two tools named {name}")
        description = description or callee.description
        if not description and sys.flags.optimize < 2:  # with -OO, Python drops every docstring
            raise ApiValueError(f"{name} has no docstring, from which the model would know what it does")
        function = {"name": name, "description": description, "parameters": {"required": [], **callee.schema}}
        self._tools[name] = _Runnable(Tool.from_dict({"type": "function", "function": function}), callee)
        return tool

    @property
    def definitions(self) -> list[Tool]:
        """The tools as a request has them, in a new list: `request.tools = toolbox.definitions`."""
        return [tool.definition for tool in self._tools.values()]

    def call(self, tool_call: ToolCall | ToolCallResponse) -> str:
        """Runs the tool that a model calls and returns the result as text::

            for tool_call in answer.tool_calls:
                print(toolbox.call(tool_call))

        The arguments may be the text of a JSON object, as the contract has it, or an object; nothing and null are
        no arguments. A string is its own text, anything else becomes JSON as pydantic writes it. What the tool
        raises is raised.

        Raises:
            ToolError: There is no such tool, or the arguments are not JSON or not what the tool takes. The text
                says what is wrong, for the model.
            ApiTypeError: The result cannot be written as JSON.
        """
        name = tool_call.function.name if tool_call.function else None
        tool = self._tools.get(name or "")
        if tool is None:
            known = ", ".join(self._tools) or "none"
            raise ToolError(f"there is no tool named {name}; there are: {known}")
        text = _once_encoded(arguments_text(tool_call.function and tool_call.function.arguments))
        if not text.startswith("{"):
            raise ToolError(f"the arguments of {name} are not valid: they must be a JSON object")
        try:
            arguments = tool.callee.arguments.validate_json(text)
        except ValidationError as error:
            raise ToolError(f"the arguments of {name} are not valid: {faults_of(error, text)}") from error
        return _as_text(name, tool.callee.run(arguments))

    def results(self, answer: FirstChoice[Any, Message]) -> list[Message]:
        """Runs the tools that an answer calls, one after the other; empty if it calls none.

        Returns:
            A message with the role `tool`, `tool_call_id` and the result for each call, to be sent after
            `answer.to_message()`. The text of a ToolError is a result. Calls of the platform's own tools
            (without a function, or with `is_client_tool` false) are left alone.

        Raises:
            Exception: What a tool raises, unless it is a ToolError.
        """
        results = []
        for call in answer.to_message().tool_calls or ():
            try:
                content = self.call(call)
            except ToolError as error:
                content = str(error)
            results.append(Message.from_dict({"role": "tool", "tool_call_id": call.id, "content": content}))
        return results


def converse(
    ask: Callable[..., A],
    request: ChatCompletionRequest | Mapping[str, Any],
    toolbox: Toolbox,
    max_rounds: int = 10,
    *,
    on_message: Callable[[Message], object] | None = None,
) -> A:
    """Asks a model, runs the tools that it calls, tells it the results, and so on until it calls none.

    ::

        answer = converse(chat.chat_completion, request, toolbox)

        in_room = functools.partial(chat.chat_completion_on_chatroom, "room-1")
        answer = converse(in_room, request, toolbox)

    Each round sends the conversation so far. In a chatroom, which is told by the type of its answers, the server
    has that already: it is sent the results alone, after the request's instructions (`system`, `developer`), which
    it does not keep.

    A `tool_choice` that forces a call, such as `any`, `required` or a named function, holds for the first round
    only: a model that must call a tool never comes to its end.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`; what it needs besides the request goes into a
            `functools.partial`.
        request: The first request. It is left as it is; the tools of the toolbox are added to its own.
        toolbox: The tools.
        max_rounds: How often the model is asked at most.
        on_message: Called with each message that the conversation grows by: the answers, each followed by the
            results, and the final answer. `messages.append` keeps the whole conversation for a next request.

    Returns:
        The first answer that calls no tool of the client.

    Raises:
        TooManyRoundsError: The answer to the last round still calls tools.
        ApiValueError: `max_rounds` is less than 1.
        Exception: What `ask` or a tool raises; but a ToolError is told to the model.
    """
    talk = _Talk(request, toolbox, max_rounds, on_message)
    while True:
        answer = ask(chat_completion_request=talk.request)
        if not talk.goes_on_after(answer):
            return answer


def converse_stream(
    ask: Callable[..., Stream[A]],
    request: ChatCompletionRequest | Mapping[str, Any],
    toolbox: Toolbox,
    max_rounds: int = 10,
    *,
    on_message: Callable[[Message], object] | None = None,
) -> Generator[A, None, None]:
    """Like `converse`, streamed: the chunks of all rounds, each the moment it arrives.

    ::

        for chunk in converse_stream(chat.chat_completion_stream, request, toolbox):
            print(chunk.text, end="", flush=True)

    Tools run between the last chunk of a round and the first of the next. Left early, it closes its connection as
    soon as it is closed or dropped; `contextlib.closing` says when.

    Args:
        ask: `chat_completion_stream` or `chat_completion_on_chatroom_stream`.
        request: As for `converse`.
        toolbox: As for `converse`.
        max_rounds: As for `converse`.
        on_message: As for `converse`.

    Raises:
        ApiValueError: `max_rounds` is less than 1.
        TooManyRoundsError, Exception: While it is read, as for `converse`.
    """
    return _rounds(ask, _Talk(request, toolbox, max_rounds, on_message))


def _rounds(ask: Callable[..., Stream[A]], talk: _Talk) -> Generator[A, None, None]:
    while True:
        with ask(chat_completion_request=talk.request) as stream:
            yield from stream
            answer = stream.collect()
        if not talk.goes_on_after(answer):
            return


class _Talk:
    """A conversation in which tools are called: what is asked next, and whether anything is."""

    def __init__(
        self,
        request: ChatCompletionRequest | Mapping[str, Any],
        toolbox: Toolbox,
        max_rounds: int,
        on_message: Callable[[Message], object] | None,
    ) -> None:
        if max_rounds < 1:
            raise ApiValueError(f"max_rounds must be at least 1, not {max_rounds}")
        fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else request
        self.request = ChatCompletionRequest.from_dict(fields)
        tools = self.request.tools or []
        known = {tool.function.name for tool in tools}
        tools += [tool for tool in toolbox.definitions if tool.function.name not in known]
        if tools:
            self.request.tools = tools
        self._messages = list(self.request.messages)
        self._toolbox = toolbox
        self._rounds_left = max_rounds
        self._on_message = on_message or (lambda _: None)

    def goes_on_after(self, answer: FirstChoice[Any, Message]) -> bool:
        """Takes an answer and runs its tools; whether there is something to ask."""
        said = answer.to_message()
        if not said.tool_calls:
            self._on_message(said)
            return False
        self._rounds_left -= 1
        if not self._rounds_left:
            names = ", ".join(dict.fromkeys(call.function.name for call in said.tool_calls))
            raise TooManyRoundsError(f"the last round ended with calls of {names}", self._messages, answer)
        results = self._toolbox.results(answer)
        for message in (said, *results):
            self._messages.append(message)
            self._on_message(message)
        messages = self._messages
        if isinstance(answer, ChatCompletionWithChatroomStreamResponse):
            messages = [message for message in messages if message.role in _INSTRUCTIONS] + results
        fields = self.request.to_dict()
        if _forces_a_call(fields.get("tool_choice")):
            del fields["tool_choice"]
        self.request = ChatCompletionRequest.from_dict({**fields, "messages": messages})
        return True


def _forces_a_call(tool_choice: Any) -> bool:
    """Whether a model must call a tool: everything but `auto` and `none` says so, such as the name of a function."""
    if isinstance(tool_choice, Mapping) and tool_choice:
        # Among the tools that are allowed the model may still decide.
        allowed = tool_choice.get("allowed_tools")
        named = tool_choice.get("type", "function")
        tool_choice = allowed.get("mode", "auto") if isinstance(allowed, Mapping) else named
    return bool(tool_choice) and str(tool_choice).lower() not in ("auto", "none")


def _once_encoded(text: str) -> str:
    """The text of an object that a model has encoded twice, as it happens; any other text as it is."""
    if text.startswith('"'):
        with suppress(ValueError):
            inner = json.loads(text)
            return inner.strip() if inner.lstrip().startswith("{") else text
    return text


def _as_text(name: str | None, result: Any) -> str:
    if isinstance(result, str):
        return str.__str__(result)  # also of an enumeration's member
    try:
        return to_json(result).decode()
    except PydanticSerializationError as error:
        raise ApiTypeError(f"the result of {name} cannot be written as JSON: {error}") from error
