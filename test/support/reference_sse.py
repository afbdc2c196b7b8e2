"""A reference event stream parser, to compare the real one with: simple, one character at a time.

It is written from the WHATWG standards alone: the "UTF-8 decode" and "UTF-8 decoder" algorithms of Encoding, and
sections 9.2.5 and 9.2.6 of HTML. It sees a whole stream at once, knows nothing of pieces, and does not care for
speed. It shares no code with the package.
"""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """Content of a stream: its (type, data, last event id) events, the last event id and the retry time (ms)."""

    events: list[tuple[str, str, str]]
    last_event_id: str
    retry: int | None


def read(stream: bytes) -> Reading:
    """Parse a complete stream."""
    events: list[tuple[str, str, str]] = []
    data_buffer = ""
    event_type_buffer = ""
    last_event_id_buffer = ""
    last_event_id = ""
    retry = None
    for line in complete_lines(utf8_decode(stream)):
        if line == "":
            last_event_id = last_event_id_buffer
            if data_buffer == "":
                event_type_buffer = ""
                continue
            if data_buffer[-1] == "\n":
                data_buffer = data_buffer[:-1]
            event_type = "message"
            if event_type_buffer != "":
                event_type = event_type_buffer
            events.append((event_type, data_buffer, last_event_id))
            data_buffer = ""
            event_type_buffer = ""
            continue
        if line[0] == ":":
            continue
        field, value = line, ""
        if ":" in line:
            position = line.index(":")
            field, value = line[:position], line[position + 1 :]
            if value != "" and value[0] == " ":
                value = value[1:]
        if field == "event":
            event_type_buffer = value
        elif field == "data":
            data_buffer = data_buffer + value + "\n"
        elif field == "id":
            if "\0" not in value:
                last_event_id_buffer = value
        elif field == "retry" and value != "" and all(character in "0123456789" for character in value):
            retry = 0
            for character in value:
                retry = retry * 10 + "0123456789".index(character)
    return Reading(events, last_event_id, retry)


def complete_lines(text: str) -> list[str]:
    """Return the terminated lines of `text`; CR LF, LF and CR end a line."""
    lines = []
    line = ""
    previous = ""
    for character in text:
        if character == "\n" and previous == "\r":
            pass  # the second half of a line end
        elif character in ("\r", "\n"):
            lines.append(line)
            line = ""
        else:
            line += character
        previous = character
    return lines


def utf8_decode(stream: bytes) -> str:
    """Decode UTF-8 without the byte order mark, with U+FFFD for each error."""
    if stream[:3] == b"\xef\xbb\xbf":
        stream = stream[3:]
    text = ""
    code_point = needed = seen = 0
    lower, upper = 0x80, 0xBF
    position = 0
    while position < len(stream):
        byte = stream[position]
        position += 1
        if needed == 0:
            if byte <= 0x7F:
                text += chr(byte)
            elif 0xC2 <= byte <= 0xDF:
                needed, code_point = 1, byte & 0x1F
            elif 0xE0 <= byte <= 0xEF:
                if byte == 0xE0:
                    lower = 0xA0
                if byte == 0xED:
                    upper = 0x9F
                needed, code_point = 2, byte & 0xF
            elif 0xF0 <= byte <= 0xF4:
                if byte == 0xF0:
                    lower = 0x90
                if byte == 0xF4:
                    upper = 0x8F
                needed, code_point = 3, byte & 0x7
            else:
                text += "\ufffd"
            continue
        in_range = lower <= byte <= upper
        lower, upper = 0x80, 0xBF
        if not in_range:
            code_point = needed = seen = 0
            text += "\ufffd"
            position -= 1  # this byte may start another character
            continue
        code_point = code_point << 6 | byte & 0x3F
        seen += 1
        if seen == needed:
            text += chr(code_point)
            code_point = needed = seen = 0
    if needed != 0:
        text += "\ufffd"
    return text
