"""No secret shows: wherever it was given, whatever becomes of the call, and where it cannot be sent at all."""

from __future__ import annotations

import base64
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import trustme

from support.raw_server import (
    CLOSE,
    RESET,
    Connection,
    RawRequest,
    RawServer,
    Response,
    closed_port,
    http_response,
    json_response,
    stream_response,
)
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiTypeError,
    ApiValueError,
    ChatApi,
    Configuration,
    RetryPolicy,
)
from tachyon_sdk.exceptions import OpenApiException

SECRET = "s3cr3t+v&lue"
CORE = "s3cr3t"  # stays as it is in a URL, a repr or an escape
IN_BASIC = base64.b64encode(f"user:{SECRET}".encode()).decode()
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
AUTHORITY = trustme.CA().cert_pem.bytes().decode()
PIECE = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
CHUNK = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}


@dataclass
class Given:
    """What a program gives to Configuration, to ApiClient and with a call, and what is in its environment."""

    settings: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)


def auth(place: str, value: Any) -> Given:
    return Given(call={"_request_auth": {"type": "api_key", "in": place, "key": "X-Key", "value": value}})


def api_key(value: Any, **prefix: str) -> Given:
    return Given({"api_key": {"Authorization": value}, "api_key_prefix": prefix})


def proxy(value: Any, address: str) -> Any:
    return f"http://user:{value}@{address}" if isinstance(value, str) else value


# Of a value and the address of the proxy, if it is one that needs a proxy.
PLACES: dict[str, Callable[[Any, str], Given]] = {
    "access_token": lambda value, _: Given({"access_token": value}),
    "environment": lambda value, _: Given(environment={"TACHYON_API_KEY": value}),
    "password": lambda value, _: Given({"username": "user", "password": value}),
    "api_key": lambda value, _: api_key(value),
    "api_key after a prefix": lambda value, _: api_key(value, Authorization="Key"),
    "authorization": lambda value, _: Given(call={"authorization": value}),
    "header of the call": lambda value, _: Given(call={"_headers": {"X-Key": value}}),
    "header of the client": lambda value, _: Given(client={"header_name": "X-Key", "header_value": value}),
    "cookie of the client": lambda value, _: Given(client={"cookie": value}),
    "auth in a header": lambda value, _: auth("header", value),
    "auth in a cookie": lambda value, _: auth("cookie", value),
    "auth in the query": lambda value, _: auth("query", value),
}
PROXY_PLACES: dict[str, Callable[[Any, str], Given]] = {
    "proxy": lambda value, at: Given({"proxy": proxy(value, at)}),
    "proxy of the environment": lambda value, at: Given(
        environment=dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), proxy(value, at))
    ),
    "header for the proxy": lambda value, at: Given(
        {"proxy": f"http://{at}", "proxy_headers": {"Proxy-Authorization": value}}
    ),
}


class Shown:
    """Everything that a program could print or write down."""

    def __init__(self, log: Callable[[], list[str]]) -> None:
        self.texts: list[str] = []
        self.log = log
        """The lines of the log so far."""

    def add(self, *things: object) -> None:
        """What things show of themselves; of an error, also its causes, its traceback and its pickle."""
        for thing in things:
            self.texts += [repr(thing), str(thing), f"{thing}", pprint.pformat(thing)]
            if isinstance(thing, BaseException):
                self.texts += traceback.format_exception(thing)
                self.texts.append(pickle.dumps(thing).decode("latin-1"))
                while thing := thing.__cause__ or thing.__context__:
                    self.texts += [repr(thing), str(thing)]

    def with_secrets(self) -> list[str]:
        """The texts that have a secret in them."""
        return [text for text in self.texts if CORE in text or IN_BASIC in text]


@pytest.fixture
def shown(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Shown]:
    """To collect in; in the end, nothing of it and of what was logged and printed has a secret in it."""
    collected = Shown(lambda: (tmp_path / "log").read_text("utf-8").splitlines())
    caplog.set_level(logging.DEBUG)
    settings = Configuration(debug=True)
    settings.logger_file = str(tmp_path / "log")
    yield collected
    settings.logger_file = None
    settings.debug = False
    collected.texts += collected.log()
    collected.texts += [*caplog.text.splitlines(), *capfd.readouterr()]
    assert collected.with_secrets() == []


