"""Ends a call at its deadline, or when another thread cancels it."""

from __future__ import annotations

import errno
import math
import socket
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from tachyon_sdk.exceptions import (
    ApiException,
    ApiTypeError,
    CancelledException,
    ConnectionException,
    DeadlineException,
    ResponseDecodeException,
    StreamTruncatedException,
    TimeoutException,
)

T = TypeVar("T")

# The timer comes first. Timeouts of the socket end a wait where the socket is not known.
_GRACE_SECONDS = 1.0
_TIMER_NAME = "tachyon_sdk deadline"
# Errors of a response, or of the wait for it, that was cut. An error status that has arrived stays what it is.
_CAUSED = (ConnectionException, StreamTruncatedException, ResponseDecodeException)


class Cancellation:
    """Cancels calls from another thread.

    ::

        cancellation = Cancellation()
        worker = ChatApi(api_client.with_options(cancellation=cancellation))
        ...
        cancellation.cancel()  # in another thread

    One object may belong to several calls, also to streams. Every call that has it raises CancelledException, in
    whatever it waits for, and so does every later call. Only two waits end by themselves first: the lookup of the
    host's address, and the TCP handshake.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: set[Limit] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel all calls that have this object. Any thread may call it; a second time has no effect."""
        with self._lock:
            self._cancelled = True
            limits = list(self._limits)
        for limit in limits:
            limit.stop(CancelledException)

    def _add(self, limit: Limit) -> None:
        with self._lock:
            self._limits.add(limit)
        if self._cancelled:
            limit.stop(CancelledException)

    def _remove(self, limit: Limit) -> None:
        with self._lock:
            self._limits.discard(limit)


def checked(name: str, cancellation: object) -> Cancellation:
    """Return the cancellation that was given under this name.

    Raises:
        ApiTypeError: It is not a cancellation.
    """
    if not isinstance(cancellation, Cancellation):
        raise ApiTypeError(f"{name} must be a Cancellation, not {type(cancellation).__name__}")
    return cancellation


class _Response(Protocol):
    def abort(self) -> None: ...


class Limit:
    """The deadline and the cancellations of one call, from `start` to `close`.

    Args:
        seconds: Seconds until the deadline, from now; None for no deadline.
        cancellations: The cancellation of the call and that of its client, each None if there is none.

    Raises:
        ApiTypeError: One is not a cancellation.
    """

    def __init__(self, seconds: float | None, cancellations: Iterable[Cancellation | None]) -> None:
        self._cancellations = [checked("_cancellation", each) for each in cancellations if each is not None]
        self._seconds = seconds
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._reason: type[DeadlineException | CancelledException] | None = None
        self._closed = False
        # What is interrupted: the connection, by a second descriptor of it, and later the response.
        self._connection: socket.socket | None = None
        self._response: _Response | None = None
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Begin to watch the time and the cancellation."""
        for cancellation in self._cancellations:
            cancellation._add(self)
        if self._seconds is not None:
            self._timer = threading.Timer(self._left(), self.stop, [DeadlineException])
            self._timer.daemon = True
            self._timer.name = _TIMER_NAME
            with suppress(RuntimeError):  # Where there are no threads, the timeouts of the socket have to do.
                self._timer.start()

    def stop(self, reason: type[DeadlineException | CancelledException]) -> None:
        """End the call, in whatever it waits for. Any thread may call it."""
        with self._lock:
            if self._closed or self._reason is not None:
                return
            self._reason = reason
            self._stopped.set()
            self._interrupt()

    def close(self) -> None:
        """The call has ended."""
        with self._lock:
            self._closed = True
            self._forget_connection()
            self._response = None
        if self._timer is not None:
            self._timer.cancel()
        for cancellation in self._cancellations:
            cancellation._remove(self)

    def watch(self, sock: Any) -> None:
        """Take the socket that the call uses from now on; None before there is one.

        Raises:
            OSError: The call was stopped.
        """
        with self._lock:
            self._forget_connection()
            self._response = None
            if sock is not None:
                with suppress(OSError, ValueError, AttributeError, TypeError):
                    # Of its own, so that a TLS socket keeps its state while another thread reads.
                    self._connection = socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
                    self._connection.settimeout(sock.gettimeout())
            if self._reason is not None:
                self._interrupt()
                raise OSError(errno.ECANCELED, "the call was stopped")

    def attach(self, response: _Response) -> None:
        """Take the response, whose body is read from now on."""
        with self._lock:
            self._forget_connection()
            self._response = response
            if self._reason is not None:
                self._interrupt()

    def timeouts(self, timeouts: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
        """Return the timeouts of the next attempt, which are not longer than the time that is left."""
        self._check(None)
        if self._seconds is None:
            return timeouts
        connect, read = (math.inf if value is None else value for value in timeouts)
        left = max(self._left(), 0.001)
        return min(connect, left), min(read, left + _GRACE_SECONDS)

    def wait(self, delay: float, error: ApiException) -> None:
        """Wait for the next attempt.

        Args:
            delay: Seconds.
            error: The error of the last attempt.

        Raises:
            DeadlineException: The deadline comes before the end of the wait. It is raised at once.
            CancelledException: The call was cancelled.
        """
        if delay >= self._left():
            self._reason = self._reason or DeadlineException
        else:
            self._stopped.wait(delay)
        self._check(error)

    def failure(self, error: ApiException) -> ApiException:
        """Return the error for the caller in place of one that this limit has caused; else the error itself."""
        if not isinstance(error, _CAUSED) or isinstance(error, (DeadlineException, CancelledException)):
            return error
        if self._reason is None and isinstance(error, TimeoutException) and self._left() <= 0:
            self._reason = DeadlineException
        if self._reason is None:
            return error
        return self._error(self._reason, error)

    def watched(self, chunks: Generator[T, None, None], reader: object) -> Generator[T, None, None]:
        """Iterate over the chunks of a stream, which the limit may end."""
        try:
            yield from chunks
        except ApiException as error:
            if (failure := self.failure(error)) is error:
                raise
            raise failure from error
        finally:
            self.close()

    def closed(self) -> None:
        """The stream was closed."""
        self.close()

    def _left(self) -> float:
        return self._end - time.monotonic()

    def _check(self, error: ApiException | None) -> None:
        if self._reason is None and self._left() <= 0:
            self._reason = DeadlineException
        if self._reason is not None:
            raise self._error(self._reason, error) from error

    def _error(
        self, kind: type[DeadlineException | CancelledException], error: ApiException | None
    ) -> DeadlineException | CancelledException:
        if kind is CancelledException:
            message = "the call was cancelled"
        else:
            message = f"the call did not end within its deadline of {self._seconds:g} s"
        if error is None:
            return kind(message=message, request_sent=False)
        stopped = kind(
            error.status,
            error.reason,
            headers=error.headers,
            body=error.body,
            partial=error.partial,
            data=error.data,
            message=message,
            request_sent=error.request_sent,
        )
        stopped.previous, stopped.attempts = error.previous, error.attempts
        return stopped

    def _interrupt(self) -> None:
        # Not all connections can be shut down, and it may have ended.
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        if self._response is not None:
            self._response.abort()

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
