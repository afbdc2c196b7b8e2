"""Settings from environment variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from tachyon_sdk._settings.checks import Check, proxy_url


def setting(check: Check, *names: str) -> Any:
    """Return the first variable that is set and not empty, checked, or None. Errors name the variable."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return check(name, value)
    return None


def proxies() -> dict[str, str]:
    """Return the proxy variables without their suffix: "http", "https", "all" and "no"."""
    # Importing urllib.request is slow, and most processes have no proxy. On Windows and macOS, getproxies() also
    # reads the system settings.
    if sys.platform not in ("win32", "darwin") and not any(n.lower().endswith("_proxy") for n in os.environ):
        return {}
    from urllib.request import getproxies

    return getproxies()


def proxy_for(url: str, proxies: Mapping[str, str]) -> str | None:
    """Return the proxy for requests to this URL: the one for its scheme, else the one for all schemes.

    Raises:
        ApiValueError: The URL of the proxy is invalid.
    """
    scheme = url.partition("://")[0].lower()
    for kind in (scheme, "all"):
        value = proxies.get(kind, "").strip()
        if value:
            # A bare "host:port" is common there and means an http proxy.
            return proxy_url(
                f"{kind}_proxy of the environment", value if "://" in value else f"http://{value}"
            )
    return None
