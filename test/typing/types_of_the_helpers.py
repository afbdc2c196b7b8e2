# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers take the shortcuts, the tools, structured answers and errors for. Checked, not run."""

import io
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel
from typing_extensions import assert_never, assert_type

import tachyon_sdk
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiKeyError,
    ApiTypeError,
    ChatApi,
    ChatCompletionChunkResponse,
    ChatCompletionRequest,
    ChatCompletionResponse,
    ChatCompletionWithChatroomStreamResponse,
    Configuration,
    ConnectionException,
    ContentPart,
    Conversation,
    ConversationStream,
    ConversationSuspended,
    DefaultApi,
    Message,
    ObjectStream,
    RetryPolicy,
    StructuredOutputError,
    TimeoutException,
    Tool,
    Toolbox,
    ToolCall,
    ToolCallResponse,
    ToolError,
    TooManyRoundsError,
    Usage,
    ask_for,
    ask_for_stream,
    conversation_of,
    converse,
    converse_stream,
    events,
    image,
    paged,
    parse_as,
    text_file,
)
from tachyon_sdk.local import LocalServer, RecordedRequest, create_app


class Person(BaseModel):
    name: str
    age: int


@dataclass
class Point:
    x: int
    y: int


def get_weather(city: str, days: int = 1) -> str:
    """The weather forecast of a city."""
    return f"{city}: {days}"


def shortcuts(chat: ChatApi, request: ChatCompletionRequest, whole: ChatCompletionResponse) -> None:
    answer = chat.chat_completion(chat_completion_request=request)
    assert_type(answer.text, str)
    assert_type(answer.tool_calls, list[ToolCall])
    assert_type(answer.finish_reason, str | None)
    assert_type(answer.to_message(), Message)
    request.messages.append(answer.to_message())
    room = chat.chat_completion_on_chatroom("room-1", chat_completion_request=request)
    assert_type(room.text, str)
    assert_type(room.tool_calls, list[ToolCall])
    assert_type(room.to_message(), Message)
    assert_type(whole.text, str)
    assert_type(whole.tool_calls, list[ToolCallResponse])
    assert_type(whole.to_message(), Message)


def of_a_stream(chat: ChatApi, request: ChatCompletionRequest) -> None:
    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        for chunk in stream:
            assert_type(chunk.text, str)
        assert_type(stream.text, Iterator[str])
        assert_type(stream.tool_calls, list[ToolCall])
        assert_type(stream.finish_reason, str | None)
        assert_type(stream.merged.to_message(), Message)
        assert_type(stream.collect().text, str)
    with chat.chat_completion_on_chatroom_stream("room-1", chat_completion_request=request) as in_room:
        assert_type(in_room.tool_calls, list[ToolCall])
        assert_type(in_room.merged, ChatCompletionWithChatroomStreamResponse)


def toolboxes(call: ToolCall, made: ToolCallResponse, answer: ChatCompletionChunkResponse) -> None:
    toolbox = Toolbox(get_weather, Person)
    assert_type(toolbox, Toolbox)
    # A function that is added stays what it is, with the names and the defaults of its parameters.
    assert_type(toolbox.add(get_weather, name="weather")(city="Oslo"), str)
    assert_type(toolbox.add(Person, description="Someone."), type[Person])
    assert_type(toolbox.definitions, list[Tool])
    assert_type(toolbox.call(call), str)
    assert_type(toolbox.call(made), str)
    assert_type(toolbox.results(answer), list[Message])

    @toolbox.add
    def now(zone: str) -> float:
        """The time."""
        return len(zone)

    assert_type(now("UTC"), float)


def conversations(chat: ChatApi, request: ChatCompletionRequest, toolbox: Toolbox) -> None:
    assert_type(converse(chat.chat_completion, request, toolbox), ChatCompletionChunkResponse)
    as_dict: Mapping[str, Any] = {"messages": []}
    messages: list[Message] = []
    answer = converse(chat.chat_completion, as_dict, toolbox, 3, on_message=messages.append)
    assert_type(answer.text, str)
    in_room = partial(chat.chat_completion_on_chatroom, "room-1")
    assert_type(converse(in_room, request, toolbox), ChatCompletionWithChatroomStreamResponse)
    chunks = converse_stream(chat.chat_completion_stream, request, toolbox, max_rounds=2)
    assert_type(chunks, ConversationStream[ChatCompletionChunkResponse])
    generator: Generator[ChatCompletionChunkResponse, None, None] = chunks
    assert_type(next(generator).text, str)
    for chunk in chunks:
        assert_type(chunk.text, str)
    chunks.close()
    streamed_in_room = partial(chat.chat_completion_on_chatroom_stream, "room-1")
    for piece in converse_stream(streamed_in_room, request, toolbox, on_message=print):
        assert_type(piece, ChatCompletionWithChatroomStreamResponse)
    with converse_stream(streamed_in_room, request, toolbox, tool_errors="tell") as pieces:
        assert_type(pieces, ConversationStream[ChatCompletionWithChatroomStreamResponse])
        assert_type(next(pieces).text, str)
        assert_type(pieces.usage, Usage | None)
        assert_type(pieces.messages, list[Message])


