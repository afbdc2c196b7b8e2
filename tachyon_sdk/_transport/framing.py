"""The framing of a body (RFC 9112, section 6.3), without I/O: bytes of the connection in, content out.

`feed` takes bytes as they arrive, cut anywhere, and returns their content. Attributes:

- `complete`: the body has ended.
- `left_over`: there were bytes after the end.
- `error`: why the body is invalid, or None.
- `ends_with_the_connection`: the end of the connection ends the body.
"""

import re

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
# Chunk extensions and trailers are ignored and have no other limit.
_MAX_LINE_BYTES = 65536
_MAX_TRAILER_BYTES = 65536
_MAX_SIZES = 1000


class Framing:
    """A body that the end of the connection ends."""

    ends_with_the_connection = True

    def __init__(self) -> None:
        self.complete = False
        self.left_over = False
        self.error: str | None = None

    def feed(self, piece: bytes) -> bytes:
        """Return the content of a piece. If the piece has an error, return the content before it."""
        return piece


class Sized(Framing):
    """A body with a known length in bytes."""

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
        self._held = b""  # An incomplete line.
        # Missing bytes of the chunk. 0: its line end is missing. None: the line with the next size is missing.
        self._missing: int | None = None
        self._sizes: dict[bytes, int] = {}
        self._trailer_bytes: int | None = None  # None before the last chunk.

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
                    self.error = "a chunk size line is too long"
                return
            line = data[position:line_end].removesuffix(b"\r")
            position = line_end + 1
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        if self._trailer_bytes is not None:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > _MAX_TRAILER_BYTES:
                self.error = "the trailers are too long"
            self.complete = not line
        elif self._missing == 0:
            if line:
                self.error = "a chunk is longer than its size"
            self._missing = None
        else:
            digits = line.partition(b";")[0].strip(b" \t")
            if not _SIZE.fullmatch(digits):
                self.error = f"{line[:40]!r} is not a valid chunk size"
                return
            self._missing = int(digits, 16) or None
            if self._missing is None:
                self._trailer_bytes = 0


def _whole_chunks(data: bytes, content: list[bytes], sizes: dict[bytes, int]) -> int:
    """Read complete chunks without extensions, which most chunks are. Return the position after them.

    `sizes` caches parsed sizes, because a stream has many chunks and few sizes.
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
