"""Tools from typed Python functions, and the conversation loop in which a model calls them.

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
from tachyon_sdk._typed.callee import Callee, inspect_tool
from tachyon_sdk._typed.schema import describe_errors
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

_INSTRUCTION_ROLES = ("system", "developer")


class ToolError(OpenApiException):
    """A tool call failed. The message is sent to the model, which may then correct its call.

    Raise it in a tool to tell the model what is wrong. Any other exception of a tool is raised in your program and
    not sent to the model::

        def get_weather(city: str) -> str:
            '''The weather forecast of a city.'''
            if city not in FORECASTS:
                raise ToolError(f"there is no forecast for {city}")
            return FORECASTS[city]
    """


class TooManyRoundsError(OpenApiException):
    """The model still calls tools after `max_rounds` rounds.

    Attributes:
        messages: The conversation up to the last response, without that response.
        answer: The last response. The tools that it calls were not run; `Toolbox.results(answer)` runs them.
    """

    def __init__(self, msg: str, messages: list[Message] | None = None, answer: Any = None) -> None:
        super().__init__(msg)
        self.messages = messages or []
        self.answer = answer


class _Runnable(NamedTuple):
    definition: Tool
    callee: Callee


class Toolbox:
    """A set of functions that a model may call.

    Every parameter of a function needs a type annotation, of any type that pydantic supports. The model receives the
    function's name, the first paragraph of its docstring, and a JSON Schema of the parameters with their types,
    defaults and descriptions. Descriptions come from `Annotated[..., Field(description=...)]` or the `Args:` section
    of the docstring. pydantic validates the arguments and converts them to the annotated types before the function
    is called. `python -OO` removes docstrings: a tool then has the description passed to `add`, or an empty one.

    A pydantic model can be a tool, too: its fields are the arguments. A call creates an instance and, if the class
    defines `__call__`, calls it; otherwise the instance is the result.

    Without `converse`::

        toolbox = Toolbox(get_weather, Order)
        request = ChatCompletionRequest(model="large", messages=messages, tools=toolbox.definitions)
        response = chat.chat_completion(chat_completion_request=request)
        messages += [response.to_message(), *toolbox.results(response)]

    Args:
        tools: Functions, methods and pydantic models.

    Raises:
        ApiTypeError: A tool is none of these, or is asynchronous. Or a parameter has no annotation, an annotation
            that cannot be resolved or that no JSON Schema describes, or cannot be passed by name (`*args`,
            `**kwargs`, positional-only).
        ApiValueError: A tool has no valid name or no docstring, or two tools have the same name.
    """

    def __init__(self, *tools: Callable[..., Any]) -> None:
        self._tools: dict[str, _Runnable] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: F, *, name: str | None = None, description: str | None = None) -> F:
        """Add a tool and return it, so that this can be used as a decorator::

            @toolbox.add
            def now() -> datetime: ...

            toolbox.add(weather.fetch, name="get_weather", description="The weather forecast of a city.")

        Args:
            tool: A function, a method or a pydantic model.
            name: Name for the model, instead of the function's own name.
            description: Description for the model, instead of the docstring.

        Raises:
            ApiTypeError, ApiValueError: As for the class.
        """
        callee = inspect_tool(tool)
        name = name or callee.name
        if not name.replace("-", "_").isidentifier():
            raise ApiValueError(f"{name!r} is not a valid tool name; pass name= to Toolbox.add()")
        if name in self._tools:
            raise ApiValueError(f"two tools are named {name}")
        description = description or callee.description
        if not description and sys.flags.optimize < 2:  # -OO removes all docstrings
            raise ApiValueError(
                f"{name} has no docstring to describe it to the model; add one or pass description="
            )
        function = {"name": name, "description": description, "parameters": {"required": [], **callee.schema}}
        self._tools[name] = _Runnable(Tool.from_dict({"type": "function", "function": function}), callee)
        return tool

    @property
    def definitions(self) -> list[Tool]:
        """The tools for a request, as a new list: `request.tools = toolbox.definitions`."""
        return [tool.definition for tool in self._tools.values()]

    def call(self, tool_call: ToolCall | ToolCallResponse) -> str:
        """Run the tool that a model calls and return the result as text::

            for tool_call in response.tool_calls:
                print(toolbox.call(tool_call))

        The arguments may be the text of a JSON object, as the contract defines, or an object. An empty text and null
        mean no arguments. A `str` result is returned unchanged; pydantic serializes any other to JSON. Exceptions
        of the tool are not caught.

        Raises:
            ToolError: No tool has this name, or the arguments are not valid JSON or not valid for the tool. The
                message tells the model what is wrong.
            ApiTypeError: The result cannot be serialized to JSON.
        """
        name = tool_call.function.name if tool_call.function else None
        tool = self._tools.get(name or "")
        if tool is None:
            known = ", ".join(self._tools) or "none"
            raise ToolError(f"no tool is named {name}; available tools: {known}")
        text = _decode_twice_encoded(arguments_text(tool_call.function and tool_call.function.arguments))
        if not text.startswith("{"):
            raise ToolError(f"the arguments of {name} are not valid: they must be a JSON object")
        try:
            arguments = tool.callee.arguments.validate_json(text)
        except ValidationError as error:
            raise ToolError(
                f"the arguments of {name} are not valid: {describe_errors(error, text)}"
            ) from error
        return _as_text(name, tool.callee.run(arguments))

    def results(self, answer: FirstChoice[Any, Message]) -> list[Message]:
        """Run the tools that a response calls, one after the other.

        Args:
            answer: The response.

        Returns:
            For each call, a message with the role `tool`, the `tool_call_id` and the result, to be sent after
            `answer.to_message()`. If a tool raises ToolError, its message is the result. Calls that the server runs
            itself (without a function, or with a false `is_client_tool`) are skipped. Empty without calls.

        Raises:
            Exception: Any exception of a tool except ToolError.
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
    """Ask a model, run the tools that it calls, send the results, and repeat until it calls none.

    ::

        response = converse(chat.chat_completion, request, toolbox)

        in_room = functools.partial(chat.chat_completion_on_chatroom, "room-1")
        response = converse(in_room, request, toolbox)

    Each round sends the whole conversation. A chatroom, detected by the type of its responses, already has the
    conversation, so only the results are sent, after the request's instructions (`system` and `developer` messages),
    which chatrooms do not store.

    A `tool_choice` that forces a call, such as `any`, `required` or a named function, applies to the first round
    only. Otherwise the conversation would never end.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`. Pass further arguments with `functools.partial`.
        request: The first request. It is not modified. The tools of the toolbox are added to its own.
        toolbox: The tools.
        max_rounds: Maximum number of requests.
        on_message: Called with each new message of the conversation: each response, followed by its tool results,
            and the final response. `messages.append` collects the whole conversation for a next request.

    Returns:
        The first response that calls none of the client's tools.

    Raises:
        TooManyRoundsError: The response of the last round still calls tools.
        ApiValueError: `max_rounds` is less than 1.
        Exception: Any exception of `ask` or of a tool, except ToolError, which is sent to the model.
    """
    loop = _ToolLoop(request, toolbox, max_rounds, on_message)
    while True:
        response = ask(chat_completion_request=loop.request)
        if not loop.advance(response):
            return response