def decide(call: ToolCallResponse) -> bool | str | dict[str, Any]:
    if call.function.name == "delete":
        raise ConversationSuspended
    return {"city": "Oslo"} if call.function.arguments == "{}" else "no"


def approve(call: ToolCallResponse) -> bool:
    return call.function.name == "get_weather"


def under_control(chat: ChatApi, request: ChatCompletionRequest, toolbox: Toolbox) -> None:
    ask = chat.chat_completion
    answer = converse(ask, request, toolbox, on_tool_call=decide, tool_errors="raise", max_workers=4)
    assert_type(answer, ChatCompletionChunkResponse)
    assert_type(converse(ask, request, toolbox, on_tool_call=approve).text, str)
    try:
        converse(ask, request, toolbox, on_tool_call=lambda call: call.id != "a")
    except ConversationSuspended as suspended:
        assert_type(suspended.messages, list[Message])
        assert_type(suspended.pending, list[ToolCallResponse])
        assert_type(suspended.usage, Usage | None)
    except Exception as error:
        if found := conversation_of(error):
            assert_type(found, Conversation)
            assert_type(found.messages, list[Message])
            assert_type(found.call, ToolCallResponse | None)
            assert_type(found.pending[0].function.arguments, str)
            assert_type(found.other_errors, tuple[BaseException, ...])


def structured(chat: ChatApi, request: ChatCompletionRequest, text: str) -> None:
    assert_type(ask_for(chat.chat_completion, request, Person), Person)
    assert_type(ask_for(chat.chat_completion, {"messages": []}, Point).x, int)
    in_room = partial(chat.chat_completion_on_chatroom, "room-1")
    assert_type(ask_for(in_room, request, Person), Person)
    assert_type(ask_for(chat.chat_completion, request, list[Person]), list[Person])
    assert_type(parse_as(Person, text), Person)
    assert_type(parse_as(int, text), int)
    assert_type(parse_as(dict[str, int], text), dict[str, int])


def errors(
    error: ApiException,
    connection: ConnectionException,
    compliance: StructuredOutputError,
    rounds: TooManyRoundsError,
) -> None:
    assert_type(error.previous[0].attempts, int)
    assert_type(error.request_sent, bool)
    assert_type(error.retry_after, float | None)
    if error.headers is not None:
        assert_type(error.headers["Retry-After"], str)
    assert_type(connection.permanent, bool)
    assert_type(TimeoutException().permanent, bool)
    assert_type(compliance.text, str)
    assert_type(rounds.messages, list[Message])
    assert_type(rounds.usage, Usage | None)
    one_of_many: list[tachyon_sdk.OpenApiException] = [ToolError("x"), ApiKeyError("x"), compliance, rounds]
    either: TypeError | ValueError = ApiTypeError("x", ["messages", 0])
    print(one_of_many, either)


def policies(configuration: Configuration) -> None:
    policy = RetryPolicy(3, statuses=[429], lost_connections=True, backoff=1, max_retry_after=5)
    assert_type(policy.delay(1, 429, retry_after=2), float | None)
    assert_type(policy.statuses, frozenset[int])
    assert_type(policy.retries, int)
    configuration.retries = policy
    assert_type(configuration.authorization_header(), str | None)


def local_servers() -> None:
    with LocalServer(port=0) as server:
        assert_type(server, LocalServer)
        assert_type(server.url, str)
        assert_type(server.requests, list[RecordedRequest])
        assert_type(server.requests[-1].headers, dict[str, str])
        assert_type(server.requests[-1].raw_body, bytes)
    app: Callable[..., Awaitable[None]] = create_app(requests=[])
    print(app)


def lazy_names(chat: ChatApi, request: ChatCompletionRequest) -> None:
    assert_type(tachyon_sdk.Toolbox(get_weather), Toolbox)
    assert_type(tachyon_sdk.tools.Toolbox(), Toolbox)
    assert_type(tachyon_sdk.parse_as(int, "1"), int)
    assert_type(tachyon_sdk.structured.parse_as(int, "1"), int)
    assert_type(tachyon_sdk.ask_for(chat.chat_completion, request, Person), Person)
    assert_type(tachyon_sdk.RetryPolicy().max_backoff, float)


