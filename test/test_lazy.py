"""The surface of the package: which names there are, where they come from, and when they load."""

from __future__ import annotations

import ast
import importlib
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tachyon_sdk
import tachyon_sdk.models
from support.contract import NATURAL, OBJECTS, example
from tachyon_sdk._lazy import lazy_names

PACKAGES = [tachyon_sdk, tachyon_sdk.models]
PUBLIC_MODULES = ["api", "api_client", "api_response", "configuration", "exceptions", "models", "rest"]


def run(code: str, cwd: Path) -> str:
    """The output of a program in an interpreter of its own, in which nothing was imported before."""
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout.strip()


def run_each(lines: list[str], cwd: Path) -> None:
    """Runs each line as if in an interpreter of its own: nothing of the package was imported before."""
    code = f"""
import sys
for line in {lines!r}:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tachyon_sdk"]:
        del sys.modules[name]
    try:
        exec(line, {{}})
    except BaseException as error:
        raise SystemExit(f"{{line}}: {{error!r}}")
"""
    run(code, cwd)


# Names


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_complete(package: ModuleType) -> None:
    assert list(package.__all__) == sorted(package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)
    version = {"__version__"} if package is tachyon_sdk else set()
    assert set(package.__all__) == set(package._MODULES) | version


def test_every_public_class_of_the_public_modules_is_exported() -> None:
    for name in ("api", "api_client", "api_response", "configuration", "exceptions", "models"):
        module = importlib.import_module(f"tachyon_sdk.{name}")
        internal = {"Operation", "Parameter", "RequestOptions"}  # what the generated classes are written with
        for key in getattr(module, "__all__", dir(module)):
            value = getattr(module, key)
            if isinstance(value, type) and value.__module__.startswith(module.__name__) and key[0] != "_":
                assert key in tachyon_sdk.__all__ or key in internal


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_resolves_to_what_its_module_defines(package: ModuleType) -> None:
    for name, module in package._MODULES.items():
        value = getattr(package, name)
        assert value is getattr(importlib.import_module(f"{package.__name__}.{module}"), name)
        assert value.__name__ == name
        assert value.__module__ == f"{package.__name__}.{module}"
        assert vars(package)[name] is value  # looked up once


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_same_names(package: ModuleType) -> None:
    """They read the imports under `TYPE_CHECKING`; each is marked as exported by `as`."""
    assert package.__file__ is not None
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    assert [ast.unparse(block.test) for block in blocks] == ["TYPE_CHECKING", "not TYPE_CHECKING"]
    seen = {}
    for node in blocks[0].body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name
            seen[alias.name] = node.module
    names = {name: f"{package.__name__}.{module}" for name, module in package._MODULES.items()}
    modules = dict.fromkeys(getattr(package, "_SUBMODULES", ()), package.__name__)
    assert seen == {**names, **modules}


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_lists_every_name(package: ModuleType) -> None:
    listed = dir(package)
    assert listed == sorted(listed)
    assert set(package.__all__) <= set(listed)
    assert "__doc__" in listed
    assert all(hasattr(package, name) for name in listed)


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_lists_nothing_else_that_is_public(package: ModuleType) -> None:
    modules = {name for name, value in vars(package).items() if isinstance(value, ModuleType)}
    submodules = {*getattr(package, "_SUBMODULES", package._MODULES.values())}
    assert {name for name in dir(package) if name[0] != "_"} <= {*package.__all__, *modules, *submodules}


def test_dir_lists_the_modules() -> None:
    assert set(PUBLIC_MODULES) <= set(dir(tachyon_sdk))


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", ["nothing", "chat", "__wrapped__", "_private", "message_", ""])
def test_other_names_are_not_there(package: ModuleType, name: str) -> None:
    with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute '{name}'$"):
        getattr(package, name)


def test_an_import_of_another_name_fails() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'tachyon_sdk'"):
        from tachyon_sdk import Nothing  # noqa: F401


def test_the_version() -> None:
    assert tachyon_sdk.__version__.split(".")[0].isdigit()


# When things load


def test_a_bare_import_loads_next_to_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules); import tachyon_sdk, tachyon_sdk.models;"
        "dir(tachyon_sdk); hasattr(tachyon_sdk, 'nothing');"
        "print(*sorted(name for name in set(sys.modules) - before if 'tachyon' in name));"
        "print(*({'pydantic', 'urllib3', 'json', 'ssl', 'dateutil'} & set(sys.modules)))"
    )
    assert run(code, tmp_path) == "tachyon_sdk tachyon_sdk._lazy tachyon_sdk._version tachyon_sdk.models"


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("ApiException", "pydantic urllib3"),
        ("Configuration", "pydantic urllib3"),
        ("Message", "urllib3"),
        (
            "ChatApi",
            "tachyon_sdk.api.chatroom_api tachyon_sdk.models.chat_room tachyon_sdk.models.model_info",
        ),
    ],
)
def test_a_name_loads_only_what_it_needs(tmp_path: Path, name: str, absent: str) -> None:
    code = f"import sys, tachyon_sdk; tachyon_sdk.{name}; print(*set({absent.split()}).intersection(sys.modules))"
    assert run(code, tmp_path) == ""


def test_modules_are_attributes_after_a_bare_import(tmp_path: Path) -> None:
    is_module = "tachyon_sdk.{0} is sys.modules['tachyon_sdk.{0}'] or 1 / 0"
    run_each([f"import sys, tachyon_sdk; {is_module.format(name)}" for name in PUBLIC_MODULES], tmp_path)


