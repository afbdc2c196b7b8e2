"""URLs of hosts and proxies, as Configuration takes and refuses them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, strategies as st

from tachyon_sdk._settings.checks import host_url, proxy_url, redact_url
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://localhost", "http://localhost"),
        ("http://localhost:50054", "http://localhost:50054"),
        ("https://api.n1.tachy.one/", "https://api.n1.tachy.one"),
        ("https://example.com/a/b//", "https://example.com/a/b"),
        ("HTTPS://Example.com/A", "HTTPS://Example.com/A"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://h:65535/x", "http://h:65535/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]"),
        ("http://my_service.local.", "http://my_service.local."),
        ("http://h/a@b:c", "http://h/a@b:c"),
        ("http://h/日本", "http://h/日本"),
    ],
)
def test_hosts(given: str, kept: str) -> None:
    assert host_url("host", given) == kept


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "must start with http:// or https://"),
        ("localhost:50054", "must start with http:// or https://: 'localhost:50054'"),
        ("ftp://h", "must start with"),
        ("file:///etc/passwd", "must start with"),
        ("http:/h", "must start with"),
        ("socks5://h", "must start with"),
        ("http://", "host name"),
        ("http:///path", "host name"),
        ("http://:80", "host name"),
        ("http://a..b", "host name"),
        ("http://.", "host name"),
        ("http://" + "a" * 64, "host name"),
        ("http://" + "a." * 200, "host name"),
        ("http://日本.jp", "host name"),
        ("http://a<b>", "host name"),
        ("http://::1", "host name"),
        ("http://[::1", "host name"),
        ("http://[::g]", "host name"),
        ("http://[::1]x", "host name"),
        ("http://[127.0.0.1]", "host name"),
        ("http://h:0", "port"),
        ("http://h:65536", "port"),
        ("http://h:-1", "port"),
        ("http://h:+1", "port"),
        ("http://h:", "port"),
        ("http://h:http", "port"),
        ("http://h:\u0661", "port"),
        ("http://h:" + "9" * 5000, "port"),
        ("http://h?a=b", "query"),
        ("http://h/x?", "query"),
        ("http://h/#", "fragment"),
        ("http://h /", "spaces"),
        (" http://h", "must start with"),
        ("http://h\n", "control"),
        ("http://h\t", "control"),
        ("http://h/\0", "control"),
        ("http://h/\u00a0", "spaces"),
        ("http://h/\u2028", "control"),
        ("http://good\\@evil", "backslash"),
        ("http://user@h", "user name or password"),
        ("http://@h", "user name or password"),
    ],
)
def test_hosts_that_are_refused(given: str, why: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        host_url("host", given)
    message = str(caught.value)
    assert message.startswith("host ")
    assert why in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize("value", [None, 5, b"http://h", ["http://h"]])
def test_a_host_must_be_text(value: object) -> None:
    with pytest.raises(ApiTypeError, match="host must be a str"):
        host_url("host", value)


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h", "HTTP"])
def test_proxies(scheme: str) -> None:
    for url in (f"{scheme}://proxy:3128", f"{scheme}://user:p%40ss@proxy:3128/"):
        assert proxy_url("proxy", url) == url
    assert proxy_url("proxy", "") is None


@pytest.mark.parametrize("scheme", ["socks", "SOCKS"])
def test_socks_without_a_version_is_version_5(scheme: str) -> None:
    assert proxy_url("proxy", f"{scheme}://user:p%40ss@proxy:1080/") == "socks5://user:p%40ss@proxy:1080/"
    with pytest.raises(ApiValueError, match="proxy must contain a valid host name"):
        proxy_url("proxy", f"{scheme}://")


@pytest.mark.parametrize(
    "url", ["proxy:3128", "ftp://proxy", "socks6://proxy", "http://proxy:99999", "http://pro xy", "http://"]
)
def test_proxies_that_are_refused(url: str) -> None:
    with pytest.raises(ApiValueError, match=r"^proxy must"):
        proxy_url("proxy", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://USR:SECRET@host",
        "http://USR:SECRET@ho st",
        "http://USR:SECRET@host?x",
        "http://USR:SEC/RET@host",
        "http://USR:SEC?RET@host",
        "http://USR:SEC#RET@host",
        "http://USR:SEC@RET@host",
        "http://USR:SEC://RET@host:99999",
        "http://SECRET@host",
        "http://host/?key=SECRET",
        "http://host/#SECRET",
        "http://host/?mail=me@SECRET",
        "USR:SECRET@host",
        "USR:SECRET@host://x",
        "ftp://USR:SECRET@host",
        "http:\\\\USR:SECRET@host",
    ],
)
def test_no_password_is_ever_shown(url: str) -> None:
    for check in (host_url, proxy_url):
        try:
            check("setting", url)
        except ApiValueError as error:
            message = str(error) + repr(error)
            assert not any(part in message for part in ("SEC", "RET", "USR"))
    assert not any(part in redact_url(url) for part in ("SEC", "RET", "USR"))


def test_a_redacted_url_is_still_recognizable() -> None:
    assert redact_url("http://user:pw@proxy:3128/x") == "http://<hidden>@proxy:3128/x"
    assert redact_url("http://proxy:3128") == "http://proxy:3128"
    assert redact_url("http://h/?a=b") == "http://h/?<hidden>"
    assert len(redact_url("x" * 10_000)) == 200


@given(st.text() | st.text().map("http://{}".format))
def test_no_text_raises_anything_else(text: str) -> None:
    for check in (host_url, proxy_url):
        with contextlib.suppress(ApiValueError):
            check("setting", text)
    assert repr(redact_url(text)).isprintable()