def mistakes(chat: ChatApi, request: ChatCompletionRequest, toolbox: Toolbox) -> None:
    """Each line is a mistake; where a type checker does not see it, the comment on it is an error."""
    Toolbox("get_weather")  # type: ignore[arg-type]
    converse(chat.chat_completion_stream, request, toolbox)  # type: ignore[type-var]
    converse(chat.chat_completion, request, toolbox, on_tool_call=print)  # type: ignore[arg-type]
    converse(chat.chat_completion, request, toolbox, tool_errors="ignore")  # type: ignore[arg-type]
    converse(chat.chat_completion, request, get_weather)  # type: ignore[arg-type]
    converse_stream(chat.chat_completion, request, toolbox)  # type: ignore[arg-type]
    chat.chat_completion(chat_completion_request=request).text = "x"  # type: ignore[misc]
    _ = chat.chat_completion_stream(chat_completion_request=request).txt  # type: ignore[attr-defined]
    RetryPolicy("3")  # type: ignore[arg-type]
    _ = LocalServer().prot  # type: ignore[attr-defined]


def arguments_that_there_are_not(api: ChatApi, lists: DefaultApi, request: ChatCompletionRequest) -> None:
    # They raise an error that names the right argument.
    api.chat_completion(request=request)  # type: ignore[call-arg]
    api.chat_completion_stream(chat_completion_request=request, stream=True)  # type: ignore[call-arg]
    paged(lists.get_chatrooms, limt=5)  # type: ignore[call-arg]
    ChatApi(configuration=Configuration())  # type: ignore[call-arg]
    ChatApi(Configuration())  # type: ignore[arg-type]
    ApiClient(host="http://localhost")  # type: ignore[call-arg]
    print(api.chat)  # type: ignore[attr-defined]


def parts_of_files(path: Path, file: IO[bytes], text: IO[str], stream: io.BytesIO) -> None:
    for source in ("photo.png", path, b"", bytearray(), memoryview(b""), file, stream):
        assert_type(image(source), ContentPart)
        assert_type(text_file(source), ContentPart)
    assert_type(text_file(text, name="a", encoding="utf-16", max_bytes=None), ContentPart)
    image("photo.png", detail="low", mime_type="image/png", max_bytes=1)
    image(5)  # type: ignore[arg-type]
    image(text)  # type: ignore[arg-type]
    text_file(None)  # type: ignore[arg-type]
    ChatCompletionRequest(messages=[Message(role="user", content=[image(path), text_file(path)])])


def events_of_a_stream(chat: ChatApi, request: ChatCompletionRequest) -> list[str]:
    shown: list[str] = []
    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        assert_type(stream.sse(), Generator[bytes, None, None])
        assert_type(stream.events(), Iterator[events.StreamEvent])
        for event in stream.events():
            match event:
                case events.TextDelta(text) | events.ReasoningDelta(text) | events.RefusalDelta(text):
                    assert_type(text, str)
                    assert_type(event.snapshot, str)
                case events.ToolCallStarted(name, identity):
                    assert_type(name, str)
                    assert_type(identity, str | None)
                case events.ToolArgumentsDelta(text, position):
                    assert_type(position, int)
                    assert_type(event.parsed, Any)
                case events.ToolCallDone(call):
                    assert_type(call, ToolCall)
                    assert_type(event.name, str)
                case events.UsageReported(usage):
                    assert_type(usage, Usage)
                case events.Finished(reason, index):
                    assert_type(reason, str | None)
                    assert_type(index, int)
                case _:
                    assert_never(event)
            if event.type == "text":
                assert_type(event, events.TextDelta)
            elif event.type == "usage":
                assert_type(event.usage, Usage)
            elif event.type == "tool_call_done":
                assert_type(event.call, ToolCall)
            shown.append(event.type)
    return shown


def structured_streams(chat: ChatApi, request: ChatCompletionRequest) -> None:
    with ask_for_stream(chat.chat_completion_stream, request, Person) as people:
        assert_type(people, ObjectStream[Person])
        for person in people:
            assert_type(person, Person)
        assert_type(people.value, Person)
    in_room = partial(chat.chat_completion_on_chatroom_stream, "room-1")
    assert_type(ask_for_stream(in_room, {"messages": []}, list[Point]), ObjectStream[list[Point]])
    ask_for_stream(chat.chat_completion, request, Person)  # type: ignore[arg-type]
