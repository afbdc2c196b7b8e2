"""The hosts of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from tachyon_sdk._settings.document import servers
from tachyon_sdk.exceptions import ApiValueError

ServerVariablesT = dict[str, str]


class HostSettingVariable(TypedDict):
    """A variable in the URL of a host. Without ``enum_values``, any value is allowed."""

    description: str
    default_value: str
    enum_values: list[str]


class _HostSetting(TypedDict):
    url: str
    description: str


class HostSetting(_HostSetting, total=False):
    """A host. The URL contains ``{name}`` for each variable."""

    variables: dict[str, HostSettingVariable]


def host_from(servers: Sequence[HostSetting], index: int, variables: Mapping[str, str]) -> str:
    """Return the URL of a host with its variables replaced.

    Raises:
        ApiValueError: The index is out of range, or the value of a variable is not allowed.
    """
    if not 0 <= index < len(servers):
        raise ApiValueError(f"host index {index} is out of range: it must be from 0 to {len(servers) - 1}")
    server = servers[index]
    url = server["url"]
    for name, variable in server.get("variables", {}).items():
        value = variables.get(name, variable["default_value"])
        allowed = variable.get("enum_values")
        if allowed and value not in allowed:
            raise ApiValueError(f"the host variable {name} must be one of {allowed}, not {value!r}")
        url = url.replace(f"{{{name}}}", value)
    return url.rstrip("/")


DEFAULT_HOST = host_from(servers(), 0, {})
