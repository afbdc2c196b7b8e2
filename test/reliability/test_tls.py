"""TLS, with real servers and an authority made for each test: who is trusted, and how it fails."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from urllib3.exceptions import InsecureRequestWarning

from support.chat import ANSWER, BODY, STREAM, ask, chat, failure
from support.raw_server import Connection, RawServer
from support.tls_server import TlsServer
from tachyon_sdk.exceptions import (
    ApiValueError,
    ConnectionException,
    TimeoutException,
)

Configure = Callable[[ssl.SSLContext, trustme.CA], object]


def tls_url(server: RawServer) -> str:
    """The URL of a server as if it spoke TLS."""
    return server.url.replace("http:", "https:")


# --- certificates that are not accepted


def expired(context: ssl.SSLContext, authority: trustme.CA) -> None:
    not_after = datetime(2020, 1, 1, tzinfo=timezone.utc)
    authority.issue_cert("127.0.0.1", not_after=not_after).configure_cert(context)


def not_yet_valid(context: ssl.SSLContext, authority: trustme.CA) -> None:
    not_before, not_after = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2100, 2101))
    leaf = authority.issue_cert("127.0.0.1", not_before=not_before, not_after=not_after)
    leaf.configure_cert(context)


def self_signed(context: ssl.SSLContext, authority: trustme.CA) -> None:
    with authority.cert_pem.tempfile() as certificate, authority.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)


def without_its_intermediate(context: ssl.SSLContext, authority: trustme.CA) -> None:
    leaf = authority.create_child_ca().issue_cert("127.0.0.1")
    with leaf.cert_chain_pems[0].tempfile() as certificate, leaf.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)


def assert_not_accepted(error: Any, server: TlsServer, why: str) -> None:
    """The error of a certificate; a second attempt would end in the same way, so there was none."""
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == server.connections == 1
    assert server.requests == []
    assert "certificate" in str(error)
    assert why in str(error)
    assert server.url in str(error)


@pytest.mark.parametrize(
    ("configure", "why"), [(None, "unable to get local issuer certificate"), (self_signed, "self")]
)
def test_a_certificate_that_nobody_vouches_for(configure: Configure | None, why: str) -> None:
    with TlsServer([], configure=configure) as server:
        assert_not_accepted(failure(server.url), server, why)


@pytest.mark.parametrize(
    ("configure", "why"),
    [
        (expired, "certificate has expired"),
        (not_yet_valid, "certificate is not yet valid"),
        (without_its_intermediate, "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_its_authority_cannot_vouch_for(configure: Configure, why: str) -> None:
    with TlsServer([], configure=configure) as server:
        assert_not_accepted(failure(server.url, ssl_ca_cert=server.ca_file), server, why)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "127.0.0.1"),
        ({"tls_server_name": "third.example"}, "third.example"),
        ({"assert_hostname": "third.example"}, "third.example"),
    ],
    ids=["host", "tls_server_name", "assert_hostname"],
)
def test_a_certificate_for_another_name(settings: dict[str, Any], name: str) -> None:
    with TlsServer([], hostnames=["elsewhere.example"]) as server:
        error = failure(server.url, ssl_ca_cert=server.ca_file, **settings)
        assert_not_accepted(error, server, f"'{name}'")


# --- no TLS


# Each reads what the client says first: a connection that ends while the client still has to speak may also be
# reported as reset, and Python 3.10 and 3.11 leave a socket open if it ends before they begin.


def answer_in_plain_text(connection: Connection) -> None:
    connection.socket.recv(65536)
    connection.send(ANSWER)
    connection.await_close()


def end(connection: Connection) -> None:
    connection.socket.recv(65536)
    connection.close()


def reset(connection: Connection) -> None:
    connection.socket.recv(65536)
    connection.reset()


@pytest.mark.parametrize(
    ("handler", "why"),
    [(answer_in_plain_text, "TLS"), (end, "TLS"), (reset, "Connection reset by peer")],
)
def test_a_handshake_that_fails_is_tried_again(handler: Any, why: str) -> None:
    with RawServer(handler=handler) as server:
        url = tls_url(server)
        error = failure(url)
        assert server.connections == 3
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert error.attempts == 3
    assert why in str(error)
    assert url in str(error)


def test_a_handshake_that_is_not_answered() -> None:
    with RawServer() as server:
        url = tls_url(server)
        error = failure(url, connect_timeout=0.2, retries=0)
        server.wait_ended(1)
    assert type(error) is TimeoutException
    assert not error.request_sent
    assert "read timeout" not in str(error)
    assert url in str(error)


def test_a_version_of_tls_that_is_too_old() -> None:
    def old(context: ssl.SSLContext, authority: trustme.CA) -> None:
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # what the old versions need is not secure any more
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = ssl.TLSVersion.TLSv1_1

    with TlsServer([], configure=old) as server:
        error = failure(server.url, ssl_ca_cert=server.ca_file, retries=0)
        server.wait_ended(1)
        assert server.requests == []
    assert type(error) is ConnectionException
    assert not error.request_sent
    assert "TLS" in str(error)
    assert server.url in str(error)


def test_a_server_that_speaks_tls_is_not_reached_without() -> None:
    with TlsServer([]) as server:
        error = failure(server.url.replace("https:", "http:"))
        server.wait_ended(1)
        assert server.requests == []
    assert type(error) is ConnectionException
    assert error.attempts == 1


# --- an authority and certificates of one's own


@pytest.mark.parametrize("given", ["file", "path", "text", "bytes"])
def test_an_authority_of_ones_own(given: str) -> None:
    with TlsServer([ANSWER]) as server:
        ways: dict[str, dict[str, Any]] = {
            "file": {"ssl_ca_cert": server.ca_file},
            "path": {"ssl_ca_cert": Path(server.ca_file)},
            "text": {"ca_cert_data": server.ca_pem},
            "bytes": {"ca_cert_data": ssl.PEM_cert_to_DER_cert(server.ca_pem)},
        }
        with chat(server.url, **ways[given]) as api:
            assert ask(api) == "Hello"


def test_several_authorities() -> None:
    with TlsServer([ANSWER]) as one, TlsServer([ANSWER]) as other:
        for server in (one, other):
            with chat(server.url, ca_cert_data=one.ca_pem + other.ca_pem) as api:
                assert ask(api) == "Hello"


def test_an_authority_below_another() -> None:
    def with_its_intermediate(context: ssl.SSLContext, authority: trustme.CA) -> None:
        authority.create_child_ca().issue_cert("127.0.0.1").configure_cert(context)

    with TlsServer([ANSWER], configure=with_its_intermediate) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file) as api:
            assert ask(api) == "Hello"


@pytest.mark.parametrize(
    ("settings", "asked_for"),
    [
        ({"tls_server_name": "elsewhere.example"}, "elsewhere.example"),
        ({"assert_hostname": "elsewhere.example"}, None),
        ({"assert_hostname": False}, None),
    ],
)
def test_a_certificate_for_the_name_that_is_expected(settings: dict[str, Any], asked_for: str | None) -> None:
    with TlsServer([ANSWER], hostnames=["elsewhere.example"]) as server:
        with chat(server.url, ssl_ca_cert=server.ca_file, **settings) as api:
            assert ask(api) == "Hello"
        assert server.server_names == [asked_for]


def test_a_client_certificate() -> None:
    with TlsServer([ANSWER, ANSWER], client_certificate=True) as server:
        files = {"cert_file": server.client_cert_file, "key_file": server.client_key_file}
        with chat(server.url, ssl_ca_cert=server.ca_file, **files) as api:
            assert ask(api) == "Hello"
            assert ask(api) == "Hello"
        assert server.connections == 1


def test_a_client_certificate_and_its_key_in_one_file(tmp_path: Path) -> None:
    with TlsServer([ANSWER], client_certificate=True) as server:
        both = tmp_path / "both.pem"
        both.write_text(Path(server.client_key_file).read_text() + Path(server.client_cert_file).read_text())
        with chat(server.url, ssl_ca_cert=server.ca_file, cert_file=both) as api:
            assert ask(api) == "Hello"


def test_a_client_certificate_that_is_missing() -> None:
    with TlsServer([], client_certificate=True) as server:
        error = failure(server.url, ssl_ca_cert=server.ca_file)
        server.wait_ended(1)
        assert server.requests == []
        assert server.connections == 1
    assert type(error) is ConnectionException
    # With TLS 1.3 the client is turned away when it has sent its request already.
    assert error.request_sent
    assert server.url in str(error)


def encrypted(key_file: str) -> Path:
    """A copy of a key that cannot be used without a password."""
    key = load_pem_private_key(Path(key_file).read_bytes(), None)
    encryption = BestAvailableEncryption(b"password")
    copy = Path(key_file).with_name("encrypted.key")
    copy.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return copy


UNUSABLE: dict[str, tuple[str, Callable[[TlsServer], dict[str, Any]]]] = {
    "a key is no authority": ("ssl_ca_cert", lambda server: {"ssl_ca_cert": server.client_key_file}),
    "text is no authority": ("ca_cert_data", lambda server: {"ca_cert_data": "no certificate"}),
    "no key": ("cert_file", lambda server: {"cert_file": server.client_cert_file}),
    "no key in its file": (
        "key_file",
        lambda server: {"cert_file": server.client_cert_file, "key_file": server.ca_file},
    ),
    "encrypted key": (
        "key_file",
        lambda server: {
            "cert_file": server.client_cert_file,
            "key_file": encrypted(server.client_key_file),
        },
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_certificates_that_cannot_be_used(case: str) -> None:
    setting, settings = UNUSABLE[case]
    with TlsServer([]) as server:
        with chat(server.url, **settings(server)) as api:
            with pytest.raises(ApiValueError, match=setting):
                ask(api)
        assert server.requests == []


@pytest.mark.parametrize("setting", ["ssl_ca_cert", "cert_file"])
def test_a_certificate_file_that_is_gone(setting: str, tmp_path: Path) -> None:
    file = tmp_path / "gone.pem"
    file.touch()
    with TlsServer([]) as server:
        with chat(server.url, **{setting: file}) as api:
            file.unlink()
            with pytest.raises(ApiValueError, match=setting):
                ask(api)
        assert server.requests == []


# A program in a terminal of its own: OpenSSL would ask there for the password of a key.
IN_A_TERMINAL = """
import fcntl, json, os, sys, termios

