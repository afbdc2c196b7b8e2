"""SOCKS proxies, with real ones; what all proxies have in common is in test_proxies.py."""

from __future__ import annotations

import sys

import pytest

from support.chat import ANSWER, ask, chat, failure
from support.proxies import NAME_FOR_PROXIES, SECRETS, SOCKS_SCHEMES, USER, SocksProxies, target
from support.raw_server import RawServer, closed_port
from tachyon_sdk.exceptions import ApiValueError, ConnectionException


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("socks_scheme", SOCKS_SCHEMES)
def test_a_call_through_a_socks_proxy(socks: SocksProxies, scheme: str, socks_scheme: str) -> None:
    with target(scheme, ANSWER, ANSWER) as (server, settings):
        with chat(server.url, proxy=socks.url(socks_scheme), **settings) as api:
            assert ask(api) == "Hello"
            assert ask(api) == "Hello"
        assert server.connections == 1
    assert socks.asked_for[-1] == ("127.0.0.1", server.port)


def test_a_proxy_without_credentials(socks: SocksProxies) -> None:
    with RawServer([ANSWER]) as server:
        with chat(server.url, proxy=f"socks5://{socks.socks5}") as api:
            assert ask(api) == "Hello"
    assert socks.asked_for[-1] == ("127.0.0.1", server.port)


@pytest.mark.parametrize("socks_scheme", ["socks5h", "socks4a"])
def test_names_that_the_proxy_resolves(socks: SocksProxies, socks_scheme: str) -> None:
    with RawServer([ANSWER]) as server:
        with chat(f"http://{NAME_FOR_PROXIES}:{server.port}", proxy=socks.url(socks_scheme)) as api:
            assert ask(api) == "Hello"
        assert server.requests[0].get("Host") == f"{NAME_FOR_PROXIES}:{server.port}"
    assert socks.asked_for[-1] == (NAME_FOR_PROXIES, server.port)


@pytest.mark.parametrize("socks_scheme", ["socks5", "socks4"])
def test_names_that_the_client_resolves(socks: SocksProxies, socks_scheme: str) -> None:
    with RawServer([]) as server:
        error = failure(
            f"http://{NAME_FOR_PROXIES}:{server.port}", *SECRETS, proxy=socks.url(socks_scheme), retries=0
        )
        assert server.connections == 0
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert NAME_FOR_PROXIES in str(error)


@pytest.mark.parametrize("user_info", ["", f"{USER}:wrong-word@", "wrong-user:wrong-word@"])
def test_a_socks_5_proxy_that_refuses_the_credentials(socks: SocksProxies, user_info: str) -> None:
    with RawServer([]) as server:
        proxy = f"socks5h://{user_info}{socks.socks5_with_credentials}"
        error = failure(server.url, "wrong-word", proxy=proxy)
        assert server.connections == 0
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 1
    assert "authentication" in str(error)
    assert f"proxy {socks.socks5_with_credentials}" in str(error)


def test_a_socks_4_proxy_that_refuses_the_user(socks: SocksProxies) -> None:
    with RawServer([]) as server:
        error = failure(server.url, proxy=f"socks4://wrong-user@{socks.socks4}")
        assert server.connections == 0
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert f"proxy {socks.socks4}" in str(error)


@pytest.mark.parametrize("socks_scheme", ["socks5", "socks4"])
def test_a_proxy_that_does_not_reach_the_server(socks: SocksProxies, socks_scheme: str) -> None:
    host = f"http://127.0.0.1:{closed_port()}"
    error = failure(host, *SECRETS, proxy=socks.url(socks_scheme))
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 3
    assert host in str(error)


def test_a_socks_proxy_without_the_package_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    monkeypatch.setitem(sys.modules, "socks", None)  # lets its import fail
    with chat("http://far.example", proxy=f"socks5://{USER}:secret@127.0.0.1:1") as api:
        with pytest.raises(
            ApiValueError, match="extra 'socks' of tachyon-chat-sdk: PySocks is not"
        ) as caught:
            ask(api)
    assert "secret" not in str(caught.value)
