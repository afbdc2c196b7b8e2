"""Chatrooms and models: what goes over the wire, and how the responses are read."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import tachyon_sdk
from support.raw_server import Connection, RawServer, json_response
from tachyon_sdk import (
    ApiClient,
    ApiTypeError,
    ApiValueError,
    ChatMessage,
    ChatRoom,
    ChatroomApi,
    Configuration,
    ConnectionException,
    CreateChatRoomRequest,
    DefaultApi,
    GetChatroomsResponse,
    ModelsApi,
    Part,
    Role,
    ServiceException,
    SupportedFeature,
    TextPart,
    TimeoutException,
    ToolCallPart,
    UpdateChatroomRequest,
)
from tachyon_sdk._contract.date_time import FineDateTime
from tachyon_sdk._contract.model import UnknownMember

ROOM = {"id": "room-1", "name": "n", "operator_id": "tn_1", "owner_id": "u", "metadata": {"a": [1, None]}}
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


def client(server: RawServer, **settings: Any) -> ApiClient:
    return ApiClient(Configuration(server.url, access_token="t", operator_id="tn_1", **settings))


def lost(connection: Connection) -> None:
    """Reads a request and ends the connection."""
    connection.read_request()


# Parameters


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, ""),
        ({"supported_feature": []}, ""),
        ({"supported_feature": ["vision"]}, "?supported_feature=vision"),
        (
            {"supported_feature": (SupportedFeature.VISION, "a&b"), "require_agent_product": False},
            "?supported_feature=vision&supported_feature=a%26b&require_agent_product=false",
        ),
        ({"require_agent_product": True}, "?require_agent_product=true"),
        ({"supported_feature": {"vision"}}, "?supported_feature=vision"),
        (
            {"supported_feature": iter(["vision", "日"])},
            "?supported_feature=vision&supported_feature=%E6%97%A5",
        ),
    ],
)
def test_queries_of_lists_and_truth_values(arguments: dict[str, Any], query: str) -> None:
    with RawServer([json_response({"models": [], "total_count": 0})]) as server, client(server) as api_client:
        ModelsApi(api_client).get_models(**arguments)
        assert server.requests[0].target == f"/v1/llms/models{query}"


class Size(enum.IntEnum):
    SMALL = 3


class NumpyInteger:
    shape = ()

    def item(self) -> int:
        return 7


@pytest.mark.parametrize(("limit", "sent"), [(5, "5"), (Size.SMALL, "3"), (NumpyInteger(), "7")])
def test_integers_of_any_kind_in_a_query(limit: Any, sent: str) -> None:
    with RawServer([json_response({"chatrooms": []})]) as server, client(server) as api_client:
        DefaultApi(api_client).get_chatrooms(limit=limit)
        assert server.requests[0].target == f"/v1/llms/chatrooms?limit={sent}"


def test_a_query_parameter_that_is_wrong_is_named_before_anything_is_sent() -> None:
    with RawServer([]) as server, client(server) as api_client:
        api: Any = DefaultApi(api_client)
        with pytest.raises(ApiTypeError, match=r"^limit must be a valid integer, not 'ten'$"):
            api.get_chatrooms(limit="ten")
        with pytest.raises(ApiValueError, match=r"^limit must be greater than or equal to 1, not -1$"):
            next(tachyon_sdk.paged(api.get_chatrooms, limit=-1))
        with pytest.raises(ApiTypeError, match=r"^search must be a valid string, not dict$"):
            api.get_chatroom_messages_without_preload_content("r", search={"long": "x" * 60})
        models: Any = ModelsApi(api_client)
        with pytest.raises(ApiTypeError, match=r"^supported_feature\[1\] must be a valid string, not 5$"):
            models.get_models_with_http_info(supported_feature=["vision", 5])
        assert server.requests == []


def test_required_parameters_with_a_default_are_sent() -> None:
    with RawServer([json_response({"messages": []})] * 2) as server, client(server) as api_client:
        DefaultApi(api_client).get_chatroom_messages("a b")
        DefaultApi(api_client).get_chatroom_messages("r", limit=5, offset=10, search="日")
        assert [request.target for request in server.requests] == [
            "/v1/llms/chatrooms/a%20b/messages?limit=20&offset=0&search=",
            "/v1/llms/chatrooms/r/messages?limit=5&offset=10&search=%E6%97%A5",
        ]
        with pytest.raises(ApiValueError, match=r"^limit is missing"):
            DefaultApi(api_client).get_chatroom_messages("r", limit=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (UpdateChatroomRequest(), {}),
        (UpdateChatroomRequest(name=None), {"name": None}),
        (UpdateChatroomRequest(metadata=None), {"metadata": None}),
        (
            UpdateChatroomRequest(name="", metadata=[1, {"a": None}]),
            {"name": "", "metadata": [1, {"a": None}]},
        ),
        ({"metadata": 0}, {"metadata": 0}),
    ],
)
def test_a_patch_tells_absent_from_null(body: Any, sent: dict[str, Any]) -> None:
    with RawServer([json_response({"chatroom": ROOM})]) as server, client(server) as api_client:
        room = ChatroomApi(api_client).update_chatroom("r", update_chatroom_request=body).chatroom
        assert (server.requests[0].method, server.requests[0].json()) == ("PATCH", sent)
        assert (room.id, room.metadata) == ("room-1", {"a": [1, None]})


def test_a_response_without_a_body() -> None:
    with RawServer([NOTHING] * 3) as server, client(server) as api_client:
        api = ChatroomApi(api_client)
        assert api.delete_chatroom("r") is None  # type: ignore[func-returns-value]
        info = api.delete_chatroom_with_http_info("r")
        assert (info.status_code, info.data, info.raw_data) == (204, None, b"")
        assert api.delete_chatroom_without_preload_content("r").status == 204
        assert {(request.method, request.body) for request in server.requests} == {("DELETE", b"")}


def test_the_end_user_is_sent_where_set(monkeypatch: pytest.MonkeyPatch) -> None:
    page = json_response({"models": []})
    with RawServer([page] * 4) as server:
        ModelsApi(client(server)).get_models()
        ModelsApi(client(server, user_id="user-1")).get_models()
        ModelsApi(client(server, user_id="user-1")).get_models(_headers={"X-User-Id": "user-2"})
        monkeypatch.setenv("TACHYON_USER_ID", "user-3")
        ModelsApi(client(server)).get_models()
        sent = [request.get_all("x-user-id") for request in server.requests]
    assert sent == [[], ["user-1"], ["user-2"], ["user-3"]]
    with pytest.raises(ApiValueError, match="user_id"):
        Configuration(user_id="a\nb")


# Responses


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ("2026-01-02T03:04:05.678901Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)),
        (
            "2026-01-02T03:04:05.100000+09:00",
            datetime(2026, 1, 2, 3, 4, 5, 100000, timezone(timedelta(hours=9))),
        ),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
    ],
)
def test_points_in_time_are_read_and_written_without_loss(text: str, value: datetime) -> None:
    room = ChatRoom.from_dict({**ROOM, "created_at": text})
    assert room.created_at == value and room.created_at.tzinfo == value.tzinfo
    assert room.to_dict()["created_at"] == json.loads(room.to_json())["created_at"] == text
    assert ChatRoom.from_json(room.to_json()) == room


FINE = [
    ("2025-01-01T00:00:00.123456789Z", datetime(2025, 1, 1, 0, 0, 0, 123456, timezone.utc)),
    (
        "2025-12-31T23:59:59.9999999+09:00",
        datetime(2025, 12, 31, 23, 59, 59, 999999, timezone(timedelta(hours=9))),
    ),
    ("2025-01-01t00:00:00.0000001z", datetime(2025, 1, 1, tzinfo=timezone.utc)),
    ("2025-01-01 00:00:00.000000000001", datetime(2025, 1, 1)),
]


@pytest.mark.parametrize(("text", "value"), FINE)
def test_a_time_that_is_finer_than_microseconds_is_cut_off_and_written_as_it_came(
    text: str, value: datetime
) -> None:
    page = GetChatroomsResponse.from_json(json.dumps({"chatrooms": [{**ROOM, "created_at": text}]}))
    room = page.chatrooms[0]
    time: Any = room.created_at
    assert isinstance(time, datetime) and time == value and hash(time) == hash(value) and time.text == text
    same = [
        page.to_dict(),
        json.loads(page.to_json()),
        GetChatroomsResponse.from_dict(page.to_dict()).to_dict(),
        copy.deepcopy(page).to_dict(),
        pickle.loads(pickle.dumps(page)).to_dict(),
        page.model_copy(deep=True).to_dict(),
        page.model_dump(mode="json"),
        json.loads(page.model_dump_json()),
        {"chatrooms": [ChatRoom(created_at=time).to_dict()]},
        # Where the contract allows anything.
        {"chatrooms": [CreateChatRoomRequest(metadata={"created_at": time}).to_dict()["metadata"]]},
    ]
    assert [each["chatrooms"][0]["created_at"] for each in same] == [text] * len(same)
    assert page.model_dump()["chatrooms"][0]["created_at"] is time


def test_a_time_that_was_changed_or_computed_is_written_as_it_is() -> None:
    room = ChatRoom.from_dict({**ROOM, "created_at": FINE[0][0], "updated_at": FINE[0][0]})
    assert room.created_at is not None and room.updated_at is not None
    room.created_at += timedelta(days=1)
    assert room.to_dict()["created_at"] == "2025-01-02T00:00:00.123456Z"
    room.created_at = room.updated_at.replace(microsecond=0)
    assert json.loads(room.to_json())["created_at"] == "2025-01-01T00:00:00Z"
    room.created_at = datetime(2026, 1, 2)
    assert room.to_dict()["created_at"] == "2026-01-02T00:00:00"
    assert copy.copy(room.updated_at.astimezone(timezone.utc)) == room.updated_at


def test_a_fine_time_without_the_private_attribute_of_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FineDateTime, "__pydantic_serializer__")
    room = ChatRoom.from_dict({**ROOM, "created_at": FINE[0][0]})
    assert room.to_dict()["created_at"] == "2025-01-01T00:00:00.123456Z"
    assert json.loads(room.to_json())["created_at"] == "2025-01-01T00:00:00.123456Z"


def test_a_time_that_a_datetime_can_hold_is_one() -> None:
    for text in ("2025-01-01T00:00:00.123456000Z", "2025-01-01T00:00:00.5Z", "2025-01-01T00:00:00Z"):
        assert type(ChatRoom.from_dict({**ROOM, "created_at": text}).created_at) is datetime


@pytest.mark.parametrize(
    "odd",
    [
        "yesterday",
        "0",
        "1700000000",
        1700000000,
        1.5,
        "2026-13-01T00:00:00Z",
        "2025-12-31T23:59:60.0000001Z",
        True,
        {},
        None,
    ],
)
def test_what_is_not_a_point_in_time_is_kept(odd: Any) -> None:
    room = ChatRoom.from_json(json.dumps({**ROOM, "created_at": odd}))
    assert room.created_at == odd
    assert room.to_dict()["created_at"] == odd


def message(content: Any, role: str = "user") -> ChatMessage:
    return ChatMessage.from_json(json.dumps({"id": "m", "role": role, "content": content}))


def test_the_type_selects_the_class_of_the_content() -> None:
    content = message({"type": "text", "text": "Hi"}).content
    assert type(content) is TextPart and content.text == "Hi"
    call = {"type": "tool-call", "tool_call_id": "c", "tool_name": "t", "args": "{}", "is_client_tool": None}
    part = message(call).content
    assert type(part) is ToolCallPart and part.tool_name == "t" and part.to_dict() == call
    # As in the wrapper of generated clients.
    assert part.actual_instance is part
    assert Part.from_dict(call).actual_instance == part
    assert ChatMessage(content=Part(part)).content is part


@pytest.mark.parametrize(
    "content",
    [{"type": "video", "video": "v", "n": [1]}, {"type": None}, {"no": "type"}, {"type": {"a": 1}}, {}],
)
def test_unknown_contents_stay_readable(content: dict[str, Any]) -> None:
    read = message(content)
    assert type(read.content) is UnknownMember
    assert read.content.type == content.get("type")
    assert read.content.to_dict() == read.to_dict()["content"] == content
    for key in content:
        assert getattr(read.content, key) == content[key]


@pytest.mark.parametrize("content", ["text", 5, [], None])
def test_a_content_that_is_not_an_object_is_kept(content: Any) -> None:
    assert message(content).content == content == message(content).to_dict()["content"]


def test_enumerations_may_grow() -> None:
    assert message(None, "tool").role is Role.TOOL
    assert message(None, "observer").role == "observer"
    model = {"id": "a/b", "supported_features": ["vision", "smell"]}
    with RawServer([json_response({"models": [model, {"id": "c"}]})]) as server, client(server) as api_client:
        first, second = ModelsApi(api_client).get_models().models
    assert first.supported_features == [SupportedFeature.VISION, "smell"]
    assert first.supported_features[0] is SupportedFeature.VISION and second.supported_features == []


# Retries


CALLS: dict[str, Callable[[ApiClient], Any]] = {
    "GET": lambda api_client: DefaultApi(api_client).get_chatrooms(),
    "POST": lambda api_client: ChatroomApi(api_client).create_chatroom(create_chat_room_request={}),
    "PATCH": lambda api_client: ChatroomApi(api_client).update_chatroom("r", update_chatroom_request={}),
    "DELETE": lambda api_client: ChatroomApi(api_client).delete_chatroom("r"),
}
PAGE = json_response({"chatrooms": [ROOM]})
HALF = PAGE[: len(PAGE) - 5]


def after_a_loss(sent: bytes) -> Callable[[Connection], None]:
    """The first connection ends after these bytes of its response; the others get all of it."""

    def handle(connection: Connection) -> None:
        connection.read_request()
        connection.send(PAGE if connection.number else sent)

    return handle


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", HALF])
def test_only_a_get_is_repeated_after_a_lost_connection(sent: bytes) -> None:
    policy = tachyon_sdk.RetryPolicy(backoff=0)
    for method, call in CALLS.items():
        with RawServer(handler=after_a_loss(sent)) as server, client(server, retries=policy) as api_client:
            if method == "GET":
                assert call(api_client).chatrooms[0].id == "room-1"
            else:
                with pytest.raises(tachyon_sdk.ApiException):
                    call(api_client)
            assert len(server.requests) == 1 + (method == "GET")


def test_a_get_that_is_lost_each_time_fails_with_its_last_error() -> None:
    with RawServer(handler=lost) as server:
        with client(server, retries=tachyon_sdk.RetryPolicy(2, backoff=0)) as api_client:
            with pytest.raises(ConnectionException) as caught:
                DefaultApi(api_client).get_chatrooms()
        assert caught.value.attempts == len(server.requests) == 3
    with RawServer(handler=lost) as server, client(server, retries=0) as api_client:
        with pytest.raises(ConnectionException):
            DefaultApi(api_client).get_chatrooms()
        assert len(server.requests) == 1


def test_a_get_is_not_repeated_after_a_timeout() -> None:
    def silent(connection: Connection) -> None:
        connection.read_request()
        connection.await_close()

    with RawServer(handler=silent) as server, client(server, read_timeout=0.05) as api_client:
        with pytest.raises(TimeoutException):
            DefaultApi(api_client).get_chatrooms()
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", CALLS)
def test_every_method_is_repeated_where_the_server_did_nothing(method: str) -> None:
    busy, failed = json_response({"message": "busy"}, 503), json_response({"message": "failed"}, 500)
    with RawServer([busy, failed]) as server:
        with client(server, retries=tachyon_sdk.RetryPolicy(backoff=0)) as api_client:
            with pytest.raises(ServiceException):
                CALLS[method](api_client)
        assert [request.method for request in server.requests] == [method] * 2


# Pages


def rooms(first: int, end: int) -> list[dict[str, Any]]:
    return [{"id": f"room-{number}", "name": str(number)} for number in range(first, end)]


def serve(total: int, most: int = 100, says: int | None = None) -> Callable[[Connection], None]:
    """Serves a list; a page has at most `most` items, and reports `says` as the total, none for None."""

    def handle(connection: Connection) -> None:
        while True:
            query = dict(
                pair.split("=") for pair in connection.read_request().target.partition("?")[2].split("&")
            )
            offset, limit = int(query["offset"]), min(most, int(query.get("limit", 20)))
            page: dict[str, Any] = {"chatrooms": rooms(offset, min(total, offset + limit))}
            if says is not None:
                page["paginator"] = {"total_items": says}
            connection.send(json_response(page))

    return handle


@pytest.mark.parametrize(
    ("total", "most", "says", "requests"),
    [
        (0, 100, 0, 1),
        (5, 100, 5, 1),
        (20, 100, 20, 2),
        (25, 100, 25, 3),
        (25, 4, 25, 7),  # fewer than the limit on each page
        (25, 100, None, 4),  # no total: until a page is empty
        (5, 100, 1000, 2),  # fewer than it says
    ],
)
def test_all_pages_are_read(total: int, most: int, says: int | None, requests: int) -> None:
    with RawServer(handler=serve(total, most, says)) as server, client(server) as api_client:
        found = [room.id for room in tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms, limit=10)]
        assert found == [room["id"] for room in rooms(0, total)]
        assert len(server.requests) == requests


def test_pages_are_requested_when_they_are_needed() -> None:
    with RawServer(handler=serve(100, says=100)) as server, client(server) as api_client:
        found = tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms, limit=2, offset=90, search="x")
        assert server.requests == []
        assert [next(found).id, next(found).id] == ["room-90", "room-91"]
        assert [request.target for request in server.requests] == [
            "/v1/llms/chatrooms?limit=2&offset=90&search=x"
        ]
        assert next(found).id == "room-92" and "offset=92" in server.requests[1].target


@pytest.mark.parametrize("paginator", [{"total_items": 10**9}, {"total_items": "many"}, None])
def test_a_server_that_repeats_a_page_does_not_loop(paginator: Any) -> None:
    page = json_response({"chatrooms": rooms(0, 3), "paginator": paginator})
    with RawServer([page, page]) as server, client(server) as api_client:
        found = [room.id for room in tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms)]
    assert found == ["room-0", "room-1", "room-2"]


def test_items_that_moved_to_the_next_page_are_returned_once() -> None:
    pages = [json_response({"chatrooms": page}) for page in (rooms(0, 3), rooms(2, 5), [])]
    with RawServer(pages) as server, client(server) as api_client:
        found = [room.id for room in tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms)]
    assert found == [f"room-{number}" for number in range(5)]


def test_items_without_an_id_are_told_apart_by_their_contents() -> None:
    pages = [json_response({"messages": [{"user_id": name} for name in page]}) for page in ("ab", "bc", "bc")]
    with RawServer(pages) as server, client(server) as api_client:
        found = tachyon_sdk.paged(DefaultApi(api_client).get_chatroom_messages, "r", limit=2)
        assert [item.user_id for item in found] == ["a", "b", "c"]
        assert [request.target.partition("?")[2] for request in server.requests] == [
            f"limit=2&offset={offset}&search=" for offset in (0, 2, 4)
        ]


def test_an_error_of_a_page_is_raised_after_the_items_before_it() -> None:
    with RawServer(
        [json_response({"chatrooms": rooms(0, 1)}), json_response({"message": "no"}, 403)]
    ) as server:
        with client(server) as api_client:
            found = tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms)
            assert next(found).id == "room-0"
            with pytest.raises(tachyon_sdk.ForbiddenException):
                next(found)


def test_what_cannot_be_paged_is_refused_at_once() -> None:
    api: Any = DefaultApi()
    models: Any = ModelsApi()
    with pytest.raises(ApiTypeError, match="'get_models' does not return pages"):
        tachyon_sdk.paged(models.get_models)
    with pytest.raises(ApiTypeError, match="limt"):
        tachyon_sdk.paged(api.get_chatrooms, limt=5)
    with RawServer([PAGE]) as server, client(server) as api_client:
        with_info: Any = DefaultApi(api_client).get_chatrooms_with_http_info
        with pytest.raises(ApiTypeError, match="returned ApiResponse, which is not a page"):
            next(tachyon_sdk.paged(with_info))
