"""One measurement of one client, in a process of its own, run by the Python of the client's environment.

    python worker.py <client> <url> <measurement> <argument>...

Prints a JSON object. Nothing here is imported from the other modules: this one must run where only the client is
installed.
"""

import gc
import importlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

_WARM_UP_CHUNKS = 200
_WARM_UP_CALLS = 20


class Client(Protocol):
    """What each module in `clients` has."""

    def connect(self, url: str) -> Any: ...
    def plain(self, client: Any, model: str) -> str | None: ...
    def stream(self, client: Any, model: str) -> Iterator[Any]: ...
    def collect(self, client: Any, model: str) -> str: ...


def stream(module: Client, url: str, stream: str, chunks: str) -> dict[str, float]:
    """Seconds of CPU, and of time, for each chunk of a long stream."""
    client = module.connect(url)
    _texts(module, client, stream, _WARM_UP_CHUNKS)
    count = int(chunks)
    wall, cpu = time.perf_counter(), time.process_time()
    _texts(module, client, stream, count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / count, "wall": wall / count}


def threads(module: Client, url: str, stream: str, streams: str, chunks: str) -> dict[str, float]:
    """Seconds of CPU, and of time, for each chunk of several streams at a time, a thread each, with one client."""
    client = module.connect(url)
    _texts(module, client, stream, _WARM_UP_CHUNKS)
    count, each = int(streams), int(chunks) // int(streams)
    ready, failed = threading.Barrier(count + 1), []

    def read() -> None:
        ready.wait()
        try:
            _texts(module, client, stream, each)
        except Exception as error:
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(count)]
    for reader in readers:
        reader.start()
    wall, cpu = time.perf_counter(), time.process_time()
    ready.wait()
    for reader in readers:
        reader.join()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if failed:
        raise failed[0]
    return {"cpu": cpu / (each * count), "wall": wall / (each * count)}


def merge(module: Client, url: str, chunks: str) -> dict[str, float]:
    """Seconds of CPU, and of time, for each chunk of a long stream whose whole text is wanted at the end."""
    client = module.connect(url)
    module.collect(client, f"stream:compact:each:{_WARM_UP_CHUNKS}")
    count = int(chunks)
    wall, cpu = time.perf_counter(), time.process_time()
    text = module.collect(client, f"stream:compact:each:{count}")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if len(text) < count - 2:  # the first and the last chunk have no text
        raise RuntimeError(f"{len(text)} letters of {count} chunks")
    return {"cpu": cpu / count, "wall": wall / count}


def plain(module: Client, url: str, calls: str, model: str = "plain") -> dict[str, float]:
    """Seconds of CPU, and of time, for each call, one after the other. Model `plain` keeps the connection."""
    client = module.connect(url)
    _call(module, client, _WARM_UP_CALLS, model)
    count = int(calls)
    wall, cpu = time.perf_counter(), time.process_time()
    _call(module, client, count, model)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / count, "wall": wall / count}


def latency(module: Client, url: str, chunks: str, others: str = "0") -> dict[str, float]:
    """Seconds from the sending of an event until the text of its chunk is at hand, beside other streams."""
    client = module.connect(url)
    _texts(module, client, "full:each", _WARM_UP_CHUNKS)
    for _ in range(int(others)):
        threading.Thread(target=_read_forever, args=(module, client), daemon=True).start()
    arrived: list[tuple[int, str]] = []
    now = time.monotonic_ns
    for chunk in module.stream(client, f"paced:{chunks}"):
        text = chunk.choices[0].delta.content
        arrived.append((now(), text))
    # The last chunk has no text; the first ones find all caches cold.
    delays = sorted(at - int(text) for at, text in arrived[10:] if text)
    return {
        "p50": delays[len(delays) // 2] / 1e9,
        "p99": delays[len(delays) * 99 // 100] / 1e9,
    }


def memory(module: Client, url: str, chunks: str, keep: str) -> dict[str, float]:
    """Bytes that the process grows by, at its peak, for each chunk of a long stream: they are kept, or dropped."""
    client = module.connect(url)
    _texts(module, client, "full:each", _WARM_UP_CHUNKS)
    count = int(chunks)
    kept: list[Any] = []
    before, cpu = _resident("VmRSS"), time.process_time()
    for chunk in module.stream(client, f"stream:full:each:{count}"):
        if keep == "kept":
            kept.append(chunk)
    cpu = time.process_time() - cpu
    return {"bytes": (_resident("VmHWM") - before) / count, "cpu": cpu / count}


def work(module: Client, url: str, *amounts: str) -> dict[str, float]:
    """Does given amounts of work, such as `plain=100` or `full:each=1000`, for others to count what it takes."""
    client = module.connect(url)
    parts = [(what, int(count)) for what, _, count in (amount.partition("=") for amount in amounts)]
    _work(module, client, [(what, 3) for what, _ in parts])
    # Else a collection of all that was ever imported may fall into the work, or may not.
    gc.collect()
    gc.freeze()
    _work(module, client, parts)
    return {}


def _work(module: Client, client: Any, parts: list[tuple[str, int]]) -> None:
    for what, count in parts:
        if what == "plain":
            _call(module, client, count)
        else:
            _texts(module, client, what, count)


def _read_forever(module: Client, client: Any) -> None:
    for chunk in module.stream(client, "busy"):
        _ = chunk.choices[0].delta.content


def _texts(module: Client, client: Any, stream: str, count: int) -> None:
    texts: list[str | None] = []
    append = texts.append
    # A program reads the text of each chunk, so a client that puts off its work until then gains nothing.
    for chunk in module.stream(client, f"stream:{stream}:{count}"):
        append(chunk.choices[0].delta.content)
    if len(texts) != count:
        raise RuntimeError(f"{len(texts)} chunks of {count}")


def _call(module: Client, client: Any, count: int, model: str = "plain") -> None:
    for _ in range(count):
        if not module.plain(client, model):
            raise RuntimeError("an answer without a text")


def _resident(what: str) -> int:
    """Bytes in memory, now (VmRSS) or at most so far (VmHWM); see proc(5)."""
    found = re.search(rf"{what}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _main() -> None:
    name, url, measurement, *arguments = sys.argv[1:]
    module = importlib.import_module(f"clients.{name}")
    print(json.dumps(_MEASUREMENTS[measurement](module, url, *arguments)), flush=True)
    os._exit(0)  # threads may still read


_MEASUREMENTS: dict[str, Callable[..., dict[str, float]]] = {
    "stream": stream,
    "threads": threads,
    "merge": merge,
    "plain": plain,
    "latency": latency,
    "memory": memory,
    "work": work,
}


if __name__ == "__main__":
    _main()
