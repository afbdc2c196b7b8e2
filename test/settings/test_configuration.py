"""Configuration: where settings come from, that they are checked, and that secrets stay in."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import pickle
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from urllib3 import Retry

import tachyon_sdk
from support.numbers import Index, Scalar
from tachyon_sdk._settings.checks import CHECKS
from tachyon_sdk.configuration import API_VERSION, Configuration, HostSetting
from tachyon_sdk.exceptions import ApiAttributeError, ApiTypeError, ApiValueError, OpenApiException
from tachyon_sdk.retry import RetryPolicy

SetEnvironment = Callable[..., None]

POSITIONAL = [
    "host",
    "api_key",
    "api_key_prefix",
    "username",
    "password",
    "access_token",
    "server_index",
    "server_variables",
    "server_operation_index",
    "server_operation_variables",
    "ignore_operation_servers",
    "ssl_ca_cert",
    "retries",
    "ca_cert_data",
    "cert_file",
    "key_file",
    "verify_ssl",
    "assert_hostname",
    "tls_server_name",
    "connection_pool_maxsize",
    "proxy",
    "no_proxy",
    "proxy_headers",
    "proxy_ssl_context",
    "safe_chars_for_path_param",
    "client_side_validation",
    "socket_options",
    "datetime_format",
    "date_format",
]
KEYWORD_ONLY = [
    "debug",
    "operator_id",
    "user_id",
    "connect_timeout",
    "read_timeout",
    "max_response_bytes",
    "max_event_bytes",
    "require_finish_reason",
    "keepalive_expiry",
    "deadline",
]
OTHER_NAMES = [
    "temp_folder_path",
    "refresh_api_key_hook",
    "logger",
    "logger_format",
    "logger_formatter",
    "logger_stream_handler",
    "logger_file_handler",
    "logger_file",
    "get_api_key_with_prefix",
    "get_basic_auth_token",
    "auth_settings",
    "to_debug_report",
    "get_host_settings",
    "get_host_from_settings",
    "set_default",
    "get_default",
    "get_default_copy",
]


@pytest.fixture(name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file.pem"
    path.write_text("x")
    return str(path)


# The surface of generated clients


def test_parameters_are_those_of_generated_clients_in_their_order() -> None:
    parameters = inspect.signature(Configuration).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == POSITIONAL
    assert [p.name for p in parameters if p.kind is p.KEYWORD_ONLY] == KEYWORD_ONLY


def test_every_parameter_is_an_attribute_and_in_the_docstring() -> None:
    configuration = Configuration()
    for name in POSITIONAL + KEYWORD_ONLY + OTHER_NAMES:
        assert hasattr(configuration, name), name
    for name in POSITIONAL + KEYWORD_ONLY:
        assert name in (Configuration.__doc__ or ""), name


def test_defaults() -> None:
    configuration = Configuration()
    expected: dict[str, Any] = dict.fromkeys(POSITIONAL + KEYWORD_ONLY) | {
        "host": "http://localhost",
        "api_key": {},
        "api_key_prefix": {},
        "server_variables": {},
        "server_operation_index": {},
        "server_operation_variables": {},
        "ignore_operation_servers": False,
        "verify_ssl": True,
        "safe_chars_for_path_param": "",
        "client_side_validation": True,
        "datetime_format": "%Y-%m-%dT%H:%M:%S.%f%z",
        "date_format": "%Y-%m-%d",
        "debug": False,
        "connect_timeout": 5.0,
        "read_timeout": 600.0,
        "max_response_bytes": 268435456,
        "max_event_bytes": 67108864,
        "require_finish_reason": True,
        "keepalive_expiry": 4.0,
    }
    del expected["connection_pool_maxsize"]
    assert {name: getattr(configuration, name) for name in expected} == expected
    assert 5 <= configuration.connection_pool_maxsize <= 32
    assert configuration.temp_folder_path is None
    assert configuration.refresh_api_key_hook is None


def test_every_argument_is_kept(file: str) -> None:
    given: dict[str, Any] = {
        "host": "http://example.com",
        "api_key": {"Authorization": "k"},
        "api_key_prefix": {"Authorization": "Token"},
        "username": "u",
        "password": "p",
        "access_token": "t",
        "server_variables": {"a": "b"},
        "server_operation_index": {0: 1},
        "server_operation_variables": {0: {"a": "b"}},
        "ignore_operation_servers": True,
        "ssl_ca_cert": file,
        "retries": 4,
        "ca_cert_data": b"der",
        "cert_file": file,
        "key_file": file,
        "verify_ssl": False,
        "assert_hostname": "other.example.com",
        "tls_server_name": "sni.example.com",
        "connection_pool_maxsize": 3,
        "proxy": "http://proxy:3128",
        "no_proxy": "a,b",
        "proxy_headers": {"Proxy-Authorization": "x"},
        "proxy_ssl_context": ssl.create_default_context(),
        "safe_chars_for_path_param": "/",
        "client_side_validation": False,
        "socket_options": [(6, 1, 1)],
        "datetime_format": "%Y",
        "date_format": "%d",
        "debug": False,
        "operator_id": "tn_x",
        "user_id": "user-1",
        "connect_timeout": 1,
        "read_timeout": None,
        "max_response_bytes": 10,
        "max_event_bytes": 11,
        "require_finish_reason": False,
        "keepalive_expiry": 2,
        "deadline": 3,
    }
    assert set(given) == set(POSITIONAL + KEYWORD_ONLY) - {"server_index"}
    configuration = Configuration(**given)
    assert {name: getattr(configuration, name) for name in given} == given


def test_the_callers_dicts_are_kept_and_may_be_filled_later() -> None:
    keys = {"a": "b"}
    configuration = Configuration(api_key=keys)
    assert configuration.api_key is keys
    empty = Configuration()
    empty.api_key["Authorization"] = "k"
    assert Configuration().api_key == {}


def test_a_program_may_keep_its_own_attributes_there() -> None:
    configuration = Configuration()
    configuration.mine = 5
    assert copy.copy(configuration).mine == 5


# Where values come from


def test_the_environment(environment: SetEnvironment) -> None:
    environment(TACHYON_API_URL="https://a.example/x/", TACHYON_API_KEY=" key\n", TACHYON_OPERATOR_ID="tn_1")
    configuration = Configuration()
    assert configuration.host == "https://a.example/x"
    assert configuration.access_token == "key"
    assert configuration.operator_id == "tn_1"


def test_an_argument_wins_over_the_environment(environment: SetEnvironment) -> None:
    environment(TACHYON_API_URL="https://a.example", TACHYON_API_KEY="key", TACHYON_OPERATOR_ID="tn_1")
    configuration = Configuration(host="http://b.example", access_token="mine", operator_id="tn_2")
    assert configuration.host == "http://b.example"
    assert configuration.access_token == "mine"
    assert configuration.operator_id == "tn_2"
    assert Configuration(access_token="").authorization_header() is None


def test_the_older_name_of_the_operator_comes_second(environment: SetEnvironment) -> None:
    environment(TACHYON_TENANT_ID="tn_old")
    assert Configuration().operator_id == "tn_old"
    environment(TACHYON_OPERATOR_ID="tn_new")
    assert Configuration().operator_id == "tn_new"


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_empty_variables_count_as_unset(environment: SetEnvironment, empty: str) -> None:
    environment(
        TACHYON_API_URL=empty, TACHYON_API_KEY=empty, TACHYON_OPERATOR_ID=empty, TACHYON_TENANT_ID="t"
    )
    environment(HTTP_PROXY=empty, ALL_PROXY=empty)
    configuration = Configuration()
    assert configuration.host == "http://localhost"
    assert configuration.access_token is None
    assert configuration.operator_id == "t"
    assert configuration.proxy is None


def test_the_environment_is_read_once(environment: SetEnvironment) -> None:
    configuration = Configuration()
    environment(TACHYON_API_URL="https://a.example", TACHYON_API_KEY="key")
    assert configuration.host == "http://localhost"
    assert configuration.access_token is None


def test_a_wrong_variable_is_named_and_a_secret_not_shown(environment: SetEnvironment) -> None:
    environment(TACHYON_API_URL="api.example.com")
    with pytest.raises(ApiValueError, match="TACHYON_API_URL must start with"):
        Configuration()
    environment(TACHYON_API_URL="", TACHYON_API_KEY="SEC\nRET")
    with pytest.raises(ApiValueError, match="TACHYON_API_KEY") as caught:
        Configuration()
    assert "SEC" not in str(caught.value)


# Host


def test_a_host_set_later_is_checked_and_stored_without_its_slash() -> None:
    configuration = Configuration()
    configuration.host = "http://example.com/base/"
    assert configuration.host == "http://example.com/base"
    with pytest.raises(ApiValueError, match=r"^host "):
        configuration.host = "example.com"
    with pytest.raises(ApiTypeError, match=r"^host "):
        configuration.host = None
    assert configuration.host == "http://example.com/base"


def test_the_hosts_of_the_contract() -> None:
    settings = Configuration().get_host_settings()
    assert [setting["url"] for setting in settings] == [
        "http://localhost",
        "http://localhost:50054",
        "https://api.n1.tachy.one",
    ]
    assert all(setting["description"] for setting in settings)


def test_precedence_of_host_index_and_environment(environment: SetEnvironment) -> None:
    environment(TACHYON_API_URL="https://env.example")
    assert Configuration().host == "https://env.example"
    assert Configuration(server_index=2).host == "https://api.n1.tachy.one"
    assert Configuration(host="http://h", server_index=2).host == "http://h"
    configuration = Configuration(server_index=1)
    assert configuration.server_index == 1
    configuration.host = "http://h"
    assert (configuration.host, configuration.server_index) == ("http://h", None)
    configuration.server_index = 0
    assert configuration.host == "http://localhost"
    configuration.server_index = None
    assert configuration.host == "http://h"


@pytest.mark.parametrize("index", [3, -1, 10**30])
def test_a_server_that_is_not_there(index: int) -> None:
    for host in (None, "http://h"):
        with pytest.raises(ApiValueError):
            Configuration(host=host, server_index=index)
    configuration = Configuration()
    with pytest.raises(ApiValueError):
        configuration.server_index = index
    assert configuration.host == "http://localhost"
    with pytest.raises(ValueError, match="must be from 0 to 2"):
        configuration.get_host_from_settings(index)


def test_hosts_with_variables() -> None:
    servers: list[HostSetting] = [
        {
            "url": "https://{region}.example/{base}/",
            "description": "d",
            "variables": {
                "region": {"description": "", "default_value": "eu", "enum_values": ["eu", "us"]},
                "base": {"description": "", "default_value": "v1", "enum_values": []},
            },
        }
    ]

    class Regional(Configuration):
        def get_host_settings(self) -> list[HostSetting]:
            return servers

    assert Regional(server_index=0).host == "https://eu.example/v1"
    assert (
        Regional(server_index=0, server_variables={"region": "us", "base": "x"}).host
        == "https://us.example/x"
    )
    with pytest.raises(ApiValueError, match="region"):
        Regional(server_index=0, server_variables={"region": "mars"})
    assert Configuration().get_host_from_settings(0, {"region": "us"}, servers) == "https://us.example/v1"
    assert Configuration(host="http://h").get_host_from_settings(None) == "http://h"


# Checks


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("read_timout", "read_timeout"),
        ("readTimeout", "read_timeout"),
        ("READ_TIMEOUT", "read_timeout"),
        ("read_time_out", "read_timeout"),
        ("read_timeouts", "read_timeout"),
        ("connect_tiemout", "connect_timeout"),
        ("hots", "host"),
        ("hosts", "host"),
        ("ssl_verify", "verify_ssl"),
        ("verify_sll", "verify_ssl"),
        ("acess_token", "access_token"),
        ("api_keys", "api_key"),
        ("operatorId", "operator_id"),
        ("user_name", "username"),
        ("proxy_header", "proxy_headers"),
        ("max_respones_bytes", "max_response_bytes"),
        ("logger_files", "logger_file"),
        ("temp_folderpath", "temp_folder_path"),
    ],
)
def test_a_name_that_is_nearly_a_setting_is_a_slip(name: str, right: str) -> None:
    configuration = Configuration()
    with pytest.raises(
        ApiAttributeError, match=rf"^Configuration has no setting {name}; did you mean {right}\?$"
    ):
        setattr(configuration, name, None)
    assert not hasattr(configuration, name)


@pytest.mark.parametrize("name", list(CHECKS))
def test_each_setting_is_known_and_a_slip_in_it_is_found(name: str) -> None:
    configuration = Configuration()
    setattr(configuration, name, getattr(configuration, name))
    if len(name) > 4:
        middle = len(name) // 2
        for slip in (name[:middle] + name[middle + 1 :], name + "s"):
            with pytest.raises(ApiAttributeError, match=r"^Configuration has no setting"):
                setattr(configuration, slip, None)


class WithItsOwn(Configuration):
    hosts: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.hosts = ("a", "b")


def test_other_names_are_for_the_program() -> None:
    configuration: Any = Configuration()
    names = ["region", "timeout", "project_id", "session", "user", "environment", "_read_timout", "x", "日本"]
    names += ["disabled_client_side_validations", "discard_unknown_keys", "logger_stream_handler", "logger"]
    for name in names:
        setattr(configuration, name, "mine")
        assert getattr(configuration, name) == "mine"
        assert getattr(copy.copy(configuration), name) == "mine"
    assert WithItsOwn().hosts == copy.deepcopy(WithItsOwn()).hosts == ("a", "b")


def test_numbers_of_other_libraries_are_numbers() -> None:
    configuration = Configuration(read_timeout=Scalar(2.5), retries=Index(3), max_event_bytes=Scalar(9))  # type: ignore
    assert (configuration.read_timeout, configuration.retries, configuration.max_event_bytes) == (2.5, 3, 9)
    assert type(configuration.read_timeout) is float
    assert type(configuration.retries) is type(configuration.max_event_bytes) is int
    for wrong in (Scalar(2.5), Scalar(True), Scalar(1, (1,)), "1", b"1", 1.0, True):
        with pytest.raises(ApiTypeError, match=r"^max_event_bytes must be an int, not"):
            configuration.max_event_bytes = wrong
    for wrong in (Scalar(1, (1,)), "1", b"1", True, object()):
        with pytest.raises(ApiTypeError, match=r"^read_timeout must be a number of seconds or None, not"):
            configuration.read_timeout = wrong
    with pytest.raises(ApiValueError, match=r"^max_event_bytes must be 1 or more, not 0"):
        configuration.max_event_bytes = Index(0)


def test_the_time_for_which_connections_are_kept() -> None:
    for given, kept in ((None, None), (0, 0.0), (0.5, 0.5), (60, 60.0)):
        value = Configuration(keepalive_expiry=given).keepalive_expiry
        assert value == kept and type(value) is type(kept)
    for impossible in (-1, float("nan"), float("inf")):
        with pytest.raises(ApiValueError, match="keepalive_expiry must be at least 0 and at most"):
            Configuration(keepalive_expiry=impossible)
    for wrong in (True, False, "5"):
        with pytest.raises(ApiTypeError, match="keepalive_expiry"):
            Configuration(keepalive_expiry=wrong)


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout"])
def test_timeouts(name: str) -> None:
    assert getattr(Configuration(**{name: None}), name) is None
    assert getattr(Configuration(**{name: 3}), name) == 3.0
    assert getattr(Configuration(**{name: 0.001}), name) == 0.001
    for value in (0, -1, -0.5, float("nan"), float("inf"), 1e10, 10**400):
        with pytest.raises(ApiValueError, match=name):
            Configuration(**{name: value})
    for wrong in (True, False, "5", (1, 2)):
        with pytest.raises(ApiTypeError, match=name):
            Configuration(**{name: wrong})


def test_the_longest_timeout_is_one_that_a_socket_takes() -> None:
    import socket

    from tachyon_sdk._settings.checks import MAX_SECONDS

    with socket.socket() as connection:
        connection.settimeout(MAX_SECONDS)
        connection.settimeout(Configuration(read_timeout=5e-324).read_timeout)


@pytest.mark.parametrize("name", ["connection_pool_maxsize", "max_response_bytes", "max_event_bytes"])
def test_counts(name: str) -> None:
    assert getattr(Configuration(**{name: 1}), name) == 1
    for value in (0, -1):
        with pytest.raises(ApiValueError, match=f"{name} must be 1 or more"):
            Configuration(**{name: value})
    for wrong in (True, 1.0, "1"):
        with pytest.raises(ApiTypeError, match=name):
            Configuration(**{name: wrong})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        (0, 0),
        (7, 7),
        (False, 0),
        (Retry(3), 3),
        (Retry(0), 0),
        (Retry(False), 0),
        (Retry(total=None, connect=5), None),
    ],
)
def test_retries(given: Any, kept: int | None) -> None:
    assert Configuration(retries=given).retries == kept
    configuration = Configuration()
    configuration.retries = given
    assert configuration.retries == kept
    assert type(configuration.retries) is type(kept)


def test_a_retry_policy_is_kept_as_it_is() -> None:
    class Own:
        def delay(self) -> None: ...

    for policy in (RetryPolicy(retries=1), Own()):
        assert Configuration(retries=policy).retries is policy


def test_retries_that_are_refused() -> None:
    with pytest.raises(ApiValueError, match="retries must be 0 or more"):
        Configuration(retries=-1)
    for wrong in (True, 1.5, "3", object()):
        with pytest.raises(ApiTypeError, match="retries"):
            Configuration(retries=wrong)


@pytest.mark.parametrize("name", ["ssl_ca_cert", "cert_file", "key_file"])
def test_files_must_be_readable(name: str, file: str, tmp_path: Path) -> None:
    assert getattr(Configuration(**{name: file}), name) == file
    assert getattr(Configuration(**{name: Path(file)}), name) == file
    missing = str(tmp_path / "missing.pem")
    for wrong, why in ((missing, "no such file"), (str(tmp_path), "is a directory"), ("a\0b", "null")):
        with pytest.raises(ApiValueError, match=f"^{name}.*{why}") as caught:
            Configuration(**{name: wrong})
        assert wrong in str(caught.value) or why == "null"
    with pytest.raises(ApiTypeError, match=name):
        Configuration(**{name: 5})


@pytest.mark.parametrize(
    "name", ["verify_ssl", "client_side_validation", "ignore_operation_servers", "debug"]
)
def test_flags(name: str) -> None:
    assert getattr(Configuration(**{name: 0}), name) is False
    for wrong in ("false", 2, 0.0, b""):
        with pytest.raises(ApiTypeError, match=f"{name} must be a bool"):
            Configuration(**{name: wrong})
    if name != "debug":
        with pytest.raises(ApiTypeError, match=f"{name} must be a bool, not NoneType"):
            Configuration(**{name: None})


def test_assert_hostname() -> None:
    assert Configuration(assert_hostname=False).assert_hostname is False
    assert Configuration(assert_hostname=True).assert_hostname is None
    with pytest.raises(ApiTypeError, match="assert_hostname"):
        Configuration(assert_hostname=5)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("access_token", 5),
        ("access_token", b"t"),
        ("operator_id", 5),
        ("username", 5),
        ("password", b"p"),
        ("api_key", "k"),
        ("api_key", {"Authorization": 5}),
        ("api_key_prefix", ["x"]),
        ("server_index", "1"),
        ("server_index", True),
        ("server_variables", {"a": 1}),
        ("server_operation_index", [1]),
        ("server_operation_variables", 1),
        ("ca_cert_data", 5),
        ("tls_server_name", 5),
        ("proxy", 5),
        ("no_proxy", ["a"]),
        ("proxy_headers", "x: y"),
        ("proxy_headers", {"x": 5}),
        ("proxy_ssl_context", True),
        ("socket_options", 5),
        ("safe_chars_for_path_param", None),
        ("datetime_format", 5),
        ("date_format", None),
    ],
)
def test_wrong_types_are_refused_in_the_constructor_and_later(name: str, wrong: Any) -> None:
    with pytest.raises(ApiTypeError, match=f"^{name} must"):
        Configuration(**{name: wrong})
    configuration = Configuration()
    before = getattr(configuration, name)
    with pytest.raises(ApiTypeError, match=f"^{name} must"):
        setattr(configuration, name, wrong)
    assert getattr(configuration, name) == before


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("access_token", "SEC\r\nRET"),
        ("access_token", "SECRET\n"),
        ("access_token", "SECRET\u3042"),
        ("operator_id", "SEC\0RET"),
        ("username", "SEC:RET"),
        ("username", "SEC\nRET"),
        ("password", "SECRET\n"),
    ],
)
def test_credentials_that_cannot_be_sent_are_refused_unseen(name: str, wrong: str) -> None:
    with pytest.raises(ApiValueError, match=f"^{name} must") as caught:
        Configuration(**{name: wrong})
    assert "SEC" not in str(caught.value) + repr(caught.value)


def test_other_attributes_are_checked_too() -> None:
    configuration = Configuration()
    for name in ("refresh_api_key_hook", "temp_folder_path"):
        with pytest.raises(ApiTypeError, match=name):
            setattr(configuration, name, 5)
    configuration.api_key = None
    assert configuration.api_key == {}
    configuration.connection_pool_maxsize = None
    assert configuration.connection_pool_maxsize >= 5


# Credentials


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("abc", "Bearer abc"),
        ("  abc ", "Bearer abc"),
        ("Bearer abc", "Bearer abc"),
        ("bearer abc", "bearer abc"),
        ("Basic eDp5", "Basic eDp5"),
        ("Token abc", "Token abc"),
        ("", None),
        (None, None),
    ],
)
def test_authorization_of_a_token(token: str | None, header: str | None) -> None:
    assert Configuration(access_token=token).authorization_header() == header


def test_basic_credentials_are_utf_8() -> None:
    configuration = Configuration(username="Aladdin", password="open sesame")
    assert configuration.authorization_header() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617, section 2
    configuration = Configuration(username="test", password="123\u00a3")
    assert configuration.get_basic_auth_token() == "Basic dGVzdDoxMjPCow=="  # RFC 7617, section 2.1
    assert Configuration().get_basic_auth_token() == "Basic Og=="
    assert Configuration(username="u").authorization_header() == "Basic dTo="


def test_order_of_credentials(environment: SetEnvironment) -> None:
    environment(TACHYON_API_KEY="env")
    configuration = Configuration()
    assert configuration.authorization_header() == "Bearer env"
    configuration.api_key["Authorization"] = "k"
    assert configuration.authorization_header() == "k"
    configuration.api_key_prefix["Authorization"] = "Token"
    assert configuration.authorization_header() == "Token k"
    configuration.username = "u"
    assert configuration.authorization_header() == "Basic dTo="
    configuration.access_token = "mine"
    assert configuration.authorization_header() == "Bearer mine"


def test_api_keys() -> None:
    configuration = Configuration(api_key={"a": "1", "c": ""}, api_key_prefix={"a": "P"})
    assert configuration.get_api_key_with_prefix("a") == "P 1"
    assert configuration.get_api_key_with_prefix("b", alias="a") == "P 1"
    assert configuration.get_api_key_with_prefix("b") is None
    assert configuration.get_api_key_with_prefix("c") is None
    configuration.api_key["Authorization"] = "SEC\nRET"
    with pytest.raises(ApiValueError, match="api_key") as caught:
        configuration.authorization_header()
    assert "SEC" not in str(caught.value)


def test_the_refresh_hook_is_called_before_credentials_are_read() -> None:
    calls = []

    def refresh(configuration: Configuration) -> None:
        calls.append(configuration)
        configuration.api_key["Authorization"] = f"fresh-{len(calls)}"

    configuration = Configuration(api_key={"Authorization": "stale"})
    configuration.refresh_api_key_hook = refresh
    assert configuration.authorization_header() == "fresh-1"
    assert configuration.get_api_key_with_prefix("Authorization") == "fresh-2"
    assert calls == [configuration] * 2


def test_the_contract_has_no_security_schemes() -> None:
    assert Configuration(access_token="t").auth_settings() == {}


# Proxies


def test_the_proxy_of_the_environment_goes_by_the_scheme_of_the_host(environment: SetEnvironment) -> None:
    environment(http_proxy="http://plain:1", HTTPS_PROXY="http://tls:2", NO_PROXY="a,b")
    configuration = Configuration()
    assert configuration.proxy == "http://plain:1"
    assert configuration.no_proxy == "a,b"
    configuration.host = "HTTPS://example.com"
    assert configuration.proxy == "http://tls:2"
    configuration.server_index = 0
    assert configuration.proxy == "http://plain:1"
    environment(http_proxy="http://changed:1")
    configuration.host = "http://example.com"
    assert configuration.proxy == "http://changed:1"
    assert Configuration(no_proxy="c").no_proxy == "c"


def test_all_proxy_applies_to_schemes_without_their_own(environment: SetEnvironment) -> None:
    environment(ALL_PROXY="socks5h://all:1", http_proxy="plain:2")
    assert Configuration(host="https://h").proxy == "socks5h://all:1"
    assert Configuration(host="http://h").proxy == "http://plain:2"


def test_an_explicit_proxy_wins_for_good(environment: SetEnvironment) -> None:
    environment(HTTP_PROXY="http://env:1")
    for given, kept in (("http://mine:2", "http://mine:2"), ("", None)):
        configuration = Configuration(proxy=given)
        assert configuration.proxy == kept
        configuration.host = "http://other"
        assert configuration.proxy == kept
    configuration = Configuration()
    configuration.proxy = None
    configuration.host = "http://other"
    assert configuration.proxy is None


def test_a_wrong_proxy_in_the_environment_is_named(environment: SetEnvironment) -> None:
    environment(HTTP_PROXY="ftp://user:SECRET@h")
    with pytest.raises(ApiValueError, match="http_proxy of the environment must start with") as caught:
        Configuration()
    assert "SECRET" not in str(caught.value)
    assert Configuration(host="https://h").proxy is None


# repr()


def secrets(file: str) -> Configuration:
    return Configuration(
        host="http://h",
        api_key={"Authorization": "SECRET-1"},
        username="someone",
        password="SECRET-2",
        access_token="SECRET-3",
        proxy="http://user:SECRET-4@proxy:1",
        proxy_headers={"Proxy-Authorization": "SECRET-5"},
        operator_id="tn_x",
        ca_cert_data="x" * 100_000,
        ssl_ca_cert=file,
    )


def test_repr_shows_changed_settings_and_no_secrets(file: str) -> None:
    text = repr(secrets(file))
    assert "SECRET" not in text + str(secrets(file)) + f"{secrets(file)}"
    assert text.startswith("Configuration(host='http://h', ")
    for part in (
        "api_key={'Authorization': '<hidden>'}",
        "username='someone'",
        "password=<hidden>",
        "access_token=<hidden>",
        "proxy='http://<hidden>@proxy:1'",
        "proxy_headers={'Proxy-Authorization': '<hidden>'}",
        "operator_id='tn_x'",
        "ca_cert_data=<str, 100000 long>",
    ):
        assert part in text
    assert "verify_ssl" not in text
    assert len(text) < 600


def test_repr_shows_disabled_settings() -> None:
    configuration = Configuration(verify_ssl=False, retries=0, read_timeout=None, connection_pool_maxsize=1)
    assert repr(configuration) == (
        "Configuration(host='http://localhost', retries=0, verify_ssl=False, connection_pool_maxsize=1,"
        " read_timeout=None)"
    )
    assert repr(Configuration()) == "Configuration(host='http://localhost')"


def test_repr_of_values_without_a_length() -> None:
    class Own:
        def delay(self) -> None: ...

        def __repr__(self) -> str:
            return "x" * 1000

    assert len(repr(Configuration(retries=Own()))) < 200


def test_debug_report(file: str) -> None:
    report = secrets(file).to_debug_report()
    assert "SECRET" not in report
    assert report.splitlines()[0] == "Python SDK Debug Report:"
    assert f"OS: {sys.platform}" in report
    assert f"Python Version: {sys.version}" in report
    assert f"Version of the API: {API_VERSION}" in report
    assert report.endswith(f"SDK Package Version: {tachyon_sdk.__version__}")


# Copies, pickles, the default


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        *(
            functools.partial(lambda p, c: pickle.loads(pickle.dumps(c, p)), p)
            for p in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_duplicates_have_the_same_settings(
    duplicate: Callable[[Configuration], Configuration], file: str
) -> None:
    configuration = secrets(file)
    configuration.retries = 3
    twin = duplicate(configuration)
    assert type(twin) is Configuration
    for name in POSITIONAL + KEYWORD_ONLY:
        assert getattr(twin, name) == getattr(configuration, name), name
    twin.host = "http://elsewhere"
    assert configuration.host == "http://h"
    with pytest.raises(ApiValueError):
        twin.retries = -1


def test_deep_copies_share_only_what_cannot_be_copied() -> None:
    class Hook:
        lock = threading.Lock()

        def __call__(self, configuration: Configuration) -> None: ...

        def __deepcopy__(self, memo: Any) -> Any:
            raise AssertionError("must not be copied")

    configuration = Configuration(api_key={"a": "b"}, proxy_ssl_context=ssl.create_default_context())
    configuration.refresh_api_key_hook = Hook()
    twin = copy.deepcopy(configuration)
    twin.api_key["c"] = "d"
    assert configuration.api_key == {"a": "b"}
    assert twin.proxy_ssl_context is configuration.proxy_ssl_context
    assert twin.refresh_api_key_hook is configuration.refresh_api_key_hook
    configuration.mine = configuration
    twin = copy.deepcopy(configuration)
    assert twin.mine is twin


def test_a_duplicate_does_not_look_for_files_again(file: str) -> None:
    configuration = Configuration(ssl_ca_cert=file)
    Path(file).unlink()
    assert pickle.loads(pickle.dumps(configuration)).ssl_ca_cert == file
    assert copy.deepcopy(configuration).ssl_ca_cert == file


def test_a_duplicate_does_not_read_the_environment_again(environment: SetEnvironment) -> None:
    configuration = Configuration()
    environment(TACHYON_API_KEY="key", TACHYON_API_URL="http://other", HTTP_PROXY="http://p:1")
    for twin in (
        copy.copy(configuration),
        copy.deepcopy(configuration),
        pickle.loads(pickle.dumps(configuration)),
    ):
        assert (twin.access_token, twin.host, twin.proxy) == (None, "http://localhost", None)


def test_the_default() -> None:
    try:
        Configuration.set_default(None)
        first = Configuration.get_default()
        assert Configuration.get_default() is first
        assert Configuration.get_default_copy() is first
        mine = Configuration(host="http://mine")
        Configuration.set_default(mine)
        assert Configuration.get_default() is mine
        with pytest.raises(ApiTypeError):
            Configuration.set_default("http://x")
        assert Configuration.get_default() is mine
    finally:
        Configuration.set_default(None)


def test_errors_are_ours() -> None:
    with pytest.raises(OpenApiException):
        Configuration(host="nonsense")


# Cost


def test_importing_and_making_one_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; old = set(sys.modules); from tachyon_sdk.configuration import Configuration;"
        "Configuration(access_token='t').authorization_header(); print(sorted(set(sys.modules) - old))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = ast.literal_eval(done.stdout)
    assert "tachyon_sdk.configuration" in loaded
    heavy = {
        "urllib3",
        "urllib.request",
        "http.client",
        "multiprocessing",
        "ssl",
        "inspect",
        "dataclasses",
        "pydantic",
    }
    assert not heavy & set(loaded)
