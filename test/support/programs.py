"""Python programs that exchange lines with a test, and external observations of a process.

    with Program(CODE, server.url) as program:
        program.say("begin")
        program.wait_until_asleep()
        program.interrupt()
        assert program.hear() == "interrupted"

Each line is JSON. Leaving the block ends the program's input, waits for it, and fails if its status is not 0 or if it
wrote anything to stderr that the test did not ask for.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from support.raw_server import WAIT

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

STRICT = ("-X", "dev", "-W", "error")


def descriptors() -> int:
    """Return the number of open file descriptors after garbage collection; 0 if unknown."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll for a condition without a notification, such as that a thread or process is blocked."""
    nobody = threading.Event()
    for _ in range(int(WAIT / 0.001)):
        if condition():
            return
        nobody.wait(0.001)
    raise TimeoutError(f"in vain: {what}")


class Program:
    """A Python program that runs during the `with` block.

    `code`: the program's text, or the path of its file.
    `options`: those of Python. Without them it tells of everything that is left open, and warnings are errors.
    """

    def __init__(self, code: str | Path, *arguments: str, options: tuple[str, ...] = STRICT) -> None:
        what = [str(code)] if isinstance(code, Path) else ["-c", code]
        self._command = [sys.executable, *options, *what, *arguments]

    def say(self, *values: Any) -> None:
        """Send a line to the program."""
        assert self._process.stdin is not None
        print(json.dumps(values), file=self._process.stdin, flush=True)

    def hear(self) -> Any:
        """Wait for the next line of the program."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the program has ended: {self.errors()}"
        return json.loads(line)

    def wait_until_asleep(self) -> None:
        """Wait until the program is blocked or sleeping (Linux only)."""
        status = Path(f"/proc/{self._process.pid}/stat")
        wait_until(
            lambda: status.read_text().rpartition(") ")[2][0] == "S", "the program does not fall asleep"
        )

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def errors(self) -> str:
        """Return what the program has written to stderr since the last call."""
        return self._errors.read()

    def __enter__(self) -> Self:
        self._errors = tempfile.NamedTemporaryFile("r")
        with open(self._errors.name, "w") as stderr:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._errors, self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                status = process.wait(WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            errors = self.errors()
            if error is None:
                assert not errors and status == 0, f"status {status}: {errors}"