def outcome(client: ApiClient, given: Given, form: str, shown: Shown) -> bool:
    """Make a call, show all that comes of it, and tell whether it failed."""
    try:
        answer = getattr(ChatApi(client), f"chat_completion{form}")(
            chat_completion_request=QUESTION, **given.call
        )
        if form == "_stream":
            with answer:
                shown.add(answer, *answer, answer.merged)
        shown.add(answer)
    except ApiException as error:
        shown.add(error)
        return True
    return False


def client_of(given: Given, host: str, environment: pytest.MonkeyPatch) -> ApiClient:
    # Without any credential nothing would be sent; what is given wins.
    environment.setenv("TACHYON_API_KEY", "other")
    for name, value in given.environment.items():
        environment.setenv(name, value)
    # An authority of its own spares the loading of those of the system.
    settings = {"operator_id": "tn_1", "ca_cert_data": AUTHORITY, **given.settings}
    settings["retries"] = RetryPolicy(1, backoff=0)
    return ApiClient(Configuration(host, **settings), **given.client)


# The reaction of the server, whether the call fails, and the number of attempts.
ANSWERS: list[tuple[Response, bool, int]] = [
    (json_response(CHUNK), False, 1),
    (stream_response(CHUNK, "[DONE]"), False, 1),
    ([stream_response(CHUNK, "[DONE]")[:30], RESET], True, 1),
    ([stream_response(PIECE)[:-5], CLOSE], True, 1),
    (json_response({"message": "no"}, 401, {"WWW-Authenticate": "Bearer"}), True, 1),
    (http_response(502, body="<title>Bad Gateway</title>"), True, 2),
    (http_response(307, {"Location": "https://elsewhere.invalid/"}), True, 1),
    (http_response(200, {"Connection": "close"}, "no JSON"), True, 1),
    ([CLOSE], True, 1),
    ([b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE], True, 1),
    # urllib3 warns of these in its log.
    ([b"HTTP/1.1 500 x\r\nA: b\r\nno header\r\n\r\n", CLOSE], True, 1),
]


