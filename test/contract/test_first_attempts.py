"""The most natural first attempts end in an error that names the right way, before anything is sent."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

import tachyon_sdk
from support.chat import ANSWER, STREAM
from support.raw_server import RawServer, json_response
from tachyon_sdk import (
    ApiClient,
    ApiTypeError,
    ChatApi,
    ChatCompletionRequest,
    ChatRoom,
    ChatroomApi,
    Configuration,
    CreateChatRoomRequest,
    CreateChatRoomResponse,
    DefaultApi,
    GetChatroomsResponse,
    Message,
    ModelInfo,
    ModelsApi,
    ModelsResponse,
    OpenApiException,
    UpdateChatroomRequest,
)
from tachyon_sdk._contract import iteration

MESSAGE = Message(role="user", content="Hello")
REQUEST = ChatCompletionRequest(messages=[MESSAGE])
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
EXAMPLE = '(chat_completion_request={"messages": [{"role": "user", "content": "Hello"}]})'
ON_CHATROOM = EXAMPLE.replace("(", "(chatroom_id, ", 1)
ROOM = ChatRoom(id="room-1")


class Apis:
    """The API classes, without types: the calls are those that a type checker would not accept."""

    def __init__(self, client: ApiClient) -> None:
        self.chat: Any = ChatApi(client)
        self.rooms: Any = ChatroomApi(client)
        self.lists: Any = DefaultApi(client)
        self.models: Any = ModelsApi(client)


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer([]) as server:
        yield server


@pytest.fixture(scope="module")
def apis(server: RawServer) -> Apis:
    return Apis(ApiClient(Configuration(server.url, access_token="t", operator_id="o", proxy="")))


Attempt = Callable[[Apis], Any]
ATTEMPTS: dict[str, tuple[Attempt, str]] = {
    # The request in the place of another argument.
    "a model": (lambda apis: apis.chat.chat_completion(REQUEST), f"chat_completion{EXAMPLE}"),
    "a dict": (lambda apis: apis.chat.chat_completion(BODY), f"chat_completion{EXAMPLE}"),
    "a message": (lambda apis: apis.chat.chat_completion(MESSAGE), f"chat_completion{EXAMPLE}"),
    "messages": (lambda apis: apis.chat.chat_completion(BODY["messages"]), f"chat_completion{EXAMPLE}"),
    "a text": (lambda apis: apis.chat.chat_completion("Hello"), f"chat_completion{EXAMPLE}"),
    "second": (lambda apis: apis.chat.chat_completion("o", REQUEST), f"chat_completion{EXAMPLE}"),
    "streamed": (lambda apis: apis.chat.chat_completion_stream(BODY), f"chat_completion_stream{EXAMPLE}"),
    "with info": (lambda apis: apis.chat.chat_completion_with_http_info(BODY), f"chat_completion{EXAMPLE}"),
    "raw": (
        lambda apis: apis.chat.chat_completion_without_preload_content(BODY),
        f"chat_completion{EXAMPLE}",
    ),
    "room": (lambda apis: apis.chat.chat_completion_on_chatroom("r", BODY), f"on_chatroom{ON_CHATROOM}"),
    "as room": (lambda apis: apis.chat.chat_completion_on_chatroom(BODY), f"on_chatroom{ON_CHATROOM}"),
    "create": (
        lambda apis: apis.rooms.create_chatroom(CreateChatRoomRequest(name="n")),
        'create_chatroom(create_chat_room_request={"name": ...})',
    ),
    "create with a name": (
        lambda apis: apis.rooms.create_chatroom("n"),
        'create_chat_room_request is missing; pass it as create_chatroom(create_chat_room_request={"name": ...})',
    ),
    "update": (
        lambda apis: apis.rooms.update_chatroom("r", UpdateChatroomRequest(name="n")),
        'update_chatroom(chatroom_id, update_chatroom_request={"name": ...})',
    ),
    "features": (lambda apis: apis.models.get_models(["vision"]), "get_models(supported_feature=...)"),
    # Something else than a request.
    "named text": (
        lambda apis: apis.chat.chat_completion(chat_completion_request="Hi"),
        f"pass it as chat_completion{EXAMPLE}",
    ),
    "named list": (
        lambda apis: apis.chat.chat_completion(chat_completion_request=[MESSAGE]),
        f"pass it as chat_completion{EXAMPLE}",
    ),
    "named message": (
        lambda apis: apis.chat.chat_completion(chat_completion_request=MESSAGE),
        f"pass it as chat_completion{EXAMPLE}",
    ),
    "dict of a message": (
        lambda apis: apis.chat.chat_completion(chat_completion_request={"role": "user", "content": "Hi"}),
        f"put the message into a list: chat_completion{EXAMPLE}",
    ),
    "JSON": (
        lambda apis: apis.chat.chat_completion(chat_completion_request=' {"messages": []}'),
        "read JSON with ChatCompletionRequest.from_json(...)",
    ),
    "JSON in bytes": (
        lambda apis: apis.rooms.create_chatroom(create_chat_room_request=b"{}"),
        "read JSON with CreateChatRoomRequest.from_json(...)",
    ),
    "a class": (
        lambda apis: apis.chat.chat_completion(chat_completion_request=ChatCompletionRequest),
        "pass an instance: ChatCompletionRequest(...)",
    ),
    "an empty dict": (
        lambda apis: apis.chat.chat_completion(chat_completion_request={}),
        "messages was never set",
    ),
    # A room in the place of its id.
    "a room": (lambda apis: apis.rooms.delete_chatroom(ROOM), "pass its id: chatroom_id=value.id"),
    "a new room": (
        lambda apis: apis.lists.get_chatroom_messages(CreateChatRoomResponse(chatroom=ROOM)),
        "pass its id: chatroom_id=value.chatroom.id",
    ),
    # Arguments that there are not.
    "request=": (
        lambda apis: apis.chat.chat_completion(request=REQUEST),
        f"pass the request as chat_completion{EXAMPLE}",
    ),
    "body=": (
        lambda apis: apis.chat.chat_completion_stream(body=BODY),
        f"pass the request as chat_completion_stream{EXAMPLE}",
    ),
    "prompt=": (
        lambda apis: apis.chat.chat_completion_on_chatroom_stream("r", prompt="Hi"),
        f"chat_completion_on_chatroom_stream{ON_CHATROOM}",
    ),
    "messages=": (
        lambda apis: apis.chat.chat_completion(messages=[MESSAGE], model="large"),
        f"has no argument 'messages'; it is a property of the request: chat_completion{EXAMPLE}",
    ),
    "model=": (
        lambda apis: apis.chat.chat_completion_with_http_info(model="large", chat_completion_request=BODY),
        'it is a property of the request: chat_completion_with_http_info(chat_completion_request={"model": ...})',
    ),
    "stream=": (
        lambda apis: apis.chat.chat_completion(chat_completion_request=BODY, stream=True),
        "call chat_completion_stream()",
    ),
    "name=": (
        lambda apis: apis.rooms.create_chatroom(name="n"),
        'create_chatroom(create_chat_room_request={"name": ...})',
    ),
    "timeout=": (
        lambda apis: apis.chat.chat_completion_without_preload_content(
            chat_completion_request=BODY, timeout=5
        ),
        "did you mean _request_timeout?",
    ),
    "api_key=": (lambda apis: apis.models.get_models(api_key="k"), "did you mean authorization?"),
    "operator_id=": (lambda apis: apis.lists.get_chatrooms(operator_id="o"), "did you mean x_operator_id?"),
    "limt=": (
        lambda apis: apis.lists.get_chatrooms(limt=5),
        "get_chatrooms() has no argument 'limt'; did you mean limit?",
    ),
    "temperature= of a list": (
        lambda apis: apis.lists.get_chatrooms(temperature=1),
        "the arguments are x_operator_id, authorization, limit, offset, search, metadata_user_id, _request_timeout",
    ),
    "limt= of all pages": (
        lambda apis: tachyon_sdk.paged(apis.lists.get_chatrooms, limt=5),
        "did you mean limit?",
    ),
    # Something else than a client.
    "api of a configuration": (
        lambda apis: ChatApi(Configuration()),
        "use ChatApi(ApiClient(configuration))",
    ),  # type: ignore[arg-type]
    "api of a URL": (lambda apis: ModelsApi("http://x"), "use ModelsApi(ApiClient(Configuration(host=...)))"),  # type: ignore[arg-type]
    "api of the class": (lambda apis: ChatApi(ApiClient), "an instance of ApiClient, not a class"),  # type: ignore[arg-type]
    "api with configuration=": (
        lambda apis: ChatApi(configuration=Configuration()),  # type: ignore[call-arg]
        "ChatApi() has no argument 'configuration'; settings belong to the configuration: "
        "ChatApi(ApiClient(Configuration(...)))",
    ),
    "client with host=": (
        lambda apis: ApiClient(host="http://x"),  # type: ignore[call-arg]
        "ApiClient() has no argument 'host'; settings belong to the configuration: ApiClient(Configuration(...))",
    ),
    "client of a URL": (lambda apis: ApiClient("http://x"), "use ApiClient(Configuration(host=...))"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_error_names_the_right_way(name: str, apis: Apis, server: RawServer) -> None:
    attempt, hint = ATTEMPTS[name]
    with pytest.raises(OpenApiException) as caught:
        attempt(apis)
    assert hint in str(caught.value)
    assert isinstance(caught.value, (TypeError, ValueError))
    assert server.requests == []


def test_errors_without_a_better_one_stay_as_they_are(apis: Apis) -> None:
    with pytest.raises(ApiTypeError, match=r"^the header Authorization must be a string, not bytes$"):
        apis.chat.chat_completion("o", b"Bearer t", BODY)
    with pytest.raises(ApiTypeError, match=r"^the header x-operator-id must be a string, not list$"):
        apis.rooms.delete_chatroom("r", ["o"])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'chatroom_id'"):
        apis.chat.chat_completion_on_chatroom(chat_completion_request=BODY)
    with pytest.raises(TypeError, match="positional argument"):
        apis.models.get_models(*range(20))


def test_attributes_that_an_api_class_does_not_have(apis: Apis) -> None:
    hint = "'ChatApi' object has no attribute 'completions'; its methods are"
    with pytest.raises(AttributeError, match=hint) as caught:
        apis.chat.completions.create(messages=[])
    methods = ["chat_completion", "chat_completion_on_chatroom"]
    methods = sorted([*methods, *(f"{name}_stream" for name in methods)])
    assert sorted(str(caught.value).partition("are ")[2].split(", ")) == methods
    assert not hasattr(apis.chat, "_private") and not hasattr(apis.chat, "stream")
    assert copy.copy(apis.chat).api_client is apis.chat.api_client
    assert isinstance(pickle.loads(pickle.dumps(apis.chat)), ChatApi)


def test_a_double_of_a_client_is_accepted() -> None:
    class Double:
        def call(self, *arguments: Any) -> Any:
            return self

        data = "canned"

    double: Any = Double()
    assert ChatApi(double).chat_completion(chat_completion_request={}) == "canned"  # type: ignore[comparison-overlap]


# Models


@pytest.mark.parametrize(
    ("create", "hint"),
    [
        (
            lambda: Message("user", "Hello"),
            r"^Message takes no positional arguments; name them: Message\(role=..., content=...\)$",
        ),
        (lambda: ChatCompletionRequest([MESSAGE]), r"ChatCompletionRequest\(messages=..., model=...\)$"),
        (lambda: CreateChatRoomRequest({"name": "n"}), r"CreateChatRoomRequest\(name=..., metadata=...\)$"),
    ],
)
def test_positional_arguments_of_a_model(create: Callable[[], Any], hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        create()


def test_the_constructor_of_nested_models_is_not_called() -> None:
    assert not Message.__pydantic_custom_init__

    class Own(Message):
        def __init__(self, text: str) -> None:
            super().__init__(role="user", content=text)

    assert Own("Hi") == Own.model_validate(Own("Hi")) and Own("Hi").content == "Hi"

    messages = []
    for base in (Message, pydantic.BaseModel):

        class Replaced(base):  # type: ignore[misc, valid-type]
            @pydantic.model_validator(mode="after")
            def other(self) -> Any:
                return Message(role="user")

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Replaced(role="user")
        messages.append([str(warning.message) for warning in caught])  # none with older versions of pydantic
    assert messages[0] == messages[1]


# Iteration


@pytest.mark.parametrize(
    "body", [{**BODY, "stream": True}, ChatCompletionRequest(messages=[MESSAGE], stream=True)]
)
@pytest.mark.parametrize("answer", [ANSWER, STREAM])
def test_iterating_over_a_response_that_was_to_be_a_stream_warns(body: Any, answer: bytes) -> None:
    with RawServer([answer]) as server:
        client = ApiClient(Configuration(server.url, access_token="t", operator_id="o"))
        response: Any = ChatApi(client).chat_completion_on_chatroom("r", chat_completion_request=body)
    hint = r"for its chunks, call chat_completion_on_chatroom_stream$"
    with pytest.warns(UserWarning, match=hint) as caught:
        assert dict(response)["choices"] == response.choices
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match=hint):
        chunk = next(iter(response))
    with pytest.raises(AttributeError, match=hint):
        print(chunk.choices)
    noted = len(iteration._stream_methods)
    del response, chunk
    gc.collect()
    assert len(iteration._stream_methods) == noted - 1


@pytest.mark.parametrize(
    ("response", "hint"),
    [
        (
            GetChatroomsResponse(chatrooms=[ROOM]),
            r"iterate over .chatrooms, or over tachyon_sdk.paged\(...\) for all pages$",
        ),
        (tachyon_sdk.ChatroomsChatroomIdMessagesGetResponse(), "iterate over .messages, or over"),
        (ModelsResponse(models=[ModelInfo(id="m")]), "iterate over .models$"),
        (tachyon_sdk.ChatCompletionChunkResponse(), "as chat_completion_stream$"),
        (ROOM, "gives its properties as pairs$"),
    ],
)
def test_iterating_over_a_response_gives_pairs_with_a_hint(response: Any, hint: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = list(response)
        assert dict(response) == dict(pairs) == dict(response.__iter__())
    assert pairs == list(pydantic.BaseModel.__iter__(response))
    pair = pairs[0]
    assert (len(pair), pair[0], pair[-1], pair[:]) == (2, *pair, tuple(pair))
    assert copy.deepcopy(pair) == pickle.loads(pickle.dumps(pair)) == pair
    with pytest.raises(AttributeError, match=hint):
        print(pair.id)
    with pytest.raises(TypeError, match=hint):
        pair["id"]


def test_a_plain_call_leaves_nothing_behind() -> None:
    with RawServer([ANSWER, json_response({"chatrooms": []})]) as server:
        with ApiClient(Configuration(server.url, access_token="t", operator_id="o")) as client:
            noted = len(iteration._stream_methods)
            response = ChatApi(client).chat_completion(chat_completion_request={**BODY, "stream": False})
            DefaultApi(client).get_chatrooms()
            assert len(iteration._stream_methods) == noted
            assert dict(response)["choices"] == response.choices
