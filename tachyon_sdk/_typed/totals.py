"""Adds up JSON values, such as the usage of several responses."""

from collections.abc import Mapping
from typing import Any


def add_up(total: Any, value: Any) -> Any:
    """Return the sum of two JSON values.

    Numbers are added, lists are joined, and objects are added property by property. Of any other two values, the
    second is returned; null counts as missing.
    """
    if total is None or value is None:
        return value if total is None else total
    if isinstance(total, Mapping) and isinstance(value, Mapping):
        names = dict.fromkeys([*total, *value])
        return {name: add_up(total.get(name), value.get(name)) for name in names}
    if isinstance(total, list) and isinstance(value, list):
        return [*total, *value]
    if _is_number(total) and _is_number(value):
        return total + value
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
