"""Merges the outputs of shards."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator, Sequence

from tachyon_sdk.bulk.journal import BulkError, replacing


def merge(shards: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> int:
    """Merge outputs into one, in the order of the input. The output appears only when it is complete.

    Args:
        shards: Paths of the outputs of `run(..., shard=...)`.
        output: Path of the merged output.

    Returns:
        The number of lines.

    Raises:
        BulkError: Two files have the same row, or a line was not written by `run`.
        OSError: A file cannot be read or written.
    """
    paths = [os.fspath(each) for each in shards]
    target = os.fspath(output)
    if not paths:
        raise BulkError("there are no files to merge")
    if any(os.path.abspath(each) == os.path.abspath(target) for each in paths):
        raise BulkError(f"{target} is one of the files to merge; choose another output")
    count, last = 0, -1
    with replacing(target) as file:
        for row, line in heapq.merge(*map(_rows, paths)):
            if row == last:
                raise BulkError(f"row {row + 1} is in two of the files")
            file.write(line)
            count, last = count + 1, row
    return count


def _rows(path: str) -> Iterator[tuple[int, str]]:
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                yield int(json.loads(line)["tachyon"]["row"]), line
            except (ValueError, KeyError, TypeError) as error:
                raise BulkError(f"{path}, line {number}: not a line of a bulk run") from error
