"""The result of a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.exceptions import ApiException

T = TypeVar("T")


@dataclass
class Result(Generic[T]):
    """The result of a row.

    Attributes:
        index: Position of the row, counted from 0.
        key: Its `custom_id`, else the hash of its request and its ordinal among equal requests.
        answer: The response; None if there is none.
        error: The error of the last attempt; None if the row succeeded.
        attempts: Number of attempts.
        seconds: Seconds from the first attempt to the end of the last one.
    """

    index: int
    key: str
    answer: Any = None
    error: Exception | None = None
    attempts: int = 0
    seconds: float = 0.0
    response: ApiResponse[Any] | None = None
    parsed: Any = None

    @property
    def value(self) -> T:
        """The parsed value, with `parse=`; else None.

        Raises:
            Exception: `error`, if the row failed.
        """
        if self.error is not None:
            raise self.error
        value: T = self.parsed
        return value

    @property
    def text(self) -> str:
        """Text of the response; `""` without a response."""
        return self.answer.text if self.answer is not None else ""

    @property
    def tokens(self) -> int:
        """Total number of tokens; 0 if the server did not report it."""
        return int(_number(self.answer, "total_tokens"))

    @property
    def cost(self) -> float:
        """Cost, in credits of the platform; 0 if the server did not report it."""
        return _number(self.answer, "total_cost")

    @property
    def has_cost(self) -> bool:
        """Whether the server reported the cost."""
        return _usage(self.answer).get("total_cost") is not None


def response_json(result: Result[Any]) -> str:
    """Return the member `response` of the line of a result."""
    error = result.error
    if result.response is not None:
        request_id = result.response.request_id
        status, body = result.response.status_code, _completion(result.response)
    elif isinstance(error, ApiException) and error.status is not None:
        status, request_id = error.status, error.request_id
        try:
            body = json.loads(error.body or "null")
        except ValueError:
            body = error.body
    else:
        return "null"
    return json.dumps({"status_code": status, "request_id": request_id, "body": body}, ensure_ascii=False)


def error_json(error: Exception | None) -> str:
    """Return the member `error` of the line of a result."""
    if error is None:
        return "null"
    code = getattr(error, "code", None) or type(error).__name__
    return json.dumps({"code": code, "message": str(error)}, ensure_ascii=False)


def _completion(response: ApiResponse[Any]) -> Any:
    """Return the body as it came if it is a chat completion; else the merged chunks in that form."""
    try:
        body = json.loads(response.raw_data)
        if any("message" in choice for choice in body["choices"]):
            return body
    except (ValueError, KeyError, TypeError):
        pass
    body = response.data.to_dict()
    for choice in body.get("choices") or ():
        choice["message"] = choice.pop("delta", None)
    return {**body, "object": "chat.completion"}


def _usage(answer: Any) -> dict[str, Any]:
    usage = getattr(answer, "usage", None)
    if usage is None:
        return {}
    return (
        dict(usage) if isinstance(usage, dict) else dict(usage.to_dict()) if hasattr(usage, "to_dict") else {}
    )


def _number(answer: Any, name: str) -> float:
    value = _usage(answer).get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0
