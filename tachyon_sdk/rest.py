"""One attempt at a request, sent with urllib3.

Nothing is retried here and no redirect is followed. `ApiClient` decides about both.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping

import urllib3
from urllib3.exceptions import DecodeError, HTTPError, LocationValueError

from tachyon_sdk._transport.body import body_of
from tachyon_sdk._transport.connection import NotConnectedError
from tachyon_sdk._transport.errors import lost, never_connected, not_connected, without_frames
from tachyon_sdk._transport.pools import Pools
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import (
    ApiException as ApiException,
    ApiValueError,
    ConnectionException,
    ResponseDecodeException,
)

RESTResponseType = urllib3.BaseHTTPResponse

Timeouts = tuple[float | None, float | None]
"""Connect and read timeout in seconds. None waits without a limit."""

# How much of an unreadable response the error keeps.
_SHOWN_BYTES = 1024 * 1024


class RESTResponse:
    """The response of one attempt, with an unread body.

    Attributes:
        response: urllib3's response.
        status: HTTP status.
        reason: Reason phrase of the status line.
        limit: Default maximum number of bytes for `read`. None for no limit.
        previous: The errors of the previous attempts, oldest first.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.response = response
        self.status = response.status
        self.reason = response.reason
        self.limit: int | None = None
        self.previous: tuple[ApiException, ...] = ()
        self._body = body_of(response)
        self._data: bytes | None = None
        self._kept: list[bytes] | None = None
        self._kept_bytes = 0
        self._may_keep: int | None = None
        # Pieces that were read ahead. An empty one is the end of the body.
        self._ahead: list[bytes] = []
        self._aborted = False

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers. Names are not case-sensitive."""
        return self.response.headers

    def getheaders(self) -> Mapping[str, str]:
        """Return the headers, under the name that OpenAPI Generator uses."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header, under the name that OpenAPI Generator uses."""
        return self.headers.get(name, default)

    @property
    def data(self) -> bytes | None:
        """The body, after `read` has returned it; else None."""
        return self._data

    def read(self, limit: int | None = None) -> bytes:
        """Read the whole body, decompressed.

        Args:
            limit: Maximum number of bytes. None for the `limit` of this response.

        Raises:
            ConnectionException: The connection was lost. `body` is what had arrived.
            ResponseDecodeException: The body cannot be decompressed, or is larger than the limit. `body` is what
                had arrived.
        """
        if self._data is None:
            self.keep_pieces(self.limit if limit is None else limit)
            try:
                for _ in self.pieces():
                    pass
            except (ConnectionException, ResponseDecodeException) as error:
                error.body = self._beginning().decode("utf-8", "replace")
                raise
            self._data = self.kept_pieces()
            self._kept = None
        return self._data

    def pieces(self) -> Iterator[bytes]:
        """Iterate over the decompressed body, each piece as soon as it arrives.

        Raises:
            TimeoutException: Nothing arrived within the read timeout.
            ConnectionException: The connection was lost before the body was complete.
            ResponseDecodeException: The body cannot be decompressed, or is larger than the limit of `keep_pieces`.
        """
        read, ahead = self._body.read, self._ahead
        try:
            while piece := ahead.pop(0) if ahead else read():
                if self._kept is None or self._keep(piece):
                    yield piece
                    continue
                self.close()
                yield self._kept[-1]
                raise self._undecodable(f"the response is larger than {self._may_keep} bytes")
        except (HTTPError, OSError) as error:
            raise self._failure(error) from without_frames(error)

    def look_ahead(self, enough: Callable[[bytes], bool]) -> bytes:
        """Read the beginning of the body. `pieces` returns it again.

        Args:
            enough: Whether this much of the body is enough. Otherwise reading continues, up to the end of the body.

        Raises:
            ConnectionException, ResponseDecodeException: As for `pieces`.
        """
        beginning = b"".join(self._ahead)
        try:
            while not enough(beginning) and self._ahead[-1:] != [b""]:
                piece = self._body.read()
                self._ahead.append(piece)
                beginning += piece
        except (HTTPError, OSError) as error:
            raise self._failure(error) from without_frames(error)
        return beginning

    @property
    def end_is_certain(self) -> bool:
        """Whether the framing marks the end of the body. Otherwise an early end cannot be recognised."""
        return self._body.end_is_certain

    def keep_pieces(self, limit: int | None) -> None:
        """Keep what `pieces` returns from now on, up to `limit` bytes, for `kept_pieces`."""
        self._kept = []
        self._kept_bytes = 0
        self._may_keep = limit

    def kept_pieces(self) -> bytes:
        """Return what `pieces` has returned since `keep_pieces`."""
        return b"".join(self._kept or ()) if self._data is None else self._data

    def _beginning(self) -> bytes:
        """Return the first bytes of the kept pieces, without a copy of the rest."""
        pieces, size = [], 0
        for piece in self._kept or ():
            if size >= _SHOWN_BYTES:
                break
            pieces.append(piece[: _SHOWN_BYTES - size])
            size += len(piece)
        return b"".join(pieces)

    def _keep(self, piece: bytes) -> bool:
        """Keep a piece up to the limit. Return whether it was kept whole."""
        assert self._kept is not None
        left = sys.maxsize if self._may_keep is None else self._may_keep - self._kept_bytes
        self._kept.append(piece[:left])
        self._kept_bytes += len(piece)
        return len(piece) <= left

    def finish(self) -> None:
        """Free the connection if the rest of the body is short and has arrived. Close it otherwise."""
        self._body.drain()

    def _failure(self, error: HTTPError | OSError) -> ConnectionException | ResponseDecodeException:
        """Close the connection after an error of its body, and return the error for the caller."""
        self.close()
        if isinstance(error, DecodeError):
            return self._undecodable(f"the response cannot be decompressed: {error}")
        context = "while reading the response"
        if self._aborted:
            return ConnectionException(
                self.status,
                self.reason,
                headers=self.headers,
                message=f"the connection was closed by another thread ({context})",
            )
        return lost(error, context, status=self.status, reason=self.reason, headers=self.headers)

    def _undecodable(self, message: str) -> ResponseDecodeException:
        return ResponseDecodeException(self.status, self.reason, headers=self.headers, message=message)

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        self._body.close()

    def abort(self) -> None:
        """Close the connection while another thread reads from it. That read then fails or ends."""
        self._aborted = True
        self._body.abort()


