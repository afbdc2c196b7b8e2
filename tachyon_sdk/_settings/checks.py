"""Validators of single settings. Each takes a name and a value, and returns the value to store or raises.

Error messages name the setting and the expected value. They never contain credentials.
"""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tachyon_sdk.exceptions import ApiAttributeError, ApiTypeError, ApiValueError

Check = Callable[[str, Any], Any]

HOST_SCHEMES = ("http", "https")
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
# Limit of socket.settimeout: the milliseconds must fit into a C int.
MAX_SECONDS = 2_147_483

_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_ZONE = re.compile(r"[\w.~-]*", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,254}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_PORT = re.compile(r"[0-9]{1,5}")


def optional(check: Check, unset: Callable[[], Any] = lambda: None) -> Check:
    """Wrap a check so that None is accepted and replaced by ``unset()``."""
    return lambda name, value: unset() if value is None else check(name, value)


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a str", str)
    return value


def text_or_bytes(name: str, value: Any) -> str | bytes:
    if not isinstance(value, (str, bytes)):
        raise _wrong_type(name, value, "a str or bytes", str, bytes)
    return value


def header_value(name: str, value: Any) -> str:
    """Return the text for a header. Line breaks would end the header (RFC 9110, section 5.5)."""
    header = text(name, value)
    if not (header.isascii() and header.isprintable()):
        raise ApiValueError(f"{name} must be printable ASCII without line breaks (check its end)")
    return header.strip()


def user_name(name: str, value: Any) -> str:
    """Reject colons: the first one ends the user name (RFC 7617, section 2)."""
    user = password(name, value)
    if ":" in user:
        raise ApiValueError(f"{name} must not contain a colon")
    return user


def password(name: str, value: Any) -> str:
    """Reject control characters (RFC 7617, section 2)."""
    secret = text(name, value)
    if re.search(r"[\x00-\x1f\x7f]", secret):
        raise ApiValueError(f"{name} must not contain control characters (check its end for a line break)")
    if re.search(r"[\ud800-\udfff]", secret):
        raise ApiValueError(f"{name} must be encodable as UTF-8")
    return secret


def flag(name: str, value: Any) -> bool:
    # Only bool, 0 and 1: the text "false" must not enable a setting, nor None disable verification.
    if not isinstance(value, int) or value not in (0, 1):
        raise _wrong_type(name, value, "a bool", bool)
    return bool(value)


def integer(minimum: int) -> Check:
    def check_integer(name: str, value: Any) -> int:
        try:
            number = operator.index(_reject_non_numbers(value))  # numpy's integers are not int
        except TypeError:
            raise _wrong_type(name, value, "an int", int) from None
        if number < minimum:
            raise ApiValueError(f"{name} must be {minimum} or more, not {number}")
        return number

    return check_integer


def seconds(name: str, value: Any, *, zero: bool = False) -> float:
    try:
        number = (
            math.inf if isinstance(value, int) and value > MAX_SECONDS else float(_reject_non_numbers(value))
        )
    except (TypeError, ValueError):
        raise _wrong_type(name, value, "a number of seconds or None", int, float) from None
    if not (0 < number <= MAX_SECONDS or (zero and number == 0)):  # also rejects nan
        least = "at least 0" if zero else "above 0"
        raise ApiValueError(f"{name} must be {least} and at most {MAX_SECONDS} seconds, or None for no limit")
    return number


def _reject_non_numbers(value: Any) -> Any:
    """Return the value; raise TypeError for types that are not numbers, but convert to one."""
    if isinstance(value, (bool, str, bytes, bytearray)):
        raise TypeError
    return value


def seconds_or_zero(name: str, value: Any) -> float:
    return seconds(name, value, zero=True)


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _wrong_type(name, value, "a mapping", Mapping)
    return value


def mapping_of_text(name: str, value: Any) -> Mapping[str, str]:
    if not all(isinstance(item, str) for pair in mapping(name, value).items() for item in pair):
        raise ApiTypeError(f"{name} must have a str for every name and value")
    return value  # type: ignore[no-any-return]


