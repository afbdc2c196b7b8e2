"""The commands and their arguments. Nothing here loads the client: `--help` and `--version` need no more than this."""

import argparse
import json
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from tachyon_sdk._version import __version__
from tachyon_sdk.cli.output import program

_EXAMPLES = """\
examples:
  {program} "Hello"
  {program} "Summarise this" < notes.txt
  {program} -f photo.png -f notes.txt "What do they have in common?"
  {program} --model large --system "Answer in one sentence." "What is an ebb?"
  {program} chat --history tides.jsonl
"""
_NOTES = """\
environment:
  TACHYON_API_URL      URL of the server; without any of these variables: a local
                       server inside this program, which repeats what you say
  TACHYON_API_KEY      access token for the server
  TACHYON_OPERATOR_ID  operator id for the server, such as tn_xxxxxx

exit status:
  0    the full response was printed
  1    the server, the network or the output failed
  2    the arguments, the prompt or the settings are invalid; nothing was sent
  3    the response was truncated by a limit (such as finish reason length)
  4    the response was withheld (content_filter), or the model refused
  5    the response is not the JSON that --format or --schema requires
  130  stopped by Ctrl-C
  141  the output was closed by its reader
"""

# What shtab needs to complete the names of files; only `completion` loads it.
FILES: dict[str, str] = {}


class Command(NamedTuple):
    """A command.

    Attributes:
        about: What it does, for the list of commands.
        module: The module with its `run(options)`, which returns the exit status.
        arguments: Adds its arguments to a parser. None: the module has
            `main(arguments, program)` instead.
    """

    about: str
    module: str
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


class Parser(argparse.ArgumentParser):
    """Prints errors as one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with status 2."""
        self.exit(2, f"{program()}: {message} (see {self.prog} --help)\n")


