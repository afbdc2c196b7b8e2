"""The soak run in small, and that it notices what it is there to notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from reliability import soak
from reliability.soak_calls import Call, Fault, Outcome

from tachyon_sdk import (
    ApiException,
    ChatCompletionChunkResponse,
    ConnectionException,
    ServiceException,
    StreamTruncatedException,
    TimeoutException,
)

pytestmark = pytest.mark.exhaustive

FOLDER = Path(__file__).resolve().parent
SMALL = ["--threads", "4", "--calls", "12", "--seed", "1"]
ANSWER = 'Hello! You said: "rain".'


def run(code: str) -> subprocess.CompletedProcess[str]:
    # The folder is where `-c` looks for modules first.
    command = [sys.executable, "-c", f"import sys, soak\n{code}", *SMALL]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False)


def test_a_small_run_passes_and_prints_its_figures() -> None:
    done = run("sys.exit(soak.main())")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "seed 1, 4 threads",
        "calls: 48 in ",
        "outcomes: ",
        "errors: ",
        "memory: ",
        "descriptors: ",
        "threads: 1 before, ",
        " at rest after each quarter 1, 1, 1, 1",
        "passed",
    ):
        assert part in done.stdout


def test_a_run_with_wrong_responses_and_an_open_descriptor_fails_with_reasons() -> None:
    done = run(
        "import soak_calls\n"
        "compose = soak_calls.compose\n"
        "soak_calls.compose = lambda messages, index: compose(messages, index) + '!'\n"
        "close = soak.ApiClient.close\n"
        "soak.ApiClient.close = lambda client: (close(client), held.append(open(soak.__file__)))\n"
        "held = []\n"
        "sys.exit(soak.main([*sys.argv[1:], '--calls', '4']))"
    )
    assert done.returncode == 1
    assert "PROBLEM: wrong answer: " in done.stdout
    assert "PROBLEM: held at rest: " in done.stdout or not Path("/proc/self/fd").exists()
    assert "FAILED" in done.stdout


def call(form: str = "", **fault: Any) -> Call:
    return Call("q", "rain", form, None, Fault("name", **fault), 3)


def failed(error: ApiException, seen: str = "", part: str | None = None, attempts: int = 1) -> Outcome:
    if part is not None:
        error.partial = ChatCompletionChunkResponse.from_dict(
            {"choices": [{"index": 0, "delta": {"content": part}}]}
        )
    return Outcome(seen, error=error.after([error] * (attempts - 1)))


HEALTHY = call(answers=True)
BROKEN = call("text", errors=(StreamTruncatedException,))
BUSY = call(errors=(ServiceException,), status=503, attempts=3)


@pytest.mark.parametrize(
    ("of", "outcome"),
    [
        (HEALTHY, Outcome(ANSWER, whole=True)),
        (call("leave", answers=True), Outcome(ANSWER[:9])),
        (call("drop", errors=(ConnectionException,)), Outcome("")),
        (BROKEN, failed(StreamTruncatedException(), ANSWER[:9], ANSWER[:9])),
        (BROKEN, failed(StreamTruncatedException(), "", None)),
        (BUSY, failed(ServiceException(503), attempts=3)),
    ],
)
def test_outcomes_explained_by_the_fault_are_accepted(of: Call, outcome: Outcome) -> None:
    assert of.judge(outcome) is None


@pytest.mark.parametrize(
    ("of", "outcome", "problem"),
    [
        (HEALTHY, Outcome(ANSWER[:-1], whole=True), "wrong answer"),
        (HEALTHY, Outcome(ANSWER.replace("rain", "snow"), whole=True), "wrong answer"),
        (HEALTHY, Outcome(""), "nothing came"),
        (HEALTHY, failed(ConnectionException()), "unexplained"),
        (HEALTHY, Outcome("", error=ValueError("x")), "unexplained"),
        (call("leave", answers=True), Outcome("Hello?"), "wrong beginning"),
        (BROKEN, Outcome(ANSWER, whole=True), "in spite of the fault"),
        (BROKEN, failed(TimeoutException()), "unexplained"),
        (BROKEN, failed(StreamTruncatedException(), attempts=2), "wrong status or number of attempts"),
        (BROKEN, failed(StreamTruncatedException(), "Hello!", "Hello"), "wrong part"),
        (BROKEN, failed(StreamTruncatedException(), "", "Hello?"), "wrong part"),
        (BUSY, failed(ServiceException(502), attempts=3), "wrong status or number of attempts"),
        (BUSY, failed(ServiceException(503), attempts=1), "wrong status or number of attempts"),
        (call(errors=(ConnectionException,)), failed(TimeoutException()), "unexplained"),
    ],
)
def test_unexplained_outcomes_are_problems(of: Call, outcome: Outcome, problem: str) -> None:
    assert problem in (of.judge(outcome) or "")


def test_only_unfinished_reads_may_be_left() -> None:
    for form in ("leave", "raise", "drop", "_without_preload_content"):
        assert call(form, answers=True).judge(Outcome("")) is None
    for form in ("", "_with_http_info", "text", "chunks", "collect"):
        assert call(form, answers=True).judge(Outcome("")) == "nothing came of the call"


@pytest.mark.parametrize(
    ("memory", "grows"),
    [
        ([40, 50, 50, 50], False),
        ([40, 50, 60, 54], False),
        ([40, 50, 52, 56], True),
        ([90, 60, 60, 60], False),
    ],
)
def test_memory_that_grows_is_a_problem(memory: list[float], grows: bool) -> None:
    done = finished([soak.Sample(megabytes, 8, 1) for megabytes in memory], seconds=60.0)
    assert done.tally.problems == (["the memory has grown"] if grows else [])


def test_open_descriptors_are_a_problem() -> None:
    for at_rest in (soak.Sample(50, 9, 1), soak.Sample(50, 8, 2)):
        done = finished([soak.Sample(50, 8, 1), at_rest, soak.Sample(50, 8, 1), soak.Sample(50, 8, 1)])
        (problem,) = done.tally.problems
        assert problem.startswith("held at rest: ")


def test_a_run_without_a_complete_response_is_a_problem() -> None:
    done = finished([soak.Sample(50, 8, 1)] * 4, answers=0)
    assert done.tally.problems == ["there was no whole answer"]


def finished(at_rest: list[soak.Sample], seconds: float = 1.0, answers: int = 1) -> soak.Run:
    done = soak.Run(soak.Tally(), seconds, soak.Sample(40, 8, 1), [soak.sample()], at_rest)
    done.tally.outcomes["whole answer"] = answers
    soak.check(done)
    return done
