"""Programs as they are written for generated clients run unchanged, as programs of their own.

Each is plain text here, so that nothing of this test's process helps it along, and runs with warnings as errors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from support.raw_server import Connection, RawServer, json_response, stream_response

TEXT = "こんにちは, Kim"


def talk(connection: Connection) -> None:
    """Answers as the server does; a model named `error-<status>` is answered with that status."""
    while True:
        request = connection.read_request()
        body = request.json()
        model = body.get("model", "small")
        if model.startswith("error-"):
            error = {"code": "rehearsed", "message": "as asked for"}
            connection.send(json_response(error, int(model[6:]), {"X-Request-Id": "req-7"}))
        elif body.get("stream"):
            choices = [
                {"index": 0, "delta": {"role": "assistant", "content": TEXT[:5]}},
                {"index": 0, "delta": {"content": TEXT[5:]}},
                {"index": 0, "delta": {}, "finish_reason": "stop"},
            ]
            connection.send(stream_response(*({"id": "c1", "choices": [it]} for it in choices), "[DONE]"))
        else:
            message = {"role": "assistant", "content": TEXT}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
            answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": model}
            connection.send(json_response({**answer, "choices": [choice], "usage": usage}))


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer(handler=talk) as server:
        yield server


def run(program: str, *arguments: str, **environment: str) -> str:
    """What the program prints. It gets its arguments as `sys.argv[1:]`, and must end well and print no error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", textwrap.dedent(program), *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.stderr, done.returncode) == ("", 0), f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_familiar_import() -> None:
    run(
        """
        import tachyon_sdk
        import tachyon_sdk.api
        import tachyon_sdk.api.chat_api
        import tachyon_sdk.api_client
        import tachyon_sdk.api_response
        import tachyon_sdk.configuration
        import tachyon_sdk.exceptions
        import tachyon_sdk.models
        import tachyon_sdk.models.message
        import tachyon_sdk.rest
        from tachyon_sdk import *
        from tachyon_sdk import api, models, rest
        from tachyon_sdk.api import ChatApi as ApiFromApi
        from tachyon_sdk.api.chat_api import ChatApi as ApiFromModule
        from tachyon_sdk.api_client import ApiClient as ClientFromModule
        from tachyon_sdk.api_response import ApiResponse as ResponseFromModule, T
        from tachyon_sdk.configuration import (
            Configuration as ConfigurationFromModule, HostSetting, HostSettingVariable, ServerVariablesT,
        )
        from tachyon_sdk.exceptions import (
            ApiAttributeError, ApiException, ApiKeyError, ApiTypeError, ApiValueError, BadRequestException,
            ConflictException, ForbiddenException, NotFoundException, OpenApiException, ServiceException,
            UnauthorizedException, UnprocessableEntityException, render_path,
        )
        from tachyon_sdk.models import *
        from tachyon_sdk.models import Message as MessageFromModels
        from tachyon_sdk.models.message import Message as MessageFromModule
        from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest as RequestFromModule
        from tachyon_sdk.rest import ApiException as ErrorFromRest
        from tachyon_sdk.rest import RESTClientObject, RESTResponse, RESTResponseType

        assert tachyon_sdk.ChatApi is ChatApi is ApiFromApi is ApiFromModule is tachyon_sdk.api.ChatApi
        assert tachyon_sdk.ApiClient is ApiClient is ClientFromModule
        assert tachyon_sdk.ApiResponse is ApiResponse is ResponseFromModule
        assert tachyon_sdk.Configuration is Configuration is ConfigurationFromModule
        assert tachyon_sdk.ApiException is ApiException is ErrorFromRest is tachyon_sdk.rest.ApiException
        assert tachyon_sdk.OpenApiException is OpenApiException is tachyon_sdk.exceptions.OpenApiException
        assert tachyon_sdk.Message is Message is MessageFromModels is MessageFromModule
        assert tachyon_sdk.models.message.Message is Message is models.Message
        assert ChatCompletionRequest is RequestFromModule
        assert issubclass(ApiTypeError, TypeError) and issubclass(ApiValueError, ValueError)
        assert isinstance(tachyon_sdk.__version__, str)
        """
    )


