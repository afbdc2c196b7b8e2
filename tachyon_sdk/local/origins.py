"""Which web pages may call the server (CORS: WHATWG Fetch, section 3.2)."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tachyon_sdk.local.wire import error_body

ANY_ORIGIN = "*"
_METHODS = "GET, POST, PATCH, DELETE"
_EXPOSED = "x-request-id, retry-after"
_PREFLIGHT_SECONDS = "600"


class Origins:
    """ASGI middleware that lets web pages of some origins call the server, and refuses those of others.

    Programs that are not web pages send no `Origin` header, and are not affected.

    Args:
        app: The application.
        allowed: Origins such as `https://example.com`; `*` is any. Pages of this machine are always allowed.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self.app = app
        self.allowed = {origin.lower().rstrip("/") for origin in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of any kind."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self.app(scope, receive, send)
            return
        if not self._is_allowed(origin):
            text = f"web pages of {origin} may not call this server; --allow-origin allows them"
            await JSONResponse(error_body("forbidden_origin", text), 403)(scope, receive, send)
            return
        allow = {"access-control-allow-origin": origin, "vary": "Origin"}
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await Response(status_code=204, headers=allow | _preflight(headers))(scope, receive, send)
            return

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                response_headers = MutableHeaders(scope=message)
                response_headers.update({**allow, "access-control-expose-headers": _EXPOSED})
            await send(message)

        await self.app(scope, receive, send_allowed)

    def _is_allowed(self, origin: str) -> bool:
        return ANY_ORIGIN in self.allowed or origin.lower() in self.allowed or _is_of_this_machine(origin)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_of_this_machine(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _preflight(headers: Headers) -> dict[str, str]:
    allow = {
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": headers.get("access-control-request-headers", "authorization"),
        "access-control-max-age": _PREFLIGHT_SECONDS,
    }
    # Browsers that ask before a page of the internet calls a private address.
    if headers.get("access-control-request-private-network") == "true":
        allow["access-control-allow-private-network"] = "true"
    return allow
