"""Where in the program a warning belongs."""

import sys


def stack_level() -> int:
    """Return the `stacklevel` with which a warning of the calling function shows the line outside this package."""
    package = __name__.partition(".")[0]
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    return level
