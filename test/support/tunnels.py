"""Tunnels for tests: unlike real proxies, they do not buffer and read only what they can forward."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.proxies import SocksProxies
from support.raw_server import Connection, Disconnected, RawServer
from support.tls_server import TlsServer

WAYS = [(kind, scheme) for kind in ("direct", "http", "tls", "socks") for scheme in ("http", "https")]
"""How a server is reached, and its scheme: the argument of `reached`."""


@contextmanager
def reached(
    kind: str, scheme: str, socks: SocksProxies, handler: Callable[[Connection], object]
) -> Iterator[tuple[RawServer, dict[str, Any]]]:
    """A server with this handler, and the settings that reach it directly or through a proxy.

    For http, the server takes the place of the HTTP proxy, too.
    """
    with TlsServer(handler=handler) if scheme == "https" else RawServer(handler=handler) as server:
        settings: dict[str, Any] = {"host": server.url}
        if isinstance(server, TlsServer):
            settings["ssl_ca_cert"] = server.ca_file
        if kind == "direct":
            yield server, settings
        elif kind == "socks":
            yield server, {**settings, "proxy": socks.url("socks5")}
        else:
            behind = None if scheme == "http" else server.port
            take_part = handler if behind is None else lambda connection: pass_on(connection, behind)
            with TlsServer(handler=take_part) if kind == "tls" else RawServer(handler=take_part) as proxy:
                settings["proxy"] = proxy.url
                if isinstance(proxy, TlsServer):
                    settings["proxy_ssl_context"] = ssl.create_default_context(cadata=proxy.ca_pem)
                yield server if behind else proxy, settings


def pass_on(connection: Connection, port: int) -> None:
    """Accept a CONNECT and forward data in both directions until one side closes."""
    assert connection.read_request().method == "CONNECT"
    with socket.create_connection(("127.0.0.1", port)) as server, selectors.DefaultSelector() as selector:
        for end in (connection.socket, server):
            # Otherwise the system may grow the buffers until they hold all unread data.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        selector.register(connection.socket, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, connection.socket)
        try:
            while True:
                for key, _ in selector.select():
                    pass_piece_on(key.fileobj, key.data)
        except OSError as error:
            raise Disconnected(str(error)) from error


def pass_piece_on(source: Any, target: socket.socket) -> None:
    while True:
        data = source.recv(65536)
        if not data:
            raise Disconnected("one side has ended")
        target.sendall(data)
        # The selector does not see data that the TLS socket has already read.
        if not (isinstance(source, ssl.SSLSocket) and source.pending()):
            return