def sequence(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong_type(name, value, "a list or a tuple", list, tuple)
    return value


def function(name: str, value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise _wrong_type(name, value, "callable")
    return value  # type: ignore[no-any-return]


def tls_context(name: str, value: Any) -> Any:
    if not hasattr(value, "wrap_socket"):  # without importing ssl
        raise _wrong_type(name, value, "an ssl.SSLContext")
    return value


def host_name_to_match(name: str, value: Any) -> str | bool | None:
    """Return a name, False (do not compare), or None (compare with the host) for True, as urllib3 expects."""
    return text(name, value) if isinstance(value, str) else None if flag(name, value) else False


def path(name: str, value: Any) -> str:
    try:
        file = os.fsdecode(value)
    except TypeError:
        raise _wrong_type(name, value, "a path", str, os.PathLike) from None
    if "\0" in file:
        raise ApiValueError(f"{name} must not contain a null character")
    return file


def readable_file(name: str, value: Any) -> str:
    file = path(name, value)
    if not os.path.exists(file):
        raise ApiValueError(f"{name}: no such file: {file!r}")
    if os.path.isdir(file):
        raise ApiValueError(f"{name}: {file!r} is a directory, not a file")
    if not os.access(file, os.R_OK):
        raise ApiValueError(f"{name}: the file {file!r} cannot be read")
    return file


def safe_characters(name: str, value: Any) -> str:
    characters = text(name, value)
    if set(characters) & set("?#"):
        raise ApiValueError(f"{name} must not contain ? or #, which end the path of a URL")
    return characters


def retries(name: str, value: Any) -> Any:
    """Return a count or a policy (any object with a ``delay`` method). A urllib3 Retry becomes its ``total``."""
    if callable(getattr(value, "delay", None)):
        return value
    if hasattr(value, "total"):
        value = value.total
        value = None if value is None else int(value)
    return None if value is None else integer(0)(name, 0 if value is False else value)


def host_url(name: str, value: Any) -> str:
    return _url(name, value, HOST_SCHEMES, user_info=False).rstrip("/")


def proxy_url(name: str, value: Any) -> str | None:
    """Check the URL of a proxy. An empty text means no proxy, even if the environment sets one."""
    if value == "":
        return None
    if isinstance(value, str) and value[:8].lower() == "socks://":
        # A common spelling in desktop settings and proxy tools.
        value = f"socks5://{value[8:]}"
    return _url(name, value, PROXY_SCHEMES, user_info=True)


def redact_url(url: str) -> str:
    """Return a URL for messages, without user name, password and query. Accepts any text."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    address, *query = re.split(r"[?#]", rest, maxsplit=1)
    if "@" in scheme or (query and "@" in query[0]):
        return "<hidden>"  # a password that contains ? or # or ://
    if "@" in address:
        address = "<hidden>@" + address.rpartition("@")[2]
    redacted = scheme + separator + address + "?<hidden>" * len(query)
    return redacted if len(redacted) <= 200 else redacted[:197] + "..."


def _url(name: str, value: Any, schemes: Collection[str], user_info: bool) -> str:
    url = text(name, value)

    def error(why: str) -> ApiValueError:
        return ApiValueError(f"{name} {why}: {redact_url(url)!r}")

    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in schemes:
        raise error(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if any(char.isspace() or not char.isprintable() or char == "\\" for char in url):
        raise error("must not contain spaces, control characters or backslashes")
    _, at, host_and_port = rest.partition("/")[0].rpartition("@")
    if at and not user_info:
        raise error("must not contain a user name or password; set username and password instead")
    if "?" in rest or "#" in rest:
        raise error("must not contain a query or a fragment")
    match = _HOST_AND_PORT.fullmatch(host_and_port)
    if match is None or not _is_host(match[1]):
        raise error("must contain a valid host name (ASCII) or IP address")
    if match[2] is not None and not (_PORT.fullmatch(match[2]) and 1 <= int(match[2]) <= 65535):
        raise error("must contain a port from 1 to 65535, or none")
    return url


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return _HOST_NAME.fullmatch(host) is not None
    import ipaddress

    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    # IPv6Address accepts any text as a zone, urllib3 does not.
    return _ZONE.fullmatch(host[1:-1].partition("%")[2]) is not None


def _wrong_type(name: str, value: Any, expected: str, *classes: type) -> ApiTypeError:
    return ApiTypeError(f"{name} must be {expected}, not {type(value).__name__}", valid_classes=classes)


def check(name: str, value: Any, setting: str = "") -> Any:
    """Check the value of an attribute of Configuration and return the value to store. Unknown names pass.

    Args:
        name: The name, for messages.
        value: The value.
        setting: The setting whose check applies, if it has another name.
    """
    setting = setting or name
    return CHECKS[setting](name, value) if setting in CHECKS else value


def check_name(name: str) -> None:
    """Raise for a name that is not a setting, but nearly one. Other names pass: programs may store their own.

    Raises:
        ApiAttributeError: The name is probably misspelled; the message suggests the setting.
    """
    if name in CHECKS or name in _LOG_ATTRIBUTES or name.startswith("_"):
        return
    # Imported here because it is rarely needed.
    from difflib import get_close_matches

    letters = name.replace("_", "").lower()
    known = {setting.replace("_", ""): setting for setting in CHECKS}
    anagrams = [each for each in known if sorted(each) == sorted(letters)]
    if close := anagrams or get_close_matches(letters, known, 1, 0.85):
        raise ApiAttributeError(f"Configuration has no setting {name}; did you mean {known[close[0]]}?")


def _pool_size() -> int:
    return min(32, (os.cpu_count() or 1) * 5)


_LOG_ATTRIBUTES = frozenset({"logger", "logger_formatter", "logger_file_handler", "logger_stream_handler"})

# Validators of the attributes of Configuration, called by the constructor and on assignment.
CHECKS: dict[str, Check] = {
    "host": host_url,
    "server_index": optional(integer(0)),
    "server_variables": optional(mapping_of_text, dict),
    "server_operation_index": optional(mapping, dict),
    "server_operation_variables": optional(mapping, dict),
    "ignore_operation_servers": flag,
    "api_key": optional(mapping_of_text, dict),
    "api_key_prefix": optional(mapping_of_text, dict),
    "refresh_api_key_hook": optional(function),
    "username": optional(user_name),
    "password": optional(password),
    "access_token": optional(header_value),
    "operator_id": optional(header_value),
    "user_id": optional(header_value),
    "connect_timeout": optional(seconds),
    "read_timeout": optional(seconds),
    "deadline": optional(seconds),
    "retries": retries,
    "connection_pool_maxsize": optional(integer(1), _pool_size),
    "max_response_bytes": integer(1),
    "max_event_bytes": integer(1),
    "require_finish_reason": flag,
    "keepalive_expiry": optional(seconds_or_zero),
    "socket_options": optional(sequence),
    "verify_ssl": flag,
    "ssl_ca_cert": optional(readable_file),
    "ca_cert_data": optional(text_or_bytes),
    "cert_file": optional(readable_file),
    "key_file": optional(readable_file),
    "assert_hostname": optional(host_name_to_match),
    "tls_server_name": optional(text),
    "proxy": optional(proxy_url),
    "no_proxy": optional(text),
    "proxy_headers": optional(mapping_of_text),
    "proxy_ssl_context": optional(tls_context),
    "safe_chars_for_path_param": safe_characters,
    "client_side_validation": flag,
    "datetime_format": text,
    "date_format": text,
    "temp_folder_path": optional(path),
    "debug": optional(flag, bool),
    "logger_file": optional(path),
    "logger_format": text,
}