os.setsid()
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
from tachyon_sdk import ApiClient, ApiValueError, ChatApi, Configuration

files = {"cert_file": sys.argv[2], "key_file": sys.argv[3]}
settings = Configuration("https://127.0.0.1:1", access_token="t", operator_id="o", retries=0, **files)
with ApiClient(settings) as client:
    try:
        ChatApi(client).chat_completion(chat_completion_request={"messages": []})
    except ApiValueError as error:
        print(json.dumps(str(error)), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no such terminals")
def test_nobody_is_asked_for_the_password_of_a_key() -> None:
    terminal, other_end = os.openpty()
    with TlsServer([]) as server:
        files = [server.client_cert_file, str(encrypted(server.client_key_file))]
        command = [sys.executable, "-c", IN_A_TERMINAL, str(other_end), *files]
        done = subprocess.run(
            command, stdin=other_end, pass_fds=[other_end], capture_output=True, text=True, timeout=30
        )
    os.close(other_end)
    os.set_blocking(terminal, False)
    try:
        asked = os.read(terminal, 1000)
    except OSError:
        asked = b""
    os.close(terminal)
    assert (done.returncode, done.stderr, asked) == (0, "", b"")
    assert json.loads(done.stdout) == "cert_file, or key_file, cannot be used: the key is encrypted"


@pytest.mark.parametrize("name", ["missing/keys.log", "."])
def test_a_file_for_tls_secrets_that_cannot_be_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / name))
    with TlsServer([]) as server, chat(server.url, ssl_ca_cert=server.ca_file) as api:
        with pytest.raises(
            ApiValueError, match=r"^SSLKEYLOGFILE of the environment cannot be used: .*directory"
        ):
            ask(api)
        assert server.connections == 0
    with RawServer([ANSWER]) as plain, chat(plain.url) as api:
        assert ask(api) == "Hello"


