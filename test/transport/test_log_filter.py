"""The log of urllib3: queries of this package are redacted, those of the program are not."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from support.chat import ANSWER, BODY, chat
from support.raw_server import WAIT, Connection, Gate, RawServer
from tachyon_sdk import ChatApi

AUTH = {"type": "api_key", "in": "query", "key": "key", "value": "secret"}


def ask(api: ChatApi) -> str | None:
    return api.chat_completion(chat_completion_request=BODY, _request_auth=AUTH).text


def ask_with_urllib3(url: str, page: int) -> None:
    with urllib3.PoolManager() as manager:
        assert manager.request("GET", f"{url}/own?page={page}").status == 200


def test_only_queries_of_this_package_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    arrived, gate = Gate(), Gate()

    def handler(connection: Connection) -> None:
        while True:
            if "key=secret" in connection.read_request().target:
                arrived.open()
                connection.wait_for(gate)
            connection.send(ANSWER)

    caplog.set_level(logging.DEBUG, "urllib3")
    with RawServer(handler=handler) as server, chat(server.url) as api, ThreadPoolExecutor(1) as pool:
        call = pool.submit(ask, api)
        assert arrived.wait()
        ask_with_urllib3(server.url, 1)  # While another thread sends a query of this package.
        gate.open(2)
        assert call.result(WAIT) == "Hello"
        assert ask(api) == "Hello"
        ask_with_urllib3(server.url, 2)  # After this thread has sent one.
    lines = [record.getMessage() for record in caplog.records if "HTTP/1.1" in record.getMessage()]
    targets = [line.split('"')[1].split()[1] for line in lines]
    ours = "/v1/llms/chat/completions?<hidden>"
    assert targets == ["/own?page=1", ours, ours, "/own?page=2"]
    assert "secret" not in caplog.text
