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
import logging
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from tachyon_sdk._contract.first_choice import FirstChoice, arguments_text
from tachyon_sdk._typed.callee import Callee, inspect_tool
from tachyon_sdk._typed.runs import Outcome, Runs
from tachyon_sdk._typed.schema import describe_errors
from tachyon_sdk._typed.totals import add_up
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError, OpenApiException
from tachyon_sdk.models import (
    ChatCompletionRequest,
    ChatCompletionWithChatroomStreamResponse,
    Message,
    Tool,
    ToolCall,
    ToolCallResponse,
    Usage,
)
from tachyon_sdk.streaming.stream import Stream

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any  # for typing.get_type_hints() at run time

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=FirstChoice[Any, Message])

# A call of a round by position: the function that runs it, or the text that the model gets instead of a result.
_Decision: TypeAlias = "tuple[int, Callable[[], str] | str]"

_INSTRUCTION_ROLES = ("system", "developer")
_REFUSED = "this call was refused; the tool did not run"
_CONVERSATION = "_tachyon_conversation"
_MAX_NOTE = 1000

_log = logging.getLogger("tachyon_sdk")


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

    To go on, pass `[*error.messages, error.answer.to_message()]` to `converse`, which then runs the tools first.

    Attributes:
        messages: The conversation up to the last response, without that response.
        answer: The last response. The tools that it calls were not run; `Toolbox.results(answer)` runs them.
        usage: Token usage of all rounds, or None if the server reported none.
    """

    def __init__(
        self,
        msg: str,
        messages: list[Message] | None = None,
        answer: Any = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(msg)
        self.messages = messages or []
        self.answer = answer
        self.usage = usage


class ConversationSuspended(OpenApiException):
    """Raised by `on_tool_call` to end `converse` before a tool runs, for example until a person has approved the call.

    ::

        def on_tool_call(call: ToolCallResponse) -> bool:
            if call.function.name == "delete_file":
                raise ConversationSuspended
            return True

        try:
            converse(chat.chat_completion, request, toolbox, on_tool_call=on_tool_call)
        except ConversationSuspended as suspended:
            text = json.dumps([message.to_dict() for message in suspended.messages])

    `converse` sets the attributes, and raises the exception when the other calls of the round have run. Later, in
    any process, pass the messages to `converse` as the `messages` of the request. It runs the pending calls and goes
    on. A tool may raise this exception, too. Its call then runs again from the start.

    Attributes:
        messages: The conversation, including the message with the tool calls and the results that are there.
        pending: The calls without a result.
        usage: Token usage of the rounds so far, or None if the server reported none.
    """

    def __init__(self, msg: str = "the conversation is suspended before a tool call") -> None:
        super().__init__(msg)
        self.messages: list[Message] = []
        self.pending: list[ToolCallResponse] = []
        self.usage: Usage | None = None


@dataclass(frozen=True)
class Conversation:
    """A conversation that an exception ended; `conversation_of` returns it.

    Attributes:
        messages: The conversation so far. If tools were called, it ends with the message that has the calls, and the
            results that are there. `converse` continues with it.
        pending: The tool calls without a result.
        usage: Token usage of the rounds so far, or None if the server reported none.
        call: The tool call that raised the exception, or None if no tool did.
        other_errors: Exceptions of other tools of the same round, which ran at the same time.
    """

    messages: list[Message]
    pending: list[ToolCallResponse]
    usage: Usage | None
    call: ToolCallResponse | None
    other_errors: tuple[BaseException, ...] = ()


def conversation_of(error: BaseException) -> Conversation | None:
    """Return the conversation that an exception ended, or None if the exception did not leave `converse`.

    `converse` and `converse_stream` raise the exceptions of tools unchanged, and add the conversation to them, as to
    any other exception that they raise::

        try:
            response = converse(chat.chat_completion, request, toolbox)
        except Exception as error:
            if conversation := conversation_of(error):
                save(conversation.messages)
            raise
    """
    found = error.__dict__.get(_CONVERSATION)
    return found if isinstance(found, Conversation) else None


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
        return self._prepare(tool_call)()

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
            results.append(_result(call, content))
        return results

    def _prepare(self, tool_call: ToolCall | ToolCallResponse) -> Callable[[], str]:
        """Validate a call and return a function that runs it."""
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
        return lambda: _as_text(name, tool.callee.run(arguments))


def converse(
    ask: Callable[..., A],
    request: ChatCompletionRequest | Mapping[str, Any],
    toolbox: Toolbox,
    max_rounds: int = 10,
    *,
    on_message: Callable[[Message], object] | None = None,
    on_tool_call: Callable[[ToolCallResponse], bool | str | Mapping[str, Any]] | None = None,
    tool_errors: Literal["raise", "tell"] = "raise",
    max_workers: int = 1,
) -> A:
    """Ask a model, run the tools that it calls, send the results, and repeat until it calls none.

    ::

        response = converse(chat.chat_completion, request, toolbox)

        in_room = functools.partial(chat.chat_completion_on_chatroom, "room-1")
        response = converse(in_room, request, toolbox)

    Each round sends the whole conversation. A chatroom, detected by the type of its responses, already has the
    conversation, so only the results are sent, after the request's instructions (`system` and `developer` messages),
    which chatrooms do not store.

    If the request ends with a message that has tool calls, as after `ConversationSuspended`, the calls that have no
    result run first. In a chatroom, this requires `functools.partial` as above, or the method itself.

    A `tool_choice` that forces a call, such as `any`, `required` or a named function, applies to the first round
    only. Otherwise the conversation would never end.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`. Pass further arguments with `functools.partial`.
        request: The first request. It is not modified. The tools of the toolbox are added to its own.
        toolbox: The tools.
        max_rounds: Maximum number of requests.
        on_message: Called with each new message of the conversation, in the calling thread: each response before its
            tools run, each result as soon as it is there, and the final response. `messages.append` collects the
            whole conversation for a next request.
        on_tool_call: Called with each call that has a known name and valid arguments, before any tool of the round
            runs. Returns True to run the tool, False to refuse, a text to send to the model instead of a result, or a
            mapping with other arguments. Raises `ConversationSuspended` to suspend the conversation.
        tool_errors: What happens if a tool raises any exception except ToolError: `raise` raises it, `tell` sends its
            type and text to the model as the result, and logs it as a warning.
        max_workers: Maximum number of tools of one round that run at the same time, in threads of their own and with
            a copy of the context variables. With 1, they run in the calling thread, one after the other.

    Returns:
        The first response that calls none of the client's tools. Its `usage` is the sum of all rounds.

    Raises:
        TooManyRoundsError: The response of the last round still calls tools.
        ConversationSuspended: `on_tool_call` or a tool raised it.
        ApiValueError: `max_rounds` or `max_workers` is less than 1, `tool_errors` is unknown, or the arguments that
            `on_tool_call` returned are not valid.
        ApiTypeError: `on_tool_call` returned none of the values above, such as None.
        Exception: Any exception of `ask`, of a callback or of a tool, unchanged. `conversation_of` returns the
            conversation up to it. A note names the tool and its arguments. Other tools of the round that already run
            end first, and their results are kept; the rest do not start. Only Ctrl-C does not wait for them.
    """
    loop = _ToolLoop(ask, request, toolbox, max_rounds, on_message, on_tool_call, tool_errors, max_workers)
    try:
        loop.resume()
        while True:
            response = ask(chat_completion_request=loop.request)
            if not loop.advance(response):
                return loop.with_total_usage(response)
    except BaseException as error:
        loop.attach_to(error)
        raise


def converse_stream(
    ask: Callable[..., Stream[A]],
    request: ChatCompletionRequest | Mapping[str, Any],
    toolbox: Toolbox,
    max_rounds: int = 10,
    *,
    on_message: Callable[[Message], object] | None = None,
    on_tool_call: Callable[[ToolCallResponse], bool | str | Mapping[str, Any]] | None = None,
    tool_errors: Literal["raise", "tell"] = "raise",
    max_workers: int = 1,
) -> ConversationStream[A]:
    """Like `converse`, but yields the chunks of all rounds as they arrive.

    ::

        with converse_stream(chat.chat_completion_stream, request, toolbox) as chunks:
            for chunk in chunks:
                print(chunk.text, end="", flush=True)

    Tools run between the last chunk of a round and the first chunk of the next. If you stop early, the `with` block
    closes the connection. Without it, the connection is closed when the stream is garbage collected.

    Args:
        ask: `chat_completion_stream` or `chat_completion_on_chatroom_stream`.
        request: As for `converse`.
        toolbox: As for `converse`.
        max_rounds: As for `converse`.
        on_message: As for `converse`.
        on_tool_call: As for `converse`.
        tool_errors: As for `converse`.
        max_workers: As for `converse`.

    Raises:
        ApiValueError: An argument is not valid, as for `converse`.
        TooManyRoundsError, ConversationSuspended, Exception: As for `converse`, while the stream is read.
    """
    return ConversationStream(
        ask,
        _ToolLoop(ask, request, toolbox, max_rounds, on_message, on_tool_call, tool_errors, max_workers),
    )


class ConversationStream(Generator[A, None, None]):
    """The chunks of all rounds of a conversation, made by `converse_stream`.

    It is an iterator and a context manager. `close()`, or the end of the `with` block, closes the connection.
    """

    def __init__(self, ask: Callable[..., Stream[A]], loop: _ToolLoop) -> None:
        self._loop = loop
        self._chunks: Generator[A, None, None] = _rounds(ask, loop)

    @property
    def usage(self) -> Usage | None:
        """Token usage of the rounds that have ended, or None if the server reported none."""
        return self._loop.usage

    @property
    def messages(self) -> list[Message]:
        """The conversation so far, without the round that is being read, as a new list."""
        return self._loop.messages

    def __iter__(self) -> Generator[A, None, None]:
        return self._chunks  # a loop then costs no call of a method for each chunk

    def __next__(self) -> A:
        return next(self._chunks)

    def send(self, value: None, /) -> A:
        """Return the next chunk."""
        return self._chunks.send(value)

    def throw(self, *args: Any) -> A:
        """Raise an exception where the stream waits."""
        return self._chunks.throw(*args)

    def close(self) -> None:
        """Stop the conversation and close the connection."""
        self._chunks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _rounds(ask: Callable[..., Stream[A]], loop: _ToolLoop) -> Generator[A, None, None]:
    try:
        loop.resume()
        while True:
            with ask(chat_completion_request=loop.request) as stream:
                yield from stream
                response = stream.collect()
            if not loop.advance(response):
                return
    except GeneratorExit:
        raise
    except BaseException as error:
        loop.attach_to(error)
        raise


class _ToolLoop:
    """State of a conversation with tools: the messages, the round whose tools run, and the rounds that are left.

    Attributes:
        request: The next request.
        usage: Token usage of the rounds so far.
    """

    def __init__(
        self,
        ask: Callable[..., Any],
        request: ChatCompletionRequest | Mapping[str, Any],
        toolbox: Toolbox,
        max_rounds: int,
        on_message: Callable[[Message], object] | None,
        on_tool_call: Callable[[ToolCallResponse], bool | str | Mapping[str, Any]] | None,
        tool_errors: str,
        max_workers: int,
    ) -> None:
        for name, number in (("max_rounds", max_rounds), ("max_workers", max_workers)):
            if number < 1:
                raise ApiValueError(f"{name} must be at least 1, not {number}")
        if tool_errors not in ("raise", "tell"):
            raise ApiValueError(f"tool_errors must be 'raise' or 'tell', not {tool_errors!r}")
        fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else request
        self.request = ChatCompletionRequest.from_dict(fields)
        tools = self.request.tools or []
        known = {tool.function.name for tool in tools}
        tools += [tool for tool in toolbox.definitions if tool.function.name not in known]
        if tools:
            self.request.tools = tools
        self.usage: Usage | None = None
        self._toolbox = toolbox
        self._rounds_left = max_rounds
        self._on_message = on_message or (lambda _: None)
        self._on_tool_call = on_tool_call
        self._tell_errors = tool_errors == "tell"
        self._max_workers = max_workers
        self._in_chatroom = _is_chatroom(ask)
        self._call: ToolCallResponse | None = None
        self._other_errors: list[BaseException] = []
        # The messages before the round whose tools run, and that round: its calls, and the results by position.
        self._messages = list(self.request.messages)
        self._reply: Message | None = None
        self._results: dict[int, Message] = {}

    @property
    def messages(self) -> list[Message]:
        """The conversation so far, with the results in the order of the calls."""
        reply = [] if self._reply is None else [self._reply]
        return [*self._messages, *reply, *(self._results[position] for position in sorted(self._results))]

    def resume(self) -> None:
        """If the request ends with a round of tool calls, run those without a result."""
        messages = self._messages
        end = len(messages)
        while end and messages[end - 1].role == "tool":
            end -= 1
        calls = messages[end - 1].tool_calls if end and messages[end - 1].role == "assistant" else None
        if not calls:
            return
        waiting = list(enumerate(calls))
        results: dict[int, Message] = {}
        for message in messages[end:]:
            answered = (message.model_extra or {}).get("tool_call_id")
            found = next((place for place in waiting if place[1].id == answered), None)
            if found:
                waiting.remove(found)
            results[len(calls) + len(results) if found is None else found[0]] = message
        if not waiting and not self._in_chatroom:
            return
        self._messages, self._reply, self._results = messages[: end - 1], messages[end - 1], results
        self._end_round()

    def advance(self, response: FirstChoice[Any, Message]) -> bool:
        """Run the tools that a response calls and build the next request. Return False if it calls none."""
        self._add_usage(getattr(response, "usage", None))
        reply = response.to_message()
        if not reply.tool_calls:
            self._messages.append(reply)
            self._on_message(reply)
            return False
        self._rounds_left -= 1
        if not self._rounds_left:
            names = ", ".join(dict.fromkeys(call.function.name for call in reply.tool_calls))
            message = f"the last round ended with calls of {names}"
            raise TooManyRoundsError(message, self.messages, response, self.usage)
        if isinstance(response, ChatCompletionWithChatroomStreamResponse):
            self._in_chatroom = True
        self._reply, self._results = reply, {}
        self._on_message(reply)
        self._end_round()
        return True

    def with_total_usage(self, response: A) -> A:
        """Return the response with the usage of all rounds."""
        if self.usage is None or self.usage is getattr(response, "usage", None):
            return response
        total: A = cast("Any", response).model_copy(update={"usage": self.usage})
        return total

    def attach_to(self, error: BaseException) -> None:
        """Add the conversation to an exception that ends it."""
        conversation = Conversation(
            self.messages, self._pending(), self.usage, self._call, tuple(self._other_errors)
        )
        # Not setattr(): the class may have its own, such as that of a frozen dataclass.
        object.__setattr__(error, _CONVERSATION, conversation)
        if isinstance(error, ConversationSuspended):
            error.messages, error.pending, error.usage = (
                conversation.messages,
                conversation.pending,
                conversation.usage,
            )

    def _end_round(self) -> None:
        """Run the calls without a result, and build the next request."""
        decisions: list[_Decision] = []
        suspended: list[ConversationSuspended] = []
        for position, call in enumerate(self._calls):
            if position in self._results:
                continue
            try:
                decisions.append((position, self._decide(call)))
            except ConversationSuspended as error:
                suspended.append(error)
        suspended += self._run(decisions)
        if suspended:
            first, *others = suspended
            self._other_errors += others
            if conversation_of(first):  # of a conversation in the tool
                raise ConversationSuspended(str(first)) from first
            raise first
        results = [self._results[position] for position in sorted(self._results)]
        messages = self._messages = self.messages
        self._reply, self._results = None, {}
        if self._in_chatroom:
            messages = [message for message in messages if message.role in _INSTRUCTION_ROLES] + results
        fields = self.request.to_dict()
        if _forces_call(fields.get("tool_choice")):
            del fields["tool_choice"]
        self.request = ChatCompletionRequest.from_dict({**fields, "messages": messages})

    def _decide(self, call: ToolCallResponse) -> Callable[[], str] | str:
        """Return the function that runs a call, or the text that the model gets instead of a result."""
        try:
            if self._on_tool_call is None:
                return partial(self._toolbox.call, call)
            self._toolbox._prepare(call)
            decision: Any = self._on_tool_call(_readable(call))
        except ToolError as error:
            return str(error)
        if decision is True:
            return partial(self._toolbox.call, call)
        if decision is False:
            return _REFUSED
        if isinstance(decision, str):
            return decision
        if isinstance(decision, Mapping):
            changed = call.model_copy(deep=True)
            changed.function.arguments = _as_text("on_tool_call", dict(decision))
            try:
                self._toolbox._prepare(changed)
            except ToolError as error:
                raise ApiValueError(f"on_tool_call returned other arguments, but {error}") from error
            return partial(self._toolbox.call, changed)
        raise ApiTypeError(
            f"on_tool_call must return a bool, a text or a mapping with arguments, not {type(decision).__name__}"
        )

    def _run(self, decisions: list[_Decision]) -> list[ConversationSuspended]:
        """Run the calls of a round and record their results. Return the exceptions of those that suspend."""
        errors: dict[int, BaseException] = {}
        try:
            self._run_all(decisions, errors)
            failed = [each for each in sorted(errors) if not isinstance(errors[each], ConversationSuspended)]
            if failed:
                # What the model gets for the calls that were not to run does not depend on the failed ones.
                for position, decision in decisions:
                    if isinstance(decision, str) and position not in self._results:
                        self._on_message(self._add_result(position, decision))
                for position in failed:
                    _add_note(errors[position], self._calls[position])
                self._call = _readable(self._calls[failed[0]])
                raise errors.pop(failed[0])
        except BaseException:
            self._other_errors += [errors[position] for position in sorted(errors)]
            raise
        return [error for error in errors.values() if isinstance(error, ConversationSuspended)]

    def _run_all(self, decisions: list[_Decision], errors: dict[int, BaseException]) -> None:
        """Run the calls until one fails. Record results, and collect errors by position."""
        functions = [
            partial(str, decision) if isinstance(decision, str) else decision for _, decision in decisions
        ]
        runs = Runs(functions, self._max_workers)
        try:
            for outcome in runs:
                position = decisions[outcome.position][0]
                if message := self._record(position, outcome, errors):
                    self._on_message(message)
                elif not isinstance(outcome.error, ConversationSuspended):
                    runs.cancel()
        except BaseException as error:
            runs.cancel()
            # After an error of on_message, wait for the tools that run. After Ctrl-C, do not.
            for outcome in runs if isinstance(error, Exception) else runs.ended():
                self._record(decisions[outcome.position][0], outcome, errors)
            raise

    def _record(self, position: int, outcome: Outcome, errors: dict[int, BaseException]) -> Message | None:
        """Add the result of a call to the round and return it, or add the error to the others."""
        text, error = outcome.text, outcome.error
        if isinstance(error, ToolError):
            text = str(error)
        elif (
            self._tell_errors
            and isinstance(error, Exception)
            and not isinstance(error, ConversationSuspended)
        ):
            name = self._calls[position].function.name
            _log.warning(
                "the tool %s raised %s, which the model is told", name, type(error).__name__, exc_info=error
            )
            text = f"{type(error).__name__}: {error}"
        if text is not None:
            return self._add_result(position, text)
        if error is not None:
            errors[position] = error
        return None

    def _add_result(self, position: int, text: str) -> Message:
        message = self._results[position] = _result(self._calls[position], text)
        return message

    @property
    def _calls(self) -> list[ToolCallResponse]:
        return (self._reply and self._reply.tool_calls) or []

    def _pending(self) -> list[ToolCallResponse]:
        calls = enumerate(self._calls)
        return [_readable(call) for position, call in calls if position not in self._results]

    def _add_usage(self, usage: Any) -> None:
        if not isinstance(usage, Usage):
            return
        if self.usage is not None:
            usage = Usage.from_dict(add_up(self.usage.to_dict(), usage.to_dict()))
        self.usage = usage


def _is_chatroom(ask: Any) -> bool:
    while isinstance(ask, partial):
        ask = ask.func
    return getattr(ask, "__name__", "").startswith("chat_completion_on_chatroom")


def _result(call: ToolCallResponse, content: str) -> Message:
    return Message.from_dict({"role": "tool", "tool_call_id": call.id, "content": content})


def _readable(call: ToolCallResponse) -> ToolCallResponse:
    """Return a copy of a call whose arguments are the text of a JSON object, if the model sent one in any form."""
    copy = call.model_copy(deep=True)
    copy.function.arguments = _decode_twice_encoded(arguments_text(copy.function.arguments))
    return copy


def _add_note(error: BaseException, call: ToolCallResponse) -> None:
    """Add the name and the arguments of a tool to its exception. Python 3.10 stores notes but does not show them."""
    arguments = call.function.arguments
    if len(arguments) > _MAX_NOTE:
        arguments = f"{arguments[:_MAX_NOTE]}... ({len(arguments)} characters)"
    note = f"in the tool {call.function.name}, called with the arguments {arguments}"
    notes = getattr(error, "__notes__", None)
    object.__setattr__(error, "__notes__", [*(notes if isinstance(notes, list) else ()), note])


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
