"""Calls of endpoints that the contract does not describe.

The names, arguments and steps are those of the clients that OpenAPI Generator makes. The retry loop, the errors and the
limits are those of all other calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import urlencode

from tachyon_sdk._calls.request import (
    FRAMING_HEADERS,
    Request,
    auth_override,
    build_url,
    choose_timeouts,
    credentials,
)
from tachyon_sdk._contract.operation import RequestTimeout
from tachyon_sdk._errors.responses import status_error, undecodable_error, undecodable_message
from tachyon_sdk._settings.checks import host_url, mapping
from tachyon_sdk._transport.headers import build_headers
from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.exceptions import ApiException, ApiTypeError, ApiValueError, ResponseDecodeException
from tachyon_sdk.rest import RESTResponse

if TYPE_CHECKING:
    from tachyon_sdk.configuration import Configuration

Parameters = Mapping[str, Any] | Iterable[tuple[str, Any]]
Serialized = tuple[str, str, dict[str, str], Any, list[tuple[str, Any]]]
"""The method, the URL, the headers, the body and the fields of the form."""

_METHODS = {"GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS"}
_DELIMITERS = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|"}
_JSON = r"application/(json|[^/;]+\+json)"
_FORM = "application/x-www-form-urlencoded"


class GenericCalls:
    """The methods of a client for endpoints that the contract does not describe."""

    if TYPE_CHECKING:
        configuration: Configuration

        def _client_headers(self) -> dict[str, str]: ...
        def _send(
            self,
            request: Request,
            receive: Callable[[RESTResponse, tuple[ApiException, ...]], RESTResponse],
            operation: str,
        ) -> RESTResponse: ...

    def param_serialize(
        self,
        method: str,
        resource_path: str,
        path_params: Parameters | None = None,
        query_params: Parameters | None = None,
        header_params: Mapping[str, Any] | None = None,
        body: Any = None,
        post_params: Parameters | None = None,
        files: Mapping[str, Any] | None = None,
        auth_settings: Sequence[str] | None = None,
        collection_formats: Mapping[str, str] | None = None,
        _host: str | None = None,
        _request_auth: Mapping[str, Any] | None = None,
    ) -> Serialized:
        """Build the arguments of `call_api` for an endpoint that the contract does not describe.

        The credentials of the configuration and the default headers are added. A header in `header_params` takes
        precedence; None removes it.

        Args:
            method: HTTP method.
            resource_path: Path below the host, with `{name}` where a path parameter goes.
            path_params: Path parameters by name.
            query_params: Query parameters. A list is sent as one pair for each item.
            header_params: Headers.
            body: The body; models become dicts.
            post_params: Fields of a form.
            files: Files of a form by field name: a path, bytes, a pair (file name, bytes), or a list of these.
            auth_settings: Accepted for compatibility; ignored.
            collection_formats: By name, `csv`, `ssv`, `tsv` or `pipes` for a list that is sent as one text.
            _host: URL to use instead of the configured host.
            _request_auth: A credential for this call only, as in the other calls.

        Returns:
            The method, the URL, the headers, the body and the fields of the form.

        Raises:
            ApiValueError: An argument is missing or cannot be sent.
            ApiTypeError: An argument has the wrong type.
        """
        configuration = self.configuration
        formats = collection_formats or {}
        if not resource_path.startswith("/"):
            raise ApiValueError(f"resource_path must start with a slash: {resource_path!r}")
        in_path = {name: _joined(value, formats.get(name, "csv")) for name, value in _items(path_params)}
        for name in re.findall(r"{([^{}]+)}", resource_path):
            if name not in in_path:
                raise ApiValueError(f"the path parameter {name} is missing")
        auth = auth_override(_request_auth)
        query: dict[str, list[str]] = {}
        for name, text in (*_pairs(query_params, formats), *auth["query"].items()):
            query.setdefault(name, []).append(text)
        headers = build_headers(
            credentials(configuration),
            self._client_headers(),
            {name: _in_header(value, formats.get(name)) for name, value in _items(header_params)},
            auth["header"],
        )
        host = configuration.host if _host is None else host_url("_host", _host)
        url = build_url(host, resource_path, in_path, query, configuration.safe_chars_for_path_param)
        form = [*_pairs(post_params, formats), *_files(files or {})]
        return method, url, headers, sanitized(body), form

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Mapping[str, Any] | None = None,
        body: Any = None,
        post_params: Sequence[tuple[str, Any]] | None = None,
        _request_timeout: RequestTimeout = None,
    ) -> RESTResponse:
        """Send a request and return the unread response, also for an error status.

        It is retried like any other call. Only the content type of the body is added to the headers: JSON, unless
        `header_params` has another.

        Args:
            method: HTTP method.
            url: The whole URL, with its query.
            header_params: Headers.
            body: The body; for content types other than JSON, text or bytes.
            post_params: Fields of a form, instead of a body.
            _request_timeout: Seconds to wait, or a pair, as in the other calls.

        Raises:
            ApiValueError: An argument cannot be sent; nothing was sent.
            ApiTypeError: An argument has the wrong type; nothing was sent.
            ApiException: There was no response.
        """
        configuration = self.configuration
        if method.upper() not in _METHODS:
            raise ApiValueError(f"method must be one of {', '.join(sorted(_METHODS))}, not {method!r}")
        if not url.lower().startswith(("http://", "https://")):
            raise ApiValueError("url must start with http:// or https://")
        headers = build_headers(mapping("header_params", header_params or {}), FRAMING_HEADERS)
        given = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
        content, content_type = _encoded(body, post_params, given)
        if content_type:
            headers = build_headers(headers, {"Content-Type": content_type})
        timeouts = choose_timeouts(
            _request_timeout, (configuration.connect_timeout, configuration.read_timeout)
        )
        request = Request(method.upper(), url, headers, content, timeouts)
        return self._send(request, self._unread, "call_api")

    def _unread(self, response: RESTResponse, failed: tuple[ApiException, ...]) -> RESTResponse:
        response.limit = self.configuration.max_response_bytes
        response.previous = failed
        return response

    def response_deserialize(
        self, response_data: RESTResponse, response_types_map: Mapping[str, Any] | None = None
    ) -> ApiResponse[Any]:
        """Read a response of `call_api` as the type that belongs to its status.

        Args:
            response_data: The response; it is read if necessary.
            response_types_map: The types, as in `deserialize`, by status (`"200"`), by class of status (`"2XX"`),
                or for all others (`"default"`); `"bytearray"` is the body in bytes. Without a type, `data` is None.

        Raises:
            ApiException: The status is an error. `data` of the error is the body as the type of that status.
            ResponseDecodeException: The body is not of that type, or too large.
        """
        kind = _type_of_status(response_types_map or {}, response_data.status)
        content_type = response_data.headers.get("Content-Type")
        try:
            if not 200 <= response_data.status < 300:
                error = status_error(response_data)
                if error.body and kind is not None:
                    with suppress(Exception):  # the error of the status is what counts
                        error.data = _deserialized(error.body, _resolved(kind), content_type)
                raise error
            kind = _resolved(kind)
            body = response_data.read()
            data: Any = None
            if kind is bytearray:
                data = body
            elif kind is not None:
                try:
                    data = _deserialized(_decoded(body, content_type), kind, content_type)
                except Exception as error:  # from_dict may be of a class of the program
                    raise undecodable_error(response_data, body, _name(kind), _first_line(error)) from error
        except ApiException as error:
            raise error.after(response_data.previous) from error.__cause__
        return ApiResponse(response_data.status, data, response_data.headers, body)

    def deserialize(self, response_text: str, response_type: Any, content_type: str | None = None) -> Any:
        """Read a text as a type.

        Args:
            response_text: JSON, or text where the type is `str` or `object`.
            response_type: A class, or its name: a model of this package, `object` for any JSON, `str`, `int`,
                `float`, `bool`, `date`, `datetime`, and `List[...]`, `Dict[str, ...]`, `Optional[...]` of these.
            content_type: The content type of the text.

        Raises:
            ApiValueError: There is no such type.
            ResponseDecodeException: The text is not of that type.
        """
        kind = _resolved(response_type)
        try:
            return _deserialized(response_text, kind, content_type)
        except Exception as error:  # from_dict may be of a class of the program
            headers = {} if content_type is None else {"Content-Type": content_type}
            body = response_text.encode("utf-8", "replace")
            message = undecodable_message(headers, body, _name(kind), _first_line(error))
            raise ResponseDecodeException(body=response_text, message=message) from error

    def sanitize_for_serialization(self, obj: Any) -> Any:
        """Return a value as JSON can represent it: models as dicts, enumerations as values, dates as ISO 8601.

        Raises:
            ApiTypeError: JSON cannot represent it.
        """
        return sanitized(obj)

    def select_header_accept(self, accepts: Sequence[str]) -> str | None:
        """Return the media type to ask for: JSON if that is one of them, else the first."""
        return next((each for each in accepts if "json" in each.lower()), accepts[0] if accepts else None)

    def select_header_content_type(self, content_types: Sequence[str]) -> str | None:
        """Return the media type to send: JSON if that is one of them, else the first."""
        return self.select_header_accept(content_types)


def sanitized(value: Any) -> Any:
    """Return a value as JSON can represent it.

    Raises:
        ApiTypeError: JSON cannot represent it.
        ApiValueError: It is nested too deeply, or contains itself.
    """
    try:
        return _sanitized(value)
    except RecursionError:
        raise ApiValueError("the value is nested too deeply, or contains itself") from None


def _sanitized(value: Any) -> Any:
    if isinstance(value, Enum):
        return _sanitized(value.value)
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    if isinstance(value, Mapping):
        return {key: _sanitized(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_sanitized, value))
    if isinstance(value, (list, set, frozenset)):
        return list(map(_sanitized, value))
    for method in ("isoformat", "get_secret_value", "to_dict"):
        if callable(convert := getattr(value, method, None)) and not isinstance(value, type):
            return _sanitized(convert())
    # Imported here because few programs need it.
    from decimal import Decimal
    from uuid import UUID

    from pydantic import TypeAdapter

    if isinstance(value, (Decimal, UUID)):
        return str(value)
    try:
        # Dataclasses, and models without to_dict.
        return TypeAdapter(type(value)).dump_python(value, mode="json", by_alias=True)
    except Exception as error:
        raise ApiTypeError(f"{type(value).__name__} cannot be sent as JSON") from error


def _items(parameters: Parameters | None) -> Iterable[tuple[str, Any]]:
    items: Any = parameters.items() if isinstance(parameters, Mapping) else parameters
    return () if items is None else items


def _pairs(parameters: Parameters | None, formats: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Iterate over the parameters as strings. None is left out; a list without a format gives a pair for each item."""
    for name, value in _items(parameters):
        value = sanitized(value)
        if isinstance(value, (list, tuple)) and formats.get(name, "multi") == "multi":
            yield from ((name, _text(item)) for item in value)
        elif value is not None:
            yield name, _joined(value, formats.get(name))


