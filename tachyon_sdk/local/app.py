"""The two operations, as an ASGI application."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tachyon_sdk.local import rendering
from tachyon_sdk.local.delivery import EventStream, PlainAnswer
from tachyon_sdk.local.faults import DEFAULT_MODEL, Ending, Rehearsal, status_error
from tachyon_sdk.local.history import History
from tachyon_sdk.local.model import answer, is_instruction
from tachyon_sdk.local.recording import RecordedRequest, Recorder
from tachyon_sdk.local.request import check_body, check_credentials
from tachyon_sdk.local.tokens import count
from tachyon_sdk.local.wire import ApiError, Envelope, encode, error_body, usage

MISSING_CHATROOM = "missing"  # rehearses 404; every other room is there once it is used


def create_app(
    data: str | os.PathLike[str] | None = None,
    requests: list[RecordedRequest] | None = None,
) -> Starlette:
    """The server as an application for any ASGI server; `LocalServer` is the easier way to run it.

    Args:
        data: File of the chatroom history, opened at once and closed when the application shuts down; None
            keeps the history in memory.
        requests: List to which requests are added as they arrive, at most the newest 1000.

    Raises:
        OSError: The data file cannot be used.
    """
    history = History(data)
    chat = _Chat(history)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            history.close()

    app = Starlette(
        routes=[
            Route("/v1/llms/chat/completions", chat.answer, methods=["POST"]),
            # "path", since a chatroom id may have an escaped slash in it.
            Route("/v1/llms/chatrooms/{chatroom_id:path}/chat/completions", chat.answer, methods=["POST"]),
        ],
        middleware=[Middleware(Recorder, requests=[] if requests is None else requests)],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, Exception: _unexpected_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _Chat:
    """Both operations: the one with a chatroom only reads the history first, and adds to it afterwards."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.rehearsal = Rehearsal()

    async def answer(self, request: Request) -> ASGIApp:
        operator_id = check_credentials(request.headers)
        chatroom_id: str | None = request.path_params.get("chatroom_id")
        if chatroom_id in ("", MISSING_CHATROOM):
            raise ApiError(404, "not_found", f"no such chatroom: {chatroom_id!r}")
        asked = check_body(await request.body())
        model = DEFAULT_MODEL if asked.model is None else asked.model
        plan = self.rehearsal.plan(model, operator_id)

        earlier = [] if chatroom_id is None else self.history.read(operator_id, chatroom_id)
        conversation = [*earlier, *asked.messages]
        answers = answer(conversation, asked)
        used = usage(count(conversation), sum(each.tokens for each in answers))
        envelope = Envelope(model, chatroom=chatroom_id is not None)

        def store() -> None:
            if chatroom_id is not None:
                said = [message for message in asked.messages if not is_instruction(message)]
                said.append(rendering.message(envelope, 0, answers[0]))
                self.history.append(operator_id, chatroom_id, said)

        if asked.stream:
            events = rendering.events(
                envelope, answers, used, ending=plan.ending, heartbeat=plan.pause > 0, complete=store
            )
            return EventStream(events, pause=plan.pause)
        if plan.ending is Ending.ERROR:
            raise status_error(500)
        truncated = plan.ending is Ending.TRUNCATED
        whole = encode(rendering.body(envelope, answers, used))
        return PlainAnswer(whole, pause=plan.pause, truncated=truncated, complete=store)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error_body(error.code, error.message), error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """What the router finds: no such path, or another method."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, f"error_{error.status_code}")
    text = f"{error.detail}: {request.method} {request.url.path}"
    return JSONResponse(error_body(code, text), error.status_code, error.headers)


async def _unexpected_error(request: Request, error: Exception) -> Response:
    return JSONResponse(error_body("internal_error", "the local server failed; its log says why"), 500)
