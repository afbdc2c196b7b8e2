"""Web pages that call the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local.client import CREDENTIALS, PLAIN, Client, user

from tachyon_sdk.local import LocalServer

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-operator-id",
}
BODY = {"messages": [user("Hello")]}


@pytest.fixture(scope="module")
def strict() -> Iterator[Client]:
    with LocalServer(allow_origins=["https://app.example"]) as server:
        client = Client(server.url)
        yield client
        client.pool.clear()


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:8000", "null"])
def test_a_page_of_any_origin(client: Client, origin: str) -> None:
    preflight = client.request("OPTIONS", PLAIN, headers={"Origin": origin, **PREFLIGHT})
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == origin
    assert {"POST", "PATCH", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    assert preflight.headers["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
    for stream in (False, True):
        reply = client.post({**BODY, "stream": stream}, headers={**CREDENTIALS, "Origin": origin})
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, origin)
        assert "x-request-id" in reply.headers["access-control-expose-headers"]
        assert reply.headers["vary"] == "Origin"


def test_errors_can_be_read_by_a_page(client: Client) -> None:
    reply = client.post(BODY, headers={"Origin": "https://app.example"})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (401, "https://app.example")


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "http://localhost",
        "http://localhost:8000",
        "http://app.localhost:8000",
        "http://127.0.0.1:1",
        "http://[::1]:8000",
    ],
)
def test_pages_of_this_machine_and_those_that_are_named(strict: Client, origin: str) -> None:
    assert strict.request("OPTIONS", PLAIN, headers={"Origin": origin, **PREFLIGHT}).status == 204
    assert strict.post(BODY, headers={**CREDENTIALS, "Origin": origin}).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "",
        "http://[",
    ],
)
def test_other_pages_are_refused(strict: Client, origin: str) -> None:
    for reply in (
        strict.request("OPTIONS", PLAIN, headers={"Origin": origin, **PREFLIGHT}),
        strict.post(BODY, headers={**CREDENTIALS, "Origin": origin}),
    ):
        assert (reply.status, reply.json["code"]) == (403, "forbidden_origin")
        assert "access-control-allow-origin" not in reply.headers
        assert reply.headers["x-request-id"]


def test_a_page_of_the_internet_may_ask_for_this_machine(client: Client) -> None:
    asked = {"Origin": "https://app.example", **PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    reply = client.request("OPTIONS", PLAIN, headers=asked)
    assert reply.headers["access-control-allow-private-network"] == "true"


def test_programs_that_are_no_pages_see_none_of_it(client: Client, strict: Client) -> None:
    for each in (client, strict):
        assert not [name for name in each.post(BODY).headers if name.lower().startswith("access-control")]
    assert client.request("OPTIONS", PLAIN).status == 405
