"""Logging of the package: silent unless a configuration enables it.

Loggers are global, but a process may have many configurations. Log files and the debug level are therefore shared:
each stays active while at least one configuration uses it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any, Protocol
from weakref import WeakSet

from tachyon_sdk.exceptions import ApiValueError

_LOGGERS = {"package_logger": "tachyon_sdk", "urllib3_logger": "urllib3"}

_lock = threading.Lock()
_files: dict[logging.FileHandler, tuple[WeakSet[object], set[logging.Logger]]] = {}
_debugging: WeakSet[object] = WeakSet()
_levels_before: dict[logging.Logger, int] = {}

_log = logging.getLogger("tachyon_sdk")


def _renew_lock() -> None:
    """Replace the lock in a forked child: the thread that held it may not exist there."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)

# Without a handler, Python prints warnings to stderr if the program has not configured logging.
_log.addHandler(logging.NullHandler())


class LoggingSettings:
    """The logging settings of a configuration."""

    logger: dict[str, logging.Logger]
    """The loggers that these settings apply to: this package's and urllib3's."""
    logger_formatter: logging.Formatter
    """Formats the lines of logger_file; created from logger_format."""
    logger_file_handler: logging.FileHandler | None
    """Writes to logger_file; configurations with the same file share it."""
    logger_stream_handler: logging.Handler | None
    """Accepted for compatibility; ignored."""

    def __init__(self, debug: bool | None) -> None:
        self.logger = {key: logging.getLogger(name) for key, name in _LOGGERS.items()}
        self.logger_stream_handler = None
        self.logger_file_handler = None
        self.logger_format = "%(asctime)s %(levelname)s %(message)s"
        self._logger_file: str | None = None
        self._debug = False
        if debug is not None:
            self.debug = debug

    @property
    def debug(self) -> bool:
        """Whether the loggers are set to DEBUG.

        They return to their previous level when no configuration has debug set. To see the messages, set logger_file
        or configure logging in your program. The debug output of http.client, which prints credentials, stays off.
        """
        return self._debug

    @debug.setter
    def debug(self, value: bool) -> None:
        self._debug = value
        _set_debug(self, value, self.logger.values())

    @property
    def logger_file(self) -> str | None:
        """Path of the log file (UTF-8, appended to), or None.

        Raises:
            ApiValueError: The file cannot be opened.
        """
        return self._logger_file

    @logger_file.setter
    def logger_file(self, value: str | None) -> None:
        previous = self.logger_file_handler
        if value:
            self._open_log(value)
        else:
            self.logger_file_handler = self._logger_file = None
        if previous is not None and previous is not self.logger_file_handler:
            _leave_file(self, previous)

    @property
    def logger_format(self) -> str:
        """Format of the lines of logger_file, as for logging.Formatter."""
        return self._logger_format

    @logger_format.setter
    def logger_format(self, value: str) -> None:
        try:
            self.logger_formatter = logging.Formatter(value)
        except ValueError as error:
            raise ApiValueError(f"logger_format: {error}") from error
        self._logger_format = value
        if self.logger_file_handler is not None:
            self.logger_file_handler.setFormatter(self.logger_formatter)

    def _open_log(self, file: str) -> None:
        try:
            handler = _join_file(self, file, self.logger_formatter, self.logger.values())
        except OSError as error:
            raise ApiValueError(f"logger_file: cannot open {file!r}: {error.strerror}") from error
        self.logger_file_handler, self._logger_file = handler, file

    def __getstate__(self) -> dict[str, Any]:
        # Handlers hold open files and locks.
        return {**self.__dict__, "logger_file_handler": None, "logger_stream_handler": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._debug:
            _set_debug(self, True, self.logger.values())
        if self._logger_file is not None:
            self._open_log(self._logger_file)


def _join_file(
    owner: object, file: str, formatter: logging.Formatter, loggers: Collection[logging.Logger]
) -> logging.FileHandler:
    """Add the file to the loggers for this owner."""
    full_path = os.path.abspath(file)
    with _lock:
        handler = next((known for known in _files if known.baseFilename == full_path), None)
        if handler is None:
            handler = logging.FileHandler(full_path, encoding="utf-8")
            _files[handler] = (WeakSet(), set())
        owners, attached = _files[handler]
        owners.add(owner)
        handler.setFormatter(formatter)
        for logger in loggers:
            logger.addHandler(handler)
            attached.add(logger)
    return handler


def _leave_file(owner: object, handler: logging.FileHandler) -> None:
    """Undo _join_file for this owner. The last owner closes the file."""
    with _lock:
        owners, attached = _files.get(handler, (WeakSet(), set()))
        owners.discard(owner)
        if not owners:
            _files.pop(handler, None)
            for logger in attached:
                logger.removeHandler(handler)
            handler.close()


def _set_debug(owner: object, on: bool, loggers: Collection[logging.Logger]) -> None:
    """Set the loggers to DEBUG for this owner, or restore their levels when the last owner leaves."""
    with _lock:
        if on:
            _debugging.add(owner)
            for logger in loggers:
                _levels_before.setdefault(logger, logger.level)
                logger.setLevel(logging.DEBUG)
            return
        _debugging.discard(owner)
        if not _debugging:
            for logger, level in _levels_before.items():
                if logger.level == logging.DEBUG:  # otherwise changed elsewhere since
                    logger.setLevel(level)
            _levels_before.clear()


def lower_level(logger: logging.Logger, level: int) -> None:
    """Let a logger pass records of this level, also after the last configuration with debug."""
    with _lock:
        if logger in _levels_before:
            before = _levels_before[logger]
            _levels_before[logger] = min(before or level, level)
        if logger.level == logging.NOTSET or logger.level > level:
            logger.setLevel(level)


class Request(Protocol):
    """The attributes of a request that are logged."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...


class Response(Protocol):
    """The attributes of a response that are logged."""

    @property
    def headers(self) -> Mapping[str, str]: ...


def log_attempt(
    request: Request, outcome: object, started: float, attempt: int, response: Response | None = None
) -> None:
    """Log an attempt of a request at level DEBUG.

    Args:
        request: The request.
        outcome: The status of the response, or a description of the error.
        started: Start of the attempt, in seconds of `time.monotonic()`.
        attempt: Number of the attempt, starting at 1.
        response: The response, if one arrived.
    """
    if _log.isEnabledFor(logging.DEBUG):
        # Imported here because only calls need them.
        from tachyon_sdk._errors.body import one_line
        from tachyon_sdk._errors.headers import read_request_id

        request_id = one_line(read_request_id(response.headers), 80) if response else ""
        duration = time.monotonic() - started
        _log.debug(
            "%s %s: %s in %.3f s (attempt %d, request id %s)",
            request.method,
            # Without the query, which may contain a credential.
            request.url.partition("?")[0],
            outcome,
            duration,
            attempt,
            request_id or "-",
        )