DOCUMENTED = """
import sys
import tachyon_sdk
from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest
from tachyon_sdk.models.chat_completion_chunk_response import ChatCompletionChunkResponse
from tachyon_sdk.rest import ApiException
from pprint import pprint

configuration = tachyon_sdk.Configuration(
    host = sys.argv[1]
)

with tachyon_sdk.ApiClient(configuration) as api_client:
    api_instance = tachyon_sdk.ChatApi(api_client)
    x_operator_id = 'tn_example' # str |
    authorization = 'Bearer example' # str |
    chat_completion_request = {request} # ChatCompletionRequest |

    try:
        api_response = api_instance.{call}x_operator_id, authorization, chat_completion_request)
        print("The answer of ChatApi:\\n")
        pprint(api_response)
    except {error} as e:
        print("Exception when calling ChatApi: %s\\n" % e)
"""


@pytest.mark.parametrize("call", ["chat_completion(", "chat_completion_on_chatroom('room', "])
@pytest.mark.parametrize("error", ["ApiException", "Exception"])
def test_the_documented_example(server: RawServer, call: str, error: str) -> None:
    filled_in = "tachyon_sdk.ChatCompletionRequest(messages=[tachyon_sdk.Message(role='user', content='Hi')])"
    printed = run(
        DOCUMENTED.replace("{request}", filled_in).replace("{call}", call).replace("{error}", error),
        server.url,
    )
    assert "The answer of ChatApi" in printed and TEXT in printed and "Exception" not in printed


@pytest.mark.parametrize("call", ["chat_completion(", "chat_completion_on_chatroom('room', "])
def test_the_documented_example_as_it_has_always_been(server: RawServer, call: str) -> None:
    program = DOCUMENTED.replace("{request}", "tachyon_sdk.ChatCompletionRequest()").replace("{call}", call)
    printed = run(program.replace("{error}", "Exception"), server.url)
    assert "Exception when calling ChatApi" in printed and "messages" in printed


def test_a_configuration_with_everything_set(server: RawServer) -> None:
    printed = run(
        """
        import logging, socket, sys, urllib3
        import tachyon_sdk

        configuration = tachyon_sdk.Configuration(
            host=sys.argv[1] + "/",
            api_key={"Authorization": "key"},
            api_key_prefix={"Authorization": "Bearer"},
            username="user",
            password="password",
            access_token=None,
            server_variables={},
            server_operation_index={},
            server_operation_variables={},
            ignore_operation_servers=False,
            ssl_ca_cert=None,
            retries=urllib3.Retry(3),
            ca_cert_data=None,
            cert_file=None,
            key_file=None,
            verify_ssl=True,
            assert_hostname=None,
            tls_server_name=None,
            connection_pool_maxsize=4,
            proxy=None,
            no_proxy="localhost,127.0.0.1",
            proxy_headers=None,
            safe_chars_for_path_param="",
            client_side_validation=True,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            datetime_format="%Y-%m-%dT%H:%M:%S.%f%z",
            date_format="%Y-%m-%d",
            debug=False,
        )
        configuration.username = configuration.password = None
        configuration.api_key["Authorization"] = "other"
        configuration.verify_ssl = False
        configuration.verify_ssl = True
        configuration.retries = 2
        configuration.client_side_validation = False
        configuration.temp_folder_path = None
        configuration.logger_format = "%(levelname)s %(message)s"
        configuration.logger["package_logger"].setLevel(logging.WARNING)
        configuration.a_setting_of_my_own = 1
        assert configuration.get_api_key_with_prefix("Authorization") == "Bearer other"
        assert configuration.get_host_settings()[0]["url"]
        assert configuration.get_host_from_settings(0).startswith("http")
        assert isinstance(configuration.auth_settings(), dict)
        assert "Python" in configuration.to_debug_report()

        tachyon_sdk.Configuration.set_default(configuration)
        assert tachyon_sdk.Configuration.get_default() is configuration
        assert tachyon_sdk.Configuration.get_default_copy().host == configuration.host

        request = tachyon_sdk.ChatCompletionRequest(messages=[{"role": "user", "content": "Hi"}])
        api = tachyon_sdk.ChatApi()
        assert api.api_client.configuration.host == sys.argv[1]
        print(api.chat_completion("tn_example", "Bearer explicit", request).choices[0].delta.content)
        print(api.chat_completion(x_operator_id="tn_example", chat_completion_request=request).id)
        """,
        server.url,
    )
    assert printed.splitlines() == [TEXT, "c1"]
    assert [it.get("authorization") for it in server.requests[-2:]] == ["Bearer explicit", "Bearer other"]


