"""Event stream decoder: bytes in, events out, no I/O.

Follows the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream", and the UTF-8 decoder of the
WHATWG Encoding standard. Lines are cut before text is decoded. That gives the same result, because CR, LF and
every other byte of the syntax never occur inside a multi-byte character, and it makes a character that the
network cut in two nothing special.
"""

import sys

# (event type, data, last event id). A plain tuple: a class would cost three to six times as much per event.
ServerSentEvent = tuple[str, bytes, str]

_BOM = b"\xef\xbb\xbf"
_CR, _LF = b"\r\n"
# int() may refuse a longer number, but never one of this length (sys.int_info.str_digits_check_threshold).
_MAX_RETRY_DIGITS = 640


def encode_event(data: bytes | str, kind: str = "message") -> bytes:
    """Encode one server-sent event, with the blank line that ends it.

    ::

        encode_event(json.dumps({"text": text}), "answer")

    Args:
        data: The data. Each of its lines becomes a `data:` line. The receiver gets LF in the place of CR and CRLF.
        kind: The event type, as in `addEventListener` of JavaScript.

    Raises:
        ValueError: The event type contains a line break.
    """
    if "\r" in kind or "\n" in kind:
        raise ValueError(f"an event type is one line, not {kind!r}")
    if isinstance(data, str):
        data = data.encode()
    lines = [b"data: " + line for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")]
    if kind != "message":
        lines.insert(0, f"event: {kind}".encode())
    return b"\n".join(lines) + b"\n\n"


class EventTooLargeError(ValueError):
    """One event of the stream takes more than `limit` bytes; `events` are those that were complete before it."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"an event of the stream takes more than {limit} bytes")
        self.limit = limit
        self.events: list[ServerSentEvent] = []


class EventDecoder:
    """Decodes one event stream; every response needs a new decoder.

    `last_event_id` is the id in force at the latest blank line, "" at first. `retry` is the reconnection time
    that the server asked for, in milliseconds, or None. `max_event_bytes` bounds what one event may take: the
    data gathered so far and the line being read, complete or not. None means no bound.

    Two paths lead to the same events: a straight one for blocks of common events, and the standard line by
    line for all else. Where the stream is cut makes no difference. Time and memory are linear: an unfinished
    line and the data of an unfinished event grow in place, and are not searched again when more arrives.
    """

    def __init__(self, max_event_bytes: int | None = None) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._limit = sys.maxsize if max_event_bytes is None else max_event_bytes
        self._first_line = True
        self._line = bytearray()  # the unfinished line
        self._after_cr = False  # the latest byte was CR: if LF comes next, both are one line end
        # The buffers of the standard. Each line in the data buffer ends with LF.
        self._data = bytearray()
        self._event_type = ""
        self._event_id = ""
        # True only if nothing at all is pending: no BOM, no part of a line, no field of an event.
        self._between_events = False

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """The events that `piece` completes, in order. `piece` may begin and end anywhere.

        An event is (event type, data, last event id). The type is "message" where the server gave none. The
        data is always valid UTF-8: what was not is replaced by U+FFFD. An event whose blank line never comes
        is never returned.

        Raises EventTooLargeError; the decoder cannot be used any more then.
        """
        events: list[ServerSentEvent] = []
        if not (self._between_events and self._read_block(piece, events)):
            try:
                self._read_parts(piece, events)
            except EventTooLargeError as error:
                error.events = events
                raise
        return events

    def end(self) -> list[ServerSentEvent]:
        """The event that the end of the stream cuts off before its blank line, if there is one.

        The standard drops it. It may be cut anywhere; the caller has to see whether it is whole.
        """
        events: list[ServerSentEvent] = []
        self._between_events = False
        if self._line:
            self._read_lines(b"\n", events)
        self._dispatch(events)
        return events

    def _read_parts(self, piece: bytes, events: list[ServerSentEvent]) -> None:
        # A piece may share the events at its ends with its neighbours; those between may be common ones.
        # This is for speed alone: the result does not depend on where it cuts.
        blank = b"\n\r\n" if _CR in piece else b"\n\n"
        last = piece.rfind(blank)
        if last < 0:
            self._read_lines(piece, events)
            return
        start = 0 if self._between_events else piece.find(blank) + len(blank)
        stop = last + len(blank)
        for part in (piece[:start], piece[start:stop], piece[stop:]):
            if not (self._between_events and self._read_block(part, events)):
                self._read_lines(part, events)

    def _read_block(self, block: bytes, events: list[ServerSentEvent]) -> bool:
        """Reads whole events of one `data: ` line each, with equal line ends. False: it was not that."""
        if block[:6] != b"data: " or len(block) > self._limit:
            return False
        if block[-2:] == b"\n\n":
            body, separator = block[6:-2], b"\n\ndata: "
        elif block[-4:] == b"\r\n\r\n":
            body, separator = block[6:-4], b"\r\n\r\ndata: "
        else:
            return False
        if not body.isascii():
            body = _valid_utf8(body)
        payloads = body.split(separator) if _LF in body else [body]
        rest = b"".join(payloads)
        if _LF in rest or _CR in rest:  # there are line ends other than the separators
            return False
        for payload in payloads:
            events.append(("message", payload, self.last_event_id))
        return True

    def _read_lines(self, piece: bytes, events: list[ServerSentEvent]) -> None:
        """Reads any piece in any state."""
        if not piece:
            return
        lf_is_read = self._after_cr and piece[0] == _LF
        self._after_cr = piece[-1] == _CR
        if lf_is_read:
            piece = piece[1:]
        if _CR in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, unfinished = piece.split(b"\n")
        if lines and self._line:
            lines[0] = bytes(self._line + lines[0])
            self._line.clear()
        if lines and self._first_line:
            lines[0] = lines[0].removeprefix(_BOM)
            self._first_line = False
        for line in lines:
            if line:
                self._check_size(line)
                self._read_field(line)
            else:
                self._dispatch(events)
        self._line += unfinished
        self._check_size(self._line)
        self._between_events = lines[-1:] == [b""] and not self._line and not self._after_cr

    def _read_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")  # a comment has an empty name: ignored like any unknown one
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data += value
            self._data.append(_LF)
        elif name == b"event":
            self._event_type = value.decode(errors="replace")
        elif name == b"id":
            if 0 not in value:
                self._event_id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
            self.retry = int(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._event_id
        if self._data:
            self._data.pop()  # the LF of the last line
            events.append((self._event_type or "message", _valid_utf8(bytes(self._data)), self.last_event_id))
            self._data.clear()
        self._event_type = ""

    def _check_size(self, line: bytes | bytearray) -> None:
        if len(self._data) + len(line) > self._limit:
            raise EventTooLargeError(self._limit)


def _valid_utf8(data: bytes) -> bytes:
    """`data` with U+FFFD for each maximal part of it that is not UTF-8, as both WHATWG and Python do."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace").encode()
    return data
