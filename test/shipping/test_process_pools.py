"""Pools whose workers are given a client once, when they start; test_processes.py sends one with each task."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from support.chat import OPERATOR, TOKEN, chunk
from support.programs import Program
from support.raw_server import Connection, RawServer, json_response

POOL = """
import functools, json, os, sys, threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tachyon_sdk import ApiClient, ChatApi, Configuration

def asking(text):
    return {"messages": [{"role": "user", "content": text}]}

def begin(given):
    global api
    api = given

def ask(text):
    with api.chat_completion_stream(chat_completion_request=asking(text)) as stream:
        return os.getpid(), "".join(stream.text)

if __name__ == "__main__":
    _, start, url, operator, token = sys.argv
    with ApiClient(Configuration(url, operator_id=operator, access_token=token)) as client:
        client.set_default_header("X-Team", "blue")
        given = ChatApi(client)
        given.chat_completion(chat_completion_request=asking("parent"))
        pool = ProcessPoolExecutor(2, mp_context=get_context(start), initializer=begin, initargs=(given,))
        with pool:
            answers = list(pool.map(ask, [f"question {number}" for number in range(6)]))
        given.chat_completion(chat_completion_request=asking("parent"))
    assert os.getpid() not in {process for process, _ in answers}
    print(json.dumps([text for _, text in answers]), flush=True)
"""
STARTS = [start for start in ("spawn", "forkserver") if start in multiprocessing.get_all_start_methods()]


def echo(connection: Connection) -> None:
    while True:
        text = connection.read_request().json()["messages"][0]["content"]
        connection.send(json_response(chunk(text, "stop")))


@pytest.mark.parametrize("start", STARTS)
def test_the_workers_of_a_pool_share_a_client(start: str, tmp_path: Path) -> None:
    file = tmp_path / "pool.py"
    file.write_text(POOL, encoding="utf-8")
    questions = [f"question {number}" for number in range(6)]
    with RawServer(handler=echo) as server:
        with Program(file, start, server.url, OPERATOR, TOKEN) as program:
            assert program.hear() == questions
        server.wait_ended(server.connections)
    asked = [(request.connection, request.json()["messages"][0]["content"]) for request in server.requests]
    assert sorted(text for _, text in asked) == ["parent", "parent", *questions]
    # The parent goes on with the connection that it had, which no worker has touched.
    parents = {connection for connection, text in asked if text == "parent"}
    workers = {connection for connection, text in asked if text != "parent"}
    assert parents == {0} and 0 not in workers and len(workers) <= 2
    for request in server.requests:
        assert request.get("X-Team") == "blue"
        assert request.get("Authorization") == f"Bearer {TOKEN}"
        assert request.get("x-operator-id") == OPERATOR
