"""The list of models."""

from __future__ import annotations

import pytest
from local.client import Client

MODELS = "/v1/llms/models"


def test_only_models_that_can_be_agents_are_listed(client: Client) -> None:
    listed = client.request("GET", MODELS).json
    (model,) = listed["models"]
    assert listed["total_count"] == 1
    assert (model["id"], model["name"], model["provider"]) == ("local/echo", "local/echo", "local")
    assert "agent" in model["supported_features"]
    assert client.request("GET", f"{MODELS}?require_agent_product=true").json == listed


def test_all_models(client: Client) -> None:
    listed = client.request("GET", f"{MODELS}?require_agent_product=false").json
    ids = [model["id"] for model in listed["models"]]
    assert ids[0] == "local/echo"
    assert listed["total_count"] == len(ids) > 3
    for model in (name for name in ids if name not in ("local/truncate", "local/midstream-error")):
        assert client.ask("Hello", model=model, max_completion_tokens=1).status in (200, 429)


def test_all_the_features_must_be_supported(client: Client) -> None:
    both = f"{MODELS}?supported_feature=streaming&supported_feature=agent&require_agent_product=false"
    assert [model["id"] for model in client.request("GET", both).json["models"]] == ["local/echo"]
    none = client.request("GET", f"{MODELS}?supported_feature=streaming&supported_feature=audio").json
    assert none == {"models": [], "total_count": 0}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("supported_feature=magic", "supported_feature: 'magic' is not one of streaming, "),
        ("supported_feature=", "supported_feature: '' is not one of"),
        ("require_agent_product=maybe", "require_agent_product: must be true or false"),
        ("require_agent_product=", "require_agent_product: must be true or false"),
    ],
)
def test_a_query_that_is_refused(client: Client, query: str, text: str) -> None:
    reply = client.request("GET", f"{MODELS}?{query}")
    assert (reply.status, reply.json["code"]) == (422, "validation_error")
    assert reply.json["message"].startswith(text)
