"""Finds the command that the arguments name, runs it, and turns errors into a line and an exit status."""

import io
import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tachyon_sdk.cli.arguments import COMMANDS, parser_of
from tachyon_sdk.cli.output import failure, program, say
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError, OpenApiException

_PATHS = ("file", "history", "schema")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status.

    Args:
        arguments: Those after the name of the program; None: those of the process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the terminal may not support every character
    debug = False
    try:
        if words[:1] == ["help"]:
            words = ["--help"]
        name, rest = (words[0], words[1:]) if words and words[0] in COMMANDS else ("", words)
        command = COMMANDS[name or "ask"]
        if command.arguments is None:
            return int(import_module(command.module).main(rest, f"{program()} {name}"))
        parser = parser_of(name)
        options = parser.parse_args(rest)
        debug = getattr(options, "debug", False)
        if not name and options.prompt in COMMANDS and "--" not in rest:
            parser.error(f"{options.prompt!r} is a command: write it first; for a prompt, write -- before it")
        _check_text(vars(options))
        return int(import_module(command.module).run(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 141
    except Exception as error:
        if debug:
            raise
        return _report(error)


def _check_text(options: Mapping[str, Any]) -> None:
    """Raise ApiValueError if the command line has undecodable bytes where they are not part of a path."""
    for name, value in options.items():
        if name not in _PATHS:
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeError:
                raise ApiValueError("the prompt or an option is not valid UTF-8") from None


def _report(error: Exception) -> int:
    """Say what went wrong and return the exit status."""
    if isinstance(error, (ApiTypeError, ApiValueError)):
        return failure(2, error)
    if isinstance(error, OSError):
        _discard_output()
    if isinstance(error, (OpenApiException, OSError)):
        return failure(1, error)
    failure(1, f"{type(error).__name__}: {error}")
    say("The option --debug shows where this error was raised.")
    return 1


def _discard_output() -> None:
    """Discard the buffered output: at exit, Python would flush it again and print an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
