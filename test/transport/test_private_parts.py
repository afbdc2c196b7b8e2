"""docs/Architecture.md lists the private parts of urllib3, http.client and pydantic that the package uses.

Public is what the reference of a dependency documents. For urllib3 that is: the members of its classes without an
underscore, and the parameters of their constructors. Decoders, SOCKS and TLS within TLS are documented without members.
"""

from __future__ import annotations

import ast
import http.client
import importlib
import inspect
import io
import re
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pydantic
import pytest

import tachyon_sdk
from support.architecture import private_parts, rows

PACKAGE = Path(tachyon_sdk.__file__).parent

DOCUMENTED = ("connection", "connectionpool", "poolmanager", "response", "util.timeout")
WITHOUT_MEMBERS = ("contrib.socks", "util.ssltransport")
HTTP_CLIENT = {
    *(
        "request",
        "getresponse",
        "set_debuglevel",
        "set_tunnel",
        "connect",
        "close",
        "blocksize",
        "putrequest",
    ),
    *("putheader", "endheaders", "send", "read", "readinto", "getheader", "getheaders", "fileno", "msg"),
    *("version", "headers", "url", "geturl", "info", "status", "getcode", "reason", "debuglevel", "closed"),
}
# Hooks that pydantic documents for subclasses.
PYDANTIC_HOOKS = {
    "__get_pydantic_core_schema__",
    "__get_pydantic_json_schema__",
    "__pydantic_init_subclass__",
    "__pydantic_on_complete__",
}
# Most modules have none, and parsing takes long.
MAY_BE_PRIVATE = re.compile(r"__pydantic_|(pydantic|pydantic_core)[\w.]*\._|import _|__name__ ==")
# A public class of PySocks, which may not be installed.
PUBLIC_NAMES_OF_CLASSES = {"SOCKS5AuthError"}


