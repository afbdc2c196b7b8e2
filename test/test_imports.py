"""Who may import whom in the package, read from its source.

Every import counts, wherever it stands: at the top, in a function, under `TYPE_CHECKING` (to name a module's
type is to know the module), or as `import_module("a constant")`. The standard library is free for all, and
`typing_extensions` is free under `TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# The layers of tachyon_sdk, the lowest first. A module may import the layers below its own, and its own folder. After
# the colon: the packages that the layer may import. A folder stands for all that is in it, unless a module in it stands
# in a layer of its own.
LAYERS = """
    _version _lazy _errors.body streaming.sse streaming.completion streaming.repair
    _errors.headers             : dateutil
    _errors.rate_limit
    api_response exceptions
    retry
    _retry _settings _contract  : pydantic pydantic_core typing_extensions
    models configuration _errors: pydantic typing_extensions
    streaming _typed            : pydantic pydantic_core
    _transport                  : urllib3
    rest                        : urllib3
    _calls.request _calls.limit
    _calls.generic hooks        : pydantic pydantic_core
    observe                     : opentelemetry
    api_client                  : typing_extensions
    _calls                      : typing_extensions
    api                         : pydantic typing_extensions
    content events
    tools structured            : pydantic pydantic_core
    bulk                        : pydantic
    local                       : pydantic starlette uvicorn
    cli                         : pydantic pydantic_core jsonschema shtab
    __init__
    __main__
"""
# Used by these only, whatever their layer.
ONLY_FOR = {
    "_transport": {"rest", "_calls.request", "_calls.generic", "hooks", "api_client", "local"},
    "rest": {"_calls.generic", "api_client", "__init__"},
}
RUNTIME_DEPENDENCIES = {"urllib3", "pydantic", "pydantic_core", "dateutil", "typing_extensions"}
EXTRAS = {"local": {"starlette", "uvicorn"}, "cli": {"jsonschema", "shtab"}, "observe": {"opentelemetry"}}

PACKAGE = "tachyon_sdk"
FREE_FOR_TYPES = "typing_extensions"


@dataclass(frozen=True)
class Import:
    """One imported module, as the table writes it: ours with a leading dot, of others the top-level name."""

    name: str
    line: int
    for_types: bool


def rules() -> dict[str, set[str]]:
    """From each folder or module to what it may import. Ours have a leading dot; `.` is the package itself."""
    table: dict[str, set[str]] = {}
    for line in LAYERS.strip().splitlines():
        names, _, packages = line.partition(":")
        below = {*table}
        for name in names.split():
            allowed = {used for used in below if name in ONLY_FOR.get(used, {name})}
            table[name] = {f".{used}" for used in allowed} | {*packages.split()}
    for name in ("local", "cli"):  # They use the public names, as programs do.
        table[name].add(".")
    return table


def imports_of(source: str, module: str, own_names: set[str]) -> Iterator[Import]:
    """What the source of `module`, such as `tachyon_sdk.api.chat_api`, imports beyond the standard library.

    `own_names` are the modules directly in the package: with them `from tachyon_sdk import rest` is told from
    `from tachyon_sdk import ChatApi`.
    """
    tree = ast.parse(source)
    types_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for name in sorted(_full_names(node, module, own_names)):
            top, _, rest = name.partition(".")
            if top not in sys.stdlib_module_names:
                short = f".{rest}" if top == PACKAGE else top
                yield Import(short, getattr(node, "lineno", 0), node in types_only)
            elif name == "http.client":
                yield Import(name, getattr(node, "lineno", 0), node in types_only)


def _full_names(node: ast.AST, module: str, own_names: set[str]) -> set[str]:
    match node:
        case ast.Import():
            return {alias.name for alias in node.names}
        case ast.ImportFrom(module=None | str() as base, level=level):
            if level:
                package = module.split(".")[: -level or None]
                base = ".".join([*package, *([base] if base else [])])
            if base == PACKAGE:
                return {f"{base}.{alias.name}" if alias.name in own_names else base for alias in node.names}
            return {str(base)}
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str() as name), *_],
        ):
            return {importlib.util.resolve_name(name, module.rpartition(".")[0])}
    return set()


def owner_of(module: str, table: dict[str, set[str]]) -> str | None:
    """The most special line of the table that a module, such as `tachyon_sdk.api.chat_api`, falls under."""
    parts = module.split(".")[1:]
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in table), None)


def is_allowed(name: str, allowed: set[str]) -> bool:
    """Whether an import is one of these, or of something within one of these."""
    if not name.startswith(".") or name == ".":
        return name in allowed
    return any(entry != "." and f"{name}.".startswith(f"{entry}.") for entry in allowed)


def violations(source: str, module: str, own_names: set[str], table: dict[str, set[str]]) -> list[str]:
    """A line for each import of this source that the table does not allow."""
    owner = owner_of(module, table)
    if owner is None:
        return [f"{module}: not in the table; say there what it may import, and let others import it"]
    listed = " ".join(sorted(table[owner])) or "nothing"
    folder = {f".{owner}"} if "." not in owner else set()
    return [
        f"{module}:{found.line} imports {found.name}; the table allows {listed}"
        for found in imports_of(source, module, own_names)
        if not is_allowed(found.name, table[owner] | folder)
        and not (found.name == "http.client" and "urllib3" in table[owner])
        and not (found.for_types and found.name == FREE_FOR_TYPES)
    ]


def package_directory() -> Path:
    """Where the package under test lies, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def module_files() -> dict[str, Path]:
    """Dotted name to file. `__init__` stays in the name, so that relative imports resolve like everywhere."""
    directory = package_directory()
    files = sorted(directory.rglob("*.py"))
    return {".".join([PACKAGE, *path.relative_to(directory).with_suffix("").parts]): path for path in files}


