"""`python -m tachyon_sdk.local`: run the local server until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading

import tachyon_sdk.local


def main(arguments: list[str] | None = None) -> int:
    """Run the server; return the exit status: 0 after a stop that was asked for, 1 if it could not start."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = tachyon_sdk.local.LocalServer(options.data, options.host, options.port)
        server.start()
    except (ModuleNotFoundError, OSError) as error:
        print(f"the local server did not start: {error}", file=sys.stderr)
        return 1
    try:
        print(f"Local Tachyon server on {server.url} (Ctrl-C stops it)", flush=True)
        while not stop.wait(timeout=1):  # with a timeout, since Windows cannot interrupt a wait without one
            pass
    finally:
        server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tachyon_sdk.local",
        description="A local Tachyon server for development. Any bearer token and operator id are accepted.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=50054, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data", metavar="FILE", help="keep chatroom history in this SQLite file (default: in memory)"
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


_port.__name__ = "port"  # argparse puts it into its message: "invalid port value"

if __name__ == "__main__":
    sys.exit(main())
