"""The journal: a SQLite file next to the output, and the output that is written from it.

The journal holds the rows and the results. One process writes to it, and holds a lock that ends with the process. A
result is committed before its thread takes another row.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from tachyon_sdk.bulk.results import Result, error_json, response_json
from tachyon_sdk.bulk.rows import Row
from tachyon_sdk.exceptions import ApiValueError, OpenApiException

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS input (position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
    ordinal INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS equal_bodies ON input (digest, ordinal);
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, failed INTEGER NOT NULL, response TEXT NOT NULL,
    error TEXT NOT NULL, value TEXT NOT NULL, attempts INTEGER NOT NULL, seconds REAL NOT NULL,
    tokens INTEGER NOT NULL, cost REAL NOT NULL);
"""
_BATCH = 100
_SYNONYMS = {"request": "the common part of the requests (request, prompt or parse)", "host": "the server"}


class BulkError(OpenApiException):
    """A bulk run cannot start or go on: locked files, a changed input, a full disk.

    Attributes:
        unsaved: Results that arrived but could not be written.
    """

    def __init__(self, msg: str, unsaved: Iterable[Result[Any]] = ()) -> None:
        super().__init__(msg)
        self.unsaved = list(unsaved)


@dataclass
class Report:
    """The state of an output.

    Attributes:
        output: Path of the output.
        rows: Number of rows of the input.
        done: Rows that succeeded.
        failed: Rows that failed. `retry_failed` asks them again.
        tokens: Sum of the tokens of all results.
        cost: Sum of the costs, in credits of the platform.
        stopped: Why the run stopped early: `budget` or `deadline`; else None.
    """

    output: str
    rows: int
    done: int
    failed: int
    tokens: int
    cost: float
    stopped: str | None = None

    @property
    def left(self) -> int:
        """Rows without a result."""
        return self.rows - self.done - self.failed


def journal_path(output: str) -> str:
    """Return the path of the journal of an output."""
    return f"{output}.sqlite"


