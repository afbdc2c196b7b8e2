"""Starts and stops the local server."""

import os
import socket
import sys

from tachyon_sdk.local.app import create_app
from tachyon_sdk.local.background import BackgroundServer
from tachyon_sdk.local.recording import RecordedRequest


class LocalServer:
    """A local Tachyon server that runs from `start` to `stop`, or for the length of a `with` block.

    ::

        with LocalServer() as server:
            configuration = Configuration(host=server.url, access_token="dummy-token", operator_id="tn_xxxxxx")
            ...
        assert server.requests[-1].body["model"] == "large"

    Any number of servers may run at once, and a server may be started again. The names of models that make it fail
    on purpose are in `tachyon_sdk.local.faults`.

    Args:
        data: File of the chatroom history, made if it is missing; None keeps it in memory, for as long as the
            server runs.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one, which `url` tells.

    Attributes:
        requests: The requests that arrived, oldest first, at most the newest 1000; each is there before it is
            answered. The list is yours: clear it whenever you like.
    """

    def __init__(
        self, data: str | os.PathLike[str] | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.data = data
        self.host = host
        self.port = port
        self.requests: list[RecordedRequest] = []
        self._background: BackgroundServer | None = None

    @property
    def url(self) -> str:
        """The base URL, for `Configuration(host=...)`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._background is None:
            raise RuntimeError("the local server is not running: use it in a with statement, or call start()")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self._background.port}"

    def start(self) -> None:
        """Starts the server, and returns when requests are answered.

        Raises:
            OSError: The address or the data file cannot be used.
            RuntimeError: The server is already running.
        """
        if self._background is not None:
            raise RuntimeError("the local server is already running")
        listener = _listen(self.host, self.port)
        try:
            app = create_app(self.data, requests=self.requests)
        except BaseException:
            listener.close()
            raise
        background = BackgroundServer(app, listener)
        background.start()
        self._background = background

    def stop(self) -> None:
        """Stops the server, and returns when everything is closed; streams under way are cut off.

        Harmless if it is not running.
        """
        if self._background is not None:
            self._background.stop()
            self._background = None

    def __enter__(self) -> "LocalServer":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm, which delays small writes by 40 ms, only where TCP is named here.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # where it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener
