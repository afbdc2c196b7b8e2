"""One attempt at a request over urllib3.

There is no retry here, and no redirect is followed; `ApiClient` decides about both.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from urllib3.exceptions import DecodeError, HTTPError, LocationValueError

from tachyon_sdk._transport.body import body_of
from tachyon_sdk._transport.connection import NotConnectedError
from tachyon_sdk._transport.errors import lost, never_connected, not_connected
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
"""Seconds to wait for the connection, and for each next byte of the answer; None waits for ever."""

# How much of an answer that cannot be read is kept for the error.
_SHOWN_BYTES = 1024 * 1024


class RESTResponse:
    """The answer to one attempt, its body not yet read.

    Attributes:
        response: urllib3's response.
        status: HTTP status.
        reason: Reason phrase of the status line.
        limit: Bytes that `read` reads at most where it is not told; None for no limit.
        previous: The errors of the attempts before this one, oldest first.
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
        # What was read ahead; nothing stands for the end of the body.
        self._ahead: list[bytes] = []
        self._aborted = False

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are found whatever their case."""
        return self.response.headers

    def getheaders(self) -> Mapping[str, str]:
        """The headers, under the name that older clients used."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """One header, under the name that older clients used."""
        return self.headers.get(name, default)

    @property
    def data(self) -> bytes | None:
        """The body, once `read` has read it."""
        return self._data

    def read(self, limit: int | None = None) -> bytes:
        """The whole body, decompressed.

        Args:
            limit: Bytes; None for the `limit` of this response.

        Raises:
            ConnectionException: The body broke off; `body` is what had arrived.
            ResponseDecodeException: The body cannot be decompressed, or is larger than the limit; `body` is what
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
        """The body, decompressed, in pieces that are handed over the moment they arrive.

        Raises:
            TimeoutException: Nothing came for as long as the read timeout allows.
            ConnectionException: The connection was lost before the body was complete.
            ResponseDecodeException: The body cannot be decompressed.
        """
        read, ahead = self._body.read, self._ahead
        with self._our_errors():
            while piece := ahead.pop(0) if ahead else read():
                if self._kept is None or self._keep(piece):
                    yield piece
                    continue
                self.close()
                yield self._kept[-1]
                raise self._undecodable(f"the response is larger than {self._may_keep} bytes")

    def look_ahead(self, enough: Callable[[bytes], bool]) -> bytes:
        """The beginning of the body, which `pieces` will hand over again.

        Args:
            enough: Whether so much of it is enough; without it the whole body is read.

        Raises:
            ConnectionException, ResponseDecodeException: As for `pieces`.
        """
        beginning = b""
        with self._our_errors():
            while not enough(beginning):
                piece = self._body.read()
                self._ahead.append(piece)
                if not piece:
                    break
                beginning += piece
        return beginning

    @property
    def end_is_certain(self) -> bool:
        """Whether the body says where it ends; else an end of the connection may be a loss."""
        return self._body.end_is_certain

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except DecodeError as error:
            self.close()
            raise self._undecodable(f"the response cannot be decompressed: {error}") from error
        except (HTTPError, OSError) as error:
            self.close()
            raise self._lost(error) from error

    def keep_pieces(self, limit: int | None) -> None:
        """From now on keeps what `pieces` hands over, at most `limit` bytes, for `kept_pieces`."""
        self._kept = []
        self._kept_bytes = 0
        self._may_keep = limit

    def kept_pieces(self) -> bytes:
        """What `pieces` has handed over."""
        return b"".join(self._kept or ()) if self._data is None else self._data

    def _beginning(self) -> bytes:
        """The beginning of what was kept, without a copy of the rest."""
        pieces, size = [], 0
        for piece in self._kept or ():
            if size >= _SHOWN_BYTES:
                break
            pieces.append(piece[: _SHOWN_BYTES - size])
            size += len(piece)
        return b"".join(pieces)

    def _keep(self, piece: bytes) -> bool:
        """Keeps a piece, or as much of it as the limit leaves; whether that was all of it."""
        assert self._kept is not None
        left = sys.maxsize if self._may_keep is None else self._may_keep - self._kept_bytes
        self._kept.append(piece[:left])
        self._kept_bytes += len(piece)
        return len(piece) <= left

    def finish(self) -> None:
        """Makes the connection ready for the next request, where the rest of the body is short and already here.

        Where it is not, the connection is closed.
        """
        self._body.drain()

    def _lost(self, error: Exception) -> ConnectionException:
        doing = "while the answer was being read"
        answered: dict[str, Any] = {"status": self.status, "reason": self.reason, "headers": self.headers}
        if self._aborted:
            return ConnectionException(message=f"it was closed by another thread ({doing})", **answered)
        return lost(error, doing, **answered)

    def _undecodable(self, message: str) -> ResponseDecodeException:
        return ResponseDecodeException(self.status, self.reason, headers=self.headers, message=message)

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end and the connection is in use again."""
        self._body.close()

    def abort(self) -> None:
        """Ends the connection at once while another thread reads from it; reading then fails, or ends."""
        self._aborted = True
        self._body.abort()


class RESTClientObject:
    """Connections to one or more hosts, kept open between requests.

    Args:
        configuration: TLS, proxy and pool settings; they are read for each host when the first request goes there.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        # By process: a connection that a fork copied still belongs to the parent.
        self._pools: dict[int, Pools] = {}
        self._warned: dict[str, object] = {}

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> RESTResponse:
        """Sends a request once and returns as soon as the headers of its answer are here.

        Raises:
            ApiValueError: The URL cannot be requested.
            TimeoutException: No connection, or no answer, within the timeouts.
            ConnectionException: No connection, or it was lost. `request_sent` is False where the server cannot
                have seen the request.
        """
        try:
            response = self._pools_of_this_process().send(method, url, headers, body, timeouts)
        except LocationValueError as error:
            raise ApiValueError(f"the URL cannot be requested: {error}") from error
        except NotConnectedError as error:
            raise not_connected(error, _doing(method, url)) from error.__cause__
        except (HTTPError, OSError) as error:
            if found := never_connected(error, url, self._configuration.proxy_for(url)):
                raise not_connected(found, _doing(method, url)) from error
            raise lost(error, _doing(method, url)) from error
        return RESTResponse(response)

    def close(self) -> None:
        """Closes the connections that are not in use. The next request makes new ones."""
        pools, self._pools = self._pools, {}
        for each in pools.values():
            each.close()

    def _pools_of_this_process(self) -> Pools:
        process = os.getpid()
        # One of several threads wins; no lock, because a fork could copy it while it is held.
        return self._pools.get(process) or self._pools.setdefault(
            process, Pools(self._configuration, self._warned)
        )


def _doing(method: str, url: str) -> str:
    # Without the query, which may hold a credential.
    return f"{method} {url.partition('?')[0]}"