def test_every_form_of_a_call(server: RawServer) -> None:
    printed = run(
        """
        import json, sys
        import tachyon_sdk
        from tachyon_sdk.models import ChatCompletionRequest, ContentPart, Message, MessageContent, ToolChoice

        configuration = tachyon_sdk.Configuration(host=sys.argv[1])
        with tachyon_sdk.ApiClient(
            configuration, header_name="X-One", header_value="1", cookie="a=1"
        ) as api_client:
            api_client.set_default_header("X-Two", "2")
            api_client.default_headers["X-Three"] = "3"
            api_client.user_agent = "my-program/1.0"
            api = tachyon_sdk.ChatApi(api_client=api_client)

            request = ChatCompletionRequest(
                messages=[
                    Message(role="system", content=MessageContent("You are kind.")),
                    Message(role="user", content=MessageContent(actual_instance="Hello")),
                    Message(role="user", content=MessageContent([ContentPart(type="text", text="there")])),
                    Message.from_dict({"role": "user", "content": "!"}),
                ],
                model="small", temperature=0.5, n=1, tool_choice=ToolChoice.AUTO,
            )
            request.max_completion_tokens = 100
            assert ChatCompletionRequest.from_json(request.to_json()) == request
            assert ChatCompletionRequest.from_dict(request.to_dict()) == request
            assert json.loads(request.to_json()) == request.to_dict()
            assert "Hello" in request.to_str() and "Hello" in str(request)
            assert ChatCompletionRequest.from_dict(None) is None
            assert request.model_dump(exclude_none=True)["messages"][1]["role"] == "user"

            credentials = dict(x_operator_id="tn_example", authorization="Bearer example")
            options = dict(_request_timeout=(5, 30.5), _headers={"X-Four": "4"}, _host_index=0)

            answer = api.chat_completion("tn_example", "Bearer example", request, 30)
            again = api.chat_completion(chat_completion_request=request, **credentials, **options)
            room = api.chat_completion_on_chatroom("a room", "tn_example", "Bearer example", request)
            assert answer == again
            assert isinstance(answer, tachyon_sdk.ChatCompletionChunkResponse)
            assert isinstance(room, tachyon_sdk.ChatCompletionWithChatroomStreamResponse)
            assert answer.to_dict() == type(answer).from_json(answer.to_json()).to_dict()
            assert answer.choices[0].delta.role == "assistant" and answer.choices[0].finish_reason == "stop"
            print(room.choices[0].delta.content)

            response = api.chat_completion_with_http_info(
                chat_completion_request=request, _content_type="application/json", **credentials,
                _request_auth={"in": "header", "type": "api_key", "key": "X-Five", "value": "5"},
            )
            assert isinstance(response, tachyon_sdk.ApiResponse)
            assert response.status_code == 200 and response.data == answer
            assert response.headers.get("Content-Type") == response.headers["content-type"] == "application/json"
            assert json.loads(response.raw_data)["id"] == "c1"

            request.stream = True
            raw = api.chat_completion_without_preload_content(chat_completion_request=request, **credentials)
            assert (raw.status, raw.headers["Content-Type"]) == (200, "text/event-stream")
            lines = [line for line in raw if line.startswith(b"data:")]
            assert len(lines) == 4 and lines[-1].split() == [b"data:", b"[DONE]"]

            room = api.chat_completion_on_chatroom_without_preload_content(
                "a room", "tn_example", "Bearer example", request
            )
            assert b"[DONE]" in room.data
            raw = api.chat_completion_without_preload_content(chat_completion_request=request, **credentials)
            assert b"[DONE]" in b"".join(raw.stream())
            print(api.chat_completion(chat_completion_request=request, **credentials).choices[0].delta.content)
        """,
        server.url,
    )
    assert printed.splitlines() == [TEXT, TEXT]
    requests = server.requests[-8:]
    assert requests[2].target == "/v1/llms/chatrooms/a%20room/chat/completions"
    for request in requests:
        names = ("X-One", "X-Two", "X-Three", "Cookie", "User-Agent", "x-operator-id", "authorization")
        assert [request.get(name) for name in names] == [
            *("1", "2", "3", "a=1", "my-program/1.0"),
            *("tn_example", "Bearer example"),
        ]
    assert requests[1].get("X-Four") == "4" and requests[3].get("X-Five") == "5"
    assert requests[0].json() == {
        "messages": [
            {"role": "system", "content": "You are kind."},
            {"role": "user", "content": "Hello"},
            {"role": "user", "content": [{"type": "text", "text": "there"}]},
            {"role": "user", "content": "!"},
        ],
        "model": "small",
        "temperature": 0.5,
        "n": 1,
        "tool_choice": "auto",
        "max_completion_tokens": 100,
    }


