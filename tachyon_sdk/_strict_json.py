"""What JSON does not allow and the parsers at hand do."""

import json
from contextlib import suppress


def constant_in(text: bytes) -> str | None:
    """The first NaN or infinity among the values of a JSON text, None where there is none.

    JSON has no such numbers (RFC 8259, section 6). A text that is no JSON for another reason has none here.
    """
    # The words are rare, also within strings, and looking for them is cheap.
    if b"NaN" not in text and b"Infinity" not in text:
        return None
    found: list[str] = []
    with suppress(ValueError, RecursionError):
        json.loads(text, parse_constant=found.append)
    return found[0] if found else None
