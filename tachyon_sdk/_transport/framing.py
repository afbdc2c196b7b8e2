"""How a body shows where it ends (RFC 9112, section 6.3): bytes of the connection in, content out, no I/O.

Each framing has `feed`, which takes the bytes as they come, cut anywhere, and gives the content in them; and tells
with `complete` that the body has ended, with `left_over` that there was more, which belongs to no answer, and with
`error` why it cannot go on. `ends_with_the_connection` says that nothing else ends it.
"""

import re

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
# Size lines, extensions and trailers are of no use here, and have no other bound.
_MAX_LINE_BYTES = 65536
_MAX_TRAILER_BYTES = 65536
_MAX_SIZES = 1000


class Framing:
    """A body that ends with the connection."""

    ends_with_the_connection = True

    def __init__(self) -> None:
        self.complete = False
        self.left_over = False
        self.error: str | None = None

    def feed(self, piece: bytes) -> bytes:
        """The content in a piece; that before the error, if there is one."""
        return piece


class Sized(Framing):
    """A body whose length was announced, in bytes."""

    ends_with_the_connection = False

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size
        self.complete = size == 0

    def feed(self, piece: bytes) -> bytes:
        content = piece[: self._left]
        self._left -= len(content)
        self.complete = self._left == 0
        self.left_over = len(content) < len(piece)
        return content


class Chunked(Framing):
    """A body in the chunked transfer coding (RFC 9112, section 7.1)."""

    ends_with_the_connection = False

    def __init__(self) -> None:
        super().__init__()
        self._held = b""  # the beginning of a line that has not arrived whole
        self._missing: int | None = None  # bytes of the chunk; 0: its line end; None: the line with its size
        self._sizes: dict[bytes, int] = {}
        self._trailer_bytes: int | None = None  # None: the last chunk has not come

    def feed(self, piece: bytes) -> bytes:
        if self.error is not None:
            return b""
        data = self._held + piece if self._held else piece
        self._held = b""
        content: list[bytes] = []
        position = 0
        if self._missing is None and self._trailer_bytes is None:
            position = _whole_chunks(data, content, self._sizes)
        if position < len(data):
            self._feed_slow(data, position, content)
        return content[0] if len(content) == 1 else b"".join(content)

    def _feed_slow(self, data: bytes, position: int, content: list[bytes]) -> None:
        size = len(data)
        while position < size and self.error is None:
            if self.complete:
                self.left_over = True
                return
            if self._missing:
                part = data[position : position + self._missing]
                content.append(part)
                self._missing -= len(part)
                position += len(part)
                continue
            line_end = data.find(b"\n", position)
            if line_end < 0:
                self._held = data[position:]
                if len(self._held) > _MAX_LINE_BYTES:
                    self.error = "a line of its chunks is too long"
                return
            line = data[position:line_end].removesuffix(b"\r")
            position = line_end + 1
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        if self._trailer_bytes is not None:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > _MAX_TRAILER_BYTES:
                self.error = "its trailers are too long"
            self.complete = not line
        elif self._missing == 0:
            if line:
                self.error = "a chunk is longer than its size"
            self._missing = None
        else:
            digits = line.partition(b";")[0].strip(b" \t")
            if not _SIZE.fullmatch(digits):
                self.error = f"{line[:40]!r} is no size of a chunk"
                return
            self._missing = int(digits, 16) or None
            if self._missing is None:
                self._trailer_bytes = 0


def _whole_chunks(data: bytes, content: list[bytes], sizes: dict[bytes, int]) -> int:
    """Reads the chunks that are whole and plain, which is most of them; gives the position after them.

    `sizes` remembers what was read: a stream has few sizes, and many chunks.
    """
    position = 0
    while (start := data.find(b"\r\n", position) + 2) > 1:
        digits = data[position : start - 2]
        size = sizes.get(digits)
        if size is None:
            if not _SIZE.fullmatch(digits) or not (size := int(digits, 16)):
                break
            if len(sizes) < _MAX_SIZES:
                sizes[digits] = size
        end = start + size
        if not data.startswith(b"\r\n", end):
            break
        content.append(data[start:end])
        position = end + 2
    return position