def test_every_error_where_a_program_looks_for_it(server: RawServer) -> None:
    run(
        """
        import sys
        import tachyon_sdk
        from tachyon_sdk.exceptions import (
            ApiException, BadRequestException, ConflictException, ForbiddenException, NotFoundException,
            OpenApiException, ServiceException, UnauthorizedException, UnprocessableEntityException,
        )

        configuration = tachyon_sdk.Configuration(host=sys.argv[1], retries=0)
        api = tachyon_sdk.ChatApi(tachyon_sdk.ApiClient(configuration))

        def ask(status):
            request = tachyon_sdk.ChatCompletionRequest(
                model=f"error-{status}", messages=[tachyon_sdk.Message(role="user", content="Hi")]
            )
            return api.chat_completion("tn_example", "Bearer example", request)

        expected = {
            400: BadRequestException, 401: UnauthorizedException, 403: ForbiddenException,
            404: NotFoundException, 409: ConflictException, 422: UnprocessableEntityException,
            500: ServiceException, 502: ServiceException, 503: ServiceException, 418: ApiException,
        }
        for status, kind in expected.items():
            try:
                ask(status)
            except kind as e:
                assert isinstance(e, (ApiException, OpenApiException))
                assert e.status == status and isinstance(e.reason, str)
                assert '"message": "as asked for"' in e.body
                assert e.headers["x-request-id"] == e.headers.get("X-Request-Id") == "req-7"
                assert str(status) in str(e) and "as asked for" in "%s" % e
                assert e.data is None or e.data
            else:
                raise AssertionError(status)

        try:
            ask(404)
        except tachyon_sdk.rest.ApiException as e:
            if e.status != 404:
                raise
        error = tachyon_sdk.ApiException(status=404, reason="Not Found")
        assert (error.status, error.reason, error.body, error.headers) == (404, "Not Found", None, None)
        error.body = "set later"
        assert "404" in str(error) and "Not Found" in str(error)
        assert tachyon_sdk.ApiException(0, "nothing").status == 0

        for wrong in (None, 5, tachyon_sdk.ChatCompletionRequest()):
            try:
                api.chat_completion("tn_example", "Bearer example", wrong)
            except (ValueError, TypeError) as e:
                assert str(e)
            else:
                raise AssertionError(wrong)
        """,
        server.url,
    )


