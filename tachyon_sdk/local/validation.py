"""Checks of the body and the query of a request."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from tachyon_sdk.local.wire import ApiError, Json
from tachyon_sdk.models import (
    ChatCompletionRequest,
    CreateChatRoomRequest,
    SupportedFeature,
    ToolChoice,
    UpdateChatroomRequest,
)

_DEFAULT_TOKEN_LIMIT = 10_000  # of max_completion_tokens
_MAX_INT32 = 2**31 - 1
_LARGEST_OFFSET = 10**9
MAX_ROOMS = 100  # on a page


class ChatRequest(NamedTuple):
    """A checked request, with the server's defaults in place of what the client did not set.

    Attributes:
        body: The request as it was sent.
    """

    messages: list[Json]
    model: str | None
    stream: bool
    n: int
    max_completion_tokens: int
    tools: list[Json]
    tool_choice: Any
    json_object: bool
    body: Json


def read_json(body: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: no NaN, no Infinity.

    Raises:
        ValueError: The text is not JSON, is nested too deeply, or has a number that is out of range.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def check_chat_request(body: bytes) -> ChatRequest:
    """Validate the body of a chat request. Fields that the contract does not know are accepted.

    Raises:
        ApiError: 422 if a field violates the contract; 400 if the body is not JSON, or the request is valid
            but cannot be answered.
    """
    sent = _validated(body, ChatCompletionRequest).to_dict()
    messages = sent.get("messages")
    if messages is None:
        raise _invalid("messages: this field is required")
    if not messages:
        raise ApiError(400, "invalid_request", "messages: at least one message is needed")
    if sent.get("tool_choice") == "any" and not sent.get("tools"):
        raise ApiError(400, "invalid_request", "tool_choice: 'any' needs at least one tool in tools")
    limit = sent.get("max_completion_tokens")
    if limit is not None and limit < 1:
        raise ApiError(400, "invalid_request", "max_completion_tokens: must be at least 1")
    return ChatRequest(
        messages=messages,
        model=sent.get("model"),
        stream=bool(sent.get("stream")),
        n=sent.get("n") or 1,
        max_completion_tokens=_DEFAULT_TOKEN_LIMIT if limit is None else limit,
        tools=sent.get("tools") or [],
        tool_choice=sent.get("tool_choice"),
        json_object=(sent.get("response_format") or {}).get("type") == "json_object",
        body=sent,
    )


def check_tool_choice(request: ChatRequest) -> None:
    """Refuse values of `tool_choice` that only other servers know.

    Raises:
        ApiError: 422 if it is not one of the contract.
    """
    if request.tool_choice not in (None, *(choice.value for choice in ToolChoice)):
        raise _invalid("tool_choice: must be 'auto' or 'any'")


def check_room_request(body: bytes, kind: type[CreateChatRoomRequest] | type[UpdateChatroomRequest]) -> Json:
    """Validate the body of a request that creates or changes a chatroom; return what it sets.

    Raises:
        ApiError: 422 if a field violates the contract; 400 if the body is not JSON.
    """
    request = _validated(body, kind)
    return {name: getattr(request, name) for name in ("name", "metadata") if name in request.model_fields_set}


def _validated(body: bytes, kind: Any) -> Any:
    try:
        read_json(body)
    except ValueError as error:
        raise ApiError(400, "invalid_json", f"the body is not valid JSON: {error}") from None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _validation_error(error) from None


def _validation_error(error: ValidationError) -> ApiError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        return ApiError(400, "invalid_json", f"the body is not valid JSON: {found[0]['msg']}")
    faults = [_located(each["loc"], each["msg"]) for each in found[:5]]
    return _invalid("; ".join(faults))


def _located(place: Sequence[int | str], message: str) -> str:
    path = ".".join(str(step) for step in place)
    return f"{path}: {message}" if path else message


def _invalid(message: str) -> ApiError:
    return ApiError(422, "validation_error", message)


class Paging(NamedTuple):
    """The part of a list that a request asks for."""

    limit: int
    offset: int
    search: str


def check_paging(query: QueryParams, *, required: bool, max_limit: int = _MAX_INT32) -> Paging:
    """Validate `limit`, `offset` and `search`.

    Args:
        query: The query of the request.
        required: Whether all three must be there. Otherwise the first 20 are meant.
        max_limit: The largest `limit`.

    Raises:
        ApiError: 422 if one is missing or out of its range.
    """
    if required and (missing := [name for name in Paging._fields if name not in query]):
        raise _invalid("; ".join(f"{name}: this query parameter is required" for name in missing))
    return Paging(
        limit=_whole_number(query, "limit", 20, 1, max_limit),
        offset=_offset(query),
        search=query.get("search", ""),
    )


def _whole_number(query: QueryParams, name: str, default: int, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    # At most ten digits, since int() refuses very long numbers in its own way.
    if not re.fullmatch(r"0*[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise _invalid(f"{name}: must be an integer from {low} to {high}")
    return int(text)


def _offset(query: QueryParams) -> int:
    text = query.get("offset", "0")
    if not re.fullmatch(r"[0-9]+", text):
        raise _invalid("offset: must be an integer of at least 0")
    # Beyond every list, and int() refuses very long numbers.
    return int(text) if len(text) < 10 else _LARGEST_OFFSET


def check_flag(query: QueryParams, name: str, default: bool) -> bool:
    """Return the value of a boolean query parameter.

    Raises:
        ApiError: 422 if it is neither `true` nor `false`.
    """
    text = query.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise _invalid(f"{name}: must be true or false")
    return text == "true"


def check_features(query: QueryParams, name: str) -> list[str]:
    """Return the values of a query parameter that names features of models, and may be there several times.

    Raises:
        ApiError: 422 if there is no such feature.
    """
    values, features = query.getlist(name), [feature.value for feature in SupportedFeature]
    if unknown := [value for value in values if value not in features]:
        raise _invalid(f"{name}: {unknown[0]!r} is not one of {', '.join(features)}")
    return values
