"""What JSON does not allow and the parsers at hand do."""

import json
from contextlib import suppress

_N, _I = b"NI"


def constant_in(text: bytes) -> str | None:
    """The first NaN or infinity among the values of a JSON text, None where there is none.

    JSON has no such numbers (RFC 8259, section 6). A text that is no JSON for another reason has none here.
    """
    # The words are rare, also within strings. A letter is found ten times faster than a word.
    if not ((_N in text and text.find(b"NaN") >= 0) or (_I in text and text.find(b"Infinity") >= 0)):
        return None
    found: list[str] = []
    with suppress(ValueError, RecursionError):
        json.loads(text, parse_constant=found.append)
    return found[0] if found else None