def parser_of(name: str) -> Parser:
    """Return the parser of a command; without a name, that of a plain prompt, whose help covers everything."""
    command = COMMANDS[name or "ask"]
    about, notes = (
        f"{command.about[0].upper()}{command.about[1:]}.",
        _NOTES if name in ("ask", "chat") else None,
    )
    if not name:
        listed = "".join(f"  {each:<12} {entry.about}\n" for each, entry in COMMANDS.items())
        usage = "Without a command, this is `ask`. For a prompt that is the name of a command, write -- before it."
        notes = f"commands:\n{listed}\n{usage}\n\n{_EXAMPLES.format(program=program())}\n{_NOTES}"
    parser = Parser(
        f"{program()} {name}".strip(),
        None,
        about,
        notes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    assert command.arguments is not None
    command.arguments(parser)
    if not name:
        parser.add_argument("--version", action="version", version=f"tachyon-chat-sdk {__version__}")
    return parser


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompt",
        nargs="?",
        help="the message; text on standard input is added to it; - or none: standard input alone (UTF-8)",
    )
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a prompt."""
    _completes_files(
        parser.add_argument(
            "-f",
            "--file",
            action="append",
            default=[],
            metavar="FILE",
            help="text or image to send with the prompt; can be repeated",
        )
    )
    _conversation(parser)
    form = parser.add_argument_group("output")
    form.add_argument("--json", action="store_true", help="print the response as one line of JSON")
    form.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="print the response as it arrives, which is the default for text; with --json: each chunk as a line",
    )
    form.add_argument(
        "--format", choices=("text", "json"), help="json: require a JSON object as the response"
    )
    _completes_files(
        form.add_argument(
            "--schema",
            metavar="SCHEMA",
            help="require JSON of this schema: a file with a JSON Schema, or a Python type as module:Type",
        )
    )
    parser.add_argument("--no-stdin", action="store_true", help="do not read standard input")
    _connection(parser)


def _chat(parser: argparse.ArgumentParser) -> None:
    _completes_files(
        parser.add_argument(
            "--history",
            metavar="FILE",
            help="keep the conversation in this file, one message as JSON per line, and continue the one in it",
        )
    )
    _conversation(parser)
    _connection(parser)


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--feature",
        action="append",
        default=[],
        help="only models with this feature, such as vision or function_calling; can be repeated",
    )
    parser.add_argument("--agents", action="store_true", help="only models that can be agents")
    parser.add_argument("--json", action="store_true", help="print each model as one line of JSON")
    _connection(parser)


def _rooms(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, about: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False
        )
        return added

    listing = action("list", "list the chatrooms")
    listing.add_argument("--search", metavar="TEXT", help="only chatrooms whose name contains this")
    listing.add_argument("--limit", type=_count, metavar="N", help="at most this many")
    listing.add_argument("--json", action="store_true", help="print each chatroom as one line of JSON")
    create = action("create", "create a chatroom and print its id")
    create.add_argument("name", nargs="?", help="name of the chatroom")
    create.add_argument("--metadata", type=_json, metavar="JSON", help="metadata, any JSON value")
    rename = action("rename", "change the name of a chatroom")
    rename.add_argument("id", help="id of the chatroom")
    rename.add_argument("name", help="new name")
    delete = action("delete", "delete chatrooms with all of their messages")
    delete.add_argument("id", nargs="+", help="id of a chatroom")
    history = action("history", "print the messages of a chatroom")
    history.add_argument("id", help="id of the chatroom")
    history.add_argument("--search", metavar="TEXT", help="only messages that contain this")
    history.add_argument("--last", type=_count, metavar="N", help="only the last messages")
    history.add_argument("--json", action="store_true", help="print each message as one line of JSON")
    for each in (listing, create, rename, delete, history):
        _connection(each)


def _bulk(parser: argparse.ArgumentParser) -> None:
    _completes_files(
        parser.add_argument(
            "input", nargs="?", help="JSON lines, CSV with --prompt, or text lines; .gz is unpacked"
        )
    )
    _completes_files(parser.add_argument("output", nargs="?", help="file for the results, as JSON lines"))
    action = parser.add_mutually_exclusive_group()
    for name, about in (
        ("--status", "print the state of an output; exit status 0 only if nothing is left"),
        ("--retry-failed", "send the failed rows of an output again"),
    ):
        _completes_files(action.add_argument(name, metavar="OUTPUT", help=about))
    _completes_files(
        action.add_argument(
            "--merge", nargs="+", metavar="OUTPUT", help="merge the outputs of shards; needs -o"
        )
    )
    _completes_files(parser.add_argument("-o", dest="merged", metavar="OUTPUT", help="output of --merge"))
    _request_options(parser)
    parser.add_argument(
        "--prompt", metavar="TEMPLATE", help='prompt with columns, such as "Summarise: {text}"'
    )
    flow = parser.add_argument_group("flow")
    flow.add_argument(
        "--concurrency",
        type=_concurrency,
        metavar="N",
        help="requests in flight; auto, the default: as many as the server allows",
    )
    flow.add_argument("--rpm", type=float, metavar="N", help="at most this many requests per minute")
    flow.add_argument("--tpm", type=float, metavar="N", help="at most this many tokens per minute")
    flow.add_argument(
        "--attempts", type=_count, default=5, metavar="N", help="most attempts of a row; default: 5"
    )
    flow.add_argument(
        "--lost",
        choices=("fail", "again"),
        default="fail",
        help="again: also repeat requests that may have had an effect, and may be billed twice",
    )
    flow.add_argument("--deadline", type=float, metavar="SECONDS", help="take no rows after this time")
    flow.add_argument("--max-cost", type=float, metavar="COST", help="take no rows above this cost")
    flow.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="only part I of N, from 1/N"
    )
    flow.add_argument("--anew", action="store_true", help="discard the results of earlier runs")
    _connection(parser)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    return int(number), int(count)


def _concurrency(text: str) -> int | None:
    return None if text == "auto" else _count(text)


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that will read the script")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _completes_files(action: argparse.Action) -> None:
    setattr(action, "complete", FILES)  # noqa: B010 - shtab reads it; argparse does not declare it


def _conversation(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("-s", "--system", metavar="TEXT", help="system message: an instruction for the model")
    parser.add_argument("-c", "--chatroom", metavar="ID", help="chatroom, which remembers the conversation")
    parser.add_argument(
        "--tool",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="Python function that the model may call; can be repeated",
    )
    _sampling(parser)
    parser.add_argument("--usage", action="store_true", help="print the number of tokens to stderr")


def _request_options(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    _sampling(parser)


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m", "--model", help="name of the model, such as large; default: chosen by the server"
    )


def _sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help="maximum length of the response, in tokens"
    )
    parser.add_argument("--temperature", type=float, metavar="T", help="sampling temperature, 0 to 2")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="any other property of the request, such as top_p=0.5 or web_search.query=tides;"
        " the value is JSON, or else text; can be repeated",
    )


def _connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument("--host", metavar="URL", help="URL of the server, instead of TACHYON_API_URL")
    group.add_argument("--operator", metavar="ID", help="operator id, instead of TACHYON_OPERATOR_ID")
    group.add_argument(
        "--key-env", metavar="NAME", help="variable with the access token, instead of TACHYON_API_KEY"
    )
    group.add_argument(
        "--debug", action="store_true", help="log requests, and show the traceback of an error"
    )


def _setting(text: str) -> tuple[list[str], Any]:
    """Parse `name=value`; dots in the name lead into objects."""
    name, equals, value = text.partition("=")
    path = name.split(".")
    if not equals or not all(path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return path, json.loads(value, parse_constant=_no_constant)
    except ValueError:
        return path, value


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON") from None


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


COMMANDS = {
    "ask": Command("send a message and print the response as it arrives", "tachyon_sdk.cli.ask", _ask),
    "chat": Command("talk in the terminal", "tachyon_sdk.cli.chat", _chat),
    "models": Command("list the models", "tachyon_sdk.cli.models", _models),
    "rooms": Command("list, create, rename, delete and show chatrooms", "tachyon_sdk.cli.rooms", _rooms),
    "bulk": Command(
        "send the rows of a file, and continue where it was interrupted", "tachyon_sdk.cli.bulk", _bulk
    ),
    "serve": Command("run a local server", "tachyon_sdk.local.__main__"),
    "completion": Command(
        "print a script that makes a shell complete this command", "tachyon_sdk.cli.completion", _completion
    ),
}
_shard.__name__ = "part I/N"
_concurrency.__name__ = _count.__name__ = "number"  # argparse puts it into its message
