"""Checks of what a client sends: credentials, body, and the values that the server fills in."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from tachyon_sdk.local.wire import ApiError, Json
from tachyon_sdk.models import ChatCompletionRequest, ToolChoice

_DEFAULT_LIMIT = 10_000  # of max_completion_tokens, in tokens
_REFUSED_TOKENS = {
    "invalid": (401, "unauthorized", "the access token is not valid"),
    "forbidden": (403, "forbidden", "this access token may not use the chat"),
    "no-credit": (402, "insufficient_credit", "not enough credit; nothing was stored"),
}


class ChatRequest(NamedTuple):
    """A checked request, with the server's defaults in place of what the client did not set."""

    messages: list[Json]
    model: str | None
    stream: bool
    n: int
    max_completion_tokens: int
    tools: list[Json]
    tool_choice: str | None
    json_object: bool


def check_credentials(headers: Mapping[str, str]) -> str:
    """Return the operator id.

    Any bearer token is good, `dummy-token` for one, except those that rehearse an error: `invalid` (401),
    `no-credit` (402) and `forbidden` (403).

    Raises:
        ApiError: 401 if `Authorization` is missing or malformed; 400 if `x-operator-id` is missing, since it
            is not a credential; or what is rehearsed.
    """
    challenge = {"www-authenticate": "Bearer"}  # RFC 9110, section 11.6.1: required in a 401
    if "authorization" not in headers:
        raise ApiError(401, "unauthorized", "the header Authorization is missing", challenge)
    scheme, _, token = headers["authorization"].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(
            401, "unauthorized", "the header Authorization must be 'Bearer <access token>'", challenge
        )
    if token.strip() in _REFUSED_TOKENS:
        status, code, message = _REFUSED_TOKENS[token.strip()]
        raise ApiError(status, code, message, challenge if status == 401 else None)
    operator_id = headers.get("x-operator-id", "").strip()
    if not operator_id:
        raise ApiError(400, "invalid_request", "the header x-operator-id is missing")
    return operator_id


def read_json(body: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: no NaN, no Infinity.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def check_body(body: bytes) -> ChatRequest:
    """Validate the body of a request. Fields that the contract does not know are accepted.

    Raises:
        ApiError: 422 if a field breaks the contract; 400 if the body is not JSON, or cannot be answered.
    """
    try:
        read_json(body)
    except ValueError as error:
        raise ApiError(400, "invalid_json", f"the body is not valid JSON: {error}") from None
    try:
        request = ChatCompletionRequest.model_validate_json(body)
    except ValidationError as error:
        raise _validation_error(error) from None
    sent = request.to_dict()
    messages = sent.get("messages")
    if messages is None:
        raise ApiError(422, "validation_error", "messages: this field is required")
    if not messages:
        raise ApiError(400, "invalid_request", "messages: at least one message is needed")
    if sent.get("tool_choice") not in (None, *(choice.value for choice in ToolChoice)):
        raise ApiError(422, "validation_error", "tool_choice: must be 'auto' or 'any'")
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
        max_completion_tokens=_DEFAULT_LIMIT if limit is None else limit,
        tools=sent.get("tools") or [],
        tool_choice=sent.get("tool_choice"),
        json_object=(sent.get("response_format") or {}).get("type") == "json_object",
    )


def _validation_error(error: ValidationError) -> ApiError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        return ApiError(400, "invalid_json", f"the body is not valid JSON: {found[0]['msg']}")
    faults = [".".join(str(step) for step in each["loc"]) + ": " + each["msg"] for each in found[:5]]
    return ApiError(422, "validation_error", "; ".join(faults))
