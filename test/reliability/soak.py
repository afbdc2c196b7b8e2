"""The soak run: many threads share one client for minutes, against the local server behind a proxy that injects faults.

    python soak.py --minutes 10 --threads 64 [--seed N] [--calls N]

Every call asks for something that no other call asks for, and says which fault it wants. So each outcome is known:
the very answer, the beginning of it, or an error that the fault explains. The server runs in a process of its own;
memory, threads and open descriptors are those of the client alone. The exit status is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import itertools
import os
import random
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from soak_calls import Call, Outcome, make, plan

from tachyon_sdk import ApiClient, ChatApi, Configuration

PERIOD = 0.25  # seconds between two samples
FEWEST_SECONDS = 60.0  # a shorter run says nothing about memory
ENOUGH_PROBLEMS = 20
LONGEST_SILENCE = 60.0  # seconds; what hangs is an error after that, which no fault explains
PATIENCE = 120.0  # seconds for the calls that are under way at the end: none takes that long


class Sample(NamedTuple):
    """What the process holds. `memory` is the resident set in MB; all are 0 where /proc is missing."""

    memory: float
    descriptors: int
    threads: int


class Hosts(Configuration):
    """The proxy, and as host number 1 a port where nobody listens."""

    refusing = ""

    def get_host_settings(self) -> list[Any]:
        """Both hosts."""
        return [{"url": self._base_path, "description": ""}, {"url": self.refusing, "description": ""}]


class Tally:
    """What all threads have seen; they share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.retries = 0
        self.problems: list[str] = []

    def add(self, call: Call, outcome: Outcome) -> None:
        """Count a call that has come to its end, and note what is wrong with it."""
        problem = call.judge(outcome)
        with self._lock:
            self.outcomes[outcome.kind] += 1
            self.faults[call.fault.name] += 1
            self.retries += call.retries(outcome)
            if outcome.error is not None:
                self.errors[type(outcome.error).__name__] += 1
            if problem:
                self.note(f"{problem}\n    in {call}")

    def note(self, problem: str) -> None:
        """Note what is wrong."""
        self.problems.append(problem)


def sample() -> Sample:
    """What this process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        # The folder itself is open while it is listed.
        descriptors = len(os.listdir("/proc/self/fd")) - 1
    except OSError:
        return Sample(0, 0, threading.active_count())
    return Sample(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, descriptors, threading.active_count())


@contextmanager
def server() -> Iterator[str]:
    """The URL of the other process."""
    program = Path(__file__).with_name("fault_proxy.py")
    process = subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


@contextmanager
def refusing() -> Iterator[str]:
    """The URL of a port that refuses connections."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # and does not listen
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


class Run(NamedTuple):
    """What was seen in how many seconds, and what was held: before, meanwhile, and at rest after each quarter."""

    tally: Tally
    seconds: float
    before: Sample
    meanwhile: list[Sample]
    at_rest: list[Sample]


def calls_of(seed: str) -> Iterator[Call]:
    """The calls of one thread, the same ones in the same order for the same seed."""
    choices = random.Random(seed)
    for number in itertools.count():
        yield plan(choices, f"{seed}-{number}")


def work(chat: ChatApi, calls: Iterator[Call], tally: Tally, stop: threading.Event) -> None:
    """Make one call after the other."""
    for call in calls:
        tally.add(call, make(chat, call))
        if stop.is_set():
            return


def run_quarter(
    chat: ChatApi, calls: Sequence[Iterator[Call]], seconds: float, tally: Tally
) -> Iterator[Sample]:
    """Let all threads work until the time is over, or each has made its calls; what is held meanwhile."""
    stop = threading.Event()
    workers = [threading.Thread(target=work, args=(chat, each, tally, stop), daemon=True) for each in calls]
    end = time.monotonic() + seconds
    for worker in workers:
        worker.start()
    yield sample()
    while (
        time.monotonic() < end
        and len(tally.problems) < ENOUGH_PROBLEMS
        and any(worker.is_alive() for worker in workers)
    ):
        time.sleep(PERIOD)
        yield sample()
    stop.set()
    deadline = time.monotonic() + PATIENCE
    for worker in workers:
        worker.join(max(0, deadline - time.monotonic()))
    if hanging := sum(worker.is_alive() for worker in workers):
        tally.note(f"{hanging} calls hang")
        faulthandler.dump_traceback()


