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
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}{_other_owner(namespace, name)}"
            )
        namespace[name] = value
        return value

    def dir_() -> list[str]:
        return sorted({*namespace, *modules, *direct})

    return getattr_, dir_


def _other_owner(namespace: dict[str, Any], name: str) -> str:
    """What to add to an error where another distribution has written files into the same folder, else "".

    `tachyon-sdk` on the package index is another project, with the same import name. Whichever is installed later
    overwrites files of the other one.
    """
    if name.startswith("_") or "." in namespace["__name__"]:
        return ""  # tools ask for many such names
    import os

    folder = os.path.dirname(os.path.dirname(namespace.get("__file__") or ""))
    other = f"{namespace['__name__']}-"
    try:
        found = [entry for entry in os.listdir(folder) if entry.lower().startswith(other)]
    except OSError:
        return ""
    if not any(entry.endswith((".dist-info", ".egg-info")) for entry in found):
        return ""
    hint = (
        f"the distribution {namespace['__name__'].replace('_', '-')} is installed as well, has the same import name, "
        "and may have overwritten files: uninstall both, then install one"
    )
    import warnings

    # `from ... import name` replaces the error by one of its own.
    warnings.warn(hint, RuntimeWarning, stacklevel=3)
    return f"; {hint}"
