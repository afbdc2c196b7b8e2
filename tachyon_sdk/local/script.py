"""The scripted answers of a server, and what went wrong with them."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from pydantic import BaseModel

from tachyon_sdk.local.answers import (
    Answer,
    AnswerFunction,
    Fault,
    GivenAnswer,
    ScriptedAnswer,
    checked,
)
from tachyon_sdk.local.recording import RecordedRequest
from tachyon_sdk.local.wire import ApiError

_THREAD_NAME = "tachyon-local-answer"
_NO_LISTS = (str, bytes, Mapping, BaseModel)  # one answer, though it can be iterated


class Problem(NamedTuple):
    """Something that a test should know, though its program may not have noticed."""

    text: str
    cause: BaseException | None


class Script:
    """The answers of a server, in order; the event loop takes them, other threads may add some.

    Args:
        answers: An iterable of answers, which may be infinite, or one function that gives all of them.

    Attributes:
        answers: Those that are left, in a list unless they come from an iterator or a function.

    Raises:
        TypeError: One of them is of a type that no answer has.
    """

    def __init__(self, answers: Iterable[ScriptedAnswer] | AnswerFunction) -> None:
        self.answers: list[ScriptedAnswer] | Iterator[ScriptedAnswer] | AnswerFunction
        if callable(answers) or isinstance(answers, Iterator):
            self.answers = answers
        elif isinstance(answers, _NO_LISTS) or not isinstance(answers, Iterable):
            raise TypeError(f"answers must be a list of answers or a function, not {type(answers).__name__}")
        else:
            self.answers = list(answers)
            for answer in self.answers:
                if not callable(answer):
                    checked(answer)
        self._requests = 0
        self._problems: list[Problem] = []

    async def answer(self, request: RecordedRequest) -> Answer | Fault:
        """Return the answer to a request.

        Raises:
            ApiError: 500 if there is none.
        """
        self._requests += 1
        number = self._requests
        try:
            answer = self._next()
        except (IndexError, StopIteration):
            text = f"no answer is left for request {number}, {request.method} {request.path}"
            raise self._problem("unexpected_request", text) from None
        except Exception as error:
            text = f"the iterator of answers raised {error!r} for request {number}"
            raise self._problem("failed_answer", text, error) from error
        try:
            given, failure = await _called(answer, request) if callable(answer) else (answer, None)
            if failure is not None:
                raise failure
            return checked(given)
        except BaseException as error:  # those of pytest are no Exception
            if isinstance(error, asyncio.CancelledError):
                raise
            text = f"the answer to request {number} failed: {error!r}"
            raise self._problem("failed_answer", text, error) from error

    def take_problems(self) -> list[Problem]:
        """Return what went wrong since the last call."""
        found, self._problems = self._problems, []
        return found

    def unused(self) -> list[Problem]:
        """Return a problem if answers are left."""
        if not isinstance(self.answers, list) or not self.answers:
            return []
        left = ", ".join(map(repr, self.answers[:3])) + (", ..." if len(self.answers) > 3 else "")
        were = "answer was" if len(self.answers) == 1 else "answers were"
        return [Problem(f"{len(self.answers)} {were} not used: {left}", None)]

    def _next(self) -> ScriptedAnswer:
        if callable(self.answers):
            return self.answers
        return self.answers.pop(0) if isinstance(self.answers, list) else next(self.answers)

    def _problem(self, code: str, text: str, cause: BaseException | None = None) -> ApiError:
        self._problems.append(Problem(text, cause))
        return ApiError(500, code, f"the local server is scripted: {text}")


async def _called(
    function: AnswerFunction, request: RecordedRequest
) -> tuple[GivenAnswer, BaseException | None]:
    """Return what a function returns, or what it raises.

    It runs in a thread that nobody waits for: it may block, also while the server stops.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[GivenAnswer, BaseException | None]] = loop.create_future()

    def settle(answer: GivenAnswer, error: BaseException | None) -> None:
        if not future.done():  # the request may be cancelled
            future.set_result((answer, error))

    def run() -> None:
        answer: GivenAnswer = ""
        failure: BaseException | None = None
        try:
            answer = function(request)
        except BaseException as error:
            failure = error
        with suppress(RuntimeError):  # the event loop is closed, so nobody waits
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=run, name=_THREAD_NAME, daemon=True).start()
    return await future
