"""Client configuration: host, credentials, timeouts, retries, TLS, proxies and logging."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tachyon_sdk._settings import checks as _checks, environment as _environment
from tachyon_sdk._settings.document import API_VERSION as API_VERSION, servers as _servers
from tachyon_sdk._settings.hosts import (
    DEFAULT_HOST,
    HostSetting as HostSetting,
    HostSettingVariable as HostSettingVariable,
    ServerVariablesT as ServerVariablesT,
    host_from,
)
from tachyon_sdk._settings.logs import LoggingSettings
from tachyon_sdk._settings.no_proxy import excludes as _excludes
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError
from tachyon_sdk.retry import RetryPolicy

if TYPE_CHECKING:
    from ssl import SSLContext

    from typing_extensions import Self
else:
    # For typing.get_type_hints() at run time. Importing the real types would more than double the import time.
    SSLContext = Self = Any


class _SupportsTotal(Protocol):
    """The attribute of a urllib3 Retry that is used."""

    @property
    def total(self) -> bool | int | None: ...


# Environment variables of a setting. The first that is set and not empty is used.
VARIABLES = {
    "host": ("TACHYON_API_URL",),
    "access_token": ("TACHYON_API_KEY",),
    "operator_id": ("TACHYON_OPERATOR_ID", "TACHYON_TENANT_ID"),
    "user_id": ("TACHYON_USER_ID",),
}

# Process-wide state, which copies share with the original.
_NOT_COPIED = {"logger_file_handler", "logger_stream_handler", "proxy_ssl_context", "refresh_api_key_hook"}


class Configuration(LoggingSettings):
    """The settings of a client.

    ::

        configuration = Configuration(host="https://api.n1.tachy.one", access_token="xxxxx", operator_id="tn_xxxxxx")
        configuration.read_timeout = 120

    Each setting is an attribute of the same name, validated in the constructor and on assignment. An argument that is
    not None takes precedence over environment variables. These are read once, in the constructor, and ignored if
    empty; the proxy variables are read again when the host is set.

    Args:
        host: URL of the server (http or https). A path in it is prepended to the path of each call. Takes precedence
            over `server_index`. Environment: `TACHYON_API_URL`; default: `http://localhost`.
        api_key: Credentials by header name. Only `Authorization` is sent, if there is no token and no user name.
        api_key_prefix: Scheme to put before the `api_key` of the same name.
        username: User name for Basic authentication (RFC 7617), instead of a token.
        password: Password for Basic authentication.
        access_token: Access token. Sent unchanged if it begins with a scheme (`Bearer xxxxx`), otherwise after
            `Bearer`. Environment: `TACHYON_API_KEY`. A user name or an `Authorization` key set by the program takes
            precedence over the environment.
        server_index: Index of a host in `get_host_settings()`, instead of a URL.
        server_variables: Values for the variables in the URL of that host.
        server_operation_index: Accepted for compatibility; ignored.
        server_operation_variables: Accepted for compatibility; ignored.
        ignore_operation_servers: Accepted for compatibility; ignored.
        ssl_ca_cert: File with CA certificates to trust (PEM), instead of the system's.
        retries: Maximum number of retries (0: none), or a `RetryPolicy`. None is `RetryPolicy()`. Of a urllib3 Retry,
            only `total` is used.
        ca_cert_data: CA certificates to trust, as PEM `str` or DER `bytes`.
        cert_file: File with the client certificate (PEM).
        key_file: File with its private key (PEM, not encrypted), if that is not in `cert_file`.
        verify_ssl: Whether to verify the server's certificate.
        assert_hostname: Name that the certificate must be valid for, instead of the host's; False: any name.
        tls_server_name: Server name for the TLS handshake (SNI), instead of the host's.
        connection_pool_maxsize: Maximum number of connections kept open. None: 5 per CPU, at most 32.
        proxy: URL of a proxy: http, https, socks4, socks4a, socks5 or socks5h (SOCKS requires the extra `socks`;
            `socks` means `socks5`); `""` disables proxies. Environment: `HTTP_PROXY` or `HTTPS_PROXY`, by the scheme of
            the requested URL, then `ALL_PROXY`; also in lower case.
        no_proxy: Hosts to connect to without the proxy, separated by commas: names (including their subdomains),
            addresses and networks, optionally with a port; `*` for all. Environment: `NO_PROXY`.
        proxy_headers: Headers for the proxy itself.
        proxy_ssl_context: TLS context for the connection to an https proxy, instead of the TLS settings.
        safe_chars_for_path_param: Characters that are not percent-encoded in path parameters.
        client_side_validation: Accepted for compatibility; requests are always validated.
        socket_options: List of argument tuples for `socket.setsockopt`. None enables TCP_NODELAY and TCP keep-alive,
            with probes after 30 s of silence.
        datetime_format: Accepted for compatibility; ignored.
        date_format: Accepted for compatibility; ignored.
        debug: Whether to set the loggers to DEBUG; see the attribute. None leaves them unchanged.
        operator_id: Operator to act for, sent as header `x-operator-id`. Environment: `TACHYON_OPERATOR_ID`, then
            `TACHYON_TENANT_ID`.
        user_id: End user, sent as header `x-user-id`; None sends none. Environment: `TACHYON_USER_ID`.
        connect_timeout: Seconds to wait for a connection, including the TLS handshake. None: no limit.
        read_timeout: Seconds to wait for each next byte of the response, and for the network to accept more of the
            request. None: no limit.
        max_response_bytes: Maximum size of a response that is not streamed, in bytes after decompression.
        max_event_bytes: Maximum size of one event of a stream, in bytes after decompression.
        require_finish_reason: Whether a stream needs a finish reason to be complete. Set False for servers that never
            send one: then `data: [DONE]` or the end of the body is enough.
        keepalive_expiry: Seconds to keep an idle connection for the next request; 0: none are kept. None: no limit.

        deadline: Seconds for a whole call: attempts, waits between them, and the response, for a stream to its end.
            None: no limit.

    Attributes:
        refresh_api_key_hook: Called with the configuration before credentials are read from it, or None.
        temp_folder_path: Accepted for compatibility; ignored.

    `repr()` hides credentials; a pickle contains them. Setting an attribute whose name is probably a misspelled setting
    raises `ApiAttributeError`. Other attributes are available to your program.

    Raises:
        ApiTypeError: A setting has the wrong type.
        ApiValueError: The value of a setting is invalid; the message names the setting.
    """

    _default: ClassVar[Any] = None

    def __init__(
        self,
        host: str | None = None,
        api_key: dict[str, str] | None = None,
        api_key_prefix: dict[str, str] | None = None,
        username: str | None = None,
        password: str | None = None,
        access_token: str | None = None,
        server_index: int | None = None,
        server_variables: ServerVariablesT | None = None,
        server_operation_index: dict[int, int] | None = None,
        server_operation_variables: dict[int, ServerVariablesT] | None = None,
        ignore_operation_servers: bool = False,
        ssl_ca_cert: str | PathLike[str] | None = None,
        retries: int | RetryPolicy | _SupportsTotal | None = None,
        ca_cert_data: str | bytes | None = None,
        cert_file: str | PathLike[str] | None = None,
        key_file: str | PathLike[str] | None = None,
        verify_ssl: bool = True,
        assert_hostname: str | bool | None = None,
        tls_server_name: str | None = None,
        connection_pool_maxsize: int | None = None,
        proxy: str | None = None,
        no_proxy: str | None = None,
        proxy_headers: Mapping[str, str] | None = None,
        proxy_ssl_context: SSLContext | None = None,
        safe_chars_for_path_param: str = "",
        client_side_validation: bool = True,
        socket_options: Sequence[Any] | None = None,
        datetime_format: str = "%Y-%m-%dT%H:%M:%S.%f%z",
        date_format: str = "%Y-%m-%d",
        *,
        debug: bool | None = None,
        operator_id: str | None = None,
        user_id: str | None = None,
        connect_timeout: float | None = 5.0,
        read_timeout: float | None = 600.0,
        max_response_bytes: int = 256 * 1024 * 1024,
        max_event_bytes: int = 64 * 1024 * 1024,
        require_finish_reason: bool = True,
        keepalive_expiry: float | None = 4.0,
        deadline: float | None = None,
    ) -> None:
        # Variables first: the host of the index may contain them.
        self.server_variables: ServerVariablesT = server_variables or {}
        self.server_operation_index: dict[int, int] = server_operation_index or {}
        self.server_operation_variables: dict[int, ServerVariablesT] = server_operation_variables or {}
        self.ignore_operation_servers = ignore_operation_servers
        self._proxy: str | None = None
        # By scheme. None as soon as the program sets a proxy.
        self._environment_proxies: dict[str, str] | None = None
        self._base_path: str = DEFAULT_HOST
        self._server_index: int | None = None
        if server_index is not None:
            self.server_index = server_index
        if host is not None:
            self.host = host
        elif server_index is None:
            self._base_path = _environment.setting(_checks.host_url, *VARIABLES["host"]) or DEFAULT_HOST

        self.api_key: dict[str, str] = api_key or {}
        self.api_key_prefix: dict[str, str] = api_key_prefix or {}
        self.refresh_api_key_hook: Callable[[Configuration], object] | None = None
        self.username = username
        self.password = password
        self.access_token: str | None = access_token
        self._environment_token: str | None = None
        if access_token is None:
            self._environment_token = _environment.setting(_checks.header_value, *VARIABLES["access_token"])
            self.access_token = self._environment_token
        self.operator_id: str | None = operator_id
        if operator_id is None:
            self.operator_id = _environment.setting(_checks.header_value, *VARIABLES["operator_id"])

        self.user_id: str | None = user_id
        if user_id is None:
            self.user_id = _environment.setting(_checks.header_value, *VARIABLES["user_id"])

        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.retries: int | RetryPolicy | None = _checks.check("retries", retries)
        self.connection_pool_maxsize: int = _checks.check("connection_pool_maxsize", connection_pool_maxsize)
        self.max_response_bytes = max_response_bytes
        self.max_event_bytes = max_event_bytes
        self.require_finish_reason = require_finish_reason
        self.keepalive_expiry = keepalive_expiry
        self.deadline = deadline
        self.socket_options = socket_options

        self.verify_ssl = verify_ssl
        self.ssl_ca_cert: str | None = _checks.check("ssl_ca_cert", ssl_ca_cert)
        self.ca_cert_data = ca_cert_data
        self.cert_file: str | None = _checks.check("cert_file", cert_file)
        self.key_file: str | None = _checks.check("key_file", key_file)
        self.assert_hostname = assert_hostname
        self.tls_server_name = tls_server_name

        self.no_proxy = _environment.proxies().get("no") if no_proxy is None else no_proxy
        if proxy is None:
            self._environment_proxies = {}
            self._use_environment_proxy()
        else:
            self.proxy = proxy
        self.proxy_headers = proxy_headers
        self.proxy_ssl_context = proxy_ssl_context

        self.safe_chars_for_path_param = safe_chars_for_path_param
        self.client_side_validation = client_side_validation
        self.datetime_format = datetime_format
        self.date_format = date_format
        self.temp_folder_path: str | None = None
        super().__init__(debug)

    if not TYPE_CHECKING:  # with a visible __setattr__, type checkers would allow any attribute

        def __setattr__(self, name: str, value: Any) -> None:
            if not hasattr(type(self), name):
                _checks.check_name(name)
            object.__setattr__(self, name, _checks.check(name, value))

    @property
    def host(self) -> str:
        """URL that paths are appended to, without a trailing slash. Setting it resets server_index."""
        return self.get_host_from_settings(self._server_index, self.server_variables)

    @host.setter
    def host(self, value: str) -> None:
        self._base_path = value
        self._server_index = None
        self._use_environment_proxy()

    @property
    def server_index(self) -> int | None:
        """Index of the host in get_host_settings(), or None if the host was set as a URL."""
        return self._server_index

    @server_index.setter
    def server_index(self, value: int | None) -> None:
        self.get_host_from_settings(value, self.server_variables)  # raises if there is none
        self._server_index = value
        self._use_environment_proxy()

    @property
    def proxy(self) -> str | None:
        """URL of the proxy for the host. Setting it, even to None, disables the proxies of the environment.

        This does not consider `no_proxy`; `proxy_for` does.
        """
        return self._proxy

    @proxy.setter
    def proxy(self, value: str | None) -> None:
        self._proxy = value
        self._environment_proxies = None

    def proxy_for(self, url: str) -> str | None:
        """Return the URL of the proxy for requests to this URL, or None.

        Raises:
            ApiValueError: The environment sets an invalid proxy for it.
        """
        if self.no_proxy and _excludes(self.no_proxy, url):
            return None
        if self._environment_proxies is None:
            return self._proxy
        return _environment.proxy_for(url, self._environment_proxies)

    def _use_environment_proxy(self) -> None:
        if self._environment_proxies is None:
            return
        self._environment_proxies = _environment.proxies()
        try:
            self._proxy = _environment.proxy_for(self.host, self._environment_proxies)
        except ApiValueError:
            if not self.no_proxy or not _excludes(self.no_proxy, self.host):
                raise
            self._proxy = None

    def authorization_header(self) -> str | None:
        """Return the value of the Authorization header, or None without credentials.

        Order of precedence: access token, user name and password, api_key named `Authorization`, token from the
        environment. `refresh_api_key_hook` is called first.

        Raises:
            ApiValueError: The api_key is not valid in a header.
        """
        if self.refresh_api_key_hook is not None:
            self.refresh_api_key_hook(self)
        token = self.access_token
        if not token or token == self._environment_token:
            if self.username or self.password:
                return self.get_basic_auth_token()
            key = self._api_key_with_prefix("Authorization", None)
            if key:
                return _checks.header_value("api_key['Authorization']", key)
        if not token:
            return None
        return token if " " in token else f"Bearer {token}"

    def get_api_key_with_prefix(self, identifier: str, alias: str | None = None) -> str | None:
        """Return the api_key with this name, or with the alias, after its prefix if it has one.

        `refresh_api_key_hook` is called first.
        """
        if self.refresh_api_key_hook is not None:
            self.refresh_api_key_hook(self)
        return self._api_key_with_prefix(identifier, alias)

    def _api_key_with_prefix(self, identifier: str, alias: str | None) -> str | None:
        fallback = identifier if alias is None else alias
        key = self.api_key.get(identifier, self.api_key.get(fallback))
        prefix = self.api_key_prefix.get(identifier, self.api_key_prefix.get(fallback))
        return f"{prefix} {key}" if key and prefix else key or None

    def get_basic_auth_token(self) -> str:
        """Return the Authorization header for user name and password (RFC 7617, encoded as UTF-8)."""
        import base64

        credentials = f"{self.username or ''}:{self.password or ''}".encode()
        return "Basic " + base64.b64encode(credentials).decode("ascii")

    def auth_settings(self) -> dict[str, dict[str, Any]]:
        """Return the security schemes of the contract: none. It defines credentials as plain headers.

        See `authorization_header()` for the header that is sent.
        """
        return {}

    def get_host_settings(self) -> list[HostSetting]:
        """Return the hosts of the contract."""
        return _servers()

    def get_host_from_settings(
        self,
        index: int | None,
        variables: ServerVariablesT | None = None,
        servers: list[HostSetting] | None = None,
    ) -> str:
        """Return the URL of the host with this index in `servers` or get_host_settings().

        Args:
            index: The index; None returns the host that was set as a URL.
            variables: Values for the variables in the URL, instead of their defaults.
            servers: Hosts to choose from, instead of get_host_settings().

        Raises:
            ApiValueError: The index is out of range, or the value of a variable is not allowed.
        """
        if index is None:
            return self._base_path
        url = host_from(self.get_host_settings() if servers is None else servers, index, variables or {})
        return _checks.host_url(f"the URL of host {index}", url)

    @classmethod
    def set_default(cls, default: Self | None) -> None:
        """Set the default configuration of clients. None: a new one is created when needed."""
        if not isinstance(default, (Configuration, type(None))):
            raise ApiTypeError(f"default must be a Configuration, not {type(default).__name__}")
        cls._default = default

    @classmethod
    def get_default(cls) -> Self:
        """Return the default configuration of clients. The first call creates it."""
        if cls._default is None:
            cls._default = cls()
        default: Self = cls._default
        return default

    @classmethod
    def get_default_copy(cls) -> Self:
        """Return get_default(), under an older name. It is not a copy."""
        return cls.get_default()

    def to_debug_report(self) -> str:
        """Return version information for a bug report, without credentials."""
        import sys

        from tachyon_sdk._version import __version__

        return (
            "Python SDK Debug Report:\n"
            f"OS: {sys.platform}\n"
            f"Python Version: {sys.version}\n"
            f"Version of the API: {API_VERSION}\n"
            f"SDK Package Version: {__version__}"
        )

    def __repr__(self) -> str:
        """Show the host and all settings that differ from their defaults. Credentials are hidden."""
        shown = [f"host={self.host!r}"]
        for name, default in _defaults().items():
            value = getattr(self, name)
            if value != default:
                shown.append(f"{name}={_shown(name, value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__setstate__(dict(self.__dict__))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(
            {
                name: value if name in _NOT_COPIED else copy.deepcopy(value, memo)
                for name, value in self.__dict__.items()
            }
        )
        return twin


def _defaults() -> dict[str, Any]:
    """Return the default values of the attributes, except the host, which is always shown."""
    import inspect

    parameters = list(inspect.signature(Configuration).parameters.values())
    return {item.name: _checks.check(item.name, item.default) for item in parameters if item.name != "host"}


def _shown(name: str, value: Any) -> str:
    if name in ("access_token", "password"):
        return "<hidden>"
    if name in ("api_key", "proxy_headers"):
        return repr(dict.fromkeys(value, "<hidden>"))
    if name == "proxy":
        return repr(_checks.redact_url(value))
    text = repr(value)
    if len(text) <= 60:
        return text
    length = f", {len(value)} long" if hasattr(value, "__len__") else ""
    return f"<{type(value).__name__}{length}>"
