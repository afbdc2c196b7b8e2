"""The command `tachyon`, which is also `python -m tachyon_sdk`."""

import sys


def main() -> int:
    """Run the command with the arguments of the process and return the exit status."""
    try:
        import os
        import signal

        # Before the rest is loaded. Ctrl-C is ignored already in background jobs.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        from tachyon_sdk.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
