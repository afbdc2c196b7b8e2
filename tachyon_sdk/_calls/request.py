"""Builds the URL, the headers and the body of a request. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from tachyon_sdk._contract.model import Model, add_missing_attributes, may_have_unknown_names, unknown_names
from tachyon_sdk._contract.operation import Operation, RequestOptions
from tachyon_sdk._settings.checks import integer, mapping, seconds
from tachyon_sdk._transport.headers import Headers, build_headers, text_of
from tachyon_sdk.configuration import VARIABLES, Configuration
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

# The value of the header that a setting stands for.
_CONFIGURED: dict[str, Callable[[Configuration], str | None]] = {
    "operator_id": lambda configuration: configuration.operator_id,
    "access_token": lambda configuration: configuration.authorization_header(),
    "user_id": lambda configuration: configuration.user_id,
}

_host_index = integer(0)

_CREDENTIALS = {"x-operator-id": "operator_id", "Authorization": "access_token", "x-user-id": "user_id"}

_N, _I = b"NI"

# Callers cannot override message framing.
FRAMING_HEADERS: dict[str, None] = {"Content-Length": None, "Transfer-Encoding": None}


_NO_AUTH: dict[str, dict[str, Any]] = {"header": {}, "query": {}}


class Request(NamedTuple):
    """A request as it is sent. The timeouts are in seconds, to connect and to read."""

    method: str
    url: str
    headers: Headers
    body: bytes | None
    timeouts: tuple[float | None, float | None]


def build_request(
    configuration: Configuration,
    client_headers: Mapping[str, str],
    operation: Operation[Any],
    arguments: Sequence[Any],
    body: Any,
    options: RequestOptions,
    stream: bool = False,
) -> Request:
    """Build the request of a call. Of several values for a header, the most specific takes precedence.

    Raises:
        ApiTypeError, ApiValueError: An argument is missing or cannot be sent.
        pydantic.ValidationError: A property of the body is invalid.
    """
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    configured: dict[str, str | None] = {}
    if configuration.user_id is not None:
        configured["x-user-id"] = configuration.user_id
    for parameter, value in zip(operation.parameters, arguments, strict=True):
        if value is not None or parameter.place == "path":
            places[parameter.place][parameter.name] = value
        elif parameter.configured_by:
            configured[parameter.name] = _CONFIGURED[parameter.configured_by](configuration)
    auth = _NO_AUTH if options.auth is None else auth_override(options.auth)
    headers = build_headers(
        {"Accept": operation.accept, "Content-Type": operation.content_type},
        configured,
        client_headers,
        {} if options.headers is None else mapping("_headers", options.headers),
        places["header"],
        {"Content-Type": options.content_type} if options.content_type else {},
        auth["header"],
        FRAMING_HEADERS,
    )
    query = {**operation.check_query(places["query"]), **auth["query"]} if places["query"] else auth["query"]
    _check_present(operation, headers, query)
    content = encode_body(operation, body, stream)
    host = configuration.host
    # The common case, the integer 0, needs no check.
    if (options.host_index.__class__ is not int or options.host_index) and _host_index(
        "_host_index", options.host_index
    ):
        host = configuration.get_host_from_settings(options.host_index, configuration.server_variables)
    url = build_url(host, operation.path, places["path"], query, configuration.safe_chars_for_path_param)
    timeouts = configuration.connect_timeout, configuration.read_timeout
    if options.timeout is not None:
        timeouts = choose_timeouts(options.timeout, timeouts)
    return Request(operation.method, url, headers, content, timeouts)


def credentials(configuration: Configuration) -> dict[str, str | None]:
    """Return the headers of the configured credentials, None for a missing one."""
    return {name: _CONFIGURED[setting](configuration) for name, setting in _CREDENTIALS.items()}


def encode_body(operation: Operation[Any], body: Any, stream: bool) -> bytes | None:
    """Return the body as JSON in UTF-8 (RFC 8259). It is validated again: a model may have been changed in place.

    Raises:
        ApiTypeError: The body is neither a model nor a dict.
        ApiValueError: The body or a required property is missing, or JSON cannot represent the body.
        pydantic.ValidationError: A property is invalid.
    """
    name, body_type = operation.body_name, operation.body_type
    if body_type is None:
        return None
    if body is None:
        raise ApiValueError(f"{name} is missing")
    if not isinstance(body, (body_type, Mapping)):
        raise ApiTypeError(f"{name} must be a {body_type.__name__} or a dict, not {type(body).__name__}")
    model = body if isinstance(body, body_type) else body_type.model_validate(body)
    if missing := model.missing_properties():
        raise ApiValueError(f"{name}.{missing[0]} was never set")
    if stream:
        model = model.model_copy(update={"stream": True})
    try:
        content = model.to_json_bytes()
    except (ValueError, TypeError, RecursionError) as error:
        raise ApiValueError(f"{name} cannot be sent as JSON: {error}") from error
    validated = body_type.model_validate_json(content)
    if constant := constant_in(content):
        raise ApiValueError(f"{name} cannot be sent as JSON, which has no {constant}")
    if operation.check_names:
        add_missing_attributes()
        if may_have_unknown_names(validated):
            from tachyon_sdk._contract.unknown import warn_about

            unknown: list[tuple[type[Model], str, bool]] = []
            unknown_names(validated, unknown)
            warn_about(unknown)
    return content


def build_url(
    host: str, path: str, path_parameters: Mapping[str, Any], query: Mapping[str, Any], safe: str = ""
) -> str:
    """Build the URL of a request. Each path parameter becomes one percent-encoded segment (RFC 3986, section 3.3).

    Raises:
        ApiValueError: A path parameter is missing, empty, or a dot segment, which would change the path.
    """
    for name, value in path_parameters.items():
        try:
            segment = quote(text_of(value, name), safe=safe)
        except UnicodeEncodeError as error:
            raise ApiValueError(f"{name} is no text that can be sent: {error.reason}") from error
        if not segment or _has_dot_segment(segment):
            raise ApiValueError(f"{name} must not be {value!r}: it would lead to another path")
        path = path.replace("{" + name + "}", segment)
    if not query:
        return f"{host}{path}"
    # The error of urlencode would hold the value.
    if any(_has_surrogate(text) for name, value in query.items() for text in (name, *_texts(value))):
        raise ApiValueError("a query parameter is no text that can be sent")
    # A list is sent as one pair for each of its items ("form" style, exploded).
    given = {name: _in_query(value) for name, value in query.items() if value is not None}
    pairs = urlencode(given, doseq=True)
    return f"{host}{path}?{pairs}" if pairs else f"{host}{path}"


def _in_query(value: Any) -> Any:
    """Write a value as JSON does: booleans in lower case, times as in RFC 3339."""
    if isinstance(value, (list, tuple)):
        return [_in_query(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else value


def _texts(value: Any) -> list[str]:
    return [
        item for item in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(item, str)
    ]


def _has_surrogate(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is not None


def _has_dot_segment(segment: str) -> bool:
    """Whether a part is a dot segment, escaped or not (WHATWG URL, section 4.1)."""
    return any(part.lower().replace("%2e", ".") in (".", "..") for part in segment.split("/"))


def choose_timeouts(
    override: Any, configured: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Return the connect and the read timeout in seconds, from `_request_timeout` or the configuration.

    Raises:
        ApiTypeError: The override is neither a number nor a pair.
        ApiValueError: A number is not positive and finite.
    """
    if override is None:
        return configured
    if not isinstance(override, (tuple, list)):
        override = (override, override)
    elif len(override) != 2:
        raise ApiValueError("_request_timeout must be a number of seconds or a pair (connect, read)")
    connect, read = (None if value is None else seconds("_request_timeout", value) for value in override)
    return connect, read


