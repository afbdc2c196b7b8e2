"""Reads and decompresses response bodies, each piece as soon as it arrives."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from types import NoneType
from typing import Any, Protocol

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from tachyon_sdk._transport.connection import Response
from tachyon_sdk._transport.framing import Chunked, Framing, Sized

_PIECE_BYTES = 65536
# How much may follow the end of an event stream if its connection is to be kept.
_LEFTOVER_BYTES = 65536
_LEFTOVER_SECONDS = 0.1
_log = logging.getLogger("tachyon_sdk")


class Decompressor:
    """Decompresses a body (RFC 9110, section 8.4.1) in pieces of bounded size.

    Args:
        codings: The content codings, in the order in which they were applied, separated by commas.

    Attributes:
        has_more: Whether `feed(b"")` may return more content of the data so far.
    """

    def __init__(self, codings: str) -> None:
        self.has_more = False
        self._codings = codings
        self._decoder: Any = None

    def feed(self, data: bytes) -> bytes:
        """Return a piece of the content of `data`. If there is more, `feed(b"")` returns the next piece.

        Raises:
            DecodeError: The data is invalid, or there are too many codings.
        """
        if self._decoder is None:
            self._decoder = _decoder_of(self._codings)
        try:
            content: bytes = self._decoder.decompress(data, _PIECE_BYTES)
        except BaseHTTPResponse.DECODER_ERROR_CLASSES as error:
            raise DecodeError(f"invalid {self._codings} data: {error}") from error
        self.has_more = len(content) >= _PIECE_BYTES
        return content


def _decoder_of(codings: str) -> Any:
    # MultiDecoder also takes one coding, but calls each decoder twice.
    decoders = urllib3.response
    return decoders.GzipDecoder() if codings == "gzip" else decoders.MultiDecoder(codings)


def decompressor_of(headers: Mapping[str, str]) -> Decompressor | None:
    """Return the decompressor for a body, or None if it is not compressed or urllib3 does not know the coding."""
    if "Content-Encoding" not in headers:  # cheaper than `get`, which raises an error within urllib3
        return None
    value = headers["Content-Encoding"]
    named = (coding.strip() for coding in value.lower().split(","))
    codings = [coding for coding in named if coding not in ("", "identity")]
    if not codings or any(coding not in BaseHTTPResponse.CONTENT_DECODERS for coding in codings):
        return None
    return Decompressor(", ".join(codings))


class Body(Protocol):
    """The body of one response. One thread reads it. Any thread may call `abort`."""

    def read(self) -> bytes:
        """Return the next decompressed piece, or nothing at the end of the body, which frees the connection.

        Raises:
            HTTPError, OSError: The connection was lost, or the response is not valid HTTP.
            DecodeError: The body cannot be decompressed.
        """
        ...

    @property
    def end_is_certain(self) -> bool:
        """Whether the framing marks the end of the body. Otherwise a lost connection may end it."""
        ...

    def drain(self) -> None:
        """Free the connection if the rest of the body is short and has arrived. Close it otherwise."""

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""

    def abort(self) -> None:
        """Close the connection while another thread reads from it. That read then fails or ends."""


# The private part that `RawBody` lacks, or nothing, by the classes of a response and of its original.
_missing_parts: dict[tuple[type, type], str] = {}
_MAX_CLASSES = 100


def body_of(response: urllib3.BaseHTTPResponse) -> Body:
    """Return the reader of a response body.

    `RawBody` reads below urllib3. It needs private parts of the response. If one is missing or has another type, as
    with vcrpy, in the browser, with a test double or with a later urllib3, `PublicBody` is used.
    """
    classes = type(response), type(getattr(response, "_original_response", None))
    missing = _missing_parts.get(classes)
    if missing is None:
        missing = _missing_part(response)
        if len(_missing_parts) >= _MAX_CLASSES:  # Mocks have a class each.
            _missing_parts.clear()
        _missing_parts[classes] = missing
        if missing:
            _log.debug(
                "%s.%s has no usable %s: bodies are read with read1()",
                classes[0].__module__,
                classes[0].__qualname__,
                missing,
            )
    return PublicBody(response) if missing else RawBody(response)


def _missing_part(response: Any) -> str:
    """Return the name of the first private part that `RawBody` cannot use, or nothing."""
    original = getattr(response, "_original_response", None)
    if not isinstance(original, Response):  # It did not come over a connection of ours.
        return "_original_response"
    if not callable(getattr(getattr(original, "fp", None), "read1", None)):
        return "fp"
    if not isinstance(getattr(response, "chunked", None), bool):
        return "chunked"
    if not isinstance(getattr(response, "length_remaining", ""), (int, NoneType)):
        return "length_remaining"
    try:
        if all(_decoder_of(codings).decompress(b"", 1) == b"" for codings in ("gzip", "deflate, gzip")):
            return ""
    except (AttributeError, TypeError):
        pass
    return "decompress"


class RawBody:
    """Reads a body below urllib3, which halves the cost of a piece.

    Nothing that has arrived is lost if the connection breaks within an HTTP chunk.

    Args:
        response: A response of a `Connection`, with an unread body.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._socket: Any = getattr(response, "sock", None)
        # The response of http.client.
        self._source: Any = response._original_response  # type: ignore[attr-defined]
        self._framing = _framing_of(response)
        self._decompressor = decompressor_of(response.headers)
        self._arrived = False
        self._process = os.getpid()
        self._claims = [True]

    def read(self) -> bytes:
        piece = self._next() if self._decompressor is None else self._next_decompressed(self._decompressor)
        if piece:
            self._arrived = True
            return piece
        if not self._arrived and self._framing.ends_with_the_connection:
            raise ProtocolError("it ended before the response")
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
                    raise ProtocolError("it ended in the middle of the response")
                framing.complete = True
            elif content := framing.feed(piece):
                return content
        return b""

    @property
    def end_is_certain(self) -> bool:
        return not self._framing.ends_with_the_connection

    def drain(self) -> None:
        if self._framing.complete or self._drain_arrived():
            self._release()
        else:
            self.close()

    def _drain_arrived(self) -> bool:
        sock, framing = self._socket, self._framing
        if framing.ends_with_the_connection:
            return False
        try:
            timeout = sock.gettimeout()
            left, deadline = _LEFTOVER_BYTES, time.monotonic() + _LEFTOVER_SECONDS
            while left > 0 and not framing.complete and (seconds := deadline - time.monotonic()) > 0:
                sock.settimeout(seconds)
                if framing.error or not (piece := self._source.fp.read1(_PIECE_BYTES)):
                    return False
                framing.feed(piece)
                left -= len(piece)
            sock.settimeout(timeout)
            return framing.complete
        except (OSError, ValueError, AttributeError):  # AttributeError: no socket is known.
            return False

    def _release(self) -> None:
        if not _claim(self._claims):
            self.close()
            return
        if self._framing.left_over or self._framing.ends_with_the_connection:
            self._response.close()
        else:
            self._source.close()
        self._response.release_conn()

    def close(self) -> None:
        self._response.close()
        self._response.release_conn()

    def abort(self) -> None:
        _abort(self._response, self._socket, self._process, self._claims)


