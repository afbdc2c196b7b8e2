"""The body of a response: read from its connection the moment it arrives, and decompressed."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPException
from typing import Any, Protocol

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from tachyon_sdk._transport.connection import Response
from tachyon_sdk._transport.framing import Chunked, Framing, Sized

_PIECE_BYTES = 65536
# What may still come after the end of an event stream for its connection to be worth keeping.
_LEFTOVER_BYTES = 65536
_LEFTOVER_SECONDS = 0.1
_log = logging.getLogger("tachyon_sdk")


class Decompressor:
    """Decompresses a body (RFC 9110, section 8.4.1): compressed bytes in, content out, in pieces of bounded size.

    Args:
        codings: The content codings in the order in which they were applied, separated by commas.

    Attributes:
        has_more: Whether the last piece was not all of the content of what was given.
    """

    def __init__(self, codings: str) -> None:
        self.has_more = False
        self._codings = codings
        self._decoder: Any = None

    def feed(self, data: bytes) -> bytes:
        """A piece of the content of `data`; if there is more, `feed(b"")` gives it.

        Raises:
            DecodeError: The data is invalid, or there are too many codings.
        """
        if self._decoder is None:
            # The decoder for several codings takes a single one as well, but asks each decoder twice.
            decoders = urllib3.response
            gzip_alone = self._codings == "gzip"
            self._decoder = decoders.GzipDecoder() if gzip_alone else decoders.MultiDecoder(self._codings)
        try:
            content: bytes = self._decoder.decompress(data, _PIECE_BYTES)
        except BaseHTTPResponse.DECODER_ERROR_CLASSES as error:
            raise DecodeError(f"invalid {self._codings} data: {error}") from error
        self.has_more = len(content) >= _PIECE_BYTES
        return content


def decompressor_of(headers: Mapping[str, str]) -> Decompressor | None:
    """What decompresses a body; None where it is not compressed, or in a way that urllib3 does not know."""
    value = headers.get("Content-Encoding")
    if not value:
        return None
    named = (coding.strip() for coding in value.lower().split(","))
    codings = [coding for coding in named if coding not in ("", "identity")]
    if not codings or any(coding not in BaseHTTPResponse.CONTENT_DECODERS for coding in codings):
        return None
    return Decompressor(", ".join(codings))


class Body(Protocol):
    """The body of one response. One thread reads it; any thread may call `abort`."""

    def read(self) -> bytes:
        """Return the next piece, decompressed; nothing at the end of the body, when its connection is free again.

        Raises:
            HTTPError, OSError: The connection was lost, or the response is not valid HTTP.
            DecodeError: The body cannot be decompressed.
        """
        ...

    @property
    def end_is_certain(self) -> bool:
        """Whether the body says where it ends, so that its end is not that of a lost connection."""
        ...

    def drain(self) -> None:
        """Free the connection if the rest of the body is short and already here; close it if not."""

    def close(self) -> None:
        """Close the connection, unless the body was read to its end and the connection is in use again."""

    def abort(self) -> None:
        """End the connection while another thread reads from it; that read then fails, or ends."""


def body_of(response: urllib3.BaseHTTPResponse) -> Body:
    """Return what reads the body of a response.

    That is `RawBody`, which reads below urllib3, where the response has all the parts it needs; and `PublicBody`
    where it has not: with vcrpy, in the browser, with a test double, or with a later urllib3.
    """
    missing = _missing_parts(response)
    if not missing:
        return RawBody(response)
    _log_once(type(response), missing)
    return PublicBody(response)


@lru_cache(maxsize=64)
def _log_once(kind: type, missing: str) -> None:
    _log.debug("%s.%s has no %s: bodies are read with read1()", kind.__module__, kind.__qualname__, missing)


def _missing_parts(response: urllib3.BaseHTTPResponse) -> str:
    """Name the first part that `RawBody` needs and a response does not have; nothing if it has them all."""
    source = getattr(response, "_original_response", None)
    if not isinstance(source, Response):  # it did not come over a connection of ours
        return "_original_response"
    if not hasattr(source, "fp") or not (source.fp is None or hasattr(source.fp, "read1")):
        return "fp.read1"
    if "Content-Encoding" in response.headers and not hasattr(urllib3.response, "MultiDecoder"):
        return "MultiDecoder"
    return next((name for name in ("chunked", "length_remaining") if not hasattr(response, name)), "")


class RawBody:
    """A body that is read off its connection, below urllib3.

    Args:
        response: The response of a connection of `_connections`, nothing of its body read.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._socket: Any = getattr(response, "sock", None)
        # The response of http.client below urllib3's. Read there, a piece costs half as much, and nothing is
        # lost when the connection breaks in the middle of an HTTP chunk.
        self._source: Any = response._original_response  # type: ignore[attr-defined]
        self._framing = _framing_of(response)
        self._decompressor = decompressor_of(response.headers)
        self._arrived = False
        self._process = os.getpid()
        # No lock: a fork could copy it while it is held.
        self._claims = [True]

    def read(self) -> bytes:
        """The next piece, decompressed; nothing at the end of the body, when its connection is free again.

        Raises:
            HTTPError, OSError: The connection was lost, or what comes is no HTTP.
            DecodeError: It cannot be decompressed.
        """
        piece = self._next() if self._decompressor is None else self._next_decompressed(self._decompressor)
        if piece:
            self._arrived = True
            return piece
        if not self._arrived and self._framing.ends_with_the_connection:
            raise ProtocolError("it ended before the answer")
        self._release()
        return b""

    def _next_decompressed(self, decompressor: Decompressor) -> bytes:
        while True:
            if decompressor.has_more:
                data = b""
            elif not (data := self._next()):
                return b""
            if content := decompressor.feed(data):
                return content

    def _next(self) -> bytes:
        framing, source = self._framing, self._source.fp
        while not framing.complete and source is not None:
            if framing.error is not None:
                raise ProtocolError(framing.error)
            if not (piece := source.read1(_PIECE_BYTES)):
                if not framing.ends_with_the_connection:
                    raise ProtocolError("it ended in the middle of the answer")
                framing.complete = True
            elif content := framing.feed(piece):
                return content
        return b""

    @property
    def end_is_certain(self) -> bool:
        """Whether the body says where it ends, so that its end is not that of a lost connection."""
        return not self._framing.ends_with_the_connection

    def drain(self) -> None:
        """Reads the rest where it is short and already here, so that the connection serves the next request.

        Where it is not, the connection is closed.
        """
        if self._framing.complete or self._drain_what_is_here():
            self._release()
        else:
            self.close()

    def _drain_what_is_here(self) -> bool:
        sock, framing = self._socket, self._framing
        if sock is None or framing.ends_with_the_connection:
            return False
        timeout = sock.gettimeout()
        try:
            left, deadline = _LEFTOVER_BYTES, time.monotonic() + _LEFTOVER_SECONDS
            while left > 0 and not framing.complete and (seconds := deadline - time.monotonic()) > 0:
                sock.settimeout(seconds)
                if framing.error or not (piece := self._source.fp.read1(_PIECE_BYTES)):
                    return False
                framing.feed(piece)
                left -= len(piece)
            sock.settimeout(timeout)
            return framing.complete
        except (OSError, ValueError):
            return False

    def _claim(self) -> bool:
        """Whether the connection is the caller's, to free it or to end it: the first one's, of all threads."""
        try:
            return self._claims.pop()
        except IndexError:
            return False

    def _release(self) -> None:
        if not self._claim():
            self.close()
            return
        if self._framing.left_over or self._framing.ends_with_the_connection:
            self._response.close()
        else:
            self._source.close()
        self._response.release_conn()

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end and the connection is in use again."""
        self._response.close()
        self._response.release_conn()

    def abort(self) -> None:
        """Ends the connection at once while another thread reads from it; reading then fails, or ends."""
        # Once the body was read to its end, the connection belongs to somebody else. After a fork it is shared.
        if self._socket is not None and self._process == os.getpid() and self._claim():
            sock = self._socket
            # TLS within TLS: the socket to the proxy is below.
            while not isinstance(sock, socket.socket):
                sock = sock.socket
            with suppress(OSError):
                # Not the method of a TLS socket, which takes its state away from the thread that is reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _framing_of(response: urllib3.BaseHTTPResponse) -> Framing:
    """How a body shows where it ends."""
    if response.chunked:
        return Chunked()
    size = response.length_remaining
    return Framing() if size is None else Sized(size)


class PublicBody:
    """A body that is read with the public methods of urllib3's responses, which also decompress it.

    Args:
        response: A response, nothing of its body read.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._read = response.read1 if _has_read1(response) else response.read
        self._ended = False

    def read(self) -> bytes:
        if self._ended:
            return b""
        try:
            piece = self._read(_PIECE_BYTES)
        except HTTPException as error:  # urllib3 does not wrap those of `fetch`
            raise ProtocolError(str(error), error) from error
        if not piece:
            self._ended = True
            self._release()
        return piece

    @property
    def end_is_certain(self) -> bool:
        # A recording has lost its framing, and `fetch` hides it. Both raise an error when a body is cut.
        headers = self._response.headers
        return (
            not isinstance(self._response, urllib3.HTTPResponse)
            or "Content-Length" in headers
            or "chunked" in headers.get("Transfer-Encoding", "").lower()
        )

    def drain(self) -> None:
        if not self._ended and not self._read_the_rest():
            self.close()

    def _read_the_rest(self) -> bool:
        sock = getattr(getattr(self._response, "connection", None), "sock", None)
        if sock is None:
            return False
        left, deadline = _LEFTOVER_BYTES, time.monotonic() + _LEFTOVER_SECONDS
        try:
            while not self._ended:
                if left <= 0 or (seconds := deadline - time.monotonic()) <= 0:
                    return False
                sock.settimeout(seconds)  # until the next request, for which urllib3 sets another
                left -= len(self.read())
        except (HTTPError, OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        self._response.close()
        self._release()

    def _release(self) -> None:
        if release := getattr(self._response, "release_conn", None):  # vcrpy before 8.1 has none
            release()

    def abort(self) -> None:
        # Once the body was read to its end, the connection belongs to another request.
        if not self._ended:
            # Not all kinds of responses have it.
            with suppress(AttributeError, NotImplementedError, OSError, ValueError):
                self._response.shutdown()


def _has_read1(response: urllib3.BaseHTTPResponse) -> bool:
    """Whether a response has `read1`, which waits for the next bytes only. The base class only names it."""
    return getattr(type(response), "read1", None) not in (None, urllib3.BaseHTTPResponse.read1)
