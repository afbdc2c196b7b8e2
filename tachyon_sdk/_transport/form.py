"""Multipart forms, which may contain files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from urllib3 import encode_multipart_formdata


def multipart(fields: Sequence[tuple[str, Any]]) -> tuple[bytes, str]:
    """Return the body and the content type of a form (RFC 7578).

    Args:
        fields: Names and values. A value is text, bytes, or a tuple of file name, bytes and media type.
    """
    return encode_multipart_formdata(fields)