class Journal:
    """The journal of an output, locked for this process.

    Args:
        output: Path of the output.
        anew: Whether to discard an existing journal.

    Raises:
        BulkError: Another run uses it, or it cannot be written.
    """

    def __init__(self, output: str, anew: bool = False) -> None:
        self.output = output
        self._pending: deque[tuple[Result[Any], tuple[Any, ...]]] = deque()
        self._lock = threading.Lock()
        self._buffer: deque[Row] = deque()
        self._last = -1
        self._file = _lock(f"{output}.lock")
        try:
            path = journal_path(output)
            if not anew and os.path.exists(output) and not os.path.exists(path):
                raise BulkError(f"{output} exists and has no journal; it is replaced only with anew (--anew)")
            if anew:
                for each in (path, f"{path}-wal", f"{path}-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        os.remove(each)
            with _explained(path):
                self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
                # A commit survives the end of the process. After a power failure, the last ones may be repeated.
                self._database.execute("PRAGMA journal_mode=WAL")
                self._database.execute("PRAGMA synchronous=NORMAL")
                self._database.executescript(_TABLES)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the files and release the lock."""
        with self._lock:
            self._database.close()
            self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def prepare(self, rows: Iterable[Row], settings: dict[str, str], shard: tuple[int, int] = (1, 1)) -> None:
        """Store the rows, and compare them and the settings with those of earlier runs.

        Raises:
            BulkError: They have changed, or the disk is full.
            ApiValueError: A row is invalid, or a `custom_id` is not unique.
        """
        database = self._database
        with _explained(journal_path(self.output)):
            database.execute("BEGIN IMMEDIATE")
            try:
                known = dict(database.execute("SELECT name, value FROM settings"))
                for name, value in settings.items():
                    if known and known.get(name) != value:
                        raise self._changed(
                            f"{_SYNONYMS.get(name, name)} was {known.get(name)} and is {value}"
                        )
                database.execute("ALTER TABLE input RENAME TO earlier")
                database.execute("DROP INDEX equal_bodies")
                for statement in _TABLES.split(";"):
                    database.execute(statement)
                for row in rows:
                    self._insert(row)
                number, count = shard
                if count > 1:
                    database.execute("DELETE FROM input WHERE position % ? != ?", (count, number - 1))
                if known:
                    difference = (
                        "SELECT count(*) FROM (SELECT key, digest FROM {} EXCEPT SELECT key, digest FROM {})"
                    )
                    (added,) = database.execute(difference.format("input", "earlier")).fetchone()
                    (removed,) = database.execute(difference.format("earlier", "input")).fetchone()
                    if added or removed:
                        raise self._changed(f"the input has {added} new and lacks {removed} earlier rows")
                database.execute("DROP TABLE earlier")
                database.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", settings.items())
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(
                    sqlite3.Error
                ):  # SQLite has rolled back by itself if the disk is full
                    database.execute("ROLLBACK")
                raise

    def _insert(self, row: Row) -> None:
        key, ordinal = row.key, 0
        if not row.named:
            find = "SELECT max(ordinal) FROM input WHERE digest = ? AND ordinal > 0"
            (highest,) = self._database.execute(find, (row.digest,)).fetchone()
            ordinal = (highest or 0) + 1
            key = f"{row.digest}-{ordinal}"
        try:
            self._database.execute(
                "INSERT INTO input VALUES (?, ?, ?, ?, ?)",
                (row.position, key, row.digest, ordinal, json.dumps(row.body, ensure_ascii=False)),
            )
        except sqlite3.IntegrityError:
            find = "SELECT position FROM input WHERE key = ?"
            (first,) = self._database.execute(find, (key,)).fetchone()
            raise ApiValueError(
                f"rows {first + 1} and {row.position + 1} have the same custom_id {key!r}"
            ) from None

    def _changed(self, what: str) -> BulkError:
        return BulkError(
            f"{self.output} belongs to another run: {what}; choose another output, or discard its results with "
            "anew (--anew)"
        )

    def setting(self, name: str) -> str | None:
        """Return a setting of the earlier runs."""
        found = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def forget_failed(self) -> None:
        """Remove the results of the rows that failed, so that they are asked again."""
        with _explained(journal_path(self.output)):
            self._database.execute("DELETE FROM results WHERE failed")

    def take(self) -> Row | None:
        """Return the next row without a result; None at the end."""
        with self._lock:
            if not self._buffer:
                find = (
                    "SELECT position, input.key, digest, ordinal = 0, body FROM input LEFT JOIN results"
                    " ON input.key = results.key WHERE results.key IS NULL AND position > ?"
                    f" ORDER BY position LIMIT {_BATCH}"
                )
                for position, key, digest, named, body in self._database.execute(find, (self._last,)):
                    self._buffer.append(Row(position, key, digest, bool(named), json.loads(body)))
                    self._last = position
            return self._buffer.popleft() if self._buffer else None

    def record(self, result: Result[Any], value: str = "null") -> None:
        """Commit a result. Results of other threads that wait for the lock are committed with it.

        Raises:
            BulkError: It cannot be written; `unsaved` has the results.
        """
        failed = result.error is not None
        values = (
            *(result.key, failed, response_json(result), error_json(result.error), value),
            *(result.attempts, result.seconds, result.tokens, result.cost),
        )
        self._pending.append((result, values))
        with self._lock:
            batch = []
            while self._pending:
                batch.append(self._pending.popleft())
            if not batch:
                return  # another thread has committed it
            try:
                with _explained(journal_path(self.output)):
                    self._database.execute("BEGIN IMMEDIATE")
                    self._database.executemany(
                        "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        [each for _, each in batch],
                    )
                    self._database.execute("COMMIT")
            except BulkError as error:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                error.unsaved = [each for each, _ in batch]
                raise

    def report(self) -> Report:
        """Return the state."""
        with self._lock:
            return _report(self._database, self.output)

    def write(self) -> None:
        """Write the output, in the order of the input: a new file, which then replaces the old one.

        Raises:
            OSError: It cannot be written. The journal still has all results.
        """
        with replacing(self.output) as file:
            for line in self._lines():
                file.write(line)

    def _lines(self) -> Iterator[str]:
        find = (
            "SELECT position, key, response, error, value, attempts, seconds FROM input JOIN results USING (key)"
            " ORDER BY position"
        )
        for position, key, response, error, value, attempts, seconds in self._database.execute(find):
            name = json.dumps(key, ensure_ascii=False)
            own = f'{{"row": {position}, "attempts": {attempts}, "seconds": {seconds:.3f}, "value": {value}}}'
            yield (
                f'{{"id": {name}, "custom_id": {name}, "response": {response}, "error": {error}, "tachyon": {own}}}\n'
            )


def status(output: str | os.PathLike[str]) -> Report:
    """Return the state of an output, also while a run writes to it.

    Args:
        output: Path of the output, as it was given to `run`.

    Raises:
        BulkError: It has no journal.
    """
    path = journal_path(os.fspath(output))
    if not os.path.exists(path):
        raise BulkError(f"{os.fspath(output)} has no journal: {path} does not exist")
    with _explained(path), contextlib.closing(sqlite3.connect(path)) as database:
        return _report(database, os.fspath(output))


def _report(database: sqlite3.Connection, output: str) -> Report:
    (rows,) = database.execute("SELECT count(*) FROM input").fetchone()
    sums = "SELECT count(*), coalesce(sum(failed), 0), coalesce(sum(tokens), 0), coalesce(sum(cost), 0.0) FROM results"
    count, failed, tokens, cost = database.execute(sums).fetchone()
    return Report(output, rows, count - failed, failed, tokens, cost)


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BulkError(f"{path}: {error}") from error


def _lock(path: str) -> IO[bytes]:
    """Open and lock a file until it is closed, or the process ends in any way."""
    try:
        file = open(path, "ab")  # noqa: SIM115 - open as long as the lock
    except OSError as error:
        raise BulkError(f"{path}: {error.strerror or error}") from error
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise BulkError(f"another run uses {path[: -len('.lock')]}: {error.strerror or error}") from error
    return file


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[str]]:
    """Give a new file, which replaces that at `path` when it is complete and on the disk; not after an error."""
    written = f"{path}.part"
    try:
        with open(written, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(written, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(written)
        raise
    _sync_folder(path)


def _sync_folder(path: str) -> None:
    """Make the new name of a file durable, where the system can."""
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
