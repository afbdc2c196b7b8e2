"""The figures as tables in Markdown."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.environments import Environment

Measured = dict[str, dict[str, list[float]]]
"""Name of a figure, name of a client: a value for each round, in seconds or bytes."""

_SHOWN = (
    "urllib3",
    "pydantic",
    "pydantic_core",
    "tachyon-chat-sdk",
    "openai",
    "mistralai",
    "httpx",
    "httpx-sse",
)
_UNITS = {"ms": 1e3, "µs": 1e6, "B": 1.0, "×": 1.0}
_OF_THREADS = "A chunk of one of many streams at a time, a thread each (time)"
_TABLES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Import (CPU)": (
        ("bare Python", "bare cpu", "ms"),
        ("with what a call needs", "import cpu", "ms"),
        ("the same without bare Python", "import alone", "ms"),
        ("`import tachyon_sdk` only", "package cpu", "ms"),
        ("in bare Pythons", "package ratio", "×"),
    ),
    "First call: start, import, call, exit": (("CPU", "first cpu", "ms"), ("time", "first wall", "ms")),
    "A streamed chunk (CPU)": (),  # a column for each stream
    _OF_THREADS: (),
    "A plain call": (("CPU", "plain cpu", "µs"), ("time", "plain wall", "µs")),
    "A plain call over a kept or a new connection (CPU)": (
        ("kept", "kept cpu", "µs"),
        ("new", "new cpu", "µs"),
        ("kept, TLS", "kept, TLS cpu", "µs"),
        ("new, TLS", "new, TLS cpu", "µs"),
    ),
    "Added latency of a chunk": (
        ("p50", "latency p50", "µs"),
        ("p99", "latency p99", "µs"),
        ("p50 beside 64 busy streams", "latency, busy p50", "µs"),
        ("p99 beside 64 busy streams", "latency, busy p99", "µs"),
    ),
    "The whole text of a long stream, per chunk": (("CPU", "merge cpu", "µs"),),
    "Growth over one long stream, per chunk": (
        ("chunks dropped", "chunks dropped bytes", "B"),
        ("chunks kept", "chunks kept bytes", "B"),
        ("chunks dropped, CPU", "chunks dropped cpu", "µs"),
    ),
}
_SUMMARY = {
    "import": "import alone",
    "first call, CPU": "first cpu",
    "CPU per streamed chunk": "",
    "CPU per plain call": "plain cpu",
    "chunk of 32 or 128 streams, time": "threads",
    "added latency, p50": "latency p50",
}


def about(environments: list[Environment], rounds: int, seconds: float) -> str:
    """What was measured, and on what."""
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {_processor()}, "
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.",
        f"Medians of {rounds} rounds, {seconds:.0f} s in all. In brackets: the median of the ratios to the floor in "
        "the same round, and half the distance between their quartiles.",
        "",
    ]
    for environment in environments:
        versions = environment.versions()
        shown = ", ".join(f"{name} {versions[name]}" for name in _SHOWN if name in versions)
        lines.append(
            f"- {environment.client}: {shown}{', imported from a checkout' if environment.path else ''}"
        )
    return "\n".join(lines)


def tables(measured: Measured) -> Iterator[str]:
    """All tables that there are figures for, the summary last."""
    measured = {**measured, **_derived(measured)}
    several = [name for name in measured if name.endswith(" cpu") and ":" in name]
    streams = [name for name in several if "threads" not in name]
    of_threads = [name.replace(" cpu", " wall") for name in several if "threads" in name]
    generated = {
        title: tuple((name.rpartition(" ")[0].replace(":", ", "), name, "µs") for name in names)
        for title, names in zip(("A streamed chunk (CPU)", _OF_THREADS), (streams, of_threads), strict=True)
    }
    clients = list(dict.fromkeys(client for figures in measured.values() for client in figures))
    for title, columns in _TABLES.items():
        present = [column for column in columns or generated[title] if column[1] in measured]
        if present:
            yield _table(
                title,
                [heading for heading, _, _ in present],
                {
                    client: [_cell(measured[name], client, unit) for _, name, unit in present]
                    for client in clients
                },
            )
    yield _table(
        "Ratios to the floor",
        list(_SUMMARY),
        {
            client: [
                _ratios(measured, {"": streams, "threads": of_threads}.get(name, [name]), client)
                for name in _SUMMARY.values()
            ]
            for client in clients
        },
    )


def _derived(measured: Measured) -> Measured:
    def combined(one: str, other: str, how: Callable[[float, float], float]) -> dict[str, list[float]]:
        return {
            client: [how(*pair) for pair in zip(values, measured[other][client], strict=True)]
            for client, values in measured.get(one, {}).items()
        }

    derived = {
        "import alone": combined("import cpu", "bare cpu", lambda whole, bare: whole - bare),
        "package ratio": combined("package cpu", "bare cpu", lambda whole, bare: whole / bare),
    }
    return {name: figures for name, figures in derived.items() if figures}


def _table(title: str, headings: list[str], lines: dict[str, list[str]]) -> str:
    rows = [
        ["", *headings],
        ["-"] + ["-:"] * len(headings),
        *([name, *cells] for name, cells in lines.items()),
    ]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(figures: dict[str, list[float]], client: str, unit: str) -> str:
    if client not in figures:
        return ""
    value = statistics.median(figures[client]) * _UNITS[unit]
    shown = f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    if client == "floor" or "floor" not in figures:
        return f"{shown} {unit}"
    if unit == "B" and statistics.median(figures["floor"]) < 1:
        return f"{shown} {unit}"  # the ratio to next to nothing says nothing
    ratios = _against_floor(figures, client)
    spread = 0.0
    if len(ratios) > 1:
        lower, _, upper = statistics.quantiles(ratios, n=4, method="inclusive")
        spread = (upper - lower) / 2
    return f"{shown} {unit} ({statistics.median(ratios):.2f} ±{spread:.2f})"


def _ratios(measured: Measured, names: list[str], client: str) -> str:
    """The ratio to the floor; of several figures, the lowest and the highest."""
    ratios = sorted(
        statistics.median(_against_floor(measured[name], client))
        for name in names
        if client in measured.get(name, {})
    )
    return " to ".join(dict.fromkeys(f"{ratio:.2f}" for ratio in (ratios[:1] + ratios[-1:])))


def _against_floor(figures: dict[str, list[float]], client: str) -> list[float]:
    return [value / floor for value, floor in zip(figures[client], figures["floor"], strict=True)]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor"
    )
