"""Which hosts `no_proxy` names, as other clients understand it."""

from __future__ import annotations

import pytest

from tachyon_sdk import Configuration
from tachyon_sdk._settings.no_proxy import excludes
from tachyon_sdk.exceptions import ApiValueError

EXCLUDED = [
    # names, with those below them
    ("example.com", "http://example.com"),
    ("example.com", "https://api.example.com/v1"),
    ("Example.COM", "http://EXAMPLE.com"),
    (".example.com", "http://api.example.com"),
    (".example.com", "http://example.com"),
    ("*.example.com", "http://api.example.com"),
    ("example.com.", "http://example.com"),
    ("example.com", "http://example.com."),
    ("localhost", "http://localhost:50054"),
    # lists
    ("a.example,b.example", "http://b.example"),
    (" a.example , b.example ", "http://b.example"),
    ("a.example b.example", "http://b.example"),
    (",,b.example,", "http://b.example"),
    ("*", "http://anything.example:1"),
    ("a.example,*", "https://[2001:db8::1]"),
    # ports
    ("example.com:8080", "http://example.com:8080"),
    ("example.com:80", "http://example.com"),
    ("example.com:443", "https://api.example.com/v1"),
    (".example.com:443", "https://api.example.com"),
    ("*:8080", "http://example.com:8080"),
    ("127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("[::1]:8080", "http://[::1]:8080"),
    ("[::1]:443", "https://[::1]"),
    # addresses
    ("127.0.0.1", "http://127.0.0.1:8080"),
    ("::1", "http://[::1]:8080"),
    ("[::1]", "http://[::1]:8080"),
    ("::1", "http://[0:0:0:0:0:0:0:1]"),
    ("0:0:0:0:0:0:0:1", "http://[::1]"),
    ("2001:DB8::A", "http://[2001:db8::a]"),
    ("fe80::1", "http://[fe80::1%25eth0]"),
    ("fe80::1%eth0", "http://[fe80::1%eth0]:1"),
    ("127.0.0.1", "http://[::ffff:127.0.0.1]"),
    ("::ffff:127.0.0.1", "http://127.0.0.1"),
    # networks
    ("10.0.0.0/8", "http://10.1.2.3"),
    ("10.1.2.3/8", "http://10.9.9.9:8080"),
    ("192.168.1.0/255.255.255.0", "http://192.168.1.77"),
    ("fd00::/8", "http://[fd12:3456::1]:8080"),
    ("[fd00::]/8", "http://[fd12:3456::1]"),
    ("fe80::/10", "http://[fe80::1%25eth0]"),
    ("0.0.0.0/0", "http://8.8.8.8"),
]
NOT_EXCLUDED = [
    ("", "http://example.com"),
    (",", "http://example.com"),
    ("example.com", "http://badexample.com"),
    ("example.com", "http://example.com.evil.example"),
    ("api.example.com", "http://example.com"),
    ("*.example.com", "http://example.com"),
    ("*example.com", "http://api.example.com"),
    ("example.com:8080", "http://example.com"),
    ("example.com:8080", "http://example.com:80801"),
    ("example.com:80", "https://example.com"),
    ("example.com:http", "http://example.com"),
    ("[::1]:8080", "http://[::1]:8081"),
    ("127.0.0.1", "http://127.0.0.11"),
    ("127.0.0.1", "http://localhost"),
    ("::1", "http://[::2]"),
    ("::1", "http://[1::1]"),
    ("10.0.0.0/8", "http://11.0.0.1"),
    ("10.0.0.0/8", "http://10.example"),
    ("10.0.0.0/8", "http://[::a00:1]"),
    ("10.0.0.0/99", "http://10.0.0.1"),
    ("10.0.0.0/", "http://10.0.0.1"),
    ("::/0", "http://127.0.0.1"),
    ("fd00::/8", "http://[fe80::1]"),
    ("fd00::/999", "http://[fd00::1]"),
]


@pytest.mark.parametrize(("no_proxy", "url"), EXCLUDED)
def test_hosts_that_are_reached_without_the_proxy(no_proxy: str, url: str) -> None:
    assert excludes(no_proxy, url)
    assert Configuration(proxy="http://proxy:1", no_proxy=no_proxy).proxy_for(url) is None


@pytest.mark.parametrize(("no_proxy", "url"), NOT_EXCLUDED)
def test_hosts_that_are_reached_through_the_proxy(no_proxy: str, url: str) -> None:
    assert not excludes(no_proxy, url)
    assert Configuration(proxy="http://proxy:1", no_proxy=no_proxy).proxy_for(url) == "http://proxy:1"


def test_the_proxy_for_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "tls:2")
    monkeypatch.setenv("ALL_PROXY", "socks5h://all:1")
    monkeypatch.setenv("NO_PROXY", "intranet.example,::1")
    configuration = Configuration(host="http://h")
    assert configuration.proxy_for("https://far.example") == "http://tls:2"
    assert configuration.proxy_for("HTTPS://far.example") == "http://tls:2"
    assert configuration.proxy_for("http://far.example/v1") == "socks5h://all:1"
    assert configuration.proxy_for("https://www.intranet.example") is None
    assert configuration.proxy_for("http://[::1]:8080") is None
    configuration.no_proxy = None
    assert configuration.proxy_for("http://[::1]:8080") == "socks5h://all:1"
    configuration.proxy = "http://mine:3"
    assert configuration.proxy_for("https://far.example") == "http://mine:3"
    configuration.proxy = None
    assert configuration.proxy_for("https://far.example") is None


@pytest.mark.parametrize("unusable", ["ftp://user:secret@h", "http://user:secret@h:99999", "http://a b"])
def test_an_unusable_proxy_matters_only_to_hosts_that_need_it(
    monkeypatch: pytest.MonkeyPatch, unusable: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", unusable)
    monkeypatch.setenv("NO_PROXY", "localhost")
    configuration = Configuration()
    assert configuration.proxy is configuration.proxy_for("http://localhost:1") is None
    assert "proxy" not in repr(configuration).replace("no_proxy", "")
    for needs_it in (
        lambda: configuration.proxy_for("http://far.example"),
        lambda: setattr(configuration, "host", "http://far.example"),
        lambda: Configuration(host="https://far.example"),
        lambda: Configuration(no_proxy=""),
    ):
        with pytest.raises(ApiValueError, match="all_proxy of the environment must") as caught:
            needs_it()
        assert "secret" not in str(caught.value)
    monkeypatch.setenv("HTTPS_PROXY", "http://good:1")
    assert Configuration(host="https://far.example").proxy == "http://good:1"
