"""Servers in separate processes, on free ports of 127.0.0.1."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

START = 300.0  # seconds until a server must be ready
END = 20.0  # seconds until it must have ended


class ServerProcess:
    """A server that runs while the `with` block lasts.

    Each `{port}` in the command is replaced by the port. The block begins when a GET of `ready` is answered with
    `status`. It fails if the server ends before that.

    Args:
        command: The program and its arguments.
        ready: The path that is asked.
        folder: Where it runs, and where its output goes.
        settings: Environment variables that it gets besides those of this process, without any proxy.
        port: The port, if it is not to be a free one.
        status: The status of the response to `ready`.

    Attributes:
        port: The port.
        host: What a client takes as `host`.
    """

    def __init__(
        self,
        *command: str,
        ready: str,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        status: int = 200,
    ) -> None:
        self.port = port or free_port()
        self.host = f"http://127.0.0.1:{self.port}"
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._ready = ready
        self._status = status
        self._folder = folder
        self._log = folder / f"{self.port}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._environment = {**inherited, "PYTHONUTF8": "1", **(settings or {})}

    def kill(self) -> None:
        """End it as a crash does: it sends nothing more."""
        self._process.kill()
        self._process.wait(END)

    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self.kill()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START
        while not self._answers():
            try:
                status = self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, f"the server is not ready in time:\n{self.log()}"
            else:
                raise AssertionError(f"the server has ended with {status}:\n{self.log()}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self._ready)
            return connection.getresponse().status == self._status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
