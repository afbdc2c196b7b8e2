"""`RawServer` over TLS, with a certificate authority created for the test."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import trustme

from support.raw_server import Connection, Disconnected, RawServer, Response


class TlsServer(RawServer):
    """A `RawServer` with its own certificate authority.

    `hostnames`: names and addresses in the certificate.
    `client_certificate`: whether clients need a certificate of the same authority.
    `configure`: called with the server's TLS context and its authority, to modify them.

    The files exist during the `with` block. A failed handshake is not an error of the server: it is recorded
    in `handshake_errors`.
    """

    scheme = "https"

    def __init__(
        self,
        responses: Iterable[Response] | None = None,
        *,
        handler: Callable[[Connection], object] | None = None,
        hostnames: Sequence[str] = ("127.0.0.1", "localhost"),
        client_certificate: bool = False,
        configure: Callable[[ssl.SSLContext, trustme.CA], object] | None = None,
    ) -> None:
        super().__init__(responses, handler=handler)
        self.handshake_errors: list[OSError] = []
        self.server_names: list[str | None] = []
        """The SNI server name of each client, or None."""
        self._hostnames = hostnames
        self._client_certificate = client_certificate
        self._configure = configure

    def __enter__(self) -> TlsServer:
        authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._hostnames).configure_cert(self._context)
        self._context.sni_callback = self._record_name
        if self._client_certificate:
            authority.configure_trust(self._context)
            self._context.verify_mode = ssl.CERT_REQUIRED
        if self._configure is not None:
            self._configure(self._context, authority)
        client = authority.issue_cert("client@test.example")
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.ca_pem = authority.cert_pem.bytes().decode()
        """The CA certificate as PEM text."""
        self.ca_file = str(folder / "ca.pem")
        self.client_cert_file = str(folder / "client.pem")
        """A client certificate of the same authority, and its chain."""
        self.client_key_file = str(folder / "client.key")
        Path(self.ca_file).write_text(self.ca_pem)
        Path(self.client_cert_file).write_bytes(b"".join(part.bytes() for part in client.cert_chain_pems))
        Path(self.client_key_file).write_bytes(client.private_key_pem.bytes())
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._folder.cleanup()

    def _record_name(self, sock: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.server_names.append(name)

    def _wrap(self, sock: socket.socket) -> socket.socket:
        with self._handshaking():
            sock.getpeername()  # if the peer has disconnected, wrap_socket leaks a socket (Python 3.10 and 3.11)
            return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _talk(self, connection: Connection) -> None:
        assert isinstance(connection.socket, ssl.SSLSocket)
        with self._handshaking():
            connection.socket.getpeername()  # without a peer, do_handshake would raise an AttributeError
            connection.socket.do_handshake()
        super()._talk(connection)

    @contextmanager
    def _handshaking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.handshake_errors.append(error)
            raise Disconnected(str(error)) from error
