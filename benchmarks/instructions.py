"""Guards the cost of a call and of a chunk without a clock: counts instructions, in valgrind's cachegrind.

What a path takes is the difference between two runs of which one does twice as much, so that the start cancels
out. Its ratio to the floor is compared with the one that is stored in `instructions.json`.

Exit status: 0 if no ratio has grown, 1 if one has, 2 if nothing could be compared.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.environments import FLOOR, HERE, OURS, Environment, add_options, prepared
from benchmarks.server import running_server

# How much of each path is done; small, for valgrind makes it thirty times as slow.
_AMOUNTS = {
    "full:each": 500,
    "compact:large": 500,
    "tools:each": 500,
    "router:length": 500,
    "obfuscated:length": 500,
    "logprobs:each": 500,
    "plain": 50,
}
_PATHS = ("import", "once", *_AMOUNTS)
_TOLERANCE = 0.05
_STORED = HERE / "instructions.json"
_COUNTED = re.compile(rb"I\s+refs:\s+([\d,]+)")
# Callgrind counts the same, and takes twice as long.
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_COMPARED = ("pydantic", "pydantic_core", "urllib3")

Ratios = dict[str, float]


def main() -> int:
    options = _options()
    if shutil.which("valgrind") is None:
        print("Not run: valgrind is not installed (Debian: apt-get install valgrind).", file=sys.stderr)
        return 2
    floor, ours = environments = prepared([FLOOR, OURS], options)
    key = _key(floor)
    if key != _key(ours):
        print(f"Not run: the floor has {key}, tachyon_sdk has {_key(ours)}.", file=sys.stderr)
        return 2
    with running_server() as url, ThreadPoolExecutor(options.jobs) as pool:
        for client in environments:
            _run(client, url, "once")  # compiles modules
        counting = [[pool.submit(_count, client, url, path) for path in _PATHS] for client in environments]
        of_floor, of_ours = ([run.result() for run in runs] for runs in counting)
    per_floor, per_ours = _per_item(of_floor), _per_item(of_ours)
    ratios = {path: round(per_ours[path] / per_floor[path], 4) for path in per_floor}
    stored = json.loads(_STORED.read_text(encoding="utf-8")) if _STORED.exists() else {}
    before: Ratios = stored.get(key, {})
    _print(key, per_floor, per_ours, ratios, before)
    if options.update:
        _STORED.write_text(
            json.dumps({**stored, key: ratios}, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
        return 0
    if not before:
        print(
            f"Nothing to compare with: no ratios are stored for {key}; --update stores these.",
            file=sys.stderr,
        )
        return 2
    grown = [path for path, ratio in ratios.items() if ratio > before.get(path, 0.0) * (1 + _TOLERANCE)]
    if grown:
        print(f"Grown by more than {_TOLERANCE:.0%}: {', '.join(grown)}", file=sys.stderr)
    return 1 if grown else 0


def _count(client: Environment, url: str, path: str) -> int:
    """Instructions of a process that imports the client, or does everything once, or one path once more."""
    counted = _COUNTED.search(_run(client, url, path, *_VALGRIND))
    assert counted, "valgrind says nothing of instructions"
    return int(counted[1].replace(b",", b""))


def _run(client: Environment, url: str, path: str, *under: str) -> bytes:
    command = [*under, str(client.python)]
    if path == "import":
        command += ["-c", f"import clients.{client.client}"]
    else:
        amounts = {name: amount * (2 if name == path else 1) for name, amount in _AMOUNTS.items()}
        work = [f"{name}={amount}" for name, amount in amounts.items()]
        command += [str(HERE / "worker.py"), client.client, url, "work", *work]
    # Without a fixed seed, the order of sets differs from run to run.
    variables = client.variables(PYTHONHASHSEED="0")
    done = subprocess.run(command, cwd=HERE, env=variables, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return done.stderr


def _per_item(counts: list[int]) -> dict[str, float]:
    """Instructions for each chunk or call of each path, and for the import."""
    by_path = dict(zip(_PATHS, counts, strict=True))
    items = {path: (by_path[path] - by_path["once"]) / amount for path, amount in _AMOUNTS.items()}
    return {"import": float(by_path["import"]), **items}


def _print(key: str, floor: dict[str, float], ours: dict[str, float], ratios: Ratios, before: Ratios) -> None:
    print(f"Instructions, {key}\n")
    print("| | floor | tachyon_sdk | ratio | stored |\n| - | -: | -: | -: | -: |")
    for path, ratio in ratios.items():
        was = f"{before[path]:.3f}" if path in before else ""
        print(f"| {path} | {floor[path]:,.0f} | {ours[path]:,.0f} | {ratio:.3f} | {was} |")


def _key(environment: Environment) -> str:
    """What the ratios depend on, besides the code."""
    versions = environment.versions()
    shown = subprocess.run(
        [environment.python, "-V"], capture_output=True, text=True, check=True
    ).stdout.split()
    python = ".".join(shown[1].split(".")[:2])
    return ", ".join((f"Python {python}", *(f"{name} {versions[name]}" for name in _COMPARED)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--update", action="store_true", help="store the ratios instead of comparing them")
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="how many processes at a time (default: 2)"
    )
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
