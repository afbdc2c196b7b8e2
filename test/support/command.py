"""Runs the command: as a user does, or in this process, which takes a tenth of the time. A warning fails it."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from support.programs import wait_until
from support.raw_server import WAIT, RawServer, json_response, stream_response
from tachyon_sdk.cli.main import main

COMMAND = [sys.executable, "-W", "error", "-m", "tachyon_sdk"]
NOTICE = "TACHYON_API_URL is not set: using a local server inside this program\n"
END: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
NONE: dict[str, str] = {}
REQUIRED = {"TACHYON_API_KEY": "key-1", "TACHYON_OPERATOR_ID": "tn_1"}


class Result(NamedTuple):
    status: int
    out: str
    err: str


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """That of the tests, which has no TACHYON_ variables and no proxies, with these settings."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONUTF8": "1", **settings}


def settings_for(server: RawServer, **settings: str) -> dict[str, str]:
    return {"TACHYON_API_URL": server.url, **REQUIRED, **settings}


def run(*arguments: str, stdin: bytes = b"", settings: Mapping[str, str] = NONE) -> Result:
    """Run the program to its end, in this process."""
    written, complained = utf8_file(), utf8_file()
    with mock.patch.dict(os.environ, environment(settings), clear=True):
        with mock.patch.object(sys, "stdin", utf8_file(stdin)):
            with contextlib.redirect_stdout(written), contextlib.redirect_stderr(complained):
                try:
                    status = main(list(arguments))
                except SystemExit as end:
                    status = int(end.code or 0)
                for file in (written, complained):
                    file.flush()
    return Result(status, written.buffer.getvalue().decode(), complained.buffer.getvalue().decode())


def utf8_file(content: bytes = b"") -> Any:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def run_program(*arguments: str, stdin: bytes = b"", settings: Mapping[str, str] = NONE) -> Result:
    """Run the program to its end as a user does."""
    done = subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, env=environment(settings)
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def ask(server: RawServer, *arguments: str, stdin: bytes = b"", **settings: str) -> Result:
    """Run the program to its end with the settings for this server."""
    return run(*arguments, stdin=stdin, settings=settings_for(server, **settings))


@contextlib.contextmanager
def started(
    *arguments: str, settings: Mapping[str, str] = NONE, command: Sequence[str] = COMMAND
) -> Iterator[subprocess.Popen[bytes]]:
    """The running program; its output is read as it comes."""
    # Ignored signals are inherited, for example by background jobs of a script.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*command, *arguments],
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(settings),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def read(process: subprocess.Popen[bytes], expected: bytes) -> None:
    """Read exactly this from the output, waiting for it."""
    assert process.stdout is not None
    received = b""
    while len(received) < len(expected) and (piece := process.stdout.read(len(expected) - len(received))):
        received += piece
    assert received == expected


def ended(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, (out or b"").decode(), err.decode())


def piece(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def answer(*texts: str) -> bytes:
    return stream_response(*map(piece, texts), END, "[DONE]")


def whole(text: str | None, finish_reason: str | None = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": text, **more}
    return json_response({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]})


def streamed(text: str | None, finish_reason: str | None = "stop", **more: Any) -> bytes:
    delta = {"role": "assistant", "content": text, **more}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}
    return stream_response({"choices": [{"index": 0, "delta": delta}]}, end, "[DONE]")


def is_one_line(err: str) -> bool:
    return err.startswith("python -m tachyon_sdk: ") and err.endswith("\n") and len(err.splitlines()) == 1


class Terminal:
    """The command, or another one, in a pseudo-terminal during a `with` block."""

    def __init__(
        self,
        *arguments: str,
        settings: Mapping[str, str] = NONE,
        command: Sequence[str] = COMMAND,
        stdout: int | None = None,
    ) -> None:
        import pty

        self._end, terminal = pty.openpty()
        self._output = b""
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=terminal,
            stdout=terminal if stdout is None else stdout,
            stderr=terminal,
            env=environment({**settings, "TERM": "xterm"}),
            preexec_fn=_take_terminal,
        )
        os.close(terminal)

    def type(self, text: str) -> None:
        """Type text; Enter is a carriage return."""
        os.write(self._end, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, when the program waits: input() overlooks it in the moment before."""
        status = Path(f"/proc/{self.process.pid}/stat")
        if status.exists():
            wait_until(lambda: status.read_text().rpartition(") ")[2][0] == "S", "the program does not wait")
        self.type("\x03")

    def wait_for(self, text: str) -> str:
        """Wait until the terminal shows this after what was waited for before, and return what came up to its end."""
        wanted = text.encode()
        while wanted not in self._output:
            try:
                piece = os.read(self._end, 10000) if select.select([self._end], [], [], WAIT)[0] else b""
            except OSError:  # the program has ended
                piece = b""
            assert piece, f"{text!r} does not appear: {self._output!r}"
            self._output += piece
        before, _, self._output = self._output.partition(wanted)
        return (before + wanted).decode()

    def end(self) -> int:
        """Press Ctrl-D and return the exit status."""
        self.type("\x04")
        return self.process.wait(60)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.process.wait(60)
        os.close(self._end)


def _take_terminal() -> None:
    """Make standard input the terminal of a new session, so that Ctrl-C reaches the process."""
    import fcntl
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored signals are inherited
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
