"""Access tokens, operators and end users."""

from __future__ import annotations

import pytest
from local.client import CREDENTIALS, PLAIN, Client, room_path

from tachyon_sdk.local import LocalServer

ANSWERABLE = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("token", ["dummy-token", "sk-anything", "a.b.c", "ÿ"])
def test_any_bearer_token_is_good(client: Client, token: str) -> None:
    assert client.post(ANSWERABLE, headers={**CREDENTIALS, "Authorization": f"Bearer {token}"}).status == 200


def test_the_scheme_has_no_case(client: Client) -> None:
    assert client.post(ANSWERABLE, headers={**CREDENTIALS, "Authorization": "bearer x"}).status == 200


def test_no_authorization_is_401(client: Client) -> None:
    reply = client.post(ANSWERABLE, headers={"x-operator-id": "tn_test"})
    assert reply.status == 401
    assert reply.json == {"code": "unauthorized", "message": "the header Authorization is missing"}
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["dummy-token", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", ""])
def test_authorization_without_a_bearer_token_is_401(client: Client, value: str) -> None:
    reply = client.post(ANSWERABLE, headers={**CREDENTIALS, "Authorization": value})
    assert (reply.status, reply.json["code"]) == (401, "unauthorized")
    assert "Bearer <access token>" in reply.json["message"]


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("invalid", 401, "unauthorized"),
        ("no-credit", 402, "insufficient_credit"),
        ("forbidden", 403, "forbidden"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/llms/chat/completions", room_path("any")])
def test_tokens_that_rehearse_a_refusal(
    client: Client, token: str, status: int, code: str, path: str
) -> None:
    reply = client.post(ANSWERABLE, path, headers={**CREDENTIALS, "Authorization": f"Bearer {token}"})
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json["message"]
    assert ("www-authenticate" in reply.headers) == (status == 401)


@pytest.mark.parametrize("headers", [{}, {"x-operator-id": ""}, {"x-operator-id": "  "}])
def test_no_operator_id_is_400(client: Client, headers: dict[str, str]) -> None:
    reply = client.post(ANSWERABLE, headers={"Authorization": "Bearer dummy-token", **headers})
    assert reply.status == 400
    assert reply.json == {"code": "invalid_request", "message": "the header x-operator-id is missing"}


def test_credentials_come_before_the_body(client: Client) -> None:
    assert client.request("POST", "/v1/llms/chat/completions", b"not JSON", headers={}).status == 401


def test_a_public_key_without_an_operator_is_401(client: Client) -> None:
    for headers in ({}, {"x-operator-id": ""}):
        reply = client.post(ANSWERABLE, headers={"Authorization": "Bearer pk_xxxxx", **headers})
        assert (reply.status, reply.json["code"]) == (401, "unauthorized")
    assert client.post(ANSWERABLE, headers={**CREDENTIALS, "Authorization": "Bearer pk_xxxxx"}).status == 200


def test_a_server_with_a_key() -> None:
    key = "schl\u00fcssel"
    with LocalServer(host="localhost", key=key) as server:
        client = Client(server.url)
        for token, status in (
            (key.encode("latin-1"), 200),
            (b"dummy-token", 401),
            (b"forbidden", 401),
            (key[:-1].encode("latin-1"), 401),
        ):
            headers = {**CREDENTIALS, "Authorization": b"Bearer " + token}
            for method, path in (("POST", PLAIN), ("GET", "/v1/llms/models"), ("GET", "/v1/llms/chatrooms")):
                body = b'{"messages": [{"role": "user"}]}'
                assert client.request(method, path, body, headers).status == status  # type: ignore[arg-type]
        client.pool.clear()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_an_address_that_others_can_reach_needs_a_key(host: str) -> None:
    with pytest.raises(ValueError, match=f"other machines may reach {host}: a key"):
        LocalServer(host=host).start()


def test_with_a_key_others_may_reach_the_server() -> None:
    with LocalServer(host="0.0.0.0", key="k") as server:
        client = Client(server.url.replace("0.0.0.0", "127.0.0.1"))
        assert client.post(ANSWERABLE).status == 401
        assert client.post(ANSWERABLE, headers={**CREDENTIALS, "Authorization": "Bearer k"}).status == 200
        client.pool.clear()
