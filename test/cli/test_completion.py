"""`tachyon completion`, with the shells that are installed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from support.command import Terminal, is_one_line, run, run_program

pytest.importorskip("shtab")
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(sys.platform == "win32", reason="has none of these shells"),
]

# How to start each shell, and what it reads first: the script, and a function in place of the command.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile"],
        'eval "$(cat script)"\ntachyon() { printf \'<%s>\' "$@"; echo; }\n',
    ),
    "zsh": (
        ["zsh", "-f"],
        'autoload -U compinit; compinit -u -D; eval "$(cat script)"\ntachyon() { printf \'<%s>\' "$@"; echo; }\n',
    ),
    "fish": (
        ["fish", "--no-config"],
        "cat script | source\nfunction tachyon; printf '<%s>' $argv; echo; end\n",
    ),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_choices_and_files_are_completed(shell: str, tmp_path: Path) -> None:
    command, setup = SHELLS[shell]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{shell} is not installed")
    script = run("completion", shell)
    assert (script.status, script.err) == (0, "")
    (tmp_path / "script").write_text(script.out, encoding="utf-8")
    (tmp_path / "setup").write_text(setup, encoding="utf-8")
    (tmp_path / "notes.txt").touch()
    with Terminal(command=command, settings={"HOME": str(tmp_path), "PS1": "$ "}) as terminal:
        terminal.type(f"cd '{tmp_path}'; source ./setup; tachyon ready\r")
        terminal.wait_for("<ready>")
        for typed, received in (
            ("ro\tli\t--js\t", "<rooms><list><--json>"),
            ("--mod\tlarge --form\tjs\t", "<--model><large><--format><json>"),
            ("-f not\tHello", "<-f><notes.txt><Hello>"),
            ("chat --hist\tnot\t", "<chat><--history><notes.txt>"),
            ("serve --upstream-\t", "<serve><--upstream-key-env>"),
            ("comp\tfi\t", "<completion><fish>"),
        ):
            terminal.type(f"tachyon {typed}\r")
            terminal.wait_for(received)


def test_without_shtab_it_says_what_is_missing(tmp_path: Path) -> None:
    absent = "raise ModuleNotFoundError(\"No module named 'shtab'\", name='shtab')"
    (tmp_path / "shtab.py").write_text(absent, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    result = run_program("completion", "bash", settings={"PYTHONPATH": path})
    assert (result.status, result.out) == (2, "")
    assert (
        is_one_line(result.err)
        and "the extra 'cli' of tachyon-chat-sdk: shtab is not installed" in result.err
    )


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]])
def test_other_shells_are_refused(arguments: list[str]) -> None:
    result = run("completion", *arguments)
    assert (result.status, result.out) == (2, "")
    assert is_one_line(result.err)