# What a generated client's users write; the package is imported anew for each

FAMILIAR = """
from tachyon_sdk.rest import ApiException
from tachyon_sdk.rest import RESTClientObject, RESTResponse
from tachyon_sdk.exceptions import ApiException, OpenApiException, NotFoundException, ServiceException
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError, ApiKeyError, ApiAttributeError
from tachyon_sdk.models.message import Message
from tachyon_sdk.models.chat_completion_request import ChatCompletionRequest
from tachyon_sdk.models import Message, ChatCompletionRequest
from tachyon_sdk.api.chat_api import ChatApi
from tachyon_sdk.api import ChatApi
from tachyon_sdk.api_client import ApiClient
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.configuration import Configuration
from tachyon_sdk import ApiClient, ApiException, ApiResponse, ChatApi, Configuration, Message, rest
from tachyon_sdk import *; Configuration, ApiClient, ChatApi, Message, ApiException, __version__
from tachyon_sdk.models import *; Message, ChatRole, ToolChoice
import tachyon_sdk; tachyon_sdk.models.Message
import tachyon_sdk; tachyon_sdk.models.message.Message
import tachyon_sdk; tachyon_sdk.models.chat_role.ChatRole
import tachyon_sdk; tachyon_sdk.api.chat_api.ChatApi
import tachyon_sdk; tachyon_sdk.ChatApi, tachyon_sdk.ChatCompletionRequest, tachyon_sdk.__version__
import tachyon_sdk; tachyon_sdk.rest.ApiException is tachyon_sdk.ApiException or 1 / 0
import tachyon_sdk; tachyon_sdk.exceptions.ApiException is tachyon_sdk.ApiException or 1 / 0
import tachyon_sdk; tachyon_sdk.configuration.Configuration is tachyon_sdk.Configuration or 1 / 0
import tachyon_sdk; tachyon_sdk.api_client.ApiClient is tachyon_sdk.ApiClient or 1 / 0
import tachyon_sdk.models.message as module; module.Message
import tachyon_sdk.api.chat_api; tachyon_sdk.ChatApi
import tachyon_sdk.rest; tachyon_sdk.rest.ApiException
"""


def test_familiar_imports(tmp_path: Path) -> None:
    run_each(FAMILIAR.strip().split("\n"), tmp_path)


def test_a_star_import_takes_every_name(tmp_path: Path) -> None:
    for package in PACKAGES:
        code = f"from {package.__name__} import *; print(*sorted(set(dir()) - {{'__builtins__'}}))"
        assert set(run(code, tmp_path).split()) >= set(package.__all__)


# Pickles


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_models_are_pickled(protocol: int) -> None:
    for name in [*OBJECTS, *NATURAL]:
        instance = getattr(tachyon_sdk, name).from_dict(example(name))
        other = pickle.loads(pickle.dumps(instance, protocol))
        assert other == instance
        assert type(other) is type(instance)
    for member in [*tachyon_sdk.ChatRole, *tachyon_sdk.ToolChoice]:
        assert pickle.loads(pickle.dumps(member, protocol)) is member


def test_a_pickle_is_read_where_nothing_was_imported(tmp_path: Path) -> None:
    value = example("ChatCompletionRequest")
    request = tachyon_sdk.ChatCompletionRequest.from_dict({**value, "own": [1], "tool_choice": "auto"})
    (tmp_path / "request.pickle").write_bytes(pickle.dumps(request))
    code = (
        "import pathlib, pickle; print(pickle.loads(pathlib.Path('request.pickle').read_bytes()).to_json())"
    )
    assert run(code, tmp_path) == request.to_json()


def test_names_and_pickled_types_are_found_from_many_threads(tmp_path: Path) -> None:
    code = """
import sys, threading, tachyon_sdk
sys.setswitchinterval(1e-6)
barrier, failed = threading.Barrier(8), []
def look():
    barrier.wait()
    try:
        for name in tachyon_sdk.__all__:
            getattr(tachyon_sdk, name)
    except BaseException as error:
        failed.append(repr(error))
threads = [threading.Thread(target=look) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""
    assert run(code, tmp_path) == "[]"


# The helper itself


def test_lazy_names_of_any_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lazy_example"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from tachyon_sdk._lazy import lazy_names\n"
        "__getattr__, __dir__ = lazy_names(globals(), {'value': 'inner', 'gone': 'inner'}, ('other',))\n"
    )
    (package / "inner.py").write_text("value = object()\n")
    (package / "other.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    example_package = importlib.import_module("lazy_example")
    try:
        assert example_package.value is example_package.value
        assert {"value", "gone", "other", "__name__"} <= set(dir(example_package))
        with pytest.raises(AttributeError, match="gone"):
            example_package.gone  # noqa: B018
        with pytest.raises(RuntimeError, match="broken"):
            example_package.other  # noqa: B018
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "lazy_example"]:
            del sys.modules[name]


def test_lazy_names_fills_the_namespace_once() -> None:
    namespace: dict[str, object] = {"__name__": "tachyon_sdk"}
    getattr_, dir_ = lazy_names(namespace, {"Message": "models.message"}, ["rest"])
    assert dir_() == ["Message", "__name__", "rest"]
    assert getattr_("Message") is namespace["Message"] is tachyon_sdk.Message
    assert getattr_("rest") is namespace["rest"] is tachyon_sdk.rest
