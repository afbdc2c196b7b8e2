"""Measures the clients side by side and prints tables: `python -m benchmarks`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import tables
from benchmarks.environments import FLOOR, HERE, OURS, Environment, add_options, clients, prepared
from benchmarks.server import running_server

_SECTIONS = ("import", "first", "stream", "threads", "plain", "connection", "latency", "merge", "memory")
_QUICK_SECTIONS = ("import", "first", "stream", "plain", "latency")
_CONNECTIONS = ("kept", "new", "kept, TLS", "new, TLS")
_BUSY_STREAMS = 64
_ONCE = ("chunks dropped", "chunks kept")  # memory is the same each time
# Chunks as services send them.
_SERVICES = ("router", "logprobs", "thinking", "obfuscated", "usage", "role", "nulls", "compact", "tools")
# Peers take so long that less of them is measured as exactly.
_PEER_SHARE = 8


@dataclass(frozen=True)
class Plan:
    """How much of what is measured."""

    rounds: int = 7
    # The shapes that cost most beside the floor come first.
    streams: tuple[str, ...] = (
        *(f"{shape}:{framing}" for framing in ("length", "each") for shape in _SERVICES),
        "full:each",
        "full:large",
        "compact:large",
        "japanese:each",
        "full:gzip",
    )
    chunks: int = 20_000
    # Number of threads, each with a stream, and what is streamed.
    threads: tuple[str, ...] = tuple(
        f"{threads} threads:{stream}"
        for threads in (32, 128)
        for stream in ("router:each", "obfuscated:each", "compact:each")
    )
    calls: int = 3_000
    connections: int = 300
    paced_chunks: int = 300
    long_chunks: int = 100_000


_QUICK = Plan(rounds=5, streams=("full:each", "compact:large"), calls=500, paced_chunks=150)


class Bench:
    """Measures clients; each measurement runs in a process of its own."""

    def __init__(self, plan: Plan, url: str, tls_url: str, ca_file: Path) -> None:
        self._plan = plan
        self._url = url
        self._tls_url = tls_url
        self._ca_file = ca_file

    def names(self, section: str) -> Iterator[str]:
        """What a section consists of."""
        if section == "import":
            yield from ("bare", "import", "package")
        elif section == "stream":
            yield from self._plan.streams
        elif section == "threads":
            yield from self._plan.threads
        elif section == "connection":
            yield from _CONNECTIONS
        elif section == "latency":
            yield from ("latency", "latency, busy")
        elif section == "memory":
            yield from _ONCE
        else:
            yield section

    def measure(self, name: str, client: Environment) -> dict[str, float]:
        """The figures of one measurement, in seconds or bytes.

        Raises:
            subprocess.CalledProcessError: The client cannot do this.
        """
        plan = self._plan
        if name == "bare":
            return self._script(client, "pass")
        if name == "import":
            return self._script(client, f"import clients.{client.client}")
        if name == "package":
            return self._script(client, f"import {OURS}") if client.client == OURS else {}
        if name == "first":
            script = "from clients import {} as c; c.plain(c.connect({!r}), 'plain')"
            return self._script(client, script.format(client.client, self._url))
        if name == "plain":
            return self._worker(client, "plain", self._share(client, plan.calls))
        if name in _CONNECTIONS:
            url, model = self._tls_url if "TLS" in name else self._url, "closed" if "new" in name else "plain"
            return self._worker(client, "plain", plan.connections, model, url=url)
        if name == "latency":
            return self._worker(client, "latency", plan.paced_chunks)
        if name == "latency, busy":
            return self._worker(client, "latency", plan.paced_chunks, _BUSY_STREAMS)
        if name == "merge":
            return self._worker(client, "merge", self._share(client, plan.long_chunks))
        if name in plan.threads:
            threads, _, stream = name.partition(" threads:")
            return self._worker(client, "threads", stream, threads, self._share(client, 2 * plan.chunks))
        if name in _ONCE:
            keep = name.removeprefix("chunks ")
            return self._worker(client, "memory", self._share(client, plan.long_chunks), keep)
        return self._worker(client, "stream", name, self._share(client, plan.chunks))

    def _share(self, client: Environment, count: int) -> int:
        return count if client.client in (FLOOR, OURS) else count // _PEER_SHARE

    def _script(self, client: Environment, script: str) -> dict[str, float]:
        """CPU (user and system) and time of a whole process."""
        started = time.perf_counter()
        # Where it runs, `clients` can be imported, and the checkout's own package cannot.
        process = subprocess.Popen([client.python, "-c", script], cwd=HERE, env=client.variables())
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, script)
        return {"cpu": used.ru_utime + used.ru_stime, "wall": wall}

    def _worker(self, client: Environment, *arguments: str | int, url: str = "") -> dict[str, float]:
        command = [
            str(client.python),
            str(HERE / "worker.py"),
            client.client,
            url or self._url,
            *map(str, arguments),
        ]
        variables = client.variables(SSL_CERT_FILE=str(self._ca_file))
        done = subprocess.run(command, env=variables, check=True, capture_output=True)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures


def measure(
    bench: Bench, environments: list[Environment], sections: list[str], rounds: int
) -> tables.Measured:
    """Measures everything once in each round, the clients taking turns.

    A round before the first does not count: it compiles modules, and has the server make its answers. What a peer
    cannot do is left out.
    """
    measured: tables.Measured = {}
    todo = [
        (name, environment)
        for section in sections
        for name in bench.names(section)
        for environment in environments
    ]
    for number in range(rounds + 1):
        if sys.stderr.isatty():
            print(f"\rround {number} of {rounds} ", end="", file=sys.stderr, flush=True)
        for name, environment in todo[:]:
            if name in _ONCE and number != 1:
                continue
            try:
                figures = bench.measure(name, environment)
            except subprocess.CalledProcessError as error:
                todo.remove((name, environment))
                _left_out(name, environment.client, error)
                continue
            if number:
                for figure, value in figures.items():
                    of_clients = measured.setdefault(f"{name} {figure}", {})
                    of_clients.setdefault(environment.client, []).append(value)
    return measured


def _left_out(name: str, client: str, error: subprocess.CalledProcessError) -> None:
    said = " ".join((error.stderr or b"").decode(errors="replace").split())[-300:]
    if client in (FLOOR, OURS):
        sys.exit(f"{client} failed at {name}: {said or error}")
    print(f"{client} cannot do {name}: ...{said}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="less of it, without peers, in less than a minute"
    )
    parser.add_argument("--only", metavar="SECTION,...", help=f"some of {','.join(_SECTIONS)}")
    parser.add_argument(
        "--clients", metavar="NAME,...", help=f"some of {','.join(clients())}; the floor always runs"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="how often everything is measured")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures of all rounds to a file, too"
    )
    add_options(parser)
    options = parser.parse_args()
    options.only = (
        options.only.split(",") if options.only else [*(_QUICK_SECTIONS if options.quick else _SECTIONS)]
    )
    names = options.clients.split(",") if options.clients else clients()[: 2 if options.quick else None]
    options.clients = [FLOOR, *(name for name in names if name != FLOOR)]
    if unknown := ({*options.only} - {*_SECTIONS}) | ({*options.clients} - {*clients()}):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _main() -> None:
    options = _options()
    plan = _QUICK if options.quick else Plan()
    rounds = options.rounds or plan.rounds
    environments = prepared(options.clients, options)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server() as url,
        running_server(Path(folder)) as tls_url,
    ):
        bench = Bench(plan, url, tls_url, Path(folder, "ca.pem"))
        measured = measure(bench, environments, options.only, rounds)
    about = tables.about(environments, rounds, time.monotonic() - started)
    print(about, *tables.tables(measured), sep="\n\n")
    if options.json:
        figures = {"about": about, "plan": asdict(plan), "measured": measured}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
