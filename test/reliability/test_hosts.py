"""Several hosts with one client: the proxy, the TLS settings and the warnings of each are its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

from support.chat import ANSWER, BODY, OPERATOR, TOKEN, ask
from support.proxies import HttpProxies
from support.raw_server import Connection, RawServer
from support.tls_server import TlsServer
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.configuration import HostSetting
from tachyon_sdk.exceptions import ApiValueError


class Hosts(Configuration):
    """A configuration whose hosts are these."""

    def __init__(self, *urls: str, **settings: Any) -> None:
        self.urls = urls
        super().__init__(host=urls[0], access_token=TOKEN, operator_id=OPERATOR, **settings)

    def get_host_settings(self) -> list[HostSetting]:
        return [{"url": url, "description": ""} for url in self.urls]


def by_host(api: ChatApi, number: int) -> str | None:
    configuration = api.api_client.configuration
    configuration.host = configuration.get_host_settings()[number]["url"]
    return ask(api)


def by_server_index(api: ChatApi, number: int) -> str | None:
    api.api_client.configuration.server_index = number
    return ask(api)


def by_host_index(api: ChatApi, number: int) -> str | None:
    # 0 is the host of the configuration.
    return api.chat_completion(chat_completion_request=BODY, _host_index=number).text


Ask = Callable[[ChatApi, int], "str | None"]
each_way_to_choose = pytest.mark.parametrize("ask_host", [by_host, by_server_index, by_host_index])


def keep_answering(connection: Connection) -> None:
    while True:
        connection.read_request()
        connection.send(ANSWER)


@each_way_to_choose
@pytest.mark.parametrize("first", ["through the proxy", "past the proxy"])
def test_no_proxy_holds_for_each_host(ask_host: Ask, first: str) -> None:
    with RawServer([ANSWER]) as proxy, RawServer([ANSWER]) as server:
        urls = ["http://far.example", server.url]
        if first == "past the proxy":
            urls.reverse()
        settings = Hosts(*urls, proxy=proxy.url, no_proxy="127.0.0.1")
        with ApiClient(settings) as client:
            assert [ask_host(ChatApi(client), number) for number in (0, 1)] == ["Hello", "Hello"]
        assert [request.target.partition("/v1")[0] for request in proxy.requests] == ["http://far.example"]
        assert len(server.requests) == 1


@each_way_to_choose
@pytest.mark.parametrize("first", ["http", "https"])
def test_the_proxy_of_the_environment_is_that_for_the_scheme_of_each_host(
    ask_host: Ask, first: str, http: HttpProxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", http.url)
    with RawServer([ANSWER]) as plain, TlsServer([ANSWER]) as secure:
        urls = [plain.url, secure.url] if first == "http" else [secure.url, plain.url]
        with ApiClient(Hosts(*urls, ssl_ca_cert=secure.ca_file)) as client:
            assert [ask_host(ChatApi(client), number) for number in (0, 1)] == ["Hello", "Hello"]
    assert (len(http.seen(plain.port)), len(http.seen(secure.port))) == (0, 1)


@each_way_to_choose
def test_a_proxy_that_cannot_be_used_is_an_error_for_the_hosts_that_need_it(
    ask_host: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "ftp://user:secret@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with RawServer(handler=keep_answering) as server:
        with ApiClient(Hosts(server.url, "http://far.example")) as client:
            api = ChatApi(client)
            assert ask_host(api, 0) == "Hello"
            with pytest.raises(
                ApiValueError, match="http_proxy of the environment must start with"
            ) as caught:
                ask_host(api, 1)
            assert ask_host(api, 0) == "Hello"
    assert "secret" not in str(caught.value)


def test_the_tls_settings_are_read_when_a_host_is_first_used() -> None:
    with TlsServer([ANSWER]) as one, TlsServer([ANSWER]) as other:
        settings = Hosts(one.url, ssl_ca_cert=one.ca_file)
        with ApiClient(settings) as client:
            assert ask(ChatApi(client)) == "Hello"
            settings.host, settings.ssl_ca_cert = other.url, other.ca_file
            assert ask(ChatApi(client)) == "Hello"


@each_way_to_choose
def test_no_verification_warns_once_for_each_host(ask_host: Ask) -> None:
    with (
        RawServer(handler=keep_answering) as plain,
        TlsServer(handler=keep_answering) as one,
        TlsServer(handler=keep_answering) as other,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        with ApiClient(Hosts(plain.url, one.url, other.url, verify_ssl=False)) as client:
            for _ in range(2):
                for number in (0, 1, 2):
                    assert ask_host(ChatApi(client), number) == "Hello"
                client.close()
    assert [warning.category for warning in caught] == [InsecureRequestWarning] * 2
    for warning, server in zip(caught, (one, other), strict=True):
        assert f"certificate of {server.url} is not verified" in str(warning.message)


def test_connections_to_many_hosts_are_kept_and_closed_with_the_client() -> None:
    # urllib3 keeps the pools of ten hosts.
    with ExitStack() as stack:
        servers = [stack.enter_context(RawServer(handler=keep_answering)) for _ in range(12)]
        held = []  # streams that have ended; each refers to the pool that it came from
        with ApiClient(Hosts(*(server.url for server in servers))) as client:
            for number in (*range(12), *range(12)):
                client.configuration.server_index = number
                held.append(ChatApi(client).chat_completion_stream(chat_completion_request=BODY))
                assert held[-1].collect().text == "Hello"
        for server in servers:
            server.wait_ended(1)
            assert (server.connections, len(server.requests)) == (1, 2)