@pytest.mark.parametrize("place", [*PLACES, *PROXY_PLACES])
def test_no_secret_shows_whatever_becomes_of_a_call(
    place: str, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = [[response] * 2 * attempts for response, _, attempts in ANSWERS]
    with RawServer(chain(*responses)) as server:
        given = {**PLACES, **PROXY_PLACES}[place](SECRET, f"127.0.0.1:{server.port}")
        host = "http://far.invalid" if place in PROXY_PLACES else server.url
        with client_of(given, host, monkeypatch) as client:
            for _, fails, _ in ANSWERS:
                for form in ("", "_stream"):
                    assert outcome(client, given, form, shown) is fails
            shown.add(
                client, client.rest_client, client.configuration, client.configuration.to_debug_report()
            )
    for request in server.requests:
        assert CORE.encode() in request.raw or IN_BASIC.encode() in request.raw
    assert any("POST" in text and "attempt 1" in text for text in shown.log())


@pytest.mark.parametrize("place", [*PLACES, *PROXY_PLACES])
def test_no_secret_is_shown_if_no_connection_is_made(
    place: str, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.recv(65536)  # a request, or the beginning of TLS
        connection.send(http_response(407, {"Proxy-Authenticate": "Basic"}))

    with RawServer(handler=refuse) as server:
        for port in (closed_port(), server.port):
            given = {**PLACES, **PROXY_PLACES}[place](SECRET, f"127.0.0.1:{port}")
            for scheme in ("http", "https"):
                host = f"{scheme}://far.invalid" if place in PROXY_PLACES else f"{scheme}://127.0.0.1:{port}"
                with client_of(given, host, monkeypatch) as client:
                    assert outcome(client, given, "", shown)


@pytest.mark.parametrize("value", [SECRET.encode(), None, 5, [SECRET]])
def test_headers_of_a_client_that_cannot_be_sent_are_shown_without_them(value: Any, shown: Shown) -> None:
    with ApiClient(Configuration()) as client:
        client.default_headers["Authorization"] = value
        shown.add(client.default_headers, vars(client))


class OtherHosts(Configuration):
    """What a program may derive to have hosts of its own."""

    url = ""

    def get_host_settings(self) -> list[Any]:
        return [{"url": self.url, "description": ""}]


def test_a_password_in_the_url_of_ones_own_host_does_not_show(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(repeat(json_response(CHUNK, 401))) as server:
        monkeypatch.setattr(OtherHosts, "url", server.url.replace("//", f"//user:{SECRET}@"))
        try:
            configuration = OtherHosts(server_index=0, operator_id="tn_1", access_token="other")
        except ApiValueError as error:
            shown.add(error)
            return
        with ApiClient(configuration) as client:
            assert outcome(client, Given(), "", shown)
            shown.add(configuration)


@pytest.mark.parametrize("place", ["auth in the query", "proxy"])
def test_a_url_that_cannot_be_taken_apart_does_not_show(
    place: str, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = "[fe80::1%a!b]"  # ipaddress takes this zone for one, urllib3 does not
    given = {**PLACES, **PROXY_PLACES}[place](SECRET, odd)
    with pytest.raises(ApiValueError) as caught:
        with client_of(given, f"http://{odd}", monkeypatch) as client:
            outcome(client, given, "", shown)
    shown.add(caught.value)


# Secrets that cannot be sent


class Opaque:
    """Shows itself, as a program's own class may."""

    def __repr__(self) -> str:
        return SECRET


BAD_TEXTS = [f"{SECRET}\n", f"{SECRET}\r\nX-Injected: 1", f"\r\n{SECRET}", f"{SECRET}\0", f"{SECRET}日本"]
# From bytes of the environment or of a file that were no UTF-8.
BAD_TEXTS.append(f"{SECRET}\udcff")
BAD_TYPES: list[Any] = [SECRET.encode(), [SECRET], (SECRET,), {SECRET: SECRET}, Opaque()]


@pytest.mark.parametrize("place", [*PLACES, *PROXY_PLACES])
def test_text_that_cannot_be_sent_is_refused_or_encoded_and_does_not_show(
    place: str, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bad in BAD_TEXTS:
        if "environment" in place and "\0" in bad:
            continue  # there it cannot be
        for kind, sent in attempts(place, bad, shown, monkeypatch):
            assert kind is None or (issubclass(kind, OpenApiException) and not sent), repr(bad)
            assert all(request.get("X-Injected") is None for request in sent), repr(bad)


@pytest.mark.parametrize("place", [place for place in [*PLACES, *PROXY_PLACES] if "environment" not in place])
def test_invalid_text_is_rejected_and_not_shown(
    place: str, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bad in BAD_TYPES:
        for kind, sent in attempts(place, bad, shown, monkeypatch):
            assert kind is not None and issubclass(kind, (ApiTypeError, ApiValueError)), repr(bad)
            assert sent == []


def attempts(
    place: str, value: Any, shown: Shown, environment: pytest.MonkeyPatch
) -> Iterator[tuple[type[Exception] | None, list[RawRequest]]]:
    """The type of the error of a program that gives this value and makes a call, and what the server got."""
    for scheme in ("http", "https") if place in PROXY_PLACES else ("http",):
        with RawServer(repeat(http_response(407))) as server:
            kind: type[Exception] | None = None
            try:
                given = {**PLACES, **PROXY_PLACES}[place](value, f"127.0.0.1:{server.port}")
                host = f"{scheme}://far.invalid" if place in PROXY_PLACES else server.url
                with client_of(given, host, environment) as client:
                    outcome(client, given, "", shown)
                    shown.add(client, client.configuration)
            except Exception as error:
                shown.add(error)
                kind = type(error)
        yield kind, server.requests