def _framing_of(response: urllib3.BaseHTTPResponse) -> Framing:
    if response.chunked:
        return Chunked()
    size = response.length_remaining
    return Framing() if size is None else Sized(size)


def _claim(claims: list[bool]) -> bool:
    """Return whether the caller is the first of all threads to free or abort a connection.

    `claims` has one item. A lock would not do: a fork could copy it while it is held.
    """
    try:
        return claims.pop()
    except IndexError:
        return False


def _abort(response: urllib3.BaseHTTPResponse, sock: Any, process: int, claims: list[bool]) -> None:
    # After the end of the body, another request may use the connection. After a fork, both processes share it.
    if process != os.getpid() or not _claim(claims):
        return
    # Not all classes of responses can be shut down, and the connection may have ended.
    with suppress(AttributeError, NotImplementedError, OSError, ValueError):
        if isinstance(sock, socket.socket):
            # The method of a TLS socket would remove its state while another thread reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        elif hasattr(sock, "fileno"):  # TLS within TLS is not a socket, but has the descriptor of one.
            with socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
                twin.shutdown(socket.SHUT_RDWR)
        else:
            response.shutdown()


class PublicBody:
    """Reads a body with the public methods of urllib3's responses, which also decompress it.

    Args:
        response: A response with an unread body.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._read_piece = response.read1 if _has_read1(response) else response.read
        # urllib3 drops the connection if its end ends the body.
        self._socket: Any = getattr(getattr(response, "connection", None), "sock", None)
        self._process = os.getpid()
        self._claims = [True]
        self._ended = False

    def read(self) -> bytes:
        if self._ended:
            return b""
        try:
            piece = self._read_piece(_PIECE_BYTES)
        except HTTPException as error:  # urllib3 does not wrap those of `fetch`.
            raise ProtocolError(str(error), error) from error
        if not piece:
            self._ended = True
            if _claim(self._claims):
                self._release()
            else:
                self.close()
        return piece

    @property
    def end_is_certain(self) -> bool:
        # Recordings lose the framing and `fetch` hides it. Both raise an error for a truncated body.
        headers = self._response.headers
        return (
            not isinstance(self._response, urllib3.HTTPResponse)
            or "Content-Length" in headers
            or "chunked" in headers.get("Transfer-Encoding", "").lower()
        )

    def drain(self) -> None:
        if not self._ended and not self._drain_arrived():
            self.close()

    def _drain_arrived(self) -> bool:
        left, deadline = _LEFTOVER_BYTES, time.monotonic() + _LEFTOVER_SECONDS
        try:
            while not self._ended:
                if left <= 0 or (seconds := deadline - time.monotonic()) <= 0:
                    return False
                self._socket.settimeout(seconds)  # urllib3 sets another timeout for the next request.
                left -= len(self.read())
        except (HTTPError, OSError, ValueError, AttributeError):  # AttributeError: no socket is known.
            return False
        return True

    def close(self) -> None:
        self._response.close()
        self._release()

    def _release(self) -> None:
        if release := getattr(self._response, "release_conn", None):  # vcrpy before 8.1 has none.
            release()

    def abort(self) -> None:
        _abort(self._response, self._socket, self._process, self._claims)


def _has_read1(response: urllib3.BaseHTTPResponse) -> bool:
    """Return whether a response class implements `read1`. The base class only declares it."""
    return getattr(type(response), "read1", None) not in (None, urllib3.BaseHTTPResponse.read1)
