"""Runs uvicorn in a thread."""

import asyncio
import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

_THREAD_NAME = "tachyon-local-server"
_KEEP_ALIVE = 60  # seconds


class BackgroundServer:
    """One application on one listening socket, which it closes when it stops."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        # uvicorn must not set up logging, which would affect the whole process.
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=0,  # responses in progress are cut off
            headers=[("server", "tachyon-local")],
            server_header=False,
        )
        self._server = _Server(config, self._ready)
        self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Return when connections are accepted.

        Raises:
            RuntimeError: The server did not start.
        """
        logging.getLogger("uvicorn.error").addFilter(_is_fault)
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the local server did not start") from self._failure

    def stop(self) -> None:
        """Return when all connections are closed, in use or not, and the thread has ended."""
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        try:
            # No debug mode: `python -X dev` would report each callback that is slow on a busy machine.
            asyncio.run(self._server.serve(sockets=[self._listener]), debug=False)
        except BaseException as error:
            self._failure = error
        finally:
            self._listener.close()
            self._ready.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        # A connection whose client does not read still has bytes to send, and would outlive the event loop.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def _is_fault(record: logging.LogRecord) -> bool:
    """Return whether a record that uvicorn logs in our threads is a fault; responses are cut short on purpose."""
    if record.threadName != _THREAD_NAME:
        return True
    error = record.exc_info[1] if record.exc_info else None
    return error is not None and not isinstance(error, asyncio.CancelledError)
