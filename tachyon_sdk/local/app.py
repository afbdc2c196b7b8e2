"""The operations as an ASGI application."""

import os
from asyncio import to_thread
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tachyon_sdk.local.catalog import built_in_models, models_response
from tachyon_sdk.local.chat import Chat
from tachyon_sdk.local.credentials import Caller, check_credentials
from tachyon_sdk.local.faults import DEFAULT_MODEL
from tachyon_sdk.local.origins import ANY_ORIGIN, Origins
from tachyon_sdk.local.recording import RecordedRequest, Recorder
from tachyon_sdk.local.rooms import Rooms
from tachyon_sdk.local.script import Script
from tachyon_sdk.local.storage import Storage
from tachyon_sdk.local.upstream import Upstream
from tachyon_sdk.local.validation import check_features, check_flag
from tachyon_sdk.local.wire import ApiError, error_body

_PATH = "/v1/llms"


def create_app(
    data: str | os.PathLike[str] | None = None,
    requests: list[RecordedRequest] | None = None,
    *,
    statuses: Counter[int] | None = None,
    script: Callable[[], Script | None] = lambda: None,
    create_rooms: bool = True,
    key: str | None = None,
    allow_origins: Sequence[str] | None = None,
    upstream: str | None = None,
    upstream_key: str | None = None,
    models: Mapping[str, str] | None = None,
) -> Starlette:
    """Create the server as an application for any ASGI server; `LocalServer` is the easier way to run it.

    Args:
        data: SQLite file of the chatrooms, opened at once and closed when the application shuts down; None
            keeps the chatrooms in memory.
        requests: List to which requests are added as they arrive, at most the newest 1000.
        statuses: Counts the responses by their HTTP status.
        script: Returns the scripted answers, None for none.
        create_rooms: Whether a chatroom that does not exist is created when it is used. Otherwise, as with the
            real service, the response is 404.
        key: The access token that clients must send; None accepts any.
        allow_origins: Origins of the web pages that may call the server, besides those of this machine. None
            allows all, or none if there is an upstream.
        upstream: Base URL of a server with the `/chat/completions` of OpenAI, whose models answer. None for the
            built-in model alone.
        upstream_key: The access token for the upstream.
        models: The names of the upstream's models, by the names that clients use.

    Raises:
        OSError: The data file cannot be used.
        ApiValueError: The URL or the key of the upstream cannot be used.
    """
    server = None if upstream is None else Upstream(upstream, upstream_key, models)
    if allow_origins is None:
        # A call may cost money, or read what was said to the model.
        allow_origins = [ANY_ORIGIN] if server is None else []
    storage = Storage(data)

    def authenticate(request: Request) -> Caller:
        return check_credentials(request.headers, key)

    async def list_models(request: Request) -> Response:
        authenticate(request)
        query = request.query_params
        features = check_features(query, "supported_feature")
        agents_only = check_flag(query, "require_agent_product", True)
        found = built_in_models(default=DEFAULT_MODEL if server is None else None)
        if server is not None:
            found = [*await to_thread(server.models), *found]
        return JSONResponse(models_response(found, features, agents_only=agents_only))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if server is not None:
                await to_thread(server.close)
            storage.close()

    rooms = Rooms(storage, authenticate)
    chat = Chat(storage, authenticate, create_rooms=create_rooms, upstream=server, script=script)
    app = Starlette(
        routes=[
            _route("/models", GET=list_models),
            _route("/chat/completions", POST=chat.plain),
            _route("/chatrooms", GET=rooms.list, POST=rooms.create),
            _route("/chatrooms/{chatroom_id}", PATCH=rooms.update, DELETE=rooms.delete),
            _route("/chatrooms/{chatroom_id}/messages", GET=rooms.messages),
            _route("/chatrooms/{chatroom_id}/chat/completions", POST=chat.in_chatroom),
        ],
        middleware=[
            Middleware(
                Recorder,
                requests=[] if requests is None else requests,
                statuses=Counter() if statuses is None else statuses,
            ),
            Middleware(Origins, allowed=allow_origins),
            Middleware(_EncodedPath),
        ],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, Exception: _unexpected_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False

    def reset() -> None:
        chat.reset()
        if data is None:
            storage.clear()

    app.state.reset = reset  # for LocalServer
    return app


def _route(path: str, **endpoints: Callable[[Request], Awaitable[Any]]) -> Route:
    """Return the route of a path with one endpoint for each method."""

    async def endpoint(request: Request) -> Any:
        # Starlette adds HEAD where there is GET, and the ASGI server leaves the body out.
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(_PATH + path, endpoint, methods=list(endpoints))


class _EncodedPath:
    """ASGI middleware that leaves the path percent-encoded, because a chatroom id may have a slash in it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw_path = scope.get("raw_path")
            path = raw_path.decode("latin-1") if raw_path else quote(scope["path"])
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error_body(error.code, error.message), error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """Return the response for what the router finds: no such path, or another method."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, f"error_{error.status_code}")
    text = f"{error.detail}: {request.method} {request.url.path}"
    return JSONResponse(error_body(code, text), error.status_code, error.headers)


async def _unexpected_error(request: Request, error: Exception) -> Response:
    return JSONResponse(error_body("internal_error", "the local server failed; its log says why"), 500)