def test_a_file_for_tls_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(file))
    with TlsServer([ANSWER]) as server, chat(server.url, ssl_ca_cert=server.ca_file) as api:
        assert ask(api) == "Hello"
    assert "CLIENT_TRAFFIC_SECRET" in file.read_text()


# --- without verification


def test_no_verification_warns_once_and_at_the_callers_line() -> None:
    answers = [ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), ANSWER, STREAM, ANSWER]
    with TlsServer(answers) as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with chat(server.url, verify_ssl=False) as api:
            assert api.chat_completion(chat_completion_request=BODY).choices[0].delta.content == "Hello"
            assert ask(api) == "Hello"
            with api.chat_completion_stream(chat_completion_request=BODY) as stream:
                assert "".join(stream.text) == "onetwothree"
            api.api_client.close()
            assert ask(api) == "Hello"
        assert server.connections == 3
    (warning,) = caught
    assert warning.category is InsecureRequestWarning
    assert "verify_ssl" in str(warning.message)
    assert server.url in str(warning.message)
    assert warning.filename == __file__


def test_no_verification_warns_once_where_many_threads_begin() -> None:
    barrier = threading.Barrier(4)

    def call() -> None:
        barrier.wait(30)
        answers.append(ask(api))

    answers: list[str | None] = []
    with TlsServer([ANSWER] * 4) as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with chat(server.url, verify_ssl=False) as api:
            threads = [threading.Thread(target=call) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert answers == ["Hello"] * 4
    assert len(caught) == 1


def test_what_is_not_asked_for_is_not_warned_of() -> None:
    with RawServer([ANSWER]) as server, chat(server.url, verify_ssl=False) as api:
        assert ask(api) == "Hello"  # any warning is an error


@pytest.mark.parametrize("configure", [expired, self_signed])
def test_no_verification_takes_any_certificate(configure: Configure) -> None:
    with TlsServer([ANSWER], configure=configure, hostnames=["elsewhere.example"]) as server:
        with chat(server.url, verify_ssl=False) as api, pytest.warns(InsecureRequestWarning):
            assert ask(api) == "Hello"
