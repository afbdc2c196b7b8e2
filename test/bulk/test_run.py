"""Runs against a server: one line per row, resumed, refused, stopped."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.calls import answer, chat
from support.programs import wait_until
from support.raw_server import Connection, Gate, RawRequest, RawServer, Response, http_response, json_response
from tachyon_sdk import ApiValueError, ConnectionException, UnauthorizedException, bulk
from tachyon_sdk.bulk.journal import Journal


def text_of(request: RawRequest) -> str:
    return str(request.json()["messages"][0]["content"])


def echo(request: RawRequest) -> Response:
    return answer(text_of(request))


def server_of(respond: Callable[[RawRequest], Response]) -> RawServer:
    """A server whose responses depend on the requests."""

    def talk(connection: Connection) -> None:
        while connection.socket.fileno() != -1:
            connection.play(respond(connection.read_request()))

    return RawServer(handler=talk)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def texts(path: Path) -> list[str]:
    return [line["response"]["body"]["choices"][0]["message"]["content"] for line in lines(path)]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def test_a_line_for_each_row_in_order_with_equal_prompts(output: Path) -> None:
    rows = ["a", "b", "a", {"custom_id": "x", "prompt": "a"}, "a"]
    with server_of(echo) as server:
        report = bulk.run(chat(server).chat_completion, rows, output, request={"model": "m"})
    assert (report.rows, report.done, report.failed, report.left) == (5, 5, 0, 0)
    assert texts(output) == ["a", "b", "a", "a", "a"]
    assert [line["tachyon"]["row"] for line in lines(output)] == [0, 1, 2, 3, 4]
    assert len({line["custom_id"] for line in lines(output)}) == 5
    assert lines(output)[3]["custom_id"] == "x"
    assert {request.json()["model"] for request in server.requests} == {"m"}


def test_a_finished_row_is_not_sent_again_and_rows_may_move(output: Path) -> None:
    with server_of(echo) as server:
        call = chat(server).chat_completion
        bulk.run(call, ["a", "b", "a"], output)
        output.unlink()
        bulk.run(call, ["b", "a", "a"], output)
        assert len(server.requests) == 3
    assert texts(output) == ["b", "a", "a"]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 504])
def test_a_fault_of_a_row_does_not_stop_the_others(output: Path, status: int) -> None:
    def respond(request: RawRequest) -> Response:
        return json_response({"message": "no"}, status=status) if text_of(request) == "bad" else echo(request)

    rows = ["a", "bad", {"messages": [{"role": "user", "content": "x"}], "temperature": 9}, "b"]
    with server_of(respond) as server:
        call = chat(server).chat_completion
        report = bulk.run(call, rows, output, concurrency=1)
        assert (report.done, report.failed, report.left) == (2, 2, 0)
        assert len(server.requests) == 3
        assert lines(output)[1]["response"]["status_code"] == status
        assert [bool(line["error"]) for line in lines(output)] == [False, True, True, False]
        bulk.run(call, rows, output)
        assert len(server.requests) == 3
        bulk.retry_failed(call, output)
        assert [text_of(request) for request in server.requests][3:] == ["bad"]


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_had_no_effect_is_repeated(output: Path, status: int) -> None:
    responses = iter([http_response(status, headers={"Retry-After": "0"}), answer("yes")])
    with RawServer(responses) as server:
        report = bulk.run(chat(server, retries=7).chat_completion, ["a"], output)
    assert (report.done, len(server.requests)) == (1, 2)


def test_no_more_attempts_than_asked_for(output: Path) -> None:
    with server_of(lambda request: http_response(503, headers={"Retry-After": "0"})) as server:
        report = bulk.run(chat(server, retries=7).chat_completion, ["a"], output, attempts=3)
        assert (report.failed, len(server.requests)) == (1, 3)
    assert lines(output)[0]["tachyon"]["attempts"] == 3


@pytest.mark.parametrize(("lost", "done"), [("fail", 0), ("again", 1)])
def test_what_may_have_had_an_effect_is_repeated_only_on_request(output: Path, lost: Any, done: int) -> None:
    responses = iter([http_response(504), answer("yes")])
    with RawServer(responses) as server:
        report = bulk.run(chat(server).chat_completion, ["a"], output, lost=lost)
    assert (report.done, len(server.requests)) == (done, 1 + done)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_account_stops_the_run_and_its_rows_are_left(output: Path, status: int) -> None:
    responses: Iterator[Response] = iter([answer("a"), http_response(status)])
    with RawServer(responses) as server:
        with pytest.raises(Exception, match=str(status)):
            bulk.run(chat(server).chat_completion, ["a", "b", "c"], output, concurrency=1)
        assert len(server.requests) == 2
    assert (bulk.status(output).done, bulk.status(output).left) == (1, 2)
    assert texts(output) == ["a"]


def test_a_server_that_refuses_everything_stops_the_run(output: Path) -> None:
    with server_of(lambda request: http_response(429, headers={"Retry-After": "0"})) as server:
        with pytest.raises(Exception, match="429"):
            bulk.run(chat(server).chat_completion, ["a", "b"], output, attempts=3, concurrency=1)
        assert len(server.requests) == 3
    assert bulk.status(output).left == 2


def test_a_server_that_cannot_be_reached_stops_the_run(output: Path) -> None:
    with server_of(echo) as server:
        call = chat(server).chat_completion
    with pytest.raises(ConnectionException):
        bulk.run(call, ["a", "b"], output, attempts=1)
    assert bulk.status(output).left == 2


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (["a", "b"], {}, "1 new"),
        ([], {}, "lacks 1"),
        (["b"], {}, "1 new rows? and lacks 1|1 new and lacks 1"),
        (["a"], {"request": {"model": "other"}}, "common part"),
        (["a"], {"prompt": "x {text}"}, "common part"),
    ],
)
def test_a_changed_run_is_refused_unless_anew(output: Path, rows: Any, options: Any, message: str) -> None:
    with server_of(echo) as server:
        call = chat(server).chat_completion
        bulk.run(call, ["a"], output)
        with pytest.raises(bulk.BulkError, match=message):
            bulk.run(call, rows, output, **options)
        assert len(server.requests) == 1
        assert bulk.run(call, ["a"], output).done == 1  # the refused run has changed nothing
        assert bulk.run(call, rows, output, anew=True, **options).done == len(rows)


def test_another_host_and_a_changed_body_of_a_custom_id_are_refused(output: Path) -> None:
    with server_of(echo) as first, server_of(echo) as second:
        bulk.run(chat(first).chat_completion, [{"custom_id": "x", "prompt": "a"}], output)
        with pytest.raises(bulk.BulkError, match="the server was"):
            bulk.run(chat(second).chat_completion, [{"custom_id": "x", "prompt": "a"}], output)
        with pytest.raises(bulk.BulkError, match="1 new"):
            bulk.run(chat(first).chat_completion, [{"custom_id": "x", "prompt": "b"}], output)
        assert not second.requests


def test_equal_custom_ids_are_refused(output: Path) -> None:
    with server_of(echo) as server:
        with pytest.raises(ApiValueError, match="rows 1 and 3 have the same custom_id 'x'"):
            rows = [{"custom_id": "x", "prompt": "a"}, "b", {"custom_id": "x", "prompt": "c"}]
            bulk.run(chat(server).chat_completion, rows, output)
        assert server.connections == 0


def test_a_second_run_on_the_same_files_and_a_foreign_file_are_refused(output: Path) -> None:
    with server_of(echo) as server:
        call = chat(server).chat_completion
        with Journal(str(output)):
            with pytest.raises(bulk.BulkError, match="another run uses"):
                bulk.run(call, ["a"], output)
        other = output.with_name("mine.jsonl")
        other.write_text("mine", encoding="utf-8")
        with pytest.raises(bulk.BulkError, match="has no journal"):
            bulk.run(call, ["a"], other)
        assert server.connections == 0
        assert other.read_text(encoding="utf-8") == "mine"


def test_shards_and_their_merging(output: Path) -> None:
    rows = ["a", "b", "a", "c", "a"]
    with server_of(echo) as server:
        call = chat(server).chat_completion
        shards = [bulk.run(call, rows, output, shard=(number, 2)).output for number in (1, 2)]
    assert bulk.merge(shards[::-1], output) == 5
    assert texts(output) == rows
    with pytest.raises(bulk.BulkError, match="two of the files"):
        bulk.merge([shards[0], shards[0]], output)
    assert texts(output) == rows


def test_each_yields_results_and_errors(output: Path) -> None:
    def respond(request: RawRequest) -> Response:
        return http_response(400) if text_of(request) == "1" else echo(request)

    with server_of(respond) as server:
        results = list(bulk.each(chat(server).chat_completion, map(str, range(40)), ordered=True))
    assert [result.index for result in results] == list(range(40))
    assert [result.text for result in results if not result.error] == [str(n) for n in range(40) if n != 1]
    with pytest.raises(Exception, match="400"):
        _ = results[1].value


def test_each_reads_only_as_many_rows_as_are_in_flight() -> None:
    taken = []

    def rows() -> Iterator[str]:
        for number in range(1000):
            taken.append(number)
            yield str(number)

    with server_of(echo) as server:
        results = bulk.each(chat(server).chat_completion, rows(), concurrency=2)
        next(results)
        assert len(taken) <= 4
        results.close()  # type: ignore[attr-defined]


def test_each_raises_what_stops_the_run() -> None:
    with server_of(lambda request: http_response(401)) as server:
        with pytest.raises(UnauthorizedException):
            list(bulk.each(chat(server).chat_completion, ["a"]))


def test_a_parsed_value_is_in_the_result_and_the_line(output: Path) -> None:
    with server_of(lambda request: answer("[1, 2]")) as server:
        (result,) = bulk.each(chat(server).chat_completion, ["a"], parse=list[int])
        assert result.value == [1, 2]
        bulk.run(chat(server).chat_completion, ["a"], output, parse=list[int])
        assert lines(output)[0]["tachyon"]["value"] == [1, 2]
    with server_of(lambda request: answer("no")) as server:
        (result,) = bulk.each(chat(server).chat_completion, ["a"], parse=list[int])
        assert result.error
        assert result.text == "no"


def test_a_budget_stops_the_run_and_counts_earlier_runs(output: Path) -> None:
    def respond(request: RawRequest) -> Response:
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        return json_response({"choices": [choice], "usage": {"total_tokens": 10, "total_cost": 1.0}})

    with server_of(respond) as server:
        call = chat(server).chat_completion
        for _ in range(2):
            report = bulk.run(call, list("abcdef"), output, concurrency=1, budget=bulk.Budget(cost=3))
            assert (report.stopped, report.done, report.cost, report.tokens) == ("budget", 3, 3.0, 30)
        assert bulk.run(call, list("abcdef"), output).done == 6


RUN = """
import sys
from tachyon_sdk import ApiClient, ChatApi, Configuration, bulk
with ApiClient(Configuration(sys.argv[1], access_token="k", operator_id="t", proxy="")) as client:
    rows = [str(number % 20) for number in range(int(sys.argv[3]))]
    bulk.run(ChatApi(client).chat_completion, rows, sys.argv[2], concurrency=4)
