"""The hosts that the contract names, and the URL of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from tachyon_sdk._settings.document import servers
from tachyon_sdk.exceptions import ApiValueError

ServerVariablesT = dict[str, str]


class HostSettingVariable(TypedDict):
    """A part of a host's URL that can be chosen. Without ``enum_values`` any value will do."""

    description: str
    default_value: str
    enum_values: list[str]


class _HostSetting(TypedDict):
    url: str
    description: str


class HostSetting(_HostSetting, total=False):
    """A host; each of its variables stands in the URL as ``{name}``."""

    variables: dict[str, HostSettingVariable]


def host_from(servers: Sequence[HostSetting], index: int, variables: Mapping[str, str]) -> str:
    """Return the URL of one of the hosts, with its variables filled in.

    Raises:
        ApiValueError: If there is no such host, or a variable has a value that is not among those allowed.
    """
    if not 0 <= index < len(servers):
        raise ApiValueError(f"there is no host number {index}: the numbers go from 0 to {len(servers) - 1}")
    server = servers[index]
    url = server["url"]
    for name, variable in server.get("variables", {}).items():
        value = variables.get(name, variable["default_value"])
        allowed = variable.get("enum_values")
        if allowed and value not in allowed:
            raise ApiValueError(f"the variable {name} of the host must be one of {allowed}, not {value!r}")
        url = url.replace(f"{{{name}}}", value)
    return url.rstrip("/")


DEFAULT_HOST = host_from(servers(), 0, {})