def converse_stream(
    ask: Callable[..., Stream[A]],
    request: ChatCompletionRequest | Mapping[str, Any],
    toolbox: Toolbox,
    max_rounds: int = 10,
    *,
    on_message: Callable[[Message], object] | None = None,
) -> Generator[A, None, None]:
    """Like `converse`, but yields the chunks of all rounds as they arrive.

    ::

        for chunk in converse_stream(chat.chat_completion_stream, request, toolbox):
            print(chunk.text, end="", flush=True)

    Tools run between the last chunk of a round and the first chunk of the next. If you stop early, the connection is
    closed when the generator is closed or garbage collected; `contextlib.closing` closes it at a defined point.

    Args:
        ask: `chat_completion_stream` or `chat_completion_on_chatroom_stream`.
        request: As for `converse`.
        toolbox: As for `converse`.
        max_rounds: As for `converse`.
        on_message: As for `converse`.

    Raises:
        ApiValueError: `max_rounds` is less than 1.
        TooManyRoundsError, Exception: As for `converse`, while the generator is read.
    """
    return _rounds(ask, _ToolLoop(request, toolbox, max_rounds, on_message))


def _rounds(ask: Callable[..., Stream[A]], loop: _ToolLoop) -> Generator[A, None, None]:
    while True:
        with ask(chat_completion_request=loop.request) as stream:
            yield from stream
            response = stream.collect()
        if not loop.advance(response):
            return


class _ToolLoop:
    """State of a conversation with tools: the next request, and the rounds that are left.

    Attributes:
        request: The next request.
    """

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

    def advance(self, response: FirstChoice[Any, Message]) -> bool:
        """Run the tools that a response calls and build the next request. Return False if it calls none."""
        reply = response.to_message()
        if not reply.tool_calls:
            self._on_message(reply)
            return False
        self._rounds_left -= 1
        if not self._rounds_left:
            names = ", ".join(dict.fromkeys(call.function.name for call in reply.tool_calls))
            raise TooManyRoundsError(f"the last round ended with calls of {names}", self._messages, response)
        results = self._toolbox.results(response)
        for message in (reply, *results):
            self._messages.append(message)
            self._on_message(message)
        messages = self._messages
        if isinstance(response, ChatCompletionWithChatroomStreamResponse):
            messages = [message for message in messages if message.role in _INSTRUCTION_ROLES] + results
        fields = self.request.to_dict()
        if _forces_call(fields.get("tool_choice")):
            del fields["tool_choice"]
        self.request = ChatCompletionRequest.from_dict({**fields, "messages": messages})
        return True


def _forces_call(tool_choice: Any) -> bool:
    """Return whether the model must call a tool: any value except `auto` and `none`, such as a function's name."""
    if isinstance(tool_choice, Mapping) and tool_choice:
        # With a list of allowed tools, the mode decides.
        allowed = tool_choice.get("allowed_tools")
        named = tool_choice.get("type", "function")
        tool_choice = allowed.get("mode", "auto") if isinstance(allowed, Mapping) else named
    return bool(tool_choice) and str(tool_choice).lower() not in ("auto", "none")


def _decode_twice_encoded(text: str) -> str:
    """Return the JSON object in a JSON string, as some models encode arguments twice; any other text unchanged."""
    if text.startswith('"'):
        with suppress(ValueError):
            inner = json.loads(text)
            return inner.strip() if inner.lstrip().startswith("{") else text
    return text


def _as_text(name: str | None, result: Any) -> str:
    if isinstance(result, str):
        return str.__str__(result)  # the value, if it is a member of an enumeration
    try:
        return to_json(result).decode()
    except PydanticSerializationError as error:
        raise ApiTypeError(f"the result of {name} cannot be serialized to JSON: {error}") from error
