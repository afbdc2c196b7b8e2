"""The response of a call together with its status and headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from tachyon_sdk._errors.rate_limit import RateLimit
else:
    RateLimit = Any  # for typing.get_type_hints

T = TypeVar("T")


class ApiResponse(Generic[T]):
    """A response with its status and headers. The `_with_http_info` variants of the calls return it.

    Attributes:
        status_code: HTTP status.
        headers: The headers; names are case-insensitive.
        data: The response as its declared type.
        raw_data: The body as received, decompressed.
    """

    __slots__ = ("data", "headers", "raw_data", "status_code")

    def __init__(
        self, status_code: int, data: T, headers: Mapping[str, str] | None = None, raw_data: bytes = b""
    ) -> None:
        self.status_code = status_code
        self.data = data
        self.headers = headers
        self.raw_data = raw_data

    @property
    def request_id(self) -> str | None:
        """The server's id of the request, or None."""
        from tachyon_sdk._errors.headers import read_request_id

        return read_request_id(self.headers)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit that the server sent, or None.

        `requests` and `tokens` have `limit`, `remaining` and `reset` in seconds; see docs/Errors.md.
        """
        from tachyon_sdk._errors.rate_limit import read_rate_limit

        return read_rate_limit(self.headers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiResponse) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ApiResponse(status_code={self.status_code!r}, data={self.data!r})"

    def _fields(self) -> tuple[Any, ...]:
        return self.status_code, self.data, self.headers, self.raw_data