def auth_override(auth: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the headers and query parameters that `_request_auth` adds."""
    places: dict[str, dict[str, Any]] = {"header": {}, "query": {}}
    if auth is None:
        return places
    try:
        place, key, value = (mapping("_request_auth", auth)[name] for name in ("in", "key", "value"))
    except KeyError as error:
        raise ApiValueError("_request_auth needs the keys 'in', 'key' and 'value'") from error
    value = text_of(value, "the value of _request_auth")
    if place == "cookie":
        places["header"]["Cookie"] = f"{text_of(key, 'the key of _request_auth')}={value}" if key else value
    elif place in ("header", "query"):
        places[place][text_of(key, "the key of _request_auth")] = value
    else:
        # It is not shown: the credential may have been put in its place.
        raise ApiValueError("_request_auth: 'in' must be 'header', 'query' or 'cookie'")
    return places


def _check_present(operation: Operation[Any], headers: Mapping[str, str], query: Mapping[str, Any]) -> None:
    for parameter in operation.parameters:
        if not parameter.required or parameter.place == "path":
            continue
        sent = headers if parameter.place == "header" else query
        if parameter.name in sent:
            continue
        if sent is query or parameter.name.lower() not in {name.lower() for name in headers}:
            raise ApiValueError(f"{parameter.argument} is missing{_hint(parameter.configured_by)}")


def _hint(setting: str | None) -> str:
    if setting is None:
        return ""
    return f"; give it, or Configuration({setting}=...), or set {VARIABLES[setting][0]} in the environment"


def constant_in(text: bytes) -> str | None:
    """Return the first NaN or infinity among the values of a JSON text, or None.

    JSON has no such numbers (RFC 8259, section 6). None for a text that is otherwise invalid.
    """
    # The words are rare, also within strings. A letter is found ten times faster than a word.
    if not ((_N in text and text.find(b"NaN") >= 0) or (_I in text and text.find(b"Infinity") >= 0)):
        return None
    found: list[str] = []
    with suppress(ValueError, RecursionError):
        json.loads(text, parse_constant=found.append)
    return found[0] if found else None
