"""HTTP proxies, with real ones: one that wants credentials, and one that is spoken to over TLS."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.chat import ANSWER, OPERATOR, TOKEN, ask, chat, failure
from support.proxies import (
    PASSWORD,
    SECRETS,
    SOCKS_SCHEMES,
    USER,
    USER_INFO,
    HttpProxies,
    SocksProxies,
    target,
)
from support.raw_server import CLOSE, Connection, RawServer, closed_port, http_response
from support.tls_server import TlsServer
from tachyon_sdk.exceptions import ApiException, ApiValueError, ConnectionException, TimeoutException

SCHEMES = ["http", "https"]
PROXY_SCHEMES = ["http", "https", *SOCKS_SCHEMES]


# --- calls


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_call_through_a_proxy_that_wants_credentials(http: HttpProxies, scheme: str) -> None:
    with target(scheme, ANSWER, ANSWER) as (server, settings):
        with chat(server.url, proxy=http.url, **settings) as api:
            assert ask(api) == "Hello"
            assert ask(api) == "Hello"
        assert server.connections == 1
    (seen,) = http.seen(server.port)
    assert seen.method == ("CONNECT" if scheme == "https" else "POST")
    request = server.requests[0]
    assert request.target == "/v1/llms/chat/completions"
    assert request.get("Authorization") == f"Bearer {TOKEN}"
    assert request.get("x-operator-id") == OPERATOR
    assert request.get("Proxy-Authorization") is None


@pytest.mark.parametrize("scheme", SCHEMES)
def test_credentials_in_the_headers_for_the_proxy(http: HttpProxies, scheme: str) -> None:
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Proxy-Authorization": f"Basic {credentials}", "X-For-The-Proxy": "1"}
    with target(scheme, ANSWER) as (server, settings):
        with chat(server.url, proxy=f"http://{http.address}", proxy_headers=headers, **settings) as api:
            assert ask(api) == "Hello"
        assert server.requests[0].get("Proxy-Authorization") is None
    assert http.seen(server.port)[0].headers["x-for-the-proxy"] == "1"


def test_credentials_beyond_ascii_are_sent_as_utf_8() -> None:
    with RawServer([ANSWER]) as proxy:
        user_info = "%E6%97%A5:p%E6%9C%AC"
        with chat("http://far.example", proxy=proxy.url.replace("//", f"//{user_info}@")) as api:
            assert ask(api) == "Hello"
    credentials = base64.b64encode("日:p本".encode()).decode()
    assert proxy.requests[0].get("Proxy-Authorization") == f"Basic {credentials}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_proxy_that_is_spoken_to_over_tls(http: HttpProxies, scheme: str) -> None:
    with target(scheme, ANSWER, ANSWER) as (server, settings):
        with chat(server.url, **http.over_tls, **settings) as api:
            assert ask(api) == "Hello"
            assert ask(api) == "Hello"
        assert server.connections == 1
    assert len(http.seen(server.port)) == 1


@pytest.mark.parametrize(
    "names",
    [{"assert_hostname": "far.example"}, {"tls_server_name": "far.example"}, {"assert_hostname": False}],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_names_for_the_server_do_not_hold_for_a_proxy_over_tls(
    http: HttpProxies, scheme: str, names: dict[str, Any]
) -> None:
    if scheme == "http":
        with RawServer([ANSWER]) as server, chat(server.url, **http.over_tls, **names) as api:
            assert ask(api) == "Hello"
    else:
        with TlsServer([ANSWER], hostnames=["far.example"]) as tls_server:
            settings = {"ssl_ca_cert": tls_server.ca_file, **http.over_tls, **names}
            with chat(tls_server.url, **settings) as api:
                assert ask(api) == "Hello"


def test_the_proxy_of_a_tunnel_sees_nothing_of_the_call() -> None:
    beginnings = []

    def tunnel(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        beginnings.append(connection.socket.recv(65536))

    with RawServer(handler=tunnel) as proxy:
        failure("https://far.example", proxy=proxy.url.replace("//", f"//{USER_INFO}"), retries=0)
    (request,) = proxy.requests
    assert (request.method, request.target) == ("CONNECT", "far.example:443")
    assert {name.lower() for name, _ in request.headers} <= {"host", "proxy-authorization"}
    (beginning,) = beginnings
    assert beginning[:1] == b"\x16"  # a TLS handshake
    for secret in (TOKEN, OPERATOR):
        assert secret.encode() not in request.raw + beginning


# --- refusals


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("user_info", ["", f"{USER}:wrong-word@", "wrong-user:wrong-word@"])
def test_a_proxy_that_refuses_the_credentials(http: HttpProxies, scheme: str, user_info: str) -> None:
    with target(scheme) as (server, settings):
        proxy = f"http://{user_info}{http.address}"
        error = failure(server.url, "wrong-word", user_info.strip("@") or PASSWORD, proxy=proxy, **settings)
        assert server.connections == 0
    assert error.attempts == 1
    assert "407" in str(error)
    assert "proxy" in str(error).lower()
    if scheme == "https":
        assert type(error) is ConnectionException
        assert not error.request_sent
        assert http.address in str(error)
    else:  # the proxy answers in place of the server
        assert type(error) is ApiException
        assert error.status == 407


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_proxy_that_does_not_reach_the_server(http: HttpProxies, scheme: str) -> None:
    error = failure(f"{scheme}://127.0.0.1:{closed_port()}", *SECRETS, proxy=http.url)
    assert error.attempts == 3
    assert "502" in str(error)
    if scheme == "https":
        assert type(error) is ConnectionException
        assert not error.request_sent
        assert http.address in str(error)
    else:
        assert error.status == 502


@pytest.mark.parametrize(
    "answer", [http_response(403, body="no"), http_response(302, {"Location": "/login"})]
)
def test_a_proxy_that_makes_no_tunnel(answer: bytes) -> None:
    with RawServer([answer] * 3) as proxy:
        error = failure("https://far.example", proxy=proxy.url)
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert answer[9:12].decode() in str(error)
    assert f"proxy 127.0.0.1:{proxy.port}" in str(error)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "header",
    [("X-One", "secret\r\nX-Two: b"), ("X-One", "secret\0"), ("X-One", "secret日本"), ("X-One\n", "secret")],
)
def test_headers_for_the_proxy_that_cannot_be_sent(scheme: str, header: tuple[str, str]) -> None:
    with RawServer([[CLOSE]]) as proxy:
        with pytest.raises(ApiValueError) as caught:
            settings: dict[str, Any] = {"proxy_headers": dict([header]), "retries": 0}
            with chat(f"{scheme}://far.example", proxy=proxy.url, **settings) as api:
                ask(api)
        assert proxy.requests == []
    assert "secret" not in str(caught.value)


# --- proxies that cannot be used


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("proxy_scheme", PROXY_SCHEMES)
def test_a_proxy_that_is_down(scheme: str, proxy_scheme: str) -> None:
    address = f"127.0.0.1:{closed_port()}"
    error = failure(f"{scheme}://127.0.0.1:1", *SECRETS, proxy=f"{proxy_scheme}://{USER_INFO}{address}")
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 3
    assert f"proxy {address}" in str(error)
    assert "Connection refused" in str(error)


@pytest.mark.parametrize("proxy_scheme", ["http", "socks5"])
def test_a_proxy_whose_name_does_not_resolve(proxy_scheme: str) -> None:
    address = "nonexistent.invalid:3128"
    proxy = f"{proxy_scheme}://{USER_INFO}{address}"
    error = failure("https://127.0.0.1:1", *SECRETS, proxy=proxy, retries=0)
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert f"proxy {address}" in str(error)


@pytest.mark.parametrize("proxy_scheme", PROXY_SCHEMES)
def test_a_proxy_that_does_not_respond(proxy_scheme: str) -> None:
    with RawServer() as proxy:
        address = f"127.0.0.1:{proxy.port}"
        url = f"{proxy_scheme}://{USER_INFO}{address}"
        error = failure("https://127.0.0.1:1", *SECRETS, proxy=url, connect_timeout=0.2, retries=0)
        proxy.wait_ended(1)
    assert type(error) is TimeoutException
    assert not error.request_sent
    assert "read timeout" not in str(error)
    assert f"proxy {address}" in str(error)


@pytest.mark.parametrize("proxy_scheme", PROXY_SCHEMES)
def test_a_proxy_that_is_none(proxy_scheme: str) -> None:
    def greet(connection: Connection) -> None:
        connection.send(b"SSH-2.0-OpenSSH_9\r\n")
        connection.await_close()

    with RawServer(handler=greet) as proxy:
        address = f"127.0.0.1:{proxy.port}"
        url = f"{proxy_scheme}://{USER_INFO}{address}"
        error = failure("https://127.0.0.1:1", *SECRETS, proxy=url, retries=0)
        proxy.wait_ended(1)
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert f"proxy {address}" in str(error)


# --- certificates


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_certificate_of_a_proxy_that_is_not_accepted(http: HttpProxies, scheme: str) -> None:
    with target(scheme) as (server, settings):
        error = failure(server.url, proxy=http.over_tls["proxy"], **settings)
        assert server.connections == 0
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 1
    assert f"proxy {http.tls_address}" in str(error)
    assert "certificate" in str(error)


@pytest.mark.parametrize("kind", ["http", "https", "socks"])
def test_the_certificate_of_a_server_behind_a_proxy_that_is_not_accepted(
    http: HttpProxies, socks: SocksProxies, kind: str
) -> None:
    ways = {"http": {"proxy": http.url}, "https": http.over_tls, "socks": {"proxy": socks.url("socks5h")}}
    with TlsServer([]) as server:
        error = failure(f"https://localhost:{server.port}", *SECRETS, **ways[kind])
        assert server.requests == []
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 1
    assert "certificate of localhost" in str(error)
