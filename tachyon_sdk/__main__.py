"""The command `tachyon`, which is also `python -m tachyon_sdk`."""

import sys


def main() -> int:
    """Run the command with the arguments of the process and return the exit status.

    The command needs a moment to load, and another one to end. Ctrl-C in these moments ends the process at once,
    without a traceback.
    """
    try:
        import os
        import signal

        if (
            signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        ):  # ignored, as for background jobs
            from tachyon_sdk.cli.main import main as run

            return run()
        quiet = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        from tachyon_sdk.cli.main import main as run

        try:
            signal.signal(signal.SIGINT, quiet)
            return run()
        finally:
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