MODULES = module_files()
OWN_NAMES = {name.split(".")[1] for name in MODULES} - {"__init__"}


@pytest.mark.parametrize("module", MODULES)
def test_each_module_imports_only_what_the_table_allows(module: str) -> None:
    found = violations(MODULES[module].read_text(encoding="utf-8"), module, OWN_NAMES, rules())
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os, json.decoder", []),
        ("import urllib3.util", ["urllib3"]),
        ("from urllib3.util import Timeout", ["urllib3"]),
        ("from tachyon_sdk import rest, ChatApi", [".", ".rest"]),
        ("import tachyon_sdk", ["."]),
        ("import tachyon_sdk.rest as rest", [".rest"]),
        ("from tachyon_sdk.models.message import Message", [".models.message"]),
        ("from . import chat_api", [".api"]),
        ("import http.client", ["http.client"]),
        ("from http.client import HTTPException", ["http.client"]),
        ("from http import HTTPStatus", []),
        ("from ..rest import RESTClientObject", [".rest"]),
        ("from .. import rest", [".rest"]),
        ("def f():\n    import pydantic", ["pydantic"]),
        ("import importlib\nimportlib.import_module('urllib3')", ["urllib3"]),
        ("import_module('..rest', __package__)", [".rest"]),
        ("if TYPE_CHECKING:\n    import urllib3", ["urllib3 for types"]),
        ("if typing.TYPE_CHECKING:\n    from typing_extensions import Self\nelse:\n    import pydantic",
         ["typing_extensions for types", "pydantic"]),
    ],
)  # fmt: skip
def test_imports_are_found_however_they_are_written(source: str, found: list[str]) -> None:
    imports = imports_of(source, "tachyon_sdk.api.example", {"api", "rest", "models"})
    assert [entry.name + " for types" * entry.for_types for entry in imports] == found


def test_a_module_outside_the_table_and_a_forbidden_import_are_reported() -> None:
    table = {"_lazy": {".exceptions"}, "_transport": {"urllib3"}, "_calls.request": {"._transport.headers"}}
    assert "not in the table" in violations("", "tachyon_sdk._new", set(), table)[0]
    assert violations("import urllib3", "tachyon_sdk._lazy", set(), table) == [
        "tachyon_sdk._lazy:1 imports urllib3; the table allows .exceptions"
    ]
    within = "from tachyon_sdk._transport.body import Body"
    assert violations(within, "tachyon_sdk._transport.pools", {"_transport"}, table) == []
    assert violations("import http.client", "tachyon_sdk._transport.pools", set(), table) == []
    assert violations("import http.client", "tachyon_sdk._lazy", set(), table) == [
        "tachyon_sdk._lazy:1 imports http.client; the table allows .exceptions"
    ]
    assert violations(within, "tachyon_sdk._calls.request", {"_transport"}, table) == [
        "tachyon_sdk._calls.request:1 imports ._transport.body; the table allows ._transport.headers"
    ]
    for_types = (
        "if TYPE_CHECKING:\n    from typing_extensions import Self\n    from .exceptions import ApiError"
    )
    assert violations(for_types, "tachyon_sdk._lazy", {"exceptions"}, table) == []


def test_each_layer_may_import_those_below_it_only() -> None:
    table = rules()
    assert ".exceptions" in table["retry"] and ".retry" not in table["exceptions"]
    assert ".rest" in table["_calls.generic"] and not {".rest", "._transport"} & table["api"]
    names = [name for line in LAYERS.split("\n") for name in line.partition(":")[0].split()]
    assert sorted(names) == sorted(table), "a name stands in two layers"
    assert ONLY_FOR.keys() <= table.keys() and set().union(*ONLY_FOR.values()) <= table.keys()


def test_only_the_transport_may_import_urllib3_and_only_the_owner_of_an_extra_what_is_in_it() -> None:
    users: dict[str, set[str]] = {}
    for module, allowed in rules().items():
        for name in allowed:
            if not name.startswith("."):
                users.setdefault(name, set()).add(module)
    assert users.keys() == RUNTIME_DEPENDENCIES.union(*EXTRAS.values())
    assert users["urllib3"] == {"rest", "_transport"}
    for owner, names in EXTRAS.items():
        assert all(users[name] == {owner} for name in names)


def test_importing_the_package_alone_loads_nothing_else(tmp_path: Path) -> None:
    code = "import sys; before = {*sys.modules}; import tachyon_sdk; print(*{*sys.modules} - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) == {PACKAGE, f"{PACKAGE}._lazy", f"{PACKAGE}._version", "__future__"}