def test_settings_of_the_machine_are_enough(server: RawServer) -> None:
    printed = run(
        """
        import tachyon_sdk
        request = tachyon_sdk.ChatCompletionRequest(messages=[{"role": "user", "content": "Hi"}])
        with tachyon_sdk.ApiClient() as api_client:
            answer = tachyon_sdk.ChatApi(api_client).chat_completion(chat_completion_request=request)
        print(answer.choices[0].delta.content)
        """,
        TACHYON_API_URL=server.url,
        TACHYON_API_KEY="from-the-machine",
        TACHYON_OPERATOR_ID="tn_machine",
    )
    assert printed.splitlines() == [TEXT]
    request = server.requests[-1]
    assert request.get("authorization") == "Bearer from-the-machine"
    assert request.get("x-operator-id") == "tn_machine"


ROOMS_AND_MODELS = """
import sys
import tachyon_sdk
from tachyon_sdk.api.chatroom_api import ChatroomApi
from tachyon_sdk.api.default_api import DefaultApi
from tachyon_sdk.api.models_api import ModelsApi
from tachyon_sdk.models.chat_message import ChatMessage
from tachyon_sdk.models.chat_room import ChatRoom
from tachyon_sdk.models.create_chat_room_request import CreateChatRoomRequest
from tachyon_sdk.models.create_chat_room_response import CreateChatRoomResponse
from tachyon_sdk.models.get_chatrooms_response import GetChatroomsResponse
from tachyon_sdk.models.chatrooms_chatroom_id_messages_get_response import ChatroomsChatroomIdMessagesGetResponse
from tachyon_sdk.models.models_response import ModelsResponse
from tachyon_sdk.models.supported_feature import SupportedFeature
from tachyon_sdk.models.update_chatroom_request import UpdateChatroomRequest
from tachyon_sdk.rest import ApiException
from pprint import pprint

configuration = tachyon_sdk.Configuration(
    host = sys.argv[1]
)
x_operator_id = 'tn_example' # str |
authorization = 'Bearer example' # str |

with tachyon_sdk.ApiClient(configuration) as api_client:
    models_api = tachyon_sdk.ModelsApi(api_client)
    supported_feature = [tachyon_sdk.SupportedFeature.STREAMING] # List[SupportedFeature] |  (optional)
    require_agent_product = False # bool |  (optional)
    try:
        api_response = models_api.get_models(
            x_operator_id, authorization, supported_feature=supported_feature,
            require_agent_product=require_agent_product)
        assert isinstance(api_response, ModelsResponse)
        assert api_response.models[0].supported_features[0] == SupportedFeature.STREAMING
        print(api_response.total_count, api_response.models[0].context_window)
    except Exception as e:
        print("Exception when calling ModelsApi->get_models: %s\\n" % e)

    chatroom_api = tachyon_sdk.ChatroomApi(api_client)
    create_chat_room_request = tachyon_sdk.CreateChatRoomRequest(name='Weather', metadata={'user_id': 'u'})
    created = chatroom_api.create_chatroom(x_operator_id, authorization, create_chat_room_request)
    assert isinstance(created, CreateChatRoomResponse) and isinstance(created.chatroom, ChatRoom)
    chatroom_id = created.chatroom.id
    print(created.chatroom.created_at.year, created.chatroom.metadata)
    updated = chatroom_api.update_chatroom(
        chatroom_id, x_operator_id, authorization, update_chatroom_request=UpdateChatroomRequest(name='Oslo'))
    print(updated.chatroom.name)

    api_instance = tachyon_sdk.DefaultApi(api_client)
    page = api_instance.get_chatrooms(
        x_operator_id, authorization, limit=56, offset=0, search='Osl', metadata_user_id='u')
    assert isinstance(page, GetChatroomsResponse)
    print([room.name for room in page.chatrooms], page.paginator.total_items)
    limit = 56 # int |
    offset = 0 # int |
    search = '' # str |
    messages = api_instance.get_chatroom_messages(chatroom_id, x_operator_id, authorization, limit, offset, search)
    assert isinstance(messages, ChatroomsChatroomIdMessagesGetResponse)
    for message in messages.messages:
        assert isinstance(message, ChatMessage)
        print(message.role, message.content.actual_instance.text, message.created_at.isoformat())
    print(ChatMessage.from_json(messages.messages[0].to_json()) == messages.messages[0])
    print(api_instance.get_chatrooms_with_http_info(x_operator_id, authorization).status_code)
    print(chatroom_api.delete_chatroom(chatroom_id, x_operator_id, authorization))
    try:
        chatroom_api.delete_chatroom('gone', x_operator_id, authorization)
    except ApiException as e:
        print(e.status, e.body)
"""


