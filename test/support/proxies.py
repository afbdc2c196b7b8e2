"""Real proxies on free ports of 127.0.0.1, running during a `with` block.

`HttpProxies` are proxy.py in a process of its own, `SocksProxies` tiny-proxy in a thread.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import trustme

from support.raw_server import RawServer, Response
from support.tls_server import TlsServer

USER = "proxy-user"
# Must be percent-encoded in a URL. `:` is allowed in a password, but not in a user name.
PASSWORD = "pass:w@rd/that?nobody#may%see"
USER_INFO = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"
SECRETS = (PASSWORD, f"{USER}:{PASSWORD}")
"""Secrets that no error may reveal, in addition to those of a call."""
SOCKS_SCHEMES = ("socks5", "socks5h", "socks4", "socks4a")

NAME_FOR_PROXIES = "known-to-the-proxy.invalid"
"""A host name that only the SOCKS proxies resolve, to 127.0.0.1."""


@contextmanager
def target(scheme: str, *responses: Response) -> Iterator[tuple[RawServer, dict[str, Any]]]:
    """A server for this scheme, and the settings for a client to trust it."""
    if scheme == "http":
        with RawServer(responses) as server:
            yield server, {}
    else:
        with TlsServer(responses) as tls_server:
            yield tls_server, {"ssl_ca_cert": tls_server.ca_file}


class Seen(NamedTuple):
    """A request that a proxy forwarded."""

    method: str
    headers: dict[str, str]
    """By name in lower case."""


class HttpProxies:
    """Two HTTP proxies.

    Attributes:
        address: Host and port of the one that wants `USER` and `PASSWORD`.
        tls_address: Host and port of the one that is spoken to over TLS and wants no credentials.
        tls_ca_pem: The authority of its certificate, as PEM text.
    """

    def __init__(self, ports: list[str], ca_pem: str, record: Path) -> None:
        self.address, self.tls_address = (f"127.0.0.1:{port}" for port in ports)
        self.tls_ca_pem = ca_pem
        self._record = record
        self._forgotten = 0

    def forget(self) -> None:
        """Discard the records: a later test may reuse the port of an earlier one."""
        self._forgotten = len(self._record.read_text().splitlines())

    @property
    def url(self) -> str:
        """URL of the proxy that requires credentials, including them."""
        return f"http://{USER_INFO}{self.address}"

    @property
    def over_tls(self) -> dict[str, Any]:
        """Settings for the proxy that is reached over TLS."""
        context = ssl.create_default_context(cadata=self.tls_ca_pem)
        return {"proxy": f"https://{self.tls_address}", "proxy_ssl_context": context}

    def seen(self, port: int) -> list[Seen]:
        """Return the requests for this port since `forget`, one entry per connection."""
        lines = self._record.read_text().splitlines()[self._forgotten :]
        requests = [json.loads(line) for line in lines]
        return [
            Seen(request["method"], {name.lower(): value for name, value in request["headers"]})
            for request in requests
            if request["port"] == port
        ]


@contextmanager
def http_proxies() -> Iterator[HttpProxies]:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    with tempfile.TemporaryDirectory() as home:
        record, certificate, key = (Path(home, name) for name in ("record.jsonl", "cert.pem", "key.pem"))
        record.touch()
        leaf.cert_chain_pems[0].write_to_path(str(certificate))
        leaf.private_key_pem.write_to_path(str(key))
        script = Path(__file__).with_name("http_proxy.py")
        command = [sys.executable, str(script), f"{USER}:{PASSWORD}", str(record), str(certificate), str(key)]
        environment = {**os.environ, "HOME": home}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                ports = process.stdout.readline().split()
                assert len(ports) == 2, "the proxies did not start"
                yield HttpProxies(ports, authority.cert_pem.bytes().decode(), record)
            finally:
                process.stdin.close()  # ends it


class SocksProxies:
    """Three SOCKS proxies.

    Attributes:
        socks5: Host and port of a SOCKS 5 proxy that wants no credentials.
        socks5_with_credentials: Host and port of one that wants `USER` and `PASSWORD`.
        socks4: Host and port of a SOCKS 4 and 4A proxy that wants the user id `USER`.
        asked_for: The (host, port) that each connection asked for, in order.
    """

    def __init__(self) -> None:
        self.socks5 = self.socks5_with_credentials = self.socks4 = ""
        self.asked_for: list[tuple[str, int]] = []

    def url(self, scheme: str) -> str:
        """Return the URL of the proxy for this scheme, including its credentials."""
        if scheme.startswith("socks4"):
            return f"{scheme}://{quote(USER)}@{self.socks4}"
        return f"{scheme}://{USER_INFO}{self.socks5_with_credentials}"


@contextmanager
def socks_proxies() -> Iterator[SocksProxies]:
    # Imported here because they are slow to import.
    import anyio
    from anyio.from_thread import start_blocking_portal
    from tiny_proxy import Socks4ProxyHandler, Socks5ProxyHandler

    proxies = SocksProxies()

    def recording(handler: Any) -> Any:
        create_proxy = handler.create_proxy

        def create_recording_proxy(stream: Any) -> Any:
            proxy = create_proxy(stream)
            negotiate = proxy.negotiate

            async def negotiate_and_record() -> tuple[str, int]:
                host, port = await negotiate()
                proxies.asked_for.append((host, port))
                return "127.0.0.1" if host == NAME_FOR_PROXIES else host, port

            proxy.negotiate = negotiate_and_record
            return proxy

        handler.create_proxy = create_recording_proxy
        return handler

    handlers = {
        "socks5": Socks5ProxyHandler(),
        "socks5_with_credentials": Socks5ProxyHandler(USER, PASSWORD),
        "socks4": Socks4ProxyHandler(USER),
    }
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        for name, handler in handlers.items():
            listener = portal.call(lambda: anyio.create_tcp_listener(local_host="127.0.0.1"))
            stack.callback(portal.call, listener.aclose)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            setattr(proxies, name, f"127.0.0.1:{port}")
            stack.callback(portal.start_task_soon(listener.serve, recording(handler).handle).cancel)
        yield proxies
