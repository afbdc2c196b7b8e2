"""That the benchmarks still run. What they measure is not looked at here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHAPES = [
    "compact",
    "japanese",
    "tools",
    "nulls",
    "role",
    "obfuscated",
    "usage",
    "thinking",
    "router",
    "logprobs",
]
STREAMS = [f"{shape}:each" for shape in SHAPES] + [
    f"full:{how}" for how in ("each", "large", "gzip", "length")
]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the benchmarks need os.wait4")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


@contextmanager
def running_server(*options: str) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


def run(client: str, server: str, *arguments: str) -> dict[str, float]:
    worker = ROOT / "benchmarks" / "worker.py"
    done = subprocess.run(
        [sys.executable, worker, client, server, *arguments],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("client", ["floor", "tachyon_sdk"])
def test_a_client_gets_every_chunk_of_every_stream_and_every_answer(client: str, server: str) -> None:
    assert run(client, server, "work", "plain=2", *(f"{stream}=20" for stream in STREAMS)) == {}


@pytest.mark.parametrize("client", ["floor", "tachyon_sdk"])
@pytest.mark.parametrize(
    "measurement",
    [
        ["threads", "router:each", "4", "80"],
        ["merge", "50"],
        ["plain", "5"],
        ["plain", "5", "closed"],
        ["latency", "20", "2"],
    ],
    ids=" ".join,
)
def test_each_measurement_has_figures(measurement: list[str], client: str, server: str) -> None:
    figures = run(client, server, *measurement)
    assert figures and all(value > 0 for value in figures.values())


def test_calls_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with running_server("--tls", str(tmp_path)) as url:
        assert url.startswith("https:")
        assert run("tachyon_sdk", url, "plain", "3", "closed")["cpu"] > 0


def test_the_delay_of_a_chunk_is_measured_from_the_time_in_it(server: str) -> None:
    figures = run("tachyon_sdk", server, "latency", "20")
    assert 0 < figures["p50"] <= figures["p99"]
