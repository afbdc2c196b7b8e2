"""The proxy settings of a configuration, as urllib3 takes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote

import urllib3
import urllib3.util

from tachyon_sdk._transport.headers import build_headers
from tachyon_sdk._transport.tls import tls_context
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiValueError


def pool_manager(configuration: Configuration, **options: Any) -> urllib3.PoolManager:
    """The pools of connections to the server, or to the proxy.

    Raises:
        ApiValueError: A SOCKS proxy is set, and the extra `socks` is not installed; or a header or certificate
            for the proxy cannot be used.
    """
    proxy = configuration.proxy
    if not proxy or _bypasses_proxy(configuration):
        return urllib3.PoolManager(**options)
    url = urllib3.util.parse_url(proxy)
    if (url.scheme or "").startswith("socks"):
        if find_spec("socks") is None:  # urllib3 would warn besides
            raise ApiValueError("a SOCKS proxy needs the extra 'socks': pip install 'tachyon-sdk[socks]'")
        from urllib3.contrib.socks import SOCKSProxyManager

        user, colon, password = (url.auth or "").partition(":")
        # urllib3 before 2.8 does not decode them.
        return SOCKSProxyManager(
            proxy, unquote(user) if url.auth else None, unquote(password) if colon else None, **options
        )
    context = configuration.proxy_ssl_context
    if context is None and url.scheme == "https":
        context = tls_context(configuration)
    return urllib3.ProxyManager(
        proxy, proxy_headers=_headers(url.auth, configuration), proxy_ssl_context=context, **options
    )


def _headers(credentials: str | None, configuration: Configuration) -> Mapping[str, str]:
    headers = {}
    if credentials:
        encoded = base64.b64encode(unquote(credentials).encode()).decode("ascii")
        headers["Proxy-Authorization"] = f"Basic {encoded}"  # RFC 7617, in UTF-8
    return build_headers(headers, configuration.proxy_headers or {})


def _bypasses_proxy(configuration: Configuration) -> bool:
    if not configuration.no_proxy:
        return False
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    host = urllib3.util.parse_url(configuration.host)
    return bool(proxy_bypass_environment(host.netloc or "", {"no": configuration.no_proxy}))
