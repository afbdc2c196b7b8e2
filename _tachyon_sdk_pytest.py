"""The pytest plugin of tachyon_sdk: the fixtures `tachyon_server` and `tachyon_chat`.

It is not in the package, because pytest imports it in every run: the package is imported when a fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tachyon_sdk import ChatApi
    from tachyon_sdk.local import LocalServer

_TOKEN = "dummy-token"
_OPERATOR = "tn_xxxxxx"
_SERVER = pytest.StashKey["LocalServer"]()  # of a test
_PASSED = pytest.StashKey[bool]()
_LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="session")
def _tachyon_session_server() -> Iterator[LocalServer]:
    try:
        from tachyon_sdk.local import LocalServer
    except ModuleNotFoundError as error:  # the extra is missing
        pytest.fail(f"the fixture tachyon_server cannot be used: {error}", pytrace=False)
    server = LocalServer()
    yield server
    server.stop()


@pytest.fixture
def tachyon_server(
    _tachyon_session_server: LocalServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[LocalServer]:
    """A local Tachyon server without any requests, answers and chatrooms.

    Its built-in model answers, or `tachyon_server.answers`. A test fails if it does not use all answers, or sends a
    request for which none is left. The environment variables `TACHYON_API_URL`, `TACHYON_API_KEY` and
    `TACHYON_OPERATOR_ID` are those of the server, also for the default configuration.
    """
    import tachyon_sdk

    server = _tachyon_session_server
    if not server.is_running:  # a test may stop it
        server.start()
    server.reset()
    monkeypatch.setenv("TACHYON_API_URL", server.url)
    monkeypatch.setenv("TACHYON_API_KEY", _TOKEN)
    monkeypatch.setenv("TACHYON_OPERATOR_ID", _OPERATOR)
    for name in ("TACHYON_TENANT_ID", "TACHYON_USER_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, ",".join(filter(None, (os.environ.get(name), _LOOPBACK))))
    # Both are made of the environment when they are first used.
    monkeypatch.setattr(tachyon_sdk.Configuration, "_default", None)
    monkeypatch.setattr(tachyon_sdk.ApiClient, "_default", None)
    request.node.stash[_SERVER] = server
    yield server
    if tachyon_sdk.ApiClient._default is not None:
        tachyon_sdk.ApiClient._default.close()
    if request.node.stash.get(_PASSED, False):
        _verify(server)  # what other fixtures did after the test


@pytest.fixture
def tachyon_chat(tachyon_server: LocalServer) -> Iterator[ChatApi]:
    """A ChatApi that talks to `tachyon_server`."""
    import tachyon_sdk

    configuration = tachyon_sdk.Configuration(
        host=tachyon_server.url, access_token=_TOKEN, operator_id=_OPERATOR, proxy=""
    )
    with tachyon_sdk.ApiClient(configuration) as api_client:
        yield tachyon_sdk.ChatApi(api_client)


@pytest.hookimpl(trylast=True)  # after the test itself, unless that has failed
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that did not use its scripted answers as it should."""
    server = item.stash.get(_SERVER, None)
    if server is not None:
        _verify(server)
        item.stash[_PASSED] = True


def _verify(server: LocalServer) -> None:
    try:
        server.verify()
    except AssertionError as error:
        if error.__cause__ is not None:
            raise  # with the traceback of the function that failed
        pytest.fail(f"tachyon_server: {error}", pytrace=False)
