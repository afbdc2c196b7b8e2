# pyright: strict
"""A program as its author would write it. It is checked by mypy and pyright, as strictly as they can, and not run."""

import functools
import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field

import tachyon_sdk
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ChatApi,
    ChatCompletionRequest,
    Configuration,
    Message,
    PaymentRequiredException,
    RetryPolicy,
    StreamTruncatedException,
    StructuredOutputError,
    TimeoutException,
    Toolbox,
    ToolError,
    TooManyRequestsException,
    TooManyRoundsError,
    ask_for,
    converse,
    converse_stream,
)
from tachyon_sdk.models import (
    ContentPart,
    Function,
    ImageUrlPart,
    ResponseFormat,
    Tool,
    ToolChoice,
    ToolSchema,
)
from tachyon_sdk.rest import ApiException as RestApiException


def connect() -> ChatApi:
    configuration = Configuration(
        host="http://localhost",
        operator_id="tn_xxxxxx",
        access_token="xxxxx",
        retries=RetryPolicy(3, statuses={429, 503}),
        connect_timeout=2,
        read_timeout=None,
        proxy_headers={"X-Proxy": "1"},
    )
    configuration.verify_ssl = False
    configuration.retries = 1
    configuration.api_key["Authorization"] = "xxxxx"
    client = ApiClient(configuration, header_name="X-One", header_value="1", cookie="a=1")
    client.set_default_header("X-Two", "2")
    client.user_agent = "program/1.0"
    return ChatApi(client)


def answer(chat: ChatApi, question: str) -> str:
    request = ChatCompletionRequest(
        messages=[
            Message(role="system", content="Be brief."),
            Message(role="user", content=question),
            Message(role="user", content=[ContentPart(type="text", text="a picture"), picture()]),
        ],
        model="small",
        temperature=0.5,
        n=1,
        response_format=ResponseFormat(type="text"),
        tools=[weather()],
        tool_choice=ToolChoice.AUTO,
    )
    request.max_completion_tokens = 100
    response = chat.chat_completion(chat_completion_request=request)
    if response.usage and response.usage.total_tokens:
        print(response.usage.total_tokens + 1)
    choice = response.choices[0]
    for call in choice.delta.tool_calls or []:
        if call.function and call.function.arguments:
            arguments: dict[str, Any] = json.loads(call.function.arguments)
            print(call.id, call.function.name, arguments)
    if choice.finish_reason == "length":
        print("cut short")
    return choice.delta.content or ""


def picture() -> ContentPart:
    return ContentPart(type="image_url", image_url=ImageUrlPart(url="https://x.example/y.png"))


def weather() -> Tool:
    schema = ToolSchema(type="object", properties={"city": {"type": "string"}}, required=["city"])
    return Tool(type="function", function=Function(name="weather", description="Now", parameters=schema))


def with_dicts(chat: ChatApi) -> str | None:
    question = {"messages": [{"role": "user", "content": "Hello"}], "seed": 7}
    response = chat.chat_completion_on_chatroom(
        "room",
        "tn_xxxxxx",
        "Bearer xxxxx",
        question,
        _request_timeout=(5, 30.5),
        _headers={"X-Request-Id": "1"},
        _request_auth={"in": "header", "type": "api_key", "key": "X-Key", "value": "1"},
    )
    return response.choices[0].delta.content


def pieces(chat: ChatApi, request: ChatCompletionRequest) -> Iterator[str]:
    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        print(stream.status, stream.headers["Content-Type"])
        for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content


def in_the_room(chat: ChatApi, request: ChatCompletionRequest) -> str:
    with chat.chat_completion_on_chatroom_stream("room", chat_completion_request=request) as stream:
        for piece in stream.text:
            sys.stdout.write(piece)
        print(stream.merged.choices[0].finish_reason)
        return stream.collect().choices[0].delta.content or ""


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, description="In years.")


toolbox = Toolbox(Person)


@toolbox.add
def get_weather(city: str, days: Annotated[int, Field(ge=1, le=7)] = 1) -> list[str]:
    """The weather forecast of a city.

    Args:
        city: Name of the city.
        days: How many days to look ahead.
    """
    if not city:
        raise ToolError("a city needs a name")
    return ["sunny"] * days


def with_tools(chat: ChatApi, question: str) -> list[Message]:
    messages = [Message(role="user", content=question)]
    request = ChatCompletionRequest(model="large", messages=messages)
    try:
        answer = converse(chat.chat_completion, request, toolbox, 3, on_message=messages.append)
    except TooManyRoundsError as error:
        return error.messages
    print(answer.text, answer.finish_reason, get_weather("Oslo", days=2))
    in_room = functools.partial(chat.chat_completion_on_chatroom_stream, "room", _request_timeout=30)
    for chunk in converse_stream(in_room, request, toolbox):
        print(chunk.text, end="", flush=True)
    return messages


def tools_by_hand(chat: ChatApi, messages: list[Message]) -> str:
    while True:
        request = ChatCompletionRequest(model="large", messages=messages, tools=toolbox.definitions)
        with chat.chat_completion_stream(chat_completion_request=request) as stream:
            answer = stream.collect()
        messages += [answer.to_message(), *toolbox.results(answer)]
        for call in stream.tool_calls:
            print(call.id, call.function.name if call.function else call.tool_name)
        if not answer.tool_calls:
            return answer.text


def who_is_it(chat: ChatApi, text: str) -> Person | None:
    request = {"model": "large", "messages": [{"role": "user", "content": text}]}
    try:
        person = ask_for(chat.chat_completion, request, Person)
    except StructuredOutputError as error:
        print(error, error.text)
        return None
    print(person.name.upper(), person.age + 1)
    return person


def below_the_surface(chat: ChatApi, request: ChatCompletionRequest) -> bytes:
    response = chat.chat_completion_with_http_info(chat_completion_request=request)
    if response.headers is not None:
        print(response.status_code, response.headers.get("X-Request-Id", "-"), response.data.id)
    raw = chat.chat_completion_without_preload_content(chat_completion_request=request)
    print(raw.status, raw.headers["Content-Type"])
    return raw.data + response.raw_data


def main() -> int:
    try:
        try:
            print(answer(connect(), "Hello"))
        except RestApiException as error:
            print(error.status)
            raise
    except TooManyRequestsException as error:
        if error.retry_after is not None:
            print(f"in {error.retry_after:.0f} s")
    except (PaymentRequiredException, TimeoutException) as error:
        print(error.message, error.attempts)
    except StreamTruncatedException as error:
        print(error.partial)
    except ApiException as error:
        print(error.status, error.reason, error.code, error.body, error.request_id)
        if error.headers:
            print(error.headers.get("Date"))
        return 1
    except tachyon_sdk.OpenApiException as error:
        print(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
