"""Whether the server conforms to openapi.yaml, with requests that schemathesis generates from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, settings
from local.client import CREDENTIALS, Client

from support.examples import ROOT
from tachyon_sdk.local import LocalServer

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.checks")

pytestmark = pytest.mark.exhaustive

DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
EXAMPLES = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = (
    checks.not_a_server_error,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.unsupported_method,
)

# What the server refuses here, the document does not say: no messages, a model that there is not, a very large limit.
MAY_REFUSE = ("chat_completion", "chat_completion_on_chatroom", "get_chatroom_messages")


schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(create_rooms=False) as running:
        yield running


@pytest.fixture(scope="module")
def room(server: LocalServer) -> Iterator[str]:
    """A room with messages in it."""
    client = Client(server.url)
    made = client.post({"name": "a room", "metadata": {"user_id": "u"}}, "/v1/llms/chatrooms").json[
        "chatroom"
    ]
    client.ask("Hello", made["id"])
    yield made["id"]
    client.pool.clear()


@schema.parametrize()
@EXAMPLES
def test_requests_that_the_document_allows(case: Any, server: LocalServer, room: str) -> None:
    """Those with a body that asks for a stream are answered with one JSON object here."""
    if "chatroom_id" in (case.path_parameters or {}) and case.method != "DELETE":
        case.path_parameters["chatroom_id"] = room
    if isinstance(case.body, dict) and "stream" in case.body:
        case.body["stream"] = False
    accepts = case.operation.definition.raw["operationId"] not in MAY_REFUSE
    wanted = (*CHECKS, checks.positive_data_acceptance) if accepts else CHECKS
    case.call_and_validate(base_url=server.url, headers=CREDENTIALS, checks=wanted)
