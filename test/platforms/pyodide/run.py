"""Runs the tests of this folder, and tests without I/O, on CPython in WebAssembly: Pyodide under Node.

    python run.py FOLDER [arguments of pytest]

Pyodide is installed into FOLDER from npm. The wheel of the package, whose path is in TOX_PACKAGE, and its dependencies
are installed next to it. The servers run here, in normal CPython, because WebAssembly has neither threads nor sockets.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT / "test"))

from support.chat import ANSWER, STREAM, chunk  # noqa: E402
from support.messages import framed, json_response, reframe  # noqa: E402
from support.raw_server import AWAIT_CLOSE, CLOSE, Connection, Gate, RawServer, Response, lock_step  # noqa: E402
from tachyon_sdk.local import LocalServer  # noqa: E402

PYODIDE = "314.0.7"
# Later versions of jsonschema need an extension without a wheel for this platform.
TEST_TOOLS = ("pytest>=8.2,<10", "pytest-timeout>=2.3", "hypothesis>=6.100", "jsonschema<4.18")
# Most tests in these files need no connection. Those that need threads, processes or sockets are skipped.
WITHOUT_IO = (
    "contract/test_conformance.py",
    "contract/test_contract.py",
    "contract/test_first_choice.py",
    "contract/test_model.py",
    "contract/test_model_round_trip.py",
    "errors/test_body.py",
    "errors/test_headers.py",
    "errors/test_in_success.py",
    "settings/test_checks.py",
    "settings/test_configuration.py",
    "settings/test_logging.py",
    "settings/test_no_proxy.py",
    "streaming/test_completion.py",
    "streaming/test_decode.py",
    "streaming/test_merge.py",
    "streaming/test_sse.py",
    "transport/test_content_coding.py",
    "transport/test_errors.py",
    "transport/test_framing.py",
    "transport/test_headers.py",
    "transport/test_idle.py",
    "typed/test_tool_calls.py",
    "typed/test_tools.py",
    "test_exceptions.py",
    "test_generic.py",
    "test_lazy.py",
    "test_request.py",
    "test_retry.py",
)
# Deep recursion exhausts the stack of WebAssembly and ends the interpreter.
TOO_DEEP = "not deep and not hostile and not may_hold_anything and not what_is_not_of_the_type"
SECONDS = 1800


def main(folder: Path, *arguments: str) -> int:
    pyodide = install_pyodide(folder)
    site = install_wheels(folder, pyodide)
    tests = arguments or (
        *("-k", TOO_DEEP),
        *("-m", "not exhaustive"),
        *(f"test/{name}" for name in WITHOUT_IO),
        "test/platforms/pyodide",
    )
    with LocalServer() as local, RawServer(handler=respond) as raw:
        environment = {"LOCAL_SERVER": local.url, "RAW_SERVER": raw.url}
        command = [*node(), HERE / "run.mjs", pyodide, site, ROOT, json.dumps(environment), *tests]
        return subprocess.run(command, check=False, timeout=SECONDS).returncode


def install_pyodide(folder: Path) -> Path:
    """Install Pyodide from npm. Return its folder."""
    npm = shutil.which("npm") or "npm"
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, f"pyodide@{PYODIDE}"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return folder / "node_modules" / "pyodide"


def install_wheels(folder: Path, pyodide: Path) -> Path:
    """Install the package and its dependencies. Return their folder."""
    info = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
    python = info["python"].rpartition(".")[0]
    target = {
        "--python-version": python,
        "--implementation": "cp",
        "--abi": "cp" + python.replace(".", ""),
        "--platform": f"pyemscripten_{info['abi_version']}_{info['arch']}",
        "--only-binary": ":all:",
        "--target": str(folder / "site"),
    }
    options = [part for option in target.items() for part in option]
    package = os.environ["TOX_PACKAGE"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--upgrade"]
    subprocess.run([*pip, *options, f"{package}[local]", *TEST_TOOLS], check=True)
    # PyYAML has no wheel for this platform. It works without its extension.
    yaml = importlib.util.find_spec("yaml")
    assert yaml is not None and yaml.origin is not None
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(Path(yaml.origin).parent, folder / "site" / "yaml", ignore=ignored, dirs_exist_ok=True)
    return folder / "site"


def node() -> list[str]:
    """Return the command for Node with JSPI, which lets WebAssembly wait for JavaScript."""
    command = shutil.which("node") or "node"
    query = [command, "-p", "typeof WebAssembly.Suspending"]
    ready = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip() == "function"
    # Node before version 25 needs an option.
    return [command] if ready else [command, "--experimental-wasm-jspi"]


# A request to the path opens the gate.
GATES = {"open-lock-step": Gate(), "open-cut": Gate()}
RESPONSES: dict[str, Response] = {
    **dict.fromkeys(GATES, ANSWER),
    "lock-step": lock_step(framed(STREAM, "chunked"), GATES["open-lock-step"]),
    "gzip": reframe(ANSWER, "gzip-content-length"),
    "gzip-stream": reframe(STREAM, "gzip-chunked"),
    "until-close": reframe(STREAM, "until-close"),
    "cut": [ANSWER[:-10], CLOSE],
    "cut-stream": [STREAM[: STREAM.index(b"two")], GATES["open-cut"], CLOSE],
    "silent": [AWAIT_CLOSE],
    "silent-stream": [STREAM[: STREAM.index(b"two")], AWAIT_CLOSE],
    "large": json_response(chunk("x" * 1_000_000, "stop")),
    "redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /large\r\nContent-Length: 0\r\n\r\n",
}


def respond(connection: Connection) -> None:
    """Send the response that the first segment of the path names."""
    while connection.socket.fileno() != -1:
        name = re.split(r"[/?]", connection.read_request().target)[1]
        if name in GATES:
            GATES[name].open()
        connection.play(RESPONSES[name])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
