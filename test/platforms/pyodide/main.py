"""Runs in WebAssembly: imports the package, then runs pytest with the arguments in `tests`."""

import os
import socket
import subprocess
import sys
import threading
import warnings
from typing import Any, NoReturn

sys.path.insert(0, "/site")
sys.dont_write_bytecode = True

import pydantic  # noqa: E402
import pytest  # noqa: E402
import urllib3  # noqa: E402

tests: list[str] = globals()["tests"]


class Platform:
    """Skips tests that need threads, processes or sockets."""

    def pytest_sessionstart(self) -> None:
        self._skip_without(threading.Thread, "start", "threads")
        self._skip_without(subprocess.Popen, "__init__", "processes")
        self._skip_without(socket.socket, "__init__", "sockets")

    def _skip_without(self, owner: Any, name: str, what: str) -> None:
        def skip(*args: Any, **options: Any) -> NoReturn:
            pytest.skip(f"WebAssembly has no {what}")

        setattr(owner, name, skip)


def import_all() -> None:
    """Import all public names. Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import tachyon_sdk

        for name in tachyon_sdk.__all__:
            getattr(tachyon_sdk, name)
    assert tachyon_sdk.__file__.startswith("/site/"), tachyon_sdk.__file__
    versions = f"urllib3 {urllib3.__version__}, pydantic {pydantic.VERSION}"
    print(f"Python {sys.version.split()[0]} on {sys.platform}, {versions}: imported without a warning")


def main() -> int:
    import_all()
    os.chdir("/checkout")
    settings = ["-c", "/checkout/pyproject.toml", "--rootdir=/checkout", "-pno:cacheprovider", "-otimeout=0"]
    return int(pytest.main([*settings, *tests], plugins=[Platform()]))


main()