def _joined(value: Any, collection_format: str | None) -> str:
    value = sanitized(value)
    if isinstance(value, (list, tuple)):
        return _DELIMITERS.get(collection_format or "csv", ",").join(map(_text, value))
    return _text(value)


def _in_header(value: Any, collection_format: str | None) -> str | None:
    return None if value is None else _joined(value, collection_format)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, dict)):
        return json.dumps(value)
    return "" if value is None else str(value)


def _files(files: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    import mimetypes
    from pathlib import Path

    for name, file in files.items():
        for each in file if isinstance(file, list) else [file]:
            if isinstance(each, bytes):
                file_name, content = name, each
            elif isinstance(each, tuple):
                file_name, content = each
            else:
                file_name, content = Path(each).name, Path(each).read_bytes()
            yield name, (file_name, content, mimetypes.guess_type(file_name)[0] or "application/octet-stream")


def _encoded(
    body: Any, form: Sequence[tuple[str, Any]] | None, content_type: str | None
) -> tuple[bytes | None, str | None]:
    """Return the body and its content type, None if the given content type stays."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if form:
        if body is not None:
            raise ApiValueError("give body or post_params, not both")
        if media_type == _FORM:
            return urlencode([(name, _text(value)) for name, value in form]).encode("ascii"), None
        if media_type not in ("", "multipart/form-data"):
            raise ApiValueError(f"post_params cannot be sent as {media_type}")
        # Imported here because it is rarely needed.
        from tachyon_sdk._transport.form import multipart

        return multipart([(n, v if isinstance(v, (bytes, tuple)) else _text(v)) for n, v in form])
    if body is None or isinstance(body, (bytes, bytearray)):
        return None if body is None else bytes(body), None
    if not media_type or re.fullmatch(_JSON, media_type):
        try:
            text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            return text.encode(), None if media_type else "application/json"
        except (ValueError, TypeError, RecursionError) as error:
            raise ApiValueError(f"the body cannot be sent as JSON: {error}") from error
    if isinstance(body, str):
        return body.encode(), None
    raise ApiValueError(f"a body of the type {type(body).__name__} cannot be sent as {media_type}")


def _type_of_status(types: Mapping[str, Any], status: int) -> Any:
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in types:
            return types[key]
    return None


def _resolved(kind: Any) -> Any:
    """Return the type that a name stands for. A type is returned unchanged."""
    if not isinstance(kind, str):
        return kind
    import datetime
    import decimal
    import uuid

    native: dict[str, Any] = {
        "int": int,
        "long": int,
        "float": float,
        "str": str,
        "bool": bool,
        "object": object,
        "date": datetime.date,
        "datetime": datetime.datetime,
        "decimal": decimal.Decimal,
        "UUID": uuid.UUID,
        "bytearray": bytearray,
        "bytes": bytearray,
    }
    generic: dict[str, Any] = {"Optional": Optional, "List": list, "list": list}
    kind = kind.strip()
    if kind in native:
        return native[kind]
    if match := re.fullmatch(r"(Optional|List|list)\[(.+)\]", kind):
        return generic[match[1]][_resolved(match[2])]
    if match := re.fullmatch(r"(?:Dict|dict)\[str, *(.+)\]", kind):
        return dict[str, _resolved(match[1])]  # type: ignore[misc]
    from tachyon_sdk import models

    if kind not in models.__all__:
        raise ApiValueError(f"{kind!r} is not the name of a response type; give the class itself")
    return getattr(models, kind)


def _deserialized(text: str, kind: Any, content_type: str | None) -> Any:
    from pydantic import TypeAdapter

    value: Any = text
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if re.fullmatch(_JSON, media_type) or kind not in (str, object):
        # Also for other content types: some servers send JSON as text.
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
    if kind is object or value is None:
        return value
    if from_dict := getattr(kind, "from_dict", None):
        return from_dict(value)
    return TypeAdapter(kind).validate_python(value)


def _decoded(body: bytes, content_type: str | None) -> str:
    charset = re.search(r"charset=\"?([\w-]+)", content_type or "", re.IGNORECASE)
    with suppress(LookupError):
        return body.decode(charset[1] if charset else "utf-8-sig", "replace")
    return body.decode("utf-8", "replace")


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _first_line(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}{': ' if where else ''}{first['msg']}"