def keep_rooms(connection: Connection) -> None:
    """Answers as the server does, with one room."""
    room = {"id": "r 1", "name": "Weather", "operator_id": "tn_example", "owner_id": "u", "metadata": {}}
    times = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05.5Z"}
    while True:
        request = connection.read_request()
        path = request.target.partition("?")[0].removeprefix("/v1/llms/")
        match request.method, path:
            case "GET", "models":
                model = {"id": "a/b", "name": "B", "provider": "a", "supported_features": ["streaming"]}
                models = [{**model, "context_window": 9}]
                connection.send(json_response({"models": models, "total_count": 1}))
            case "POST" | "PATCH", "chatrooms" | "chatrooms/r%201":
                room |= request.json()
                connection.send(json_response({"chatroom": {**room, **times}}))
            case "GET", "chatrooms":
                paginator = {"current_page": 1, "items_per_page": 56, "total_items": 1, "total_pages": 1}
                connection.send(json_response({"chatrooms": [{**room, **times}], "paginator": paginator}))
            case "GET", "chatrooms/r%201/messages":
                content = {"type": "text", "text": "Hi"}
                message = {
                    "id": "m",
                    "user_id": "u",
                    "chatroom_id": "r 1",
                    "role": "user",
                    "content": content,
                }
                connection.send(json_response({"messages": [{**message, "created_at": times["created_at"]}]}))
            case "DELETE", "chatrooms/r%201":
                connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            case _:
                connection.send(json_response({"code": "not_found", "message": "no such room"}, 404))


def test_chatrooms_and_models() -> None:
    with RawServer(handler=keep_rooms) as server:
        printed = run(ROOMS_AND_MODELS, server.url)
    assert printed.splitlines() == [
        "1 9",
        "2026 {'user_id': 'u'}",
        "Oslo",
        "['Oslo'] 1",
        "user Hi 2026-01-02T03:04:05+00:00",
        "True",
        "200",
        "None",
        '404 {"code": "not_found", "message": "no such room"}',
    ]
    assert {request.get("x-operator-id") for request in server.requests} == {"tn_example"}


