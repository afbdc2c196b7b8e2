"""Settings that come from the environment of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from tachyon_sdk._settings.checks import Check, proxy_url


def setting(check: Check, *names: str) -> Any:
    """Return the first of these variables that is set and not empty, checked under its own name, or None."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return check(name, value)
    return None


def proxies() -> dict[str, str]:
    """Return ``http_proxy`` as "http" and so on: what is set for "http", "https" and "all"; and "no"."""
    # Costs more to import than all the rest of the configuration, and most processes have no proxy.
    # On Windows and macOS it also reads the settings of the system.
    if sys.platform not in ("win32", "darwin") and not any(n.lower().endswith("_proxy") for n in os.environ):
        return {}
    from urllib.request import getproxies

    return getproxies()


def proxy_for(url: str, proxies: Mapping[str, str]) -> str | None:
    """Return the proxy for requests to this URL: that for its scheme, else that for all.

    Raises:
        ApiValueError: It cannot be used.
    """
    scheme = url.partition("://")[0].lower()
    for kind in (scheme, "all"):
        value = proxies.get(kind, "").strip()
        if value:
            # A bare "host:port" is usual there, and means a proxy that is spoken to over HTTP.
            return proxy_url(
                f"{kind}_proxy of the environment", value if "://" in value else f"http://{value}"
            )
    return None
