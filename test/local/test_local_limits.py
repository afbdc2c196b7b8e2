"""The models with a rate limit, and the models that wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local.client import Client, connection, raw_request, read_to_end, user

from tachyon_sdk.local import LocalServer
from tachyon_sdk.local.limits import TokenBucket, parse_limit


@pytest.fixture
def own_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def own_client(own_server: LocalServer) -> Iterator[Client]:
    client = Client(own_server.url)
    yield client
    client.pool.clear()


@pytest.mark.parametrize("rate", [0.5, 1, 3, 50, 1000])
def test_no_more_than_the_burst_and_then_the_rate(rate: float) -> None:
    bucket, burst = TokenBucket(rate, 100.0), max(1, int(rate))
    assert [bucket.take(100.0) for _ in range(burst + 1)] == [True] * burst + [False]
    seconds, step, now = 20, 0.25 / rate, 100.0
    admitted = 0
    while (now := now + step) <= 100.0 + seconds:
        admitted += bucket.take(now)
    assert admitted == pytest.approx(seconds * rate, abs=1)


@pytest.mark.parametrize("rate", [0.3, 1, 7, 50, 333])
def test_a_client_that_waits_as_told_is_admitted(rate: float) -> None:
    bucket, now = TokenBucket(rate, 0.1), 0.1
    for _ in range(500):
        if not bucket.take(now):
            assert bucket.remaining == 0
            now += bucket.seconds_to_next
            assert bucket.take(now)


def test_an_unused_limit_adds_up_to_one_burst_only() -> None:
    bucket = TokenBucket(5, 0)
    assert (bucket.remaining, bucket.seconds_to_full) == (5, 0)
    assert [bucket.take(1000.0) for _ in range(6)] == [True] * 5 + [False]
    assert (bucket.remaining, bucket.seconds_to_full) == (0, 1)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("local/limit-50", (50, False, False, 0)),
        ("local/limit-0.5", (0.5, False, False, 0)),
        ("local/limit-50-silent", (50, True, False, 0)),
        ("local/limit-50-headers", (50, False, True, 0)),
        ("local/limit-7-200ms-silent-headers", (7, True, True, 0.2)),
        ("local/limit-0", None),
        ("local/limit-", None),
        ("local/limit--5", None),
        ("local/limit-50-loud", None),
        ("local/limit-50-200", None),
        ("local/limit-50-", None),
        ("LOCAL/limit-50", None),
    ],
)
def test_names(name: str, limit: tuple[float, bool, bool, float] | None) -> None:
    assert parse_limit(name) == limit


@pytest.mark.parametrize("name", ["local/limit-0", "local/limit-x", "local/limit-5-loud", "local/delay-1s"])
def test_a_name_that_is_nearly_one_is_refused(client: Client, name: str) -> None:
    reply = client.ask("Hello", model=name)
    assert (reply.status, reply.json["code"]) == (400, "unsupported_model")
    assert "local/limit-<N>" in reply.json["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_above_the_limit_it_is_429(own_client: Client, own_server: LocalServer, stream: bool) -> None:
    model = "local/limit-0.001"
    served = own_client.ask("Hello", model=model, stream=stream)
    assert served.status == 200
    assert not [name for name in served.headers if name.startswith("x-ratelimit")]
    refused = own_client.ask("Hello", model=model, stream=stream)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert 990 <= int(refused.headers["retry-after"]) <= 1000
    assert not [name for name in refused.headers if name.startswith("x-ratelimit")]
    other = own_client.ask("Hello", model="local/limit-0.002", stream=stream)
    assert other.status == 200, "each name has its own limit"
    assert own_server.statuses == {200: 2, 429: 1}


def test_a_limit_belongs_to_its_server() -> None:
    for _ in range(2):
        with LocalServer() as server:
            client = Client(server.url)
            assert client.ask("Hello", model="local/limit-0.001").status == 200
            client.pool.clear()


def test_retry_after_is_a_whole_number_of_seconds(own_client: Client) -> None:
    for _ in range(2):
        reply = own_client.ask("Hello", model="local/limit-0.9")
    assert reply.headers["retry-after"] == "2"


def test_a_silent_limit_does_not_say_when(own_client: Client) -> None:
    replies = [own_client.ask("Hello", model="local/limit-0.001-silent") for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert "retry-after" not in replies[1].headers


@pytest.mark.parametrize("stream", [False, True])
def test_headers_say_what_is_left(own_client: Client, stream: bool) -> None:
    model = "local/limit-0.001-headers"
    replies = [own_client.ask("Hello", model=model, stream=stream) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    for reply in replies:
        assert reply.headers["x-ratelimit-limit-requests"] == "1"
        assert reply.headers["x-ratelimit-remaining-requests"] == "0"
        reset = reply.headers["x-ratelimit-reset-requests"]
        assert reset.endswith("ms") and 990_000 <= int(reset[:-2]) <= 1_000_000


def test_all_operators_share_a_limit(own_client: Client) -> None:
    headers = [{"Authorization": "Bearer x", "x-operator-id": name} for name in ("ken", "mia")]
    replies = [own_client.ask("Hello", model="local/limit-0.001", headers=each) for each in headers]
    assert [reply.status for reply in replies] == [200, 429]


@pytest.mark.parametrize("model", ["local/delay-1ms", "local/limit-50-1ms"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_delay_does_not_change_the_answer(client: Client, model: str, stream: bool) -> None:
    reply = client.ask("Hello", model=model, stream=stream)
    assert reply.status == 200
    assert ("Hello" if stream else 'Hello! You said: "Hello".') in reply.body.decode().replace('\\"', '"')


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_sent_during_a_delay(own_server: LocalServer, stream: bool) -> None:
    body = {"messages": [user("Hello")], "model": "local/delay-600000ms", "stream": stream}
    with connection(own_server.url) as sock:
        sock.sendall(raw_request(body))
        with connection(own_server.url) as other:  # its response comes later than the first one would
            other.sendall(raw_request({"messages": [user("Hello")]}))
            assert b"200 OK" in read_to_end(other)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
    assert own_server.statuses == {200: 1}


def test_statuses_count_all_responses(own_client: Client, own_server: LocalServer) -> None:
    own_client.ask("Hello", stream=True)
    own_client.ask("Hello", model="local/error-503")
    own_client.request("GET", "/nowhere")
    assert own_server.statuses == {200: 1, 503: 1, 404: 1}
    own_server.statuses.clear()
    own_client.ask("Hello")
    assert own_server.statuses == {200: 1}
