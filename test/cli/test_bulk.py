"""The command `bulk`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command import is_one_line, run
from tachyon_sdk.local import LocalServer


def test_run_status_retry_and_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": "a"}, {"prompt": "a", "model": "local/error-400"}, {"prompt": "b"}]
    Path("q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with LocalServer() as server:
        settings = {"TACHYON_API_URL": server.url, "TACHYON_API_KEY": "k", "TACHYON_OPERATOR_ID": "tn_1"}
        done = run("bulk", "q.jsonl", "a.jsonl", "--model", "large", "--rpm", "60000", settings=settings)
        assert (done.status, done.out[:34]) == (1, "a.jsonl: 2 done, 1 failed, 0 left,")
        assert run("bulk", "--status", "a.jsonl").status == 0
        assert run("bulk", "--retry-failed", "a.jsonl", settings=settings).status == 1
        changed = run("bulk", "q.jsonl", "a.jsonl", "--model", "small", settings=settings)
        assert changed.status == 2
        assert "--anew" in changed.err
        assert is_one_line(changed.err)
        for shard in ("1/2", "2/2"):
            run("bulk", "q.jsonl", "a.jsonl", "--shard", shard, settings=settings)
    parts = ("a-1-of-2.jsonl", "a-2-of-2.jsonl")
    assert run("bulk", "--merge", *parts, "-o", "merged.jsonl").out == "3 rows in merged.jsonl\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--status", "none.jsonl"], "no journal"),
        (["a.jsonl"], "an input and an output are required"),
        (["--merge", "a.jsonl"], "-o"),
        (["a.jsonl", "b.jsonl", "--shard", "0/4"], "counted from 1"),
        (["a.jsonl", "b.jsonl", "--shard", "x"], "invalid part I/N"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    result = run(
        "bulk",
        *arguments,
        settings={
            "TACHYON_API_URL": "http://127.0.0.1:9",
            "TACHYON_API_KEY": "k",
            "TACHYON_OPERATOR_ID": "t",
        },
    )
    assert result.status == 2
    assert message in result.err
