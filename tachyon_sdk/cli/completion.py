"""`tachyon completion`: prints a script that makes a shell complete commands, options and files."""

import argparse
from importlib import import_module
from typing import Any

from tachyon_sdk.cli.arguments import COMMANDS, FILES, add_options
from tachyon_sdk.cli.output import put
from tachyon_sdk.exceptions import ApiValueError
from tachyon_sdk.local.__main__ import command_parser


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    try:
        shtab: Any = import_module("shtab")
    except ModuleNotFoundError as error:
        raise ApiValueError(
            "completion needs the extra 'cli' of tachyon-chat-sdk: shtab is not installed"
        ) from error
    FILES.update(shtab.FILE)
    put(shtab.complete(_all_commands(), shell=options.shell))
    return 0


def _all_commands() -> argparse.ArgumentParser:
    """Return a parser of all commands, and of the options of a plain prompt."""
    parser = argparse.ArgumentParser("tachyon")
    add_options(parser)
    parser.add_argument("--version", action="store_true", help="show the version")
    commands = parser.add_subparsers()
    for name, command in COMMANDS.items():
        parents = [command_parser(name)] if command.arguments is None else []
        added = commands.add_parser(name, help=command.about, parents=parents, add_help=not parents)
        if command.arguments is not None:
            command.arguments(added)
    return parser
