"""Real proxies, started once for all tests that need them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.proxies import HttpProxies, SocksProxies, http_proxies, socks_proxies


@pytest.fixture(scope="session")
def running_http() -> Iterator[HttpProxies]:
    with http_proxies() as running:
        yield running


@pytest.fixture
def http(running_http: HttpProxies) -> HttpProxies:
    running_http.forget()
    return running_http


@pytest.fixture(scope="session")
def socks() -> Iterator[SocksProxies]:
    with socks_proxies() as running:
        yield running
