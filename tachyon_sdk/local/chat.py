"""The two chat operations."""

from asyncio import sleep, to_thread
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.types import ASGIApp

from tachyon_sdk.local import rendering
from tachyon_sdk.local.answers import Answer, Fault
from tachyon_sdk.local.credentials import Caller
from tachyon_sdk.local.delivery import DeferredResponse, EventStream, PlainResponse
from tachyon_sdk.local.faults import DEFAULT_MODEL, PREFIXES, Ending, FaultPlanner, Plan, status_error
from tachyon_sdk.local.model import Choice, generate, halved, is_instruction
from tachyon_sdk.local.recording import recorded_request
from tachyon_sdk.local.rooms import Authenticate, chatroom_id_of, missing_room
from tachyon_sdk.local.script import Script
from tachyon_sdk.local.scripted import error_response, scripted
from tachyon_sdk.local.storage import MissingRoomError, Storage
from tachyon_sdk.local.tokens import count
from tachyon_sdk.local.upstream import Upstream
from tachyon_sdk.local.upstream_call import UpstreamCall
from tachyon_sdk.local.validation import ChatRequest, check_chat_request, check_tool_choice
from tachyon_sdk.local.wire import ApiError, BrokenOff, Envelope, Json, encode, usage

_MISSING_CHATROOM = "missing"  # simulates 404 where rooms are created when they are used


class Chatroom:
    """The chatroom of a request: its history before, and what the request adds to it."""

    def __init__(self, storage: Storage, caller: Caller, chatroom_id: str, *, create: bool) -> None:
        self._storage = storage
        self._caller = caller
        self._id = chatroom_id
        self._create = create

    def history(self) -> list[Json]:
        """Return the messages so far.

        Raises:
            ApiError: There is no such room, and it is not to be created.
        """
        if self._create and self._id != _MISSING_CHATROOM:
            return self._storage.history(self._caller.operator_id, self._id)
        try:
            self._storage.room(self._caller.operator_id, self._id)
        except MissingRoomError:
            raise missing_room(self._id) from None
        return self._storage.history(self._caller.operator_id, self._id)

    def store(self, request: ChatRequest, response: Json) -> None:
        """Store the messages of the request, without instructions, and the response.

        Raises:
            ApiError: The room was deleted in the meantime.
        """
        messages = [message for message in request.messages if not is_instruction(message)]
        try:
            self._storage.append(
                self._caller.operator_id,
                self._id,
                self._caller.user_id,
                [*messages, response],
                create=self._create,
            )
        except MissingRoomError:
            message = f"the chatroom {self._id!r} was deleted during the request; nothing was stored"
            raise ApiError(409, "conflict", message) from None


