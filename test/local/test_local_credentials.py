"""Who may ask, and what the others are told."""

from __future__ import annotations

import pytest
from local.client import CREDENTIALS, Client, room_path

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
