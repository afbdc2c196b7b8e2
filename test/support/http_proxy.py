"""The process behind `support.proxies.HttpProxies`: runs proxy.py and records the requests.

    python http_proxy.py user:password record.jsonl certificate.pem key.pem

It writes the ports of two proxies on a line, one that wants these credentials and one that is spoken to over TLS,
and ends when its standard input does.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from typing import Any

import proxy
from proxy.http.proxy import HttpProxyBasePlugin

COMMON = ["--hostname", "127.0.0.1", "--port", "0", "--num-acceptors", "1", "--num-workers", "1"]
# The default would close connections that are idle for 10 seconds.
COMMON += ["--timeout", "600", "--log-level", "CRITICAL", "--data-dir", os.path.expanduser("~/proxy")]


class Recorder(HttpProxyBasePlugin):
    """Records each request for a server as received from the client."""

    def before_upstream_connection(self, request: Any) -> Any:
        headers = [(name.decode(), value.decode()) for name, value in (request.headers or {}).values()]
        seen = {"method": request.method.decode(), "port": request.port, "headers": headers}
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps(seen) + "\n")
        return request


def main(credentials: str, record: str, certificate: str, key: str) -> None:
    os.environ["RECORD"] = record
    tls = ["--cert-file", certificate, "--key-file", key]
    with_credentials = proxy.Proxy([*COMMON, "--basic-auth", credentials], plugins=[Recorder])
    over_tls = proxy.Proxy([*COMMON, *tls], plugins=[Recorder])
    with_credentials.setup()
    over_tls.setup()
    print(with_credentials.flags.port, over_tls.flags.port, flush=True)
    sys.stdin.read()
    for process in multiprocessing.active_children():
        process.kill()  # a graceful end would take a second each
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
