"""Runs: the threads, the attempts of a row, and what ends a run."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

from tachyon_sdk.api_response import ApiResponse
from tachyon_sdk.bulk.flow import Adaptive, Gate, Pace, estimate_tokens
from tachyon_sdk.bulk.journal import BulkError, Journal, Report, status
from tachyon_sdk.bulk.results import Result
from tachyon_sdk.bulk.rows import Row, Source, read_rows
from tachyon_sdk.exceptions import (
    ApiException,
    ApiTypeError,
    ApiValueError,
    ConnectionException,
    ForbiddenException,
    PaymentRequiredException,
    StreamTruncatedException,
    UnauthorizedException,
)
from tachyon_sdk.models import ChatCompletionRequest
from tachyon_sdk.retry import NO_EFFECT, RetryPolicy

T = TypeVar("T")
Ask = Callable[..., Any]
Lost = Literal["fail", "again"]
Progress = bool | Callable[[Report], None]

_STOPPING = (UnauthorizedException, PaymentRequiredException, ForbiddenException)
_PROGRESS_INTERVAL = 10.0


@dataclass(frozen=True)
class Budget:
    """When a run takes no more rows. Rows in flight finish. Earlier runs of the same output count.

    Args:
        cost: Credits of the platform, summed from `usage.total_cost`.
        tokens: Tokens, summed from `usage.total_tokens`.

    Raises:
        ApiValueError: A number is not greater than 0.
    """

    cost: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for limit in (self.cost, self.tokens):
            if limit is not None and not limit > 0:
                raise ApiValueError(f"a budget must be greater than 0, not {limit}")


def run(
    ask: Ask,
    rows: Source,
    output: str | os.PathLike[str],
    *,
    request: ChatCompletionRequest | Mapping[str, Any] | None = None,
    prompt: str | None = None,
    concurrency: int | Adaptive | None = None,
    pace: Pace | None = None,
    attempts: int = 5,
    deadline: float | None = None,
    parse: Any = None,
    budget: Budget | None = None,
    lost: Lost = "fail",
    progress: Progress = False,
    shard: tuple[int, int] = (1, 1),
    anew: bool = False,
) -> Report:
    """Send all rows, and write a line for each of them to the output, in the order of the input.

    ::

        report = bulk.run(chat.chat_completion, "questions.jsonl", "answers.jsonl", request={"model": "large"})
        print(report.done, report.failed, report.left)

    The same call continues an interrupted run: a row that has a result is never sent again. A kill makes at most as
    many rows be sent twice as were in flight. The journal is a SQLite file, `answers.jsonl.sqlite`.

    Ctrl-C once: rows in flight finish, the output is written, and KeyboardInterrupt is raised. Twice: at once.

    Args:
        ask: `chat_completion` or `chat_completion_on_chatroom`. Pass further arguments with `functools.partial`.
        rows: A file or an iterable. Files: `.jsonl` with a `custom_id` and `body`, `messages` or `prompt`; `.csv` or
            `.tsv` with `prompt=`; other names: one prompt per line. With `.gz`, too. Iterables: requests, dicts and
            strings; or a frame of pandas or polars. All rows are read before the first is sent.
        output: Path of the output: lines of OpenAI's batch output, with a member `tachyon`.
        request: What all requests have in common. A row overrides it.
        prompt: Template of the prompt, such as `"Summarise: {text}"`, with the names of columns; `{text}` is a line.
        concurrency: Requests in flight. Default: `Adaptive()`.
        pace: Limits of requests and tokens per minute.
        attempts: Most attempts of a row. A 429 counts only while no other request succeeds.
        deadline: Seconds, after which no row is taken. Rows in flight finish.
        parse: Type of the responses, as in `ask_for`. The line has the validated value.
        budget: Most tokens and cost.
        lost: `"again"` also repeats requests that may have had an effect: after a lost connection, 500 and 504.
            They may be billed twice.
        progress: True: a line on stderr every 10 seconds. Or a function that is called with a `Report` instead.
        shard: `(3, 16)`: only the third of 16 parts of the rows. The output is `answers-03-of-16.jsonl`.
        anew: Discard the results of earlier runs.

    Returns:
        The report, over all runs of this output.

    Raises:
        BulkError: The input, the request or the host has changed; another run uses the output; the disk is full.
        ApiValueError: A row cannot be read or an argument is invalid; nothing was sent.
        ApiTypeError: An argument has the wrong type; nothing was sent.
        ApiException: 401, 402 or 403, or the server cannot be reached or refuses everything. The rows that it
            concerns have no line; the next run sends them.
        OSError: A file cannot be read or written.
    """
    target = shard_path(os.fspath(output), shard)
    common = _common(request)
    settings = {
        "request": json.dumps([common, prompt, _schema(parse)], sort_keys=True, ensure_ascii=False),
        "host": _host(ask),
        "shard": f"{shard[0]}/{shard[1]}",
    }
    work = _Work(ask, common, concurrency, pace, attempts, parse, lost, deadline)
    with Journal(target, anew) as journal:
        journal.prepare(read_rows(rows, prompt), settings, shard)
        return _run(work, journal, budget, progress)


def retry_failed(ask: Ask, output: str | os.PathLike[str], *, parse: Any = None, **options: Any) -> Report:
    """Send the failed rows of an output again, and the rows that are left. The input is not needed.

    Args:
        ask: As in `run`, for the same host.
        output: Path of the output, for a shard the one with its number.
        parse: As in the earlier run.
        options: `concurrency`, `pace`, `attempts`, `deadline`, `budget`, `lost` and `progress` of `run`.

    Returns:
        The report, over all runs of this output.

    Raises:
        BulkError: There is no such run, or the host or `parse` is another one.
        Exception: As in `run`.
    """
    budget, progress = options.pop("budget", None), options.pop("progress", False)
    status(output)
    with Journal(os.fspath(output)) as journal:
        common, _, schema = json.loads(journal.setting("request") or "[{}, null, null]")
        if journal.setting("host") != _host(ask):
            raise BulkError(f"the server was {journal.setting('host')} and is {_host(ask)}")
        if schema != _schema(parse):
            raise BulkError("parse is not the type of the earlier run")
        work = _Work(ask, common, parse=parse, **options)
        journal.forget_failed()
        return _run(work, journal, budget, progress)


@overload
def each(
    ask: Ask,
    rows: Source,
    *,
    parse: type[T],
    ordered: bool = False,
    request: ChatCompletionRequest | Mapping[str, Any] | None = None,
    prompt: str | None = None,
    concurrency: int | Adaptive | None = None,
    pace: Pace | None = None,
    attempts: int = 5,
    deadline: float | None = None,
    lost: Lost = "fail",
) -> Iterator[Result[T]]: ...


@overload
def each(
    ask: Ask,
    rows: Source,
    *,
    parse: None = None,
    ordered: bool = False,
    request: ChatCompletionRequest | Mapping[str, Any] | None = None,
    prompt: str | None = None,
    concurrency: int | Adaptive | None = None,
    pace: Pace | None = None,
    attempts: int = 5,
    deadline: float | None = None,
    lost: Lost = "fail",
) -> Iterator[Result[None]]: ...


def each(
    ask: Ask,
    rows: Source,
    *,
    parse: Any = None,
    ordered: bool = False,
    request: ChatCompletionRequest | Mapping[str, Any] | None = None,
    prompt: str | None = None,
    concurrency: int | Adaptive | None = None,
    pace: Pace | None = None,
    attempts: int = 5,
    deadline: float | None = None,
    lost: Lost = "fail",
) -> Iterator[Result[Any]]:
    """Send the rows of any iterable and yield the results as they come. There is no file, and no journal.

    ::

        for result in bulk.each(chat.chat_completion, questions, parse=Person):
            print(result.error or result.value)

    The iterable is read in the thread of the caller, and only as fast as results are taken. The key of a row without
    `custom_id` is the hash of its request; equal requests have equal keys, and `index` tells them apart.

    Args:
        ask: As in `run`.
        rows: As in `run`.
        parse: Type of `result.value`, as in `ask_for`.
        ordered: Whether the results are in the order of the rows.
        request: As in `run`; so are `prompt`, `concurrency`, `pace`, `attempts`, `deadline` and `lost`.

    Raises:
        Exception: As in `run`, for what stops the run. An error of a row is in its result.
    """
    work = _Work(ask, _common(request), concurrency, pace, attempts, parse, lost, deadline)
    return _each(work, read_rows(rows, prompt), ordered)


def shard_path(output: str, shard: tuple[int, int]) -> str:
    """Return the output of a shard.

    Raises:
        ApiValueError: There is no such shard.
    """
    number, count = shard
    if not 1 <= number <= count:
        raise ApiValueError(f"shards are counted from 1: 1/{count} to {count}/{count}, not {number}/{count}")
    if count == 1:
        return output
    base, extension = os.path.splitext(output)
    return f"{base}-{number:0{len(str(count))}}-of-{count}{extension}"


class _Work:
    """Makes the calls of rows. All threads share it.

    Attributes:
        gate: Lets a request through.
        stop: Set when no more rows are taken.
        error: What stopped the run.
    """

    def __init__(
        self,
        ask: Ask,
        common: dict[str, Any],
        concurrency: int | Adaptive | None = None,
        pace: Pace | None = None,
        attempts: int = 5,
        parse: Any = None,
        lost: Lost = "fail",
        deadline: float | None = None,
    ) -> None:
        if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
            raise ApiValueError(f"attempts must be an int, at least 1, not {attempts!r}")
        if lost not in ("fail", "again"):
            raise ApiValueError(f'lost must be "fail" or "again", not {lost!r}')
        if deadline is not None and not (deadline > 0 and math.isfinite(deadline)):
            raise ApiValueError(f"deadline must be a number of seconds greater than 0, not {deadline}")
        self.gate = Gate(Adaptive() if concurrency is None else concurrency, pace)
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.reason: str | None = None
        self.deadline = deadline
        self._common = common
        self._attempts = attempts
        self._parse = parse
        self._client: Any = None
        again = lost == "again"
        statuses = NO_EFFECT | {500, 504} if again else NO_EFFECT
        self._policy = RetryPolicy(attempts - 1, statuses=statuses, lost_connections=again)
        self._call = self._without_retries(ask)

    def close(self) -> None:
        """Close the connections of the run."""
        if self._client is not None:
            self._client.close()

    def end(self, reason: str | None = None, error: BaseException | None = None) -> None:
        """Take no more rows."""
        if not self.stop.is_set():
            self.reason, self.error = reason, error
            self.stop.set()
            self.gate.wake()

    def answer(self, row: Row) -> Result[Any] | None:
        """Make the attempts of a row. None: the run has stopped, and the row has no result."""
        body = {**self._common, **row.body}
        result: Result[Any] = Result(row.position, row.key)
        started, refusals, successes = time.monotonic(), 0, self.gate.successes
        tokens = estimate_tokens(body)
        while True:
            if not self.gate.enter(self.stop, tokens):
                return None
            try:
                self._attempt(body, result)
                result.error = None
            except Exception as error:
                result.error = error
            finally:
                self.gate.leave()
            result.attempts += 1
            result.seconds = time.monotonic() - started
            error_ = result.error
            if not isinstance(error_, ApiException):
                if result.response is not None:
                    self.gate.read_headers(result.response.headers)
                    self.gate.succeeded(result.tokens)
                return result
            self.gate.read_headers(error_.headers)
            if isinstance(error_, _STOPPING):
                self.end(error=error_)
                return None
            if self.gate.successes != successes:
                refusals, successes = 0, self.gate.successes
            if error_.status == 429:
                refusals += 1
                self.gate.refuse(error_.retry_after)
                if refusals >= self._attempts:
                    self.end(error=error_)
                    return None
                result.attempts -= 1  # a refusal is not the fault of the row
                continue
            if error_.status is None or error_.status >= 500:
                self.gate.failed()
            connection = isinstance(error_, (ConnectionException, StreamTruncatedException))
            delay = self._policy.delay(
                result.attempts,
                None if connection else error_.status or 200,
                request_sent=error_.request_sent,
                retry_after=error_.retry_after,
            )
            permanent = isinstance(error_, ConnectionException) and error_.permanent
            if delay is None or permanent:
                unreachable = isinstance(error_, ConnectionException) and not error_.request_sent
                if permanent or (unreachable and self.gate.successes == successes):
                    self.end(error=error_)  # the server cannot be reached, which is not the fault of the row
                    return None
                error_.attempts = result.attempts
                return result
            if self.stop.wait(delay):
                return None

    def _attempt(self, body: dict[str, Any], result: Result[Any]) -> None:
        result.response = result.answer = None

        def ask(chat_completion_request: Any) -> Any:
            response = self._call(chat_completion_request=chat_completion_request)
            if isinstance(response, ApiResponse):
                result.response = response
                response = response.data
            else:  # a function of the program
                result.response = ApiResponse(200, response)
            result.answer = response
            return response

        if self._parse is None:
            ask(body)
        else:
            from tachyon_sdk.structured import ask_for

            result.parsed = ask_for(ask, body, self._parse)

    def _without_retries(self, ask: Ask) -> Ask:
        """Return the call with its headers, without its own retries, and with enough connections."""
        api, name = _method_of(ask)
        client = getattr(api, "api_client", None)
        if client is None or not hasattr(api, f"{name}_with_http_info"):
            if not callable(ask):
                raise ApiTypeError(f"ask must be a method such as chat.chat_completion, not {ask!r}")
            return ask
        api_type: Any = type(api)
        view = client.with_options(retries=0)
        size = max(view.configuration.connection_pool_maxsize, self.gate.maximum)
        view.configuration.connection_pool_maxsize = size
        client = self._client = copy.copy(view)  # with its own connections: the pool may have to be larger
        call: Ask = getattr(api_type(client), f"{name}_with_http_info")
        if isinstance(ask, functools.partial):
            return functools.partial(call, *ask.args, **ask.keywords)
        return call


class _Threads:
    """The threads of a run. More are started as the gate lets more requests through.

    Args:
        work: Makes the calls.
        take: Returns the next row, None at the end.
        give: Takes the result of a row.
    """

    def __init__(
        self, work: _Work, take: Callable[[], Row | None], give: Callable[[Result[Any]], None]
    ) -> None:
        self._work, self._take, self._give = work, take, give
        self._lock = threading.Lock()
        self._number = self._started = 0
        self.ended = threading.Event()
        self.grow()

    def grow(self) -> None:
        """Start threads up to the number that the gate lets through."""
        with self._lock:
            while self._started < int(self._work.gate.window) and not self.ended.is_set():
                self._started += 1
                self._number += 1
                threading.Thread(target=self._loop, name="tachyon-bulk", daemon=True).start()

    def _loop(self) -> None:
        work = self._work
        try:
            while not work.stop.is_set() and (row := self._take()) is not None:
                result = work.answer(row)
                if result is not None:
                    self._give(result)
                if self._started < int(work.gate.window):
                    self.grow()
        except BaseException as error:
            work.end(error=error)
        finally:
            with self._lock:
                self._number -= 1
                if not self._number:
                    self.ended.set()


def _run(work: _Work, journal: Journal, budget: Budget | None, progress: Progress) -> Report:
    base = journal.report()
    spent = _Spent(work, budget, base)
    adapter = _adapter(work._parse)
    unsaved: list[Result[Any]] = []

    def give(result: Result[Any]) -> None:
        value = "null"
        if adapter is not None and result.error is None:
            value = adapter.dump_json(result.parsed).decode()
        try:
            journal.record(result, value)
        except BulkError as error:
            unsaved.extend(error.unsaved)
            work.end(error=error)
            return
        spent.add(result)

    show = _show if progress is True else progress or None
    end = None if work.deadline is None else time.monotonic() + work.deadline
    with _signals(work):
        threads = _Threads(work, journal.take, give)
        shown = time.monotonic()
        while not threads.ended.wait(0.2 if end is None else max(0.0, min(0.2, end - time.monotonic()))):
            now = time.monotonic()
            if end is not None and now >= end:
                work.end("deadline")
                end = None
            if show and now - shown >= _PROGRESS_INTERVAL:
                show(journal.report())
                shown = now
    work.close()
    if isinstance(work.error, BulkError):
        work.error.unsaved = unsaved
        with contextlib.suppress(OSError):
            journal.write()
        raise work.error
    journal.write()
    report = journal.report()
    report.stopped = work.reason
    if show:
        show(report)
    if work.error is not None:
        raise work.error
    return report


class _Spent:
    """Stops the run before its budget is exceeded."""

    def __init__(self, work: _Work, budget: Budget | None, base: Report) -> None:
        self._work, self._budget = work, budget
        self._lock = threading.Lock()
        self._rows, self._tokens, self._cost = 0, base.tokens, base.cost
        self._base = base
        self._check()

    def add(self, result: Result[Any]) -> None:
        """Count a result."""
        if self._budget is None:
            return
        with self._lock:
            self._rows += 1
            self._tokens += result.tokens
            self._cost += result.cost
            if self._budget.cost is not None and result.answer is not None and not result.has_cost:
                message = "the responses have no usage.total_cost: a budget of the cost cannot be kept"
                self._work.end(error=BulkError(message))
            self._check()

    def _check(self) -> None:
        if self._budget is None:
            return
        rows = max(self._rows, 1)
        # What is in flight will cost as much as what came.
        flight = self._work.gate.in_flight if self._rows else 0
        tokens = self._tokens + flight * (self._tokens - self._base.tokens) / rows
        cost = self._cost + flight * (self._cost - self._base.cost) / rows
        if (self._budget.tokens is not None and tokens >= self._budget.tokens) or (
            self._budget.cost is not None and cost >= self._budget.cost
        ):
            self._work.end("budget")


def _each(work: _Work, rows: Iterator[Row], ordered: bool) -> Iterator[Result[Any]]:
    waiting: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
    arrived: queue.SimpleQueue[Result[Any]] = queue.SimpleQueue()
    end = None if work.deadline is None else time.monotonic() + work.deadline
    threads = _Threads(work, waiting.get, arrived.put)
    held: dict[int, Result[Any]] = {}
    open_rows, expected, exhausted = 0, 0, False
    failure: BaseException | None = None
    try:
        while True:
            while not exhausted and not work.stop.is_set() and open_rows < 2 * int(work.gate.window):
                if end is not None and time.monotonic() >= end:
                    work.end("deadline")
                    break
                try:
                    waiting.put(next(rows))
                    open_rows += 1
                except StopIteration:
                    exhausted = True
                except Exception as error:
                    exhausted, failure = True, error
            if (exhausted and not open_rows) or work.stop.is_set():
                break
            try:
                result = arrived.get(timeout=0.1)
            except queue.Empty:
                continue
            if not ordered:
                open_rows -= 1
                yield result
                continue
            held[result.index] = result
            while expected in held:
                open_rows -= 1
                expected += 1
                yield held.pop(expected - 1)
        # What is in flight when the run stops still arrives.
        for _ in range(work.gate.maximum):
            waiting.put(None)
        threads.ended.wait()
        while not arrived.empty():
            result = arrived.get()
            held[result.index] = result
        for index in sorted(held):
            yield held[index]
        if work.error is not None or failure is not None:
            raise work.error or failure  # type: ignore[misc]
    finally:
        work.end()
        for _ in range(work.gate.maximum):
            waiting.put(None)
        work.close()


@contextlib.contextmanager
def _signals(work: _Work) -> Iterator[None]:
    """Ctrl-C and SIGTERM: take no more rows; again: stop now."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def stop(number: int, frame: object) -> None:
        if work.stop.is_set():
            raise KeyboardInterrupt
        print("stopping: rows in flight finish; Ctrl-C stops now", file=sys.stderr, flush=True)
        work.end(error=KeyboardInterrupt())

    for each_signal, default in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        if signal.getsignal(each_signal) == default:  # else the program has its own
            before[each_signal] = signal.signal(each_signal, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(report: Report) -> None:
    print(
        f"{report.done + report.failed} of {report.rows} rows, {report.failed} failed, {report.tokens} tokens, "
        f"cost {report.cost:g}",
        file=sys.stderr,
        flush=True,
    )


def _common(request: ChatCompletionRequest | Mapping[str, Any] | None) -> dict[str, Any]:
    fields = request.to_dict() if isinstance(request, ChatCompletionRequest) else dict(request or {})
    fields.pop("stream", None)
    return fields


def _method_of(ask: Ask) -> tuple[Any, str]:
    """Return the API object whose method is called, or None, and the name of the method."""
    inner = ask.func if isinstance(ask, functools.partial) else ask
    return getattr(inner, "__self__", None), getattr(inner, "__name__", "")


def _host(ask: Ask) -> str:
    api, name = _method_of(ask)
    client = getattr(api, "api_client", None)
    host = "" if client is None else str(client.configuration.host)
    further = [str(each) for each in ask.args] if isinstance(ask, functools.partial) else []
    return " ".join([host, name, *further]).strip()


def _adapter(parse: Any) -> Any:
    if parse is None:
        return None
    from tachyon_sdk._typed.schema import type_adapter

    return type_adapter(parse, getattr(parse, "__name__", str(parse)))


def _schema(parse: Any) -> Any:
    if parse is None:
        return None
    from tachyon_sdk._typed.schema import json_schema

    return json_schema(_adapter(parse), getattr(parse, "__name__", str(parse)))


__all__ = ["Budget", "each", "retry_failed", "run", "shard_path"]
