"""The log that the environment variable `TACHYON_LOG` turns on: a line per call, and with `debug` per attempt."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

from tachyon_sdk._errors.body import one_line
from tachyon_sdk._settings.logs import lower_level
from tachyon_sdk.hooks import Call, Hook
from tachyon_sdk.observe.usage import UsageCounts, read_usage, requested_model

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}
_log = logging.getLogger("tachyon_sdk")
_lock = threading.Lock()


class CallLog(Hook):
    """Logs a line for each call at level INFO."""

    def after_call(self, call: Call) -> None:
        self._write(call, "" if call.complete or not call.stream else ", closed early")

    def on_call_error(self, call: Call, error: BaseException) -> None:
        self._write(call, f", {type(error).__name__}: {one_line(str(error), 200)}")

    def _write(self, call: Call, end: str) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        counts = UsageCounts()
        read_usage(call.usage, counts)
        _log.info(
            "%s %s: %s in %.3f s, %s tokens, %d %s, request id %s%s",
            call.operation,
            one_line(call.model or requested_model(call), 80) or "-",
            call.status or "no response",
            call.seconds,
            f"{counts.prompt_tokens} + {counts.completion_tokens}" if call.usage is not None else "-",
            call.attempts,
            "attempt" if call.attempts == 1 else "attempts",
            one_line(call.request_id, 80) or "-",
            end,
        )

    def __reduce__(self) -> str:
        return "CALL_LOG"


CALL_LOG = CallLog()


class _Stderr(logging.Handler):
    """Writes to the `sys.stderr` of the moment, unless the program logs the record itself."""

    def emit(self, record: logging.LogRecord) -> None:
        if self._shown_elsewhere(record) or sys.stderr is None:
            return
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)

    def _shown_elsewhere(self, record: logging.LogRecord) -> bool:
        # Files are no duplicate of what is on the screen.
        silent = (_Stderr, logging.NullHandler, logging.FileHandler)
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            for handler in logger.handlers:
                if not isinstance(handler, silent) and record.levelno >= handler.level:
                    return True
            logger = logger.parent if logger.propagate else None
        return False


_handler = _Stderr()
_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))


def start_log(value: str) -> tuple[Hook, ...]:
    """Turn on the log for the process, and return the hooks of a client. `value` is that of the variable.

    An invalid value is a `UserWarning`.
    """
    level = _LEVELS.get(value.strip().lower())
    if level is None:
        message = f"TACHYON_LOG must be 'debug' or 'info', not {one_line(value, 40)!r}: nothing is logged"
        warnings.warn(message, UserWarning, stacklevel=3)
        return ()
    with _lock:
        _handler.setLevel(level)
        _log.addHandler(_handler)
    lower_level(_log, level)
    return (CALL_LOG,)