class Chat:
    """The endpoints of both chat operations.

    Args:
        storage: Where the chatrooms are kept.
        authenticate: Returns who sends a request, or raises ApiError.
        create_rooms: Whether a chatroom that does not exist is created when it is used.
        upstream: The server whose models answer, besides the built-in model; None for the built-in model alone.
        script: Returns the scripted answers, which come before those of any model but the `local/` ones; None for none.
    """

    def __init__(
        self,
        storage: Storage,
        authenticate: Authenticate,
        *,
        create_rooms: bool,
        upstream: Upstream | None = None,
        script: Callable[[], Script | None],
    ) -> None:
        self._storage = storage
        self._authenticate = authenticate
        self._create_rooms = create_rooms
        self._upstream = upstream
        self._script = script
        self._faults = FaultPlanner()

    def reset(self) -> None:
        """Forget how much of the limits was used, and whose turn for a fault it is."""
        self._faults = FaultPlanner()

    async def plain(self, request: Request) -> ASGIApp:
        """`POST /v1/llms/chat/completions`."""
        caller = self._authenticate(request)
        return await self._respond(caller, request, check_chat_request(await request.body()), None)

    async def in_chatroom(self, request: Request) -> ASGIApp:
        """`POST /v1/llms/chatrooms/{chatroom_id}/chat/completions`."""
        caller = self._authenticate(request)
        chatroom_id = chatroom_id_of(request)
        chatroom = Chatroom(self._storage, caller, chatroom_id, create=self._create_rooms)
        return await self._respond(caller, request, check_chat_request(await request.body()), chatroom)

    async def _respond(
        self, caller: Caller, received: Request, request: ChatRequest, chatroom: Chatroom | None
    ) -> ASGIApp:
        earlier = [] if chatroom is None else await to_thread(chatroom.history)
        is_local = (request.model or "").startswith(PREFIXES)
        script = None if is_local else self._script()
        if script is not None:
            answer = await script.answer(recorded_request(received.scope))
            return await self._scripted(answer, request, chatroom, earlier)
        if self._upstream is None or is_local:
            return self._built_in(caller, request, chatroom, earlier)
        return self._from_upstream(self._upstream, caller, request, chatroom, earlier)

    def _from_upstream(
        self,
        upstream: Upstream,
        caller: Caller,
        request: ChatRequest,
        chatroom: Chatroom | None,
        earlier: list[Json],
    ) -> ASGIApp:
        def store(response: Json) -> None:
            if chatroom is not None:
                chatroom.store(request, response)

        name, model = upstream.model_for(request.model)
        envelope = Envelope(name or "", chatroom=chatroom is not None)
        call = UpstreamCall(upstream, caller.operator_id, request, earlier, model, envelope, store)
        feed = call.start()
        if request.stream:
            return EventStream(feed, on_disconnect=feed.stop)
        return DeferredResponse(feed, feed.stop)

    async def _scripted(
        self, answer: Answer | Fault, request: ChatRequest, chatroom: Chatroom | None, earlier: list[Json]
    ) -> ASGIApp:
        if isinstance(answer, Fault) and (error := error_response(answer)) is not None:
            await sleep(answer.delay)
            raise error
        choice, plan, replaced = scripted(answer)
        conversation = [*earlier, *request.messages]
        used = {**usage(count(conversation), choice.tokens * request.n), **replaced}
        return _deliver(plan, request, chatroom, [choice] * request.n, used)

    def _built_in(
        self, caller: Caller, request: ChatRequest, chatroom: Chatroom | None, earlier: list[Json]
    ) -> ASGIApp:
        check_tool_choice(request)
        plan = self._faults.plan(_model(request), caller.operator_id)
        conversation = [*earlier, *request.messages]
        choices = generate(conversation, request)
        used = usage(count(conversation), sum(choice.tokens for choice in choices))
        if not request.stream:
            plan = plan._replace(delay=plan.delay + plan.pause)  # `local/slow` is slow in both forms
        elif plan.ending is not Ending.COMPLETE:
            choices = [halved(choice) for choice in choices]
        return _deliver(plan, request, chatroom, choices, used)


def _deliver(
    plan: Plan, request: ChatRequest, chatroom: Chatroom | None, choices: Sequence[Choice], used: Json
) -> ASGIApp:
    """Return the response with these choices.

    Raises:
        ApiError: The plan is an error, and the response is no stream.
    """
    envelope = Envelope(_model(request), chatroom=chatroom is not None)

    async def store() -> None:
        if chatroom is not None:
            response = rendering.message(envelope, 0, choices[0])
            await to_thread(chatroom.store, request, response)

    if request.stream:
        events = rendering.events(envelope, choices, used, plan, store)
        return EventStream(events, delay=plan.delay, pause=plan.pause, headers=plan.headers)
    if plan.ending is Ending.ERROR:
        raise status_error(500, plan.code, plan.message)
    body = encode(rendering.body(envelope, choices, used))
    broken_off, sent = None, 0
    if plan.ending is not Ending.COMPLETE:
        broken_off = BrokenOff(stalled=plan.ending is Ending.STALLED)
        sent = len(body) // 2 if any(choice.tokens for choice in choices) else 0
    return PlainResponse(
        body, delay=plan.delay, broken_off=broken_off, sent=sent, headers=plan.headers, complete=store
    )


def _model(request: ChatRequest) -> str:
    return DEFAULT_MODEL if request.model is None else request.model
