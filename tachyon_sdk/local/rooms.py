"""The operations on chatrooms."""

from asyncio import to_thread
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tachyon_sdk.local.credentials import Caller
from tachyon_sdk.local.storage import DEFAULT_NAME, MissingRoomError, Storage
from tachyon_sdk.local.validation import MAX_ROOMS, check_paging, check_room_request
from tachyon_sdk.local.wire import ApiError
from tachyon_sdk.models import CreateChatRoomRequest, UpdateChatroomRequest

Authenticate = Callable[[Request], Caller]


class Rooms:
    """The endpoints that create, list, change and delete chatrooms, and return their messages.

    Args:
        storage: Where the rooms are kept.
        authenticate: Returns who sends a request, or raises ApiError.
    """

    def __init__(self, storage: Storage, authenticate: Authenticate) -> None:
        self._storage = storage
        self._authenticate = authenticate

    async def create(self, request: Request) -> Response:
        """`POST /v1/llms/chatrooms`."""
        caller = self._authenticate(request)
        sent = check_room_request(await request.body(), CreateChatRoomRequest)
        room = await to_thread(self._storage.create_room, *caller, sent.get("name"), sent.get("metadata", {}))
        return JSONResponse({"chatroom": room})

    async def list(self, request: Request) -> Response:
        """`GET /v1/llms/chatrooms`."""
        caller = self._authenticate(request)
        limit, offset, search = check_paging(request.query_params, required=False, max_limit=MAX_ROOMS)
        user_id = request.query_params.get("metadata_user_id")
        page = await to_thread(self._storage.rooms, caller.operator_id, limit, offset, search, user_id)
        paginator = {
            "current_page": offset // limit + 1,
            "items_per_page": limit,
            "total_items": page.total,
            "total_pages": -(-page.total // limit),
        }
        return JSONResponse({"chatrooms": page.items, "paginator": paginator})

    async def update(self, request: Request) -> Response:
        """`PATCH /v1/llms/chatrooms/{chatroom_id}`. What the body leaves out stays as it is.

        A name of null is the name of a room that was created without one.
        """
        caller = self._authenticate(request)
        changes = check_room_request(await request.body(), UpdateChatroomRequest)
        if "name" in changes and changes["name"] is None:
            changes["name"] = DEFAULT_NAME
        room = await self._on_room(self._storage.update_room, caller, request, changes)
        return JSONResponse({"chatroom": room})

    async def delete(self, request: Request) -> Response:
        """`DELETE /v1/llms/chatrooms/{chatroom_id}`."""
        await self._on_room(self._storage.delete_room, self._authenticate(request), request)
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """`GET /v1/llms/chatrooms/{chatroom_id}/messages`. The contract requires all three query parameters."""
        caller = self._authenticate(request)
        paging = check_paging(request.query_params, required=True)
        page = await self._on_room(self._storage.messages, caller, request, *paging)
        return JSONResponse({"messages": page.items})

    async def _on_room(
        self, method: Callable[..., Any], caller: Caller, request: Request, *arguments: Any
    ) -> Any:
        chatroom_id = chatroom_id_of(request)
        try:
            return await to_thread(method, caller.operator_id, chatroom_id, *arguments)
        except MissingRoomError:
            raise missing_room(chatroom_id) from None


def chatroom_id_of(request: Request) -> str:
    """Return the id in the path of a request, whose parts are still percent-encoded."""
    return unquote(request.path_params["chatroom_id"])


def missing_room(chatroom_id: str) -> ApiError:
    """Return the error for a chatroom that the operator does not have."""
    return ApiError(404, "not_found", f"no such chatroom: {chatroom_id!r}")