"""


def start(server: RawServer, output: Path, rows: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, server.url, str(output), str(rows)], stderr=subprocess.PIPE
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize(
    "kills", [4, pytest.param(50, marks=[pytest.mark.exhaustive, pytest.mark.timeout(300)])]
)
def test_after_kills_there_is_one_line_per_row_and_little_is_sent_twice(output: Path, kills: int) -> None:
    chance, rows = random.Random(13), kills * 20
    reached, target = threading.Event(), [0]

    def respond(request: RawRequest) -> Response:
        if len(server.requests) >= target[0]:
            reached.set()
        return echo(request)

    done_before = 0
    with server_of(respond) as server:
        for _ in range(kills):
            target[0] = len(server.requests) + chance.randrange(1, 16)
            reached.clear()
            process = start(server, output, rows)
            assert reached.wait(60)
            process.kill()
            process.communicate()
            done = bulk.status(output).done
            assert done >= done_before
            done_before = done
        final = start(server, output, rows)
        assert final.communicate()[1] == b""
        assert final.returncode == 0
        sent = Counter(map(text_of, server.requests))
    assert texts(output) == [str(number % 20) for number in range(rows)]
    assert sum(sent.values()) <= rows + 4 * kills


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_rows_in_flight_finish(output: Path, number: int) -> None:
    gate = Gate()
    with server_of(lambda request: [gate, bytes(echo(request))]) as server:
        process = start(server, output, 20)
        wait_until(lambda: len(server.requests) == 4, "no requests")
        process.send_signal(number)
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"stopping")
        gate.open(4)
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert len(server.requests) == 4
    assert len(lines(output)) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize(("limit", "sent"), [(20_000, False), (150_000, True)])
def test_a_full_disk(output: Path, limit: int, sent: bool) -> None:
    code = (
        "import resource, signal, sys\nfrom tachyon_sdk import bulk\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        + RUN.replace("    bulk.run(", "    try:\n      bulk.run(").rstrip()
        + "\n    except bulk.BulkError as error:\n        print(error, len(error.unsaved))\n"
    )
    long = "x" * 2000
    with server_of(lambda request: answer(long)) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, server.url, str(output), "200"], capture_output=True, timeout=60
        )
        assert done.stdout.startswith(str(output).encode()), done.stderr
        assert bool(server.requests) == sent
        unsaved = int(done.stdout.split()[-1])
        assert bulk.status(output).done + unsaved == len(server.requests) if sent else unsaved == 0
        assert bulk.run(chat(server).chat_completion, [str(n % 20) for n in range(200)], output).done == 200
