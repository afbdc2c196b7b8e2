"""Matching of hosts against `no_proxy`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_DEFAULT_PORTS = {"http": "80", "https": "443"}


def excludes(no_proxy: str, url: str) -> bool:
    """Return whether requests to this URL bypass the proxy.

    An entry is a host name (including its subdomains), an IP address, a network such as `10.0.0.0/8`, or `*` for
    every host. A port after an entry limits it to that port. Names are not resolved.
    """
    scheme, _, rest = url.partition("://")
    host, port = _host_and_port(re.split(r"[/?#]", rest, maxsplit=1)[0])
    port = port or _DEFAULT_PORTS.get(scheme.lower())
    address = _address(host)
    for entry in re.split(r"[,\s]+", no_proxy):
        excluded, excluded_port = _host_and_port(entry)
        if excluded and excluded_port in (None, port) and _matches(excluded, host, address):
            return True
    return False


def _matches(excluded: str, host: str, address: IPv4Address | IPv6Address | None) -> bool:
    if excluded == "*":
        return True
    if address is not None and (address == _address(excluded) or _is_in_network(address, excluded)):
        return True
    if excluded.startswith("*."):
        return host.endswith(excluded[1:])
    name = excluded.removeprefix(".")
    return host == name or host.endswith(f".{name}")


def _is_in_network(address: IPv4Address | IPv6Address, network: str) -> bool:
    if "/" not in network:
        return False
    import ipaddress

    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _address(host: str) -> IPv4Address | IPv6Address | None:
    if ":" not in host and not host.replace(".", "").isdigit():
        return None  # a name, the common case: avoids the import
    import ipaddress

    try:
        # Without the zone, such as `%eth0`, which names a local interface.
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _host_and_port(text: str) -> tuple[str, str | None]:
    """Split `name`, `name:1`, `::1`, `[::1]` or `[::1]:1`. A network is not split."""
    port = ""
    if text.startswith("["):
        text, _, rest = text[1:].partition("]")
        if rest.startswith("/"):
            text += rest
        else:
            port = rest.removeprefix(":")
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
    return text.lower().rstrip("."), port or None
