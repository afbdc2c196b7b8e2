"""`python -m tachyon_sdk.local`: run the local server until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
import threading

import tachyon_sdk.local


def main(arguments: list[str] | None = None, program: str = "python -m tachyon_sdk.local") -> int:
    """Run the server; return the exit status: 0 after it was told to stop, 1 if it could not start."""
    parser = command_parser(program)
    options = parser.parse_args(arguments)
    if options.upstream is None and (options.model or options.upstream_key_env):
        parser.error("--model and --upstream-key-env need --upstream")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = _server(options)
        server.start()
    except (ModuleNotFoundError, OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else error
        print(f"the local server did not start: {text}", file=sys.stderr)
        return 1
    try:
        print(f"Local Tachyon server on {server.url} (Ctrl-C stops it)", flush=True)
        while not stop.wait(timeout=1):  # with a timeout, since Windows cannot interrupt a wait without one
            pass
    finally:
        server.stop()
    return 0


def _server(options: argparse.Namespace) -> "tachyon_sdk.local.LocalServer":
    return tachyon_sdk.local.LocalServer(
        options.data,
        options.host,
        options.port,
        create_rooms=options.create_rooms,
        key=_from_environment(options.key_env),
        allow_origins=options.allow_origin,
        upstream=options.upstream,
        upstream_key=_from_environment(options.upstream_key_env),
        models=dict(options.model or ()),
    )


def _from_environment(name: str | None) -> str | None:
    """Return the value of an environment variable; None without a name.

    Raises:
        ValueError: The variable is not set, or empty.
    """
    if name is None:
        return None
    if not (value := os.environ.get(name, "").strip()):
        raise ValueError(f"the environment variable {name} is not set")
    return value


def command_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of the arguments."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="A local Tachyon server for development. Without --key-env it accepts any bearer token.",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; one that other machines can reach needs --key-env (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=_port, default=50054, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data", metavar="FILE", help="keep chatrooms in this SQLite file (default: in memory)"
    )
    parser.add_argument(
        "--create-rooms",
        action="store_true",
        help="create a chatroom that does not exist when it is used (default: 404)",
    )
    parser.add_argument(
        "--key-env", metavar="NAME", help="environment variable with the access token that clients must send"
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        metavar="ORIGIN",
        help="origin of web pages that may call the server, besides those of this machine;"
        " can be repeated; * is any (default: any, with --upstream none)",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help="base URL of a server with the /chat/completions of OpenAI, whose models answer,"
        " such as http://127.0.0.1:11434/v1",
    )
    parser.add_argument(
        "--upstream-key-env",
        metavar="NAME",
        help="environment variable with the access token for the upstream",
    )
    parser.add_argument(
        "--model",
        action="append",
        type=_model,
        metavar="NAME=UPSTREAM_NAME",
        help="a name of a model for clients, and the upstream's name for it; can be repeated; the first is"
        " that of requests without a model (default: the upstream's own names)",
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def _model(text: str) -> tuple[str, str]:
    name, equals, upstream_name = text.partition("=")
    if not name or (equals and not upstream_name):
        raise ValueError(text)
    return name, upstream_name or name


_model.__name__ = "model"
_port.__name__ = "port"  # argparse puts it into its message: "invalid port value"

if __name__ == "__main__":
    sys.exit(main())
