"""Who sends a request: the access token, the operator and the end user."""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from tachyon_sdk.local.wire import ApiError

_CHALLENGE = {"www-authenticate": "Bearer"}  # RFC 9110, section 11.6.1: required in a 401
_REFUSED_TOKENS = {
    "invalid": (401, "unauthorized", "the access token is not valid"),
    "forbidden": (403, "forbidden", "this access token may not use the chat"),
    "no-credit": (402, "insufficient_credit", "not enough credit; nothing was stored"),
}
_PUBLIC_KEY = "pk_"  # how a public key begins


class Caller(NamedTuple):
    """Who sends a request.

    Attributes:
        operator_id: The operator, to whom chatrooms belong.
        user_id: The end user: the header `x-user-id`, or the operator where it is missing.
    """

    operator_id: str
    user_id: str


def check_credentials(headers: Mapping[str, str], key: str | None = None) -> Caller:
    """Return who sends a request.

    Args:
        headers: The headers of the request.
        key: The access token that is required. None accepts any token, except those that simulate an error:
            `invalid` (401), `no-credit` (402) and `forbidden` (403).

    Raises:
        ApiError: 401 if `Authorization` is missing or malformed, or has another token than the key; 400 if
            `x-operator-id` is missing, since it is not a credential, but 401 where the token is a public key
            (`pk_...`); or the error that the token simulates.
    """
    token = _bearer_token(headers)
    if key is not None:
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), key.encode()):
            raise _unauthorized("the access token is not valid")
    elif token in _REFUSED_TOKENS:
        status, code, message = _REFUSED_TOKENS[token]
        raise ApiError(status, code, message, _CHALLENGE if status == 401 else None)
    operator_id = headers.get("x-operator-id", "").strip()
    if not operator_id:
        if token.startswith(_PUBLIC_KEY):
            raise _unauthorized("a public key needs the header x-operator-id")
        raise ApiError(400, "invalid_request", "the header x-operator-id is missing")
    return Caller(operator_id, headers.get("x-user-id", "").strip() or operator_id)


def _bearer_token(headers: Mapping[str, str]) -> str:
    if "authorization" not in headers:
        raise _unauthorized("the header Authorization is missing")
    scheme, _, token = headers["authorization"].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("the header Authorization must be 'Bearer <access token>'")
    return token.strip()


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message, _CHALLENGE)