def settle() -> Sample:
    """What is held while nothing goes on, after all that can be given back was given back."""
    gc.collect()
    # Many threads leave glibc's heaps full of holes, which would hide what the program itself holds.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return sample()


def run(seconds: float, threads: int, seed: int, count: int | None) -> Run:
    """Four quarters with the same client; after each, it closes its connections and nothing goes on."""
    tally = Tally()
    sys.unraisablehook = lambda what: tally.note(f"unraisable: {what.exc_value!r} in {what.object!r}")
    threading.excepthook = lambda what: tally.note(f"a thread has ended: {what.exc_value!r}")
    with server() as url, refusing() as nobody:
        Hosts.refusing = nobody
        settings = Hosts(
            url, access_token="dummy-token", operator_id="tn_soak", proxy="", read_timeout=LONGEST_SILENCE
        )
        calls = [calls_of(f"{seed}-{index}") for index in range(threads)]
        before = settle()
        started = time.monotonic()
        meanwhile: list[Sample] = []
        at_rest: list[Sample] = []
        with ApiClient(settings) as client:
            for _ in range(4):
                some = [itertools.islice(each, count and count // 4) for each in calls]
                meanwhile += run_quarter(ChatApi(client), some, seconds / 4, tally)
                client.close()
                at_rest.append(settle())
        return Run(tally, time.monotonic() - started, before, meanwhile, at_rest)


def grown(memory: Sequence[float]) -> bool:
    """Whether there is more in the end than after the second quarter, by more than a tenth."""
    return memory[3] > memory[1] * 1.1


def check(done: Run) -> None:
    """Report problems of the whole run, before those of single calls."""
    before = done.before
    problems = []
    if not done.tally.outcomes["whole answer"]:
        problems.append("there was no whole answer")
    for each in done.at_rest:
        if (each.descriptors, each.threads) != (before.descriptors, before.threads):
            problems.append(f"held at rest: {each}, before: {before}")
    if done.seconds >= FEWEST_SECONDS and grown([each.memory for each in done.at_rest]):
        problems.append("the memory has grown")
    done.tally.problems[:0] = problems


def report(done: Run) -> None:
    """Print the figures, and what is wrong."""
    tally, seconds, before, meanwhile, at_rest = done
    calls = sum(tally.outcomes.values())
    print(f"calls: {calls} in {seconds:.1f} s, {calls / seconds:.1f} per second, {tally.retries} retries")
    for title, counts in (("outcomes", tally.outcomes), ("errors", tally.errors), ("faults", tally.faults)):
        print(f"{title}:", ", ".join(f"{name} {count}" for name, count in counts.most_common()))
    for title, unit in (("memory", " MB"), ("descriptors", ""), ("threads", "")):
        first, *rest = (format(getattr(each, title), ".4g") + unit for each in (before, *at_rest))
        most = max(getattr(each, title) for each in meanwhile)
        print(
            f"{title}: {first} before, {most:.4g}{unit} at most, at rest after each quarter {', '.join(rest)}"
        )
    for problem in tally.problems[:ENOUGH_PROBLEMS]:
        print("PROBLEM:", problem)
    print("FAILED" if tally.problems else "passed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, and return the exit status."""
    parser = argparse.ArgumentParser(description="Many threads, one client, and a server with random faults.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--seed", type=int, default=None, help="the calls of an earlier run")
    parser.add_argument("--calls", type=int, default=None, help="calls of each thread, a multiple of 4")
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}, {options.threads} threads, {options.minutes:g} minutes", flush=True)
    warnings.simplefilter("error")

    done = run(options.minutes * 60, options.threads, seed, options.calls)
    check(done)
    report(done)
    return 1 if done.tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