class RESTClientObject:
    """Connections to one or more hosts, kept open between requests.

    Args:
        configuration: TLS, proxy and pool settings. They are read when the first request goes to a host.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        # By process id: connections that `fork` copied belong to the parent.
        self._pools: dict[int, Pools] = {}
        self._warned: dict[str, object] = {}

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> RESTResponse:
        """Send a request once. Return when the response headers have arrived.

        Raises:
            ApiValueError: The URL cannot be requested.
            TimeoutException: No connection or no response within the timeouts.
            ConnectionException: No connection could be made, or it was lost. `request_sent` is False if the server
                cannot have received the request.
        """
        try:
            response = self._pools_of_this_process().send(method, url, headers, body, timeouts)
        except LocationValueError as error:
            raise ApiValueError(f"the URL cannot be requested: {error}") from error
        except NotConnectedError as error:
            raise not_connected(error, url, _context(method, url)) from _cause(error)
        except (HTTPError, OSError) as error:
            if found := never_connected(error, self._configuration.proxy_for(url)):
                raise not_connected(found, url, _context(method, url)) from without_frames(error)
            raise lost(error, _context(method, url)) from without_frames(error)
        return RESTResponse(response)

    def close(self) -> None:
        """Close idle connections. The next request opens new ones."""
        pools, self._pools = self._pools, {}
        for each in pools.values():
            each.close()

    def _pools_of_this_process(self) -> Pools:
        process = os.getpid()
        # Threads may race; setdefault picks one. A fork could copy a lock while it is held.
        return self._pools.get(process) or self._pools.setdefault(
            process, Pools(self._configuration, self._warned)
        )


def _cause(error: NotConnectedError) -> BaseException | None:
    return error.__cause__ and without_frames(error.__cause__)


def _context(method: str, url: str) -> str:
    # The query may contain a credential.
    return f"{method} {url.partition('?')[0]}"
