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
    """One application on one listening socket, which it closes in the end."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        # Nothing of uvicorn's logging is set up: that would change the logging of the whole process.
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
            timeout_graceful_shutdown=0,  # answers under way are cut off
            headers=[("server", "tachyon-local")],
            server_header=False,
        )
        self._server = _Server(config, self._ready)
        self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Return when connections are accepted. Raises RuntimeError if the server did not come up."""
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the local server did not start") from self._failure

    def stop(self) -> None:
        """Return when all connections are closed, whatever goes on there, and the thread has ended."""
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        try:
            # No debug mode: `python -X dev` would have each callback reported that is slow on a busy machine.
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


def _is_news(record: logging.LogRecord) -> bool:
    """Of what uvicorn logs in our threads, only faults of the server; answers are cut short on purpose."""
    if record.threadName != _THREAD_NAME:
        return True
    error = record.exc_info[1] if record.exc_info else None
    return error is not None and not isinstance(error, asyncio.CancelledError)
