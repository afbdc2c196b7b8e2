"""Calls of the upstream: a server with the `/chat/completions` of OpenAI."""

import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

from tachyon_sdk._contract.operation import Operation, RequestOptions
from tachyon_sdk._transport.connection import socket_watcher
from tachyon_sdk.api_client import ApiClient
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ApiValueError,
    BadRequestException,
    UnprocessableEntityException,
)
from tachyon_sdk.local.catalog import model_info
from tachyon_sdk.local.faults import unsupported_model
from tachyon_sdk.local.feed import Feed
from tachyon_sdk.local.origins import is_loopback
from tachyon_sdk.local.upstream_errors import api_error
from tachyon_sdk.local.wire import Json
from tachyon_sdk.models import ChatCompletionChunkResponse, ChatCompletionRequest
from tachyon_sdk.streaming.stream import Stream

T = TypeVar("T")

_CHAT = Operation(
    operation_id="upstream_chat_completion",
    method="POST",
    path="/chat/completions",
    parameters=(),  # none of the credentials for the Tachyon service
    accept="text/event-stream, application/json",
    answer_type=ChatCompletionChunkResponse,
    content_type="application/json",
    body_name="request",
    body_type=ChatCompletionRequest,
    streams=True,
    check_names=False,  # a client of the server chose them
)
_MODELS_TIMEOUT = 10.0  # seconds
_THREAD_NAME = "tachyon-local-upstream"


class Cancelled(Exception):
    """The call was cancelled before its request was sent, or while its response was awaited."""


class Call:
    """A call of the upstream that any thread can cancel, at any moment.

    Attributes:
        cancelled: Whether it was.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._socket: Any = None

    def cancel(self) -> None:
        """End the connection, so that the upstream stops generating."""
        with self._lock:
            self.cancelled = True
            sock, self._socket = self._socket, None
        # The socket below TLS: that of TLS is in use by the thread that reads.
        while sock is not None and not isinstance(sock, socket.socket):
            sock = getattr(sock, "socket", None)
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Watch the connection that this thread uses in the `with` block."""
        token = socket_watcher.set(self._watch)
        try:
            yield
        finally:
            socket_watcher.reset(token)
            with self._lock:
                self._socket = None

    def _watch(self, sock: Any) -> None:
        with self._lock:
            if self.cancelled:
                raise Cancelled
            self._socket = sock


class Upstream:
    """An upstream and its models.

    Args:
        url: The base URL, to which `/chat/completions` is added, such as `http://127.0.0.1:11434/v1`.
        key: The access token for it, None for none.
        models: The names of its models, by the names that clients use. If there are none, clients use its own names.

    Raises:
        ApiValueError: The URL or the key cannot be used.
    """

    def __init__(self, url: str, key: str | None = None, models: Mapping[str, str] | None = None) -> None:
        url = url.rstrip("/").removesuffix(_CHAT.path)
        self._key = key
        try:
            # The credentials of the environment are for the Tachyon service.
            self._configuration = Configuration(host=url, access_token="", operator_id="", retries=0)
            if is_loopback(urlsplit(url).hostname or ""):
                self._configuration.proxy = ""
            first_client = self._new_client()
        except ApiValueError as error:
            raise ApiValueError(f"the upstream cannot be used: {error}") from error
        self._models = dict(models or {})
        # A client for each call in progress: the connection of one call is never that of another.
        self._clients: list[ApiClient] = [first_client]
        self._feeds: WeakSet[Feed[Any]] = WeakSet()

    def run(self, items: Generator[T, None, None], call: Call) -> Feed[T]:
        """Run a generator that uses a call in a thread; `close` stops it."""
        feed = Feed(items, call.cancel, _THREAD_NAME)
        self._feeds.add(feed)
        feed.start()
        return feed

    def close(self) -> None:
        """Cancel the calls in progress, and close the connections."""
        for feed in list(self._feeds):
            feed.stop()
            feed.thread.join()
        while self._clients:
            self._clients.pop().close()

    def model_for(self, model: str | None) -> tuple[str | None, str | None]:
        """Return the name that clients use for a model, and the name that the upstream uses.

        Both are None if the client names none and the upstream is to decide.

        Raises:
            ApiError: There is no such model.
        """
        if not self._models:
            return model, model
        name = next(iter(self._models)) if model is None else model
        if name not in self._models:
            raise unsupported_model(name, f"this server has {', '.join(self._models)}")
        return name, self._models[name]

    def models(self) -> list[Json]:
        """Return the models as ModelInfo objects, those of the upstream's own list if none were named.

        Raises:
            ApiError: The upstream did not return its list.
        """
        if self._models:
            return [model_info(name, own, "upstream") for name, own in self._models.items()]
        try:
            with self._client() as client:
                method, url, headers, *_ = client.param_serialize("GET", "/models")
                headers.pop("x-operator-id", None)
                response = client.call_api(method, url, headers, _request_timeout=_MODELS_TIMEOUT)
                listed = client.response_deserialize(response, {"200": "object"}).data
        except ApiException as error:
            raise api_error(error) from error
        entries = listed.get("data") if isinstance(listed, dict) else None
        entries = entries if isinstance(entries, list) else []
        named = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
        return [
            model_info(entry["id"], entry["id"], str(entry.get("owned_by") or "upstream")) for entry in named
        ]

    @contextmanager
    def stream(
        self, call: Call, operator_id: str, body: Json, optional: Mapping[str, Any]
    ) -> Iterator[Stream[ChatCompletionChunkResponse]]:
        """Make a streamed call. It lasts as long as the `with` block.

        Args:
            call: With which it can be cancelled.
            operator_id: The operator that makes the call.
            body: The request.
            optional: Properties to add to it, which are left out if the upstream refuses them.

        Raises:
            ApiException: The upstream failed. Reading the stream may raise it, too.
            Cancelled: The call was cancelled.
        """
        with call.active(), self._client() as client:
            options = RequestOptions(headers={"x-operator-id": operator_id})
            with _without_refused(
                lambda sent: client.stream(_CHAT, (), sent, options), body, optional
            ) as stream:
                yield stream

    def complete(
        self, call: Call, operator_id: str, body: Json, optional: Mapping[str, Any]
    ) -> ChatCompletionChunkResponse:
        """Make a plain call and return the response. Arguments and errors are those of `stream`."""
        with call.active(), self._client() as client:
            options = RequestOptions(headers={"x-operator-id": operator_id})
            return _without_refused(lambda sent: client.call(_CHAT, (), sent, options).data, body, optional)

    @contextmanager
    def _client(self) -> Iterator[ApiClient]:
        try:
            client = self._clients.pop()
        except IndexError:
            client = self._new_client()
        try:
            yield client
        finally:
            self._clients.append(client)

    def _new_client(self) -> ApiClient:
        client = ApiClient(self._configuration)
        if self._key is not None:
            client.set_default_header("Authorization", f"Bearer {self._key}")
        return client


def _without_refused(send: Callable[[Json], T], body: Json, optional: Mapping[str, Any]) -> T:
    """Send a request, again without each optional property that an error response names."""
    left = dict(optional)
    while True:
        try:
            return send({**body, **left})
        except (BadRequestException, UnprocessableEntityException) as error:
            refused = [name for name in left if name in (error.body or "")]
            if not refused:
                raise
            for name in refused:
                del left[name]
