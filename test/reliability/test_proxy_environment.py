"""The proxy of the environment: which request goes through it, and which does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.chat import ANSWER, ask, chat, failure
from support.proxies import NAME_FOR_PROXIES, HttpProxies, SocksProxies
from support.raw_server import RawServer, closed_port
from support.tls_server import TlsServer
from tachyon_sdk.exceptions import ConnectionException

SetEnvironment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    def set_environment(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_environment


def goes_to_the_proxy(environment: SetEnvironment, no_proxy: str | None = None, **variables: str) -> bool:
    """Whether a call goes through a proxy, where {proxy} in a variable is that, and {port} the server's port."""
    # A proxy that sends the response itself, as if it came from the server.
    with RawServer([ANSWER]) as proxy, RawServer([ANSWER]) as server:
        places = {"proxy": f"127.0.0.1:{proxy.port}", "port": server.port}
        environment(**{name: value.format(**places) for name, value in variables.items()})
        settings: dict[str, Any] = {} if no_proxy is None else {"no_proxy": no_proxy.format(**places)}
        with chat(server.url, **settings) as api:
            assert ask(api) == "Hello"
        assert len(proxy.requests) + len(server.requests) == 1
        if proxy.requests:
            assert proxy.requests[0].target == f"{server.url}/v1/llms/chat/completions"
        return bool(proxy.requests)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("value", ["http://{proxy}", "http://{proxy}/", "{proxy}"])
def test_a_proxy_of_the_environment(environment: SetEnvironment, name: str, value: str) -> None:
    assert goes_to_the_proxy(environment, **{name: value})


def test_lower_case_comes_before_upper_case(environment: SetEnvironment) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    assert goes_to_the_proxy(environment, http_proxy="http://{proxy}", HTTP_PROXY=nobody)


def test_the_proxy_of_the_scheme_comes_before_that_for_all(environment: SetEnvironment) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    assert goes_to_the_proxy(environment, HTTP_PROXY="http://{proxy}", ALL_PROXY=nobody, HTTPS_PROXY=nobody)


def test_the_proxy_of_another_scheme_is_not_used(environment: SetEnvironment) -> None:
    assert not goes_to_the_proxy(environment, HTTPS_PROXY="http://{proxy}")


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_tunnel_through_the_proxy_of_the_environment(
    environment: SetEnvironment, http: HttpProxies, name: str
) -> None:
    environment(**{name: http.url})
    with TlsServer([ANSWER]) as server, chat(server.url, ssl_ca_cert=server.ca_file) as api:
        assert ask(api) == "Hello"
    assert [seen.method for seen in http.seen(server.port)] == ["CONNECT"]


def test_a_socks_proxy_of_the_environment(environment: SetEnvironment, socks: SocksProxies) -> None:
    environment(ALL_PROXY=socks.url("socks5h"))
    with RawServer([ANSWER]) as server, chat(f"http://{NAME_FOR_PROXIES}:{server.port}") as api:
        assert ask(api) == "Hello"
    assert socks.asked_for[-1] == (NAME_FOR_PROXIES, server.port)


def test_a_socks_proxy_without_a_version(environment: SetEnvironment, socks: SocksProxies) -> None:
    environment(ALL_PROXY=f"socks://{socks.socks5}/")
    with RawServer([ANSWER]) as server, chat(server.url) as api:
        assert ask(api) == "Hello"
    assert socks.asked_for[-1] == ("127.0.0.1", server.port)


@pytest.mark.parametrize("given", ["variable", "setting"])
@pytest.mark.parametrize(
    ("no_proxy", "through_it"),
    [
        ("", True),
        ("127.0.0.1", False),
        ("127.0.0.1:{port}", False),
        ("127.0.0.1:1", True),
        ("*", False),
        ("elsewhere.example, 127.0.0.1", False),
        ("elsewhere.example,other.example", True),
        # Names are compared from their end, at a dot; so are addresses.
        ("0.0.1", False),
        (".0.0.1", False),
        ("27.0.0.1", True),
        ("127.0.0", True),
        ("127.0.0.0/8", False),
        ("10.0.0.0/8", True),
    ],
)
def test_hosts_without_proxy(
    environment: SetEnvironment, given: str, no_proxy: str, through_it: bool
) -> None:
    if given == "variable":
        variables = {"NO_PROXY": no_proxy, "HTTP_PROXY": "http://{proxy}"}
        assert goes_to_the_proxy(environment, **variables) is through_it
    else:
        assert goes_to_the_proxy(environment, no_proxy, HTTP_PROXY="http://{proxy}") is through_it


@pytest.mark.parametrize("no_proxy", ["LOCALHOST", "localhost", ".localhost", "localhost:{port}"])
def test_the_case_of_hosts_without_proxy_does_not_matter(environment: SetEnvironment, no_proxy: str) -> None:
    with RawServer([]) as proxy, RawServer([ANSWER]) as server:
        environment(http_proxy=proxy.url, no_proxy=no_proxy.format(port=server.port))
        with chat(f"http://LocalHost:{server.port}") as api:
            assert ask(api) == "Hello"


def test_hosts_without_proxy_hold_for_a_proxy_that_is_set_as_well(environment: SetEnvironment) -> None:
    with RawServer([]) as proxy, RawServer([ANSWER]) as server:
        environment(NO_PROXY="127.0.0.1")
        with chat(server.url, proxy=proxy.url) as api:
            assert ask(api) == "Hello"


def test_no_proxy_at_all(environment: SetEnvironment) -> None:
    with RawServer([]) as proxy, RawServer([ANSWER]) as server:
        environment(HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url)
        with chat(server.url, proxy="") as api:
            assert ask(api) == "Hello"


def test_the_password_of_a_proxy_of_the_environment_is_not_shown(environment: SetEnvironment) -> None:
    environment(HTTP_PROXY=f"http://user:very-secret@127.0.0.1:{closed_port()}")
    error = failure("http://127.0.0.1:1", "very-secret")
    assert type(error) is ConnectionException
