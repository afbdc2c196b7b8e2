"""docs/Local_server.md from its first command to its last, with a real model server, and `kill -9` for the restart.

Only the address, the key and the name of the model are changed. The request also names the tool, because the tiny model
calls none by its own choice.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.processes import ServerProcess
from servers.targets import LLAMA_KEY
from servers.tiny_model import RESULT

from support.examples import ROOT, examples

PAGE = ROOT / "docs" / "Local_server.md"
NAMED = '"tool_choice": {"type": "function", "function": {"name": "get_tide"}}'


def command_of_the_page(llama: ServerProcess) -> list[str]:
    """The command of section 2, for this model server."""
    (line,) = (
        line
        for each in examples(PAGE)
        if each.heading == "2. Start the local server" and each.language == "sh"
        for line in each.source.splitlines()
        if ":11434" in line
    )
    program, *words = shlex.split(line)
    assert program == "python"
    changed = {"http://127.0.0.1:11434/v1": f"{llama.host}/v1", "large=qwen3:0.6b": "large=tiny"}
    assert changed.keys() <= set(words)
    return [
        sys.executable,
        *(changed.get(word, word) for word in words),
        *("--upstream-key-env", "MODEL_KEY"),
        *("--port", "0"),
    ]


@contextmanager
def local_server(llama: ServerProcess, folder: Path) -> Iterator[str]:
    """The local server, which is killed at the end. Gives its URL."""
    with subprocess.Popen(
        command_of_the_page(llama),
        cwd=folder,
        env={**os.environ, "MODEL_KEY": LLAMA_KEY},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.kill()


def talk(url: str, folder: Path) -> list[str]:
    """Run the program of section 3. Return the lines that it prints."""
    (source,) = (each.source for each in examples(PAGE) if each.source.startswith("# talk.py"))
    for old, new in {"http://localhost:50054": url, '"model": "large"': f'"model": "large", {NAMED}'}.items():
        assert source.count(old) == 1
        source = source.replace(old, new)
    (folder / "talk.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "talk.py"],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_page(llama: ServerProcess, tmp_path: Path) -> None:
    response = "".join(RESULT)
    with local_server(llama, tmp_path) as url:
        assert talk(url, tmp_path) == [response]
    with local_server(llama, tmp_path) as url:
        earlier = talk(url, tmp_path)
    assert earlier.pop() == response
    assert [line.partition(" | ")[0] for line in earlier] == ["user", "assistant", "tool", "assistant"]
    assert "When is high tide in Oslo?" in earlier[0] and "get_tide" in earlier[1]
    assert "14:20" in earlier[2] and response in earlier[3]