def test_every_form_of_a_call_of_chatrooms_and_models() -> None:
    with RawServer(handler=keep_rooms) as server:
        printed = run(
            """
            import json, sys
            from tachyon_sdk import *

            with ApiClient(Configuration(host=sys.argv[1])) as api_client:
                rooms, lists, models = ChatroomApi(api_client), DefaultApi(api_client), ModelsApi(api_client)
                place = "tn_example", "Bearer example"
                names = dict(x_operator_id="tn_example", authorization="Bearer example")

                info = models.get_models_with_http_info(*place, [SupportedFeature.STREAMING], False)
                assert (info.status_code, info.headers["Content-Type"]) == (200, "application/json")
                assert ModelsResponse.from_json(info.raw_data.decode()) == info.data
                assert info.data.models[0].to_dict() == json.loads(info.raw_data)["models"][0]
                raw = models.get_models_without_preload_content(_request_timeout=(5, 6), _headers={"A": "1"}, **names)
                assert json.loads(raw.data)["total_count"] == 1

                body = CreateChatRoomRequest.from_dict({"name": "N", "metadata": None})
                room = rooms.create_chatroom_with_http_info(create_chat_room_request=body, **names).data.chatroom
                assert (room.name, room.metadata, room.created_at.tzinfo is not None) == ("N", None, True)
                raw = rooms.create_chatroom_without_preload_content(*place, CreateChatRoomRequest(name="M"))
                assert CreateChatRoomResponse.from_json(raw.data.decode("utf-8")).chatroom.name == "M"
                change = UpdateChatroomRequest.from_json('{"metadata": {"a": [1]}}')
                room = rooms.update_chatroom("r 1", *place, change).chatroom
                assert room.model_dump(exclude_none=True)["metadata"] == {"a": [1]}
                assert rooms.update_chatroom_with_http_info("r 1", *place, change).data.chatroom == room
                assert rooms.delete_chatroom_with_http_info(chatroom_id="r 1", **names).data is None
                assert rooms.delete_chatroom_without_preload_content("r 1", *place).status == 204

                page = lists.get_chatrooms(*place, 10, 0)
                assert page.to_dict()["paginator"]["total_items"] == page.paginator.total_items == 1
                room = page.chatrooms[0]
                assert page.model_dump(mode="json")["chatrooms"][0]["created_at"] == "2026-01-02T03:04:05Z"
                assert json.loads(page.model_dump_json()) == json.loads(page.to_json())
                assert ChatRoom(**room.model_dump()) == ChatRoom.model_validate(room.model_dump()) == room
                assert lists.get_chatrooms_without_preload_content(limit=10, search=None, **names).status == 200

                everything = dict(
                    limit=1, offset=0, search="", _request_timeout=5, _content_type="application/json", _headers={},
                    _request_auth={"type": "api_key", "in": "header", "key": "Authorization", "value": "Bearer z"},
                )
                info = lists.get_chatroom_messages_with_http_info("r 1", **names, **everything)
                message = info.data.messages[0]
                assert isinstance(message.content.actual_instance, TextPart) and message.role == Role.USER
                assert ChatMessage.from_dict(message.to_dict()) == message
                assert message.model_dump()["content"] == {"type": "text", "text": "Hi"}
                for part in Part(message.content), Part(actual_instance=TextPart(type="text", text="Hi")):
                    assert Part.from_json(part.to_json()) == Part.from_dict(part.to_dict()) == part
                raw = lists.get_chatroom_messages_without_preload_content("r 1", *place, 1, 0, "")
                assert b"Hi" in raw.data
                print(SupportedFeature.from_json('"vision"'), SupportedFeature("vision").value, message.role.value)
            """,
            server.url,
        )
    assert printed.splitlines() == ["vision vision user"]
    sent = [
        (request.method, request.target.removeprefix("/v1/llms/"), request.body)
        for request in server.requests
    ]
    assert sent == [
        ("GET", "models?supported_feature=streaming&require_agent_product=false", b""),
        ("GET", "models", b""),
        ("POST", "chatrooms", b'{"name":"N","metadata":null}'),
        ("POST", "chatrooms", b'{"name":"M"}'),
        *[("PATCH", "chatrooms/r%201", b'{"metadata":{"a":[1]}}')] * 2,
        *[("DELETE", "chatrooms/r%201", b"")] * 2,
        ("GET", "chatrooms?limit=10&offset=0", b""),
        ("GET", "chatrooms?limit=10", b""),
        *[("GET", "chatrooms/r%201/messages?limit=1&offset=0&search=", b"")] * 2,
    ]
