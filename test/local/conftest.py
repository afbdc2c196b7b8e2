"""One local server for the tests that leave nothing behind, and a client for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from local.client import Client

from tachyon_sdk.local import LocalServer


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(scope="session")
def client(server: LocalServer) -> Iterator[Client]:
    client = Client(server.url)
    yield client
    client.pool.clear()


@pytest.fixture
def room() -> str:
    """A chatroom that no other test uses."""
    return f"room-{uuid.uuid4().hex}"
