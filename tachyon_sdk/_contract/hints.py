"""Explains mistakes in the arguments of a call. Imported when there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from tachyon_sdk._contract.model import Model
from tachyon_sdk._contract.operation import Operation
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# Names that other clients use.
_ALIASES = {
    "api_key": "authorization",
    "access_token": "authorization",
    "token": "authorization",
    "operator_id": "x_operator_id",
    "tenant_id": "x_operator_id",
    "timeout": "_request_timeout",
    "headers": "_headers",
    "extra_headers": "_headers",
    "auth": "_request_auth",
    "id": "chatroom_id",
    "room": "chatroom_id",
    "room_id": "chatroom_id",
    "chatroom": "chatroom_id",
    "chat_room_id": "chatroom_id",
    "feature": "supported_feature",
    "features": "supported_feature",
    "supported_features": "supported_feature",
    "page_size": "limit",
    "query": "search",
    "user_id": "metadata_user_id",
}
_BODY_NAMES = ("request", "body", "data", "json", "payload", "prompt", "input", "text", "message", "content")
_OPTIONS = ("_request_timeout", "_request_auth", "_content_type", "_headers", "_host_index")


def unexpected_argument(operation: Operation[Any], method: str, names: Iterable[str]) -> ApiTypeError:
    """Return the error of a call with arguments that the method does not have."""
    name = next(iter(names))
    return ApiTypeError(f"{method}() has no argument {name!r}; {_instead(operation, method, name)}")


def _instead(operation: Operation[Any], method: str, name: str) -> str:
    arguments = [parameter.argument for parameter in operation.parameters]
    body = operation.body_type
    if body is not None and name in body.model_fields:
        if name == "stream" and operation.streams:
            return f"call {operation.operation_id}_stream()"
        return f"it is a property of the request: {_call(operation, method, name)}"
    if body is not None and name in _BODY_NAMES:
        return f"pass the request as {_call(operation, method)}"
    known = [*arguments, *([operation.body_name] if body else []), *_OPTIONS]
    alias = _ALIASES.get(name)
    if close := [alias] if alias in known else get_close_matches(name, known, 1, 0.75):
        return f"did you mean {close[0]}?"
    return f"the arguments are {', '.join(known)}"


def _hint(operation: Operation[Any], method: str, arguments: Sequence[Any], body: Any) -> str | None:
    """Return what is probably wrong with the arguments of a call, or None."""
    for parameter, value in zip(operation.parameters, arguments, strict=True):
        if parameter.place == "query" or value is None or isinstance(value, (str, int, float)):
            continue
        if parameter.place == "path" and isinstance(getattr(value, "id", None), str):
            return f"pass its id: {parameter.argument}=value.id"
        if parameter.place == "path" and isinstance(value, Model) and hasattr(value, "chatroom"):
            return f"pass its id: {parameter.argument}=value.chatroom.id"
        if operation.body_type is not None and body is None:
            return f"pass the request by name: {_call(operation, method)}"
        others = [each.argument for each in operation.parameters if each.place == "query"]
        return f"pass other arguments by name: {method}({others[0]}=...)" if others else None
    return _body_hint(operation, method, body)


def _body_hint(operation: Operation[Any], method: str, body: Any) -> str | None:
    body_type = operation.body_type
    if body_type is None or isinstance(body, body_type):
        return None
    call = _call(operation, method)
    name = body_type.__name__
    if isinstance(body, type):
        return f"pass an instance: {name}(...)"
    if isinstance(body, (str, bytes, bytearray)) and body.lstrip()[:1] in ("{", b"{"):
        return f"read JSON with {name}.from_json(...)"
    if isinstance(body, Mapping):
        if "messages" in body_type.model_fields and "messages" not in body and "role" in body:
            return f"put the message into a list: {call}"
        return None
    if body is None or "messages" in body_type.model_fields:
        return f"pass it as {call}"
    return None


def _call(operation: Operation[Any], method: str, name: str | None = None) -> str:
    """Return an example of a call with a request."""
    assert operation.body_type is not None
    name = name or next(iter(operation.body_type.model_fields))
    example = '[{"role": "user", "content": "Hello"}]' if name == "messages" else "..."
    path = "".join(f"{each.argument}, " for each in operation.parameters if each.place == "path")
    return f'{method}({path}{operation.body_name}={{"{name}": {example}}})'


def explained(
    error: ApiTypeError | ApiValueError,
    operation: Operation[Any],
    method: str,
    arguments: Sequence[Any],
    body: Any,
) -> ApiTypeError | ApiValueError | None:
    """Return the error of a call with a hint; None if there is none."""
    found = _hint(operation, method, arguments, body)
    return None if found is None else type(error)(f"{error}; {found}")


def wrong_client(api: str, client: Any) -> ApiTypeError:
    """Return the error of an API class that was created with something else than a client."""
    if isinstance(client, type):
        return ApiTypeError(
            f"api_client must be an instance of ApiClient, not a class; use {api}(ApiClient(...))"
        )
    given = "Configuration(host=...)" if isinstance(client, (str, Mapping)) else "configuration"
    found = type(client).__name__
    return ApiTypeError(f"api_client must be an ApiClient, not {found}; use {api}(ApiClient({given}))")
