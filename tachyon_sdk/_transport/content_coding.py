"""Content codings (RFC 9110, section 8.4.1): compressed bytes in, content out, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Mapping

from urllib3.exceptions import DecodeError
from urllib3.response import BaseHTTPResponse, ContentDecoder, GzipDecoder, MultiDecoder

_PIECE_BYTES = 65536


class Decompressor:
    """Decompresses a body as it comes.

    Args:
        codings: Value of `Content-Encoding`, in lower case.

    Attributes:
        has_more: Whether the last piece was not all that there is in what was given.
    """

    def __init__(self, codings: str) -> None:
        self.has_more = False
        self._codings = codings
        self._decoder: ContentDecoder | None = None

    def feed(self, data: bytes) -> bytes:
        """A piece of the content of `data`; if there is more, `feed(b"")` gives it.

        Raises:
            DecodeError: It cannot be decompressed, or there are too many codings.
        """
        if self._decoder is None:
            # What is for several codings takes any, but asks each decoder twice.
            self._decoder = GzipDecoder() if self._codings == "gzip" else MultiDecoder(self._codings)
        try:
            content = self._decoder.decompress(data, _PIECE_BYTES)
        except BaseHTTPResponse.DECODER_ERROR_CLASSES as error:
            raise DecodeError(f"it is no {self._codings}: {error}") from error
        self.has_more = len(content) >= _PIECE_BYTES
        return content


def decompressor_of(headers: Mapping[str, str]) -> Decompressor | None:
    """What decompresses a body; None where it is not compressed, or in a way that urllib3 does not know."""
    codings = headers.get("Content-Encoding", "").lower()
    known = BaseHTTPResponse.CONTENT_DECODERS
    if all(coding.strip() in known for coding in codings.split(",")):
        return Decompressor(codings)
    return None