def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def members_of(cls: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Yield the names of a class, and whether the reference documents them."""
    for node in ast.walk(cls):
        match node:
            case ast.FunctionDef(name="__init__", args=arguments):
                for argument in [*arguments.args, *arguments.kwonlyargs]:
                    yield argument.arg, True
            case ast.FunctionDef(name=name):
                yield name, True
            case ast.Attribute(value=ast.Name("self"), attr=name, ctx=ast.Store()):
                yield name, False
    for statement in cls.body:
        match statement:
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                yield name, True


@cache
def private_names() -> frozenset[str]:
    """Return the attributes of urllib3 and http.client that no reference documents."""
    names, public = set(), set(HTTP_CLIENT)
    for module in (*DOCUMENTED, *WITHOUT_MEMBERS):
        for cls in ast.walk(tree_of(importlib.import_module(f"urllib3.{module}"))):
            if isinstance(cls, ast.ClassDef):
                for name, documented in members_of(cls):
                    names.add(name)
                    if documented and module in DOCUMENTED and not re.search("^_|Decoder", cls.name):
                        public.add(name)
    for cls in ast.walk(tree_of(http.client)):
        if isinstance(cls, ast.ClassDef):
            names |= {name for name, _ in members_of(cls)}
    public = {name for name in public if not name.startswith("_")}
    public.update(dir(socket.socket), dir(io.BufferedReader), dir(BaseException))
    return frozenset(name for name in names - public if not name.startswith("__"))


def uses(source: str, *, of_transport: bool) -> Iterator[tuple[str, int]]:
    """Yield the private parts in a source, with their lines. `of_transport`: it may use urllib3 and http.client."""
    if not of_transport and not MAY_BE_PRIVATE.search(source):
        return
    tree = ast.parse(source)
    private = private_names() if of_transport else frozenset[str]()
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    own: dict[ast.AST, set[str]] = {}
    extended: set[ast.AST] = set()
    for cls in [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]:
        own.update(dict.fromkeys(ast.walk(cls), own_names(cls)))
        if extends(cls):
            extended.update(cls.body)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.ImportFrom(module=str(module), names=aliases):
                path = [*module.split("."), *(alias.name for alias in aliases)]
                if path[0] in ("urllib3", "pydantic", "pydantic_core", "http"):
                    yield from ((part, line) for part in path if part.startswith("_"))
            case ast.Attribute(value=ast.Name("self" | "cls"), attr=name) if name in own.get(node, ()):
                pass
            case ast.Attribute(value=ast.Name(base), attr=name) if base in imported and not name.startswith(
                "_"
            ):
                pass
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) if is_private(name, private):
                if isinstance(node, ast.Attribute) or node in extended:
                    yield name, line
            case ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]):
                if node in extended and is_private(name, private):
                    yield name, line
            case ast.Call(func=ast.Name("getattr" | "hasattr"), args=[_, ast.Constant(str(name)), *_]):
                if is_private(name, private) and not name.startswith("_"):
                    yield name, line
            case ast.Constant(str(name)):
                if name.startswith("_") and is_private(name, private):
                    yield name, line
            case ast.Compare(left=ast.Attribute(attr="__name__"), comparators=[ast.Constant(str(name))]):
                if name not in PUBLIC_NAMES_OF_CLASSES:
                    yield name, line


def is_private(name: str, private: frozenset[str]) -> bool:
    return name in private or ("pydantic" in name and name.startswith("_") and name not in PYDANTIC_HOOKS)


def own_names(cls: ast.ClassDef) -> set[str]:
    """Return the names that a class defines itself, or nothing if it extends another class."""
    return set() if extends(cls) else {name for name, _ in members_of(cls)}


def extends(cls: ast.ClassDef) -> bool:
    """Return whether a class has bases, or is a mixin, which calls methods of `super()`."""
    calls_super = any(isinstance(node, ast.Name) and node.id == "super" for node in ast.walk(cls))
    return calls_super or bool({ast.unparse(base) for base in cls.bases} - {"Protocol", "NamedTuple"})


@cache
def all_uses() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        of_transport = name.startswith("_transport/") or name == "rest.py"
        for part, line in uses(path.read_text(encoding="utf-8"), of_transport=of_transport):
            found.setdefault(part, []).append(f"{name}:{line}")
    return found


def test_each_private_part_has_a_row() -> None:
    missing = {part: lines for part, lines in all_uses().items() if part not in private_parts()}
    assert not missing, f"private parts without a row in docs/Architecture.md: {missing}"


def test_each_row_is_in_use() -> None:
    assert not set(private_parts()) - all_uses().keys(), (
        "rows in docs/Architecture.md that are not needed any more"
    )
    assert len(private_parts()) == len(set(private_parts()))
    assert all(len(row) == 3 and all(row) for row in rows())


class AtImport(ast.NodeTransformer):
    """Leaves only what runs at import, without the names that it assigns."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return ast.Pass()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        return ast.Expr(node.value) if node.value else ast.Pass()

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        return ast.Expr(node.value)


def used_at_import(source: str) -> list[str]:
    tree = AtImport().visit(ast.parse(source))
    return [part for part, _ in uses(ast.unparse(tree), of_transport=True)]


def test_no_private_part_is_used_at_import() -> None:
    for folder in ("_transport", "_contract", "streaming"):
        for path in PACKAGE.glob(f"{folder}/*.py"):
            assert not used_at_import(path.read_text(encoding="utf-8")), path


def test_uses_at_import_are_found() -> None:
    assert used_at_import("class A(B):\n sock: Any\n response_class = C\n def f(self): self.sock") == []
    assert used_at_import("fp = urllib3.HTTPResponse._fp") == ["_fp"]
    assert used_at_import("slot: Any = Model.__pydantic_validator__") == ["__pydantic_validator__"]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("response._original_response.read()", ["_original_response"]),
        ("response.length_remaining", ["length_remaining"]),
        ("connection.sock.settimeout(1)", ["sock"]),
        ("getattr(response, 'chunk_left', None)", ["chunk_left"]),
        ("hasattr(connection, '_tunnel_host')", ["_tunnel_host"]),
        ("members['_validate_conn'] = 1", ["_validate_conn"]),
        ("type('Pool', (), {'_put_conn': 1})", ["_put_conn"]),
        ("class Mixin:\n def _new_conn(self):\n  super()._new_conn()", ["_new_conn", "_new_conn"]),
        ("class Response(HTTPResponse):\n def begin(self): self.will_close = 1", ["begin", "will_close"]),
        ("class Mixin(Base):\n response_class = Response", ["response_class"]),
        ("from urllib3._collections import RecentlyUsedContainer", ["_collections"]),
        ("from urllib3.connection import _get_default_user_agent", ["_get_default_user_agent"]),
        ("type(error).__name__ == 'CertificateError'", ["CertificateError"]),
        ("decoder.decompress(b'')", ["decompress"]),
        ("model.__pydantic_validator__.validate_json(b'')", ["__pydantic_validator__"]),
        ("from pydantic._internal import _model_construction", ["_internal", "_model_construction"]),
        # Public parts, and parts of the package.
        ("response.read1(5); response.release_conn(); connection.is_closed; pool.QueueCls; pool.urlopen", []),
        ("class Reader:\n def __init__(self): self._decoder = 1\n def read(self): return self._decoder", []),
        ("class Model(BaseModel):\n def __get_pydantic_core_schema__(self): ...", []),
        ("type(error).__name__ == 'SOCKS5AuthError'", []),
        ("import socket\nsocket.socket()", []),
        ("headers['chunked'] == 'sock'", []),
    ],
)
def test_private_parts_are_found(source: str, parts: list[str]) -> None:
    assert [part for part, _ in uses(source, of_transport=True)] == parts


def test_names_of_urllib3_are_free_outside_the_transport() -> None:
    assert not list(uses("task.sock; task.__pydantic_init_subclass__", of_transport=False))
    assert list(uses("model.__pydantic_extra__", of_transport=False)) == [("__pydantic_extra__", 1)]


def test_pydantic_has_the_listed_parts() -> None:
    slots = {part for part in private_parts() if "pydantic" in part}
    assert slots <= {*dir(pydantic.BaseModel), *pydantic.BaseModel.__slots__}
