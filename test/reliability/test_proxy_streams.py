"""Streams through each kind of proxy, and what proxies leave behind: nothing in logs, no open connections."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from support.chat import ANSWER, BODY, STREAM, TOKEN, ask, assert_hidden, chat, failure
from support.proxies import SECRETS, USER_INFO, HttpProxies, SocksProxies, target
from support.raw_server import AWAIT_CLOSE, CLOSE, Gate, RawServer, closed_port, framed, lock_step
from support.readers import Reader, wait_until_blocked
from support.tls_server import TlsServer
from tachyon_sdk.exceptions import StreamTruncatedException

HEAD, FIRST, *MORE = framed(STREAM, "chunked")
# The kind of proxy, and the scheme of the server.
WAYS = [(kind, scheme) for kind in ("http", "tls", "socks") for scheme in ("http", "https")]


@contextmanager
def through(
    kind: str, scheme: str, http: HttpProxies, socks: SocksProxies, *responses: Any
) -> Iterator[tuple[RawServer, dict[str, Any]]]:
    """A server, and the settings to reach it through such a proxy."""
    ways = {"http": {"proxy": http.url}, "tls": http.over_tls, "socks": {"proxy": socks.url("socks5")}}
    with target(scheme, *responses) as (server, settings):
        yield server, {**settings, **ways[kind]}


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_events_are_handed_over_the_moment_they_arrive(
    http: HttpProxies, socks: SocksProxies, kind: str, scheme: str
) -> None:
    gate = Gate()
    steps = lock_step([HEAD, FIRST, *MORE], gate)
    with through(kind, scheme, http, socks, steps, ANSWER) as (server, settings):
        with chat(server.url, **settings) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            for text in ("one", "two", "three"):
                gate.open()
                assert next(stream).choices[0].delta.content == text
            gate.open(2)
            assert list(stream) == []
            assert ask(api) == "Hello"


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_a_stream_that_is_cut(http: HttpProxies, socks: SocksProxies, kind: str, scheme: str) -> None:
    gate = Gate()
    with through(kind, scheme, http, socks, [HEAD + FIRST, gate, CLOSE]) as (server, settings):
        with chat(server.url, **settings) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            assert next(stream).choices[0].delta.content == "one"
            gate.open()
            with pytest.raises(StreamTruncatedException) as caught:
                next(stream)
        assert server.connections == 1
    assert caught.value.partial.choices[0].delta.content == "one"
    assert_hidden(caught.value, TOKEN, *SECRETS)


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_a_stream_that_is_left_early_closes_its_connection(
    http: HttpProxies, socks: SocksProxies, kind: str, scheme: str
) -> None:
    with through(kind, scheme, http, socks, [HEAD + FIRST, AWAIT_CLOSE]) as (server, settings):
        with chat(server.url, **settings) as api:
            with api.chat_completion_stream(chat_completion_request=BODY) as stream:
                next(stream)
            server.wait_ended(1)


@pytest.mark.parametrize(("kind", "scheme"), WAYS)
def test_a_stream_that_another_thread_closes(
    http: HttpProxies, socks: SocksProxies, kind: str, scheme: str
) -> None:
    with through(kind, scheme, http, socks, [HEAD + FIRST, AWAIT_CLOSE], ANSWER) as (server, settings):
        with chat(server.url, **settings) as api:
            stream = api.chat_completion_stream(chat_completion_request=BODY)
            assert next(stream).choices[0].delta.content == "one"
            reader = Reader(stream, Reader.each)
            wait_until_blocked(reader)
            stream.close()
            error = reader.ended()
            assert error is None or isinstance(error, StreamTruncatedException)
            assert reader.chunks == []
            server.wait_ended(1)
            assert ask(api) == "Hello"
            assert server.connections == 2


def test_nothing_of_the_credentials_is_logged(
    http: HttpProxies, socks: SocksProxies, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for kind, scheme in WAYS:
        with through(kind, scheme, http, socks, ANSWER) as (server, settings):
            with chat(server.url, **settings) as api:
                assert ask(api) == "Hello"
    for proxy_scheme in ("http", "socks5"):
        proxy = f"{proxy_scheme}://{USER_INFO}127.0.0.1:{closed_port()}"
        failure("https://127.0.0.1:1", *SECRETS, proxy=proxy)
    assert {"tachyon_sdk", "urllib3.connectionpool", "socks"} <= {record.name for record in caplog.records}
    for secret in (*SECRETS, USER_INFO, TOKEN):
        assert secret not in caplog.text


PROGRAM = """
import json, ssl, sys
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration

proxy_ca_pem, body, cases = json.load(sys.stdin)
context = ssl.create_default_context(cadata=proxy_ca_pem)
credentials = {"access_token": "x", "operator_id": "x"}
for host, ca_pem, proxy, wrong_proxy in cases:
    configuration = Configuration(
        host, **credentials, retries=0, ca_cert_data=ca_pem, proxy=proxy, proxy_ssl_context=context
    )
    with ApiClient(configuration) as client:
        api = ChatApi(client)
        answer = api.chat_completion(chat_completion_request=body)
        assert answer.choices[0].delta.content == "Hello"
        with api.chat_completion_stream(chat_completion_request=body) as stream:
            assert "".join(stream.text) == "onetwothree"
        with api.chat_completion_stream(chat_completion_request=body) as stream:
            next(stream)
        stream = api.chat_completion_stream(chat_completion_request=body)
        next(stream)
        del stream
    configuration.proxy = wrong_proxy
    with ApiClient(configuration) as client:
        try:
            ChatApi(client).chat_completion(chat_completion_request=body)
        except ApiException:
            print("refused")
    configuration.proxy = proxy
    never_closed = ChatApi(ApiClient(configuration))
    never_closed.chat_completion(chat_completion_request=body)
"""


def test_a_program_ends_without_a_warning(http: HttpProxies, socks: SocksProxies) -> None:
    left_early = [HEAD + FIRST, AWAIT_CLOSE]
    responses = [ANSWER, STREAM, left_early, left_early, ANSWER]
    cases = []
    with ExitStack() as stack:
        for kind in ("http", "tls", "socks"):
            running = through(kind, "https", http, socks, *responses)
            server, settings = stack.enter_context(running)
            assert isinstance(server, TlsServer)
            proxy = settings["proxy"]
            wrong = proxy.replace(USER_INFO, "wrong:wrong@").replace("https:", "http:")
            cases.append([server.url, server.ca_pem, proxy, wrong])
        given = json.dumps([http.tls_ca_pem, BODY, cases])
        command = [sys.executable, "-W", "error", "-c", PROGRAM]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "refused\n" * 3
