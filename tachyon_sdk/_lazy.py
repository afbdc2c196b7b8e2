"""Names of a package that load when they are first used (PEP 562)."""

from __future__ import annotations

# Not from typing: what this module imports is all that importing the package costs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


def lazy_names(
    namespace: dict[str, Any], modules: Mapping[str, str], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        namespace: `globals()` of the package.
        modules: From each name to the module, relative to the package, that defines it.
        submodules: Modules of the package that are reached as attributes without being imported.
    """
    package: str = namespace["__name__"]
    direct = frozenset(submodules)

    def getattr_(name: str) -> Any:
        from importlib import import_module

        if name in modules:
            value = getattr(import_module(f"{package}.{modules[name]}"), name)
        elif name in direct:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = value
        return value

    def dir_() -> list[str]:
        return sorted({*namespace, *modules, *direct})

    return getattr_, dir_
