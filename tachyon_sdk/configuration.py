"""Where the server is, who asks, and how requests are sent."""

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
    # For who asks for type hints at run time; to import them would cost more than all the rest of this module.
    SSLContext = Self = Any


class _SupportsTotal(Protocol):
    """What is read of a urllib3 Retry."""

    @property
    def total(self) -> bool | int | None: ...


# The environment variables that a setting is read from; the first that is set and not empty wins.
VARIABLES = {
    "host": ("TACHYON_API_URL",),
    "access_token": ("TACHYON_API_KEY",),
    "operator_id": ("TACHYON_OPERATOR_ID", "TACHYON_TENANT_ID"),
    "user_id": ("TACHYON_USER_ID",),
}

# They hold state of the process: copies have them in common with the original.
_NOT_COPIED = {"logger_file_handler", "logger_stream_handler", "proxy_ssl_context", "refresh_api_key_hook"}


class Configuration(LoggingSettings):
    """The settings of a client: where the server is, who asks, and how requests are sent.

    ::

        configuration = Configuration(host="https://api.n1.tachy.one", access_token="xxxxx", operator_id="tn_xxxxxx")
        configuration.read_timeout = 120

    Each is an attribute of the same name, and is checked when it is given and whenever it is set. An argument that
    is given and not None wins over the environment, which is read once, here, and of which empty variables do not
    count; only its proxies are read again when the host is set.

    Args:
        host: URL of the server, http or https; a path in it goes before that of the call. Wins over `server_index`,
            and that over the environment: `TACHYON_API_URL`, else `http://localhost`.
        api_key: Credentials by header name. Only `Authorization` is sent, if there is no token and no user name.
        api_key_prefix: The scheme to put before the `api_key` of that name.
        username: User name for the Basic scheme (RFC 7617), instead of a token.
        password: The password that goes with it.
        access_token: Your token. Sent as it is if it begins with a scheme (`Bearer xxxxx`), else after `Bearer`.
            Environment: `TACHYON_API_KEY`, which gives way to a user name or an `Authorization` key that the
            program itself has set.
        server_index: Number of a host in `get_host_settings()`, instead of a URL.
        server_variables: Values for variables in that host's URL.
        server_operation_index: Kept for programs that set it; not used.
        server_operation_variables: Kept for programs that set it; not used.
        ignore_operation_servers: Kept for programs that set it; not used.
        ssl_ca_cert: File of the CA certificates to trust (PEM), instead of the system's.
        retries: How often to try again at most; 0 is never; or a `RetryPolicy`. None is `RetryPolicy()`. Of a
            urllib3 Retry, its `total` counts.
        ca_cert_data: CA certificates to trust, PEM `str` or DER `bytes`.
        cert_file: File of the client certificate (PEM).
        key_file: File of its key (PEM, not encrypted), where that is not in `cert_file`.
        verify_ssl: Whether to verify the server's certificate.
        assert_hostname: Name that the certificate must be for, instead of the host's; False: any.
        tls_server_name: Name to ask for in the TLS handshake (SNI), instead of the host's.
        connection_pool_maxsize: Connections that are kept open, at most. None is 5 for each CPU, at most 32.
        proxy: URL of a proxy: http, https, socks4, socks4a, socks5 or socks5h (SOCKS needs the extra `socks`; `socks`
            is `socks5`); `""` for none at all. Environment: `HTTP_PROXY` or `HTTPS_PROXY`, by the scheme of the URL
            that is requested, then `ALL_PROXY`, each also in lower case.
        no_proxy: Hosts that are reached without it, separated by commas: names, which include their subdomains,
            addresses and networks, each with or without a port; `*` for all. Environment: `NO_PROXY`.
        proxy_headers: Headers for the proxy itself.
        proxy_ssl_context: For the connection to an https proxy, instead of the TLS settings.
        safe_chars_for_path_param: Characters that are not percent-encoded in a path parameter.
        client_side_validation: Kept for programs that set it; requests are always validated.
        socket_options: Arguments of `socket.setsockopt`, a list of tuples, in place of ours: None turns on TCP_NODELAY
            and TCP keep-alive, with probes after 30 s of silence.
        datetime_format: Kept for programs that set it; not used.
        date_format: Kept for programs that set it; not used.
        debug: Whether the loggers let everything pass, see the attribute. None leaves the log alone.
        operator_id: The operator to act for, header `x-operator-id`. Environment: `TACHYON_OPERATOR_ID`, then
            `TACHYON_TENANT_ID`.
        user_id: The end user, header `x-user-id`; None sends none. Environment: `TACHYON_USER_ID`.
        connect_timeout: Seconds to wait for a connection, with its TLS handshake. None: no limit.
        read_timeout: Seconds to wait until the network takes more of the request, and then for each next byte of the
            response. None: no limit.
        max_response_bytes: Bytes of a whole answer, decompressed, at most.
        max_event_bytes: Bytes of one event of a stream, decompressed, at most.
        require_finish_reason: Whether a stream needs a finish reason to be complete. False is for servers that never
            send one: `data: [DONE]`, or the end of the body, is enough then.
        keepalive_expiry: Seconds for which an idle connection is kept for the next request; 0 keeps none. None: no
            limit.

    Attributes:
        refresh_api_key_hook: Called with the configuration before credentials are read from it, or None.
        temp_folder_path: Kept for programs that set it; not used.

    `repr()` shows no credentials. A pickle has them in it. A name that is nearly that of a setting cannot be set:
    `ApiAttributeError` says the right one. Other names are for your program.

    Raises:
        ApiTypeError: A setting has the wrong type.
        ApiValueError: A setting cannot be used; the message names it.
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
    ) -> None:
        # Variables before the index, whose host may be made with them.
        self.server_variables: ServerVariablesT = server_variables or {}
        self.server_operation_index: dict[int, int] = server_operation_index or {}
        self.server_operation_variables: dict[int, ServerVariablesT] = server_operation_variables or {}
        self.ignore_operation_servers = ignore_operation_servers
        self._proxy: str | None = None
        # By scheme, as long as the program has set no proxy.
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

    if not TYPE_CHECKING:  # type checkers would take it for a permission to set any name

        def __setattr__(self, name: str, value: Any) -> None:
            if not hasattr(type(self), name):
                _checks.check_name(name)
            object.__setattr__(self, name, _checks.check(name, value))

    @property
    def host(self) -> str:
        """URL that the paths are appended to, without a slash at its end. Setting it unsets server_index."""
        return self.get_host_from_settings(self._server_index, self.server_variables)

    @host.setter
    def host(self, value: str) -> None:
        self._base_path = value
        self._server_index = None
        self._use_environment_proxy()

    @property
    def server_index(self) -> int | None:
        """Number of the host in get_host_settings(), or None if the host was given as a URL."""
        return self._server_index

    @server_index.setter
    def server_index(self, value: int | None) -> None:
        self.get_host_from_settings(value, self.server_variables)  # raises if there is none
        self._server_index = value
        self._use_environment_proxy()

    @property
    def proxy(self) -> str | None:
        """URL of the proxy for the host. Setting it, also to None, ends the use of the environment's.

        `proxy_for` also takes `no_proxy` into account.
        """
        return self._proxy

    @proxy.setter
    def proxy(self, value: str | None) -> None:
        self._proxy = value
        self._environment_proxies = None

    def proxy_for(self, url: str) -> str | None:
        """Return the URL of the proxy that requests to this URL go through, or None.

        Raises:
            ApiValueError: The environment names a proxy for it that cannot be used.
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
        """Return the value for the Authorization header, or None without credentials.

        The access token comes first, then user name and password, then the api_key named `Authorization`,
        last a token that only the environment has. `refresh_api_key_hook` is called before.

        Raises:
            ApiValueError: The api_key cannot stand in a header.
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
        """Return the api_key of this name, or else of the alias, after its prefix if it has one.

        `refresh_api_key_hook` is called before.
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
        """Return user name and password as a value for the Authorization header (RFC 7617, in UTF-8)."""
        import base64

        credentials = f"{self.username or ''}:{self.password or ''}".encode()
        return "Basic " + base64.b64encode(credentials).decode("ascii")

    def auth_settings(self) -> dict[str, dict[str, Any]]:
        """Return the security schemes of the contract. It has none: credentials are plain headers there.

        See `authorization_header()` for what is sent.
        """
        return {}

    def get_host_settings(self) -> list[HostSetting]:
        """Return the hosts that the contract names."""
        return _servers()

    def get_host_from_settings(
        self,
        index: int | None,
        variables: ServerVariablesT | None = None,
        servers: list[HostSetting] | None = None,
    ) -> str:
        """Return the URL of the host with this number in `servers`, or in get_host_settings().

        Args:
            index: The number; None gives the host that was set as a URL.
            variables: Values for variables in the URL, instead of their defaults.
            servers: Other hosts to choose from.

        Raises:
            ApiValueError: There is no host with this number, or a variable has a value that is not allowed.
        """
        if index is None:
            return self._base_path
        url = host_from(self.get_host_settings() if servers is None else servers, index, variables or {})
        return _checks.host_url(f"the URL of host number {index}", url)

    @classmethod
    def set_default(cls, default: Self | None) -> None:
        """Set the configuration that clients without one use. None: a new one is made when it is needed."""
        if not isinstance(default, (Configuration, type(None))):
            raise ApiTypeError(f"default must be a Configuration, not {type(default).__name__}")
        cls._default = default

    @classmethod
    def get_default(cls) -> Self:
        """Return the configuration that clients without one use. It is made here the first time."""
        if cls._default is None:
            cls._default = cls()
        default: Self = cls._default
        return default

    @classmethod
    def get_default_copy(cls) -> Self:
        """Return what get_default returns; an older name of it, and no copy."""
        return cls.get_default()

    def to_debug_report(self) -> str:
        """Return what to put into a report of a fault. There are no credentials in it."""
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
        """The host and all that is not at its default, credentials hidden."""
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
    """What the attributes are when nothing is given, but for the host, which is always shown."""
    import inspect

    parameters = list(inspect.signature(Configuration).parameters.values())
    return {item.name: _checks.check(item.name, item.default) for item in parameters if item.name != "host"}


def _shown(name: str, value: Any) -> str:
    if name in ("access_token", "password"):
        return "<hidden>"
    if name in ("api_key", "proxy_headers"):
        return repr(dict.fromkeys(value, "<hidden>"))
    if name == "proxy":
        return repr(_checks.hidden_url(value))
    text = repr(value)
    if len(text) <= 60:
        return text
    length = f", {len(value)} long" if hasattr(value, "__len__") else ""
    return f"<{type(value).__name__}{length}>"
