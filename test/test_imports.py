"""Who may import whom in the package, read from its source.

Every import counts, wherever it stands: at the top, in a function, under `TYPE_CHECKING` (to name a module's
type is to know the module), or as `import_module("a constant")`. The standard library is free for all, and
`typing_extensions` is free under `TYPE_CHECKING`. A rule for a package, such as `models`, holds for all of
its modules, and lets them import each other.
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

# What each module of tachyon_sdk may import besides the standard library. A leading dot marks our own
# modules; `.` is the package itself. Two lines for one module add up.
RULES = """
    _version       ->
    _lazy          ->
    _sse           ->
    _retry         -> .exceptions
    _merge         ->
    _error_body    ->
    api_response   ->
    exceptions     -> ._error_body
    _logging       -> .exceptions
    _checks        -> .exceptions
    _environment   -> ._checks
    _hosts         -> .exceptions
    configuration  -> .exceptions ._retry ._checks ._environment ._hosts ._logging ._version
    _model         -> pydantic pydantic_core typing_extensions
    _first_choice  ->
    models         -> ._first_choice ._model ._lazy pydantic typing_extensions
    _strict_json   ->
    _repeats       -> pydantic
    _decode        -> .exceptions ._model ._repeats pydantic
    _operation     -> ._model
    _headers       -> .exceptions
    _request       -> .exceptions .configuration ._checks ._headers ._operation ._strict_json
    _stream        -> .exceptions ._sse ._merge
    _tls           -> .exceptions .configuration urllib3
    _proxies       -> .exceptions .configuration ._headers ._tls urllib3
    _connection    -> urllib3
    _urllib3_log   ->
    _connections   -> .configuration ._connection ._proxies ._tls ._urllib3_log urllib3
    _transport_errors -> .exceptions ._connection urllib3
    _framing       ->
    _content_coding -> urllib3
    _body          -> ._content_coding ._framing urllib3
    rest           -> .exceptions .configuration ._body ._connection ._connections ._transport_errors urllib3
    api_client     -> .exceptions .configuration .rest .api_response ._stream ._retry
    api_client     -> ._checks ._decode ._error_body ._headers ._operation ._request ._version dateutil
    api            -> .api_client .api_response ._operation ._stream .models pydantic typing_extensions
    __init__       -> .api .models .api_client .api_response .configuration .exceptions .rest
    _typed_json    -> .exceptions pydantic
    _callee        -> .exceptions ._typed_json pydantic pydantic_core
    tools          -> .exceptions .models ._callee ._first_choice ._stream ._typed_json pydantic pydantic_core
    structured     -> .exceptions .models ._first_choice ._typed_json pydantic
    __init__       -> ._lazy ._retry ._stream ._version .structured .tools
    local          -> . ._lazy .api .models .api_client .configuration .exceptions ._model ._version
    local          -> pydantic starlette uvicorn
    __main__       -> . .api .models .api_client .api_response .configuration .exceptions
    __main__       -> .local ._stream ._version
"""
PACKAGES = {"api", "models", "local"}
RUNTIME_DEPENDENCIES = {"urllib3", "pydantic", "pydantic_core", "dateutil", "typing_extensions"}
EXTRA_LOCAL = {"starlette", "uvicorn"}

PACKAGE = "tachyon_sdk"
FREE_FOR_TYPES = "typing_extensions"


@dataclass(frozen=True)
class Import:
    """One imported module, as the table writes it: `.name` for ours, the top-level name for others."""

    name: str
    line: int
    for_types: bool


def rules() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for line in RULES.strip().splitlines():
        module, _, allowed = line.partition("->")
        table.setdefault(module.strip(), set()).update(allowed.split())
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
                short = f".{rest.partition('.')[0]}" if top == PACKAGE else top
                yield Import(short, getattr(node, "lineno", 0), node in types_only)


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


def violations(source: str, module: str, own_names: set[str], table: dict[str, set[str]]) -> list[str]:
    """A line for each import of this source that the table does not allow."""
    owner = module.split(".")[1]
    if owner not in table:
        return [f"{module}: not in the table; say there what it may import, and let others import it"]
    allowed = table[owner] | ({f".{owner}"} if owner in PACKAGES else set())
    listed = " ".join(sorted(allowed)) or "nothing"
    return [
        f"{module}:{found.line} imports {found.name}; the table allows {listed}"
        for found in imports_of(source, module, own_names)
        if found.name not in allowed and not (found.for_types and found.name == FREE_FOR_TYPES)
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
        ("from tachyon_sdk.models.message import Message", [".models"]),
        ("from . import chat_api", [".api"]),
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
    table = {"_sse": {".exceptions"}}
    assert "not in the table" in violations("", "tachyon_sdk._new", set(), table)[0]
    assert violations("import urllib3", "tachyon_sdk._sse", set(), table) == [
        "tachyon_sdk._sse:1 imports urllib3; the table allows .exceptions"
    ]
    for_types = (
        "if TYPE_CHECKING:\n    from typing_extensions import Self\n    from .exceptions import ApiError"
    )
    assert violations(for_types, "tachyon_sdk._sse", {"exceptions"}, table) == []


def test_the_table_has_no_cycle() -> None:
    waiting = {
        module: {name[1:] or "__init__" for name in allowed if name.startswith(".")}
        for module, allowed in rules().items()
    }
    while free := [module for module, needed in waiting.items() if not needed & waiting.keys()]:
        for module in free:
            del waiting[module]
    assert not waiting


def test_only_the_transport_may_import_urllib3_and_only_local_its_extras() -> None:
    users: dict[str, set[str]] = {}
    for module, allowed in rules().items():
        for name in allowed:
            if not name.startswith("."):
                users.setdefault(name, set()).add(module)
    assert users.keys() == RUNTIME_DEPENDENCIES | EXTRA_LOCAL
    assert users["urllib3"] == {
        "rest",
        "_body",
        "_content_coding",
        "_connection",
        "_connections",
        "_proxies",
        "_tls",
        "_transport_errors",
    }
    assert all(users[name] == {"local"} for name in EXTRA_LOCAL)


def test_importing_the_package_alone_loads_nothing_else(tmp_path: Path) -> None:
    code = "import sys; before = {*sys.modules}; import tachyon_sdk; print(*{*sys.modules} - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) == {PACKAGE, f"{PACKAGE}._lazy", f"{PACKAGE}._version", "__future__"}
