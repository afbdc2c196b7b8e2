"""The calls of the soak run: what each asks, which fault it wants, and whether what came of it is right."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote

from tachyon_sdk import (
    ApiException,
    ChatApi,
    ConnectionException,
    ResponseDecodeException,
    ServiceException,
    StreamErrorException,
    StreamTimeoutException,
    StreamTruncatedException,
    TimeoutException,
)
from tachyon_sdk.exceptions import exception_class
from tachyon_sdk.local.model import compose

WHOLE = ("", "_with_http_info", "_without_preload_content")
STREAMED = ("text", "chunks", "collect", "leave", "raise", "drop")
# In the order of likelihood; a stream is read to its end more often than it is left.
FORMS = ("", "text", "text", "chunks", "collect", *WHOLE, *STREAMED)
WORDS = [
    "Hello",
    "rain",
    "東京",
    "さくら",
    "naïve",
    "🌧️",
    '"quoted"',
    "back\\slash",
    "{braces}",
    "a:b",
    "line\nbreak",
]
PAST = "Sun, 06 Nov 1994 08:49:37 GMT"
# Faults after the head of a response that the caller reads.
NOT_OURS = ("garbage", "cut fin", "cut rst", "stall", "truncate")
SILENCE = 0.3  # seconds, the read timeout of a call whose answer stalls

Kinds = tuple[type[ApiException], ...]


class Fault(NamedTuple):
    """What goes wrong with a call, and how it may end then.

    Attributes:
        name: For the figures.
        header: What the proxy is asked for.
        errors: The very types of the errors that it explains; none of them a subclass.
        answers: Whether there may be an answer.
        status: The status of the error.
        attempts: How many attempts the error tells of.
        model: The model that is asked for.
        seconds: The read timeout.
        host: The number of the host.
    """

    name: str
    header: str = "none"
    errors: Kinds = ()
    answers: bool = False
    status: int | None = None
    attempts: int = 1
    model: str | None = None
    seconds: float | None = None
    host: int = 0


class Outcome(NamedTuple):
    """What came of a call: its text or, before an error or where the stream was left, as much as there was."""

    text: str
    whole: bool = False
    error: BaseException | None = None

    @property
    def kind(self) -> str:
        """For the figures."""
        return "error" if self.error is not None else "whole answer" if self.whole else "left early"


@dataclass(frozen=True)
class Call:
    """One call; `room` is None for the operation without a chatroom, `pieces` is how many a stream is read for."""

    question: str
    text: str
    form: str
    room: str | None
    fault: Fault
    pieces: int

    def judge(self, outcome: Outcome) -> str | None:
        """What is wrong with the outcome, or None."""
        answer = compose([{"role": "user", "content": self.text}], 0)
        error = outcome.error
        if outcome.whole:
            if outcome.text != answer:
                return f"wrong answer: {outcome.text!r}, not {answer!r}"
            return None if self.fault.answers else "an answer in spite of the fault"
        if not answer.startswith(outcome.text):
            return f"wrong beginning: {outcome.text!r} of {answer!r}"
        if error is None:
            return None if self.form in ("leave", "raise", "drop", *WHOLE[2:]) else "nothing came of the call"
        if type(error) not in self.fault.errors:
            return f"unexplained: {error!r} from {error.__cause__!r}"
        assert isinstance(error, ApiException)
        if self.fault.status not in (None, error.status) or error.attempts != self.fault.attempts:
            return f"wrong status or number of attempts: {error!r}"
        part = _text_of(error.partial) if error.partial is not None else ""
        if not answer.startswith(part) or not part.startswith(outcome.text):
            return f"wrong part: {part!r} of {answer!r}, after {outcome.text!r}"
        return None

    def retries(self, outcome: Outcome) -> int:
        """How many retries there were."""
        if isinstance(outcome.error, ApiException):
            return outcome.error.attempts - 1
        kind, *more = self.fault.header.split()
        return int(more[1]) if kind == "status" and self.fault.answers else 0


def plan(choices: random.Random, question: str) -> Call:
    """The next call. Its `question` is like no other."""
    form = choices.choice(FORMS)
    fault = _fault(choices, form in STREAMED) if choices.random() < 0.5 else Fault("none", answers=True)
    if form == WHOLE[2] and fault.name in NOT_OURS:
        fault = Fault("none", answers=True)
    length = 400 if choices.random() < 0.01 else choices.randint(0, 12)
    text = " ".join([question, *choices.choices(WORDS, k=length)])
    room = f"room {question}" if choices.random() < 0.5 else None
    return Call(question, text, form, room, fault, pieces=choices.randint(0, 8))


def make(chat: ChatApi, call: Call) -> Outcome:
    """Make the call; every exception is an outcome."""
    request: dict[str, Any] = {"messages": [{"role": "user", "content": call.text}]}
    if call.fault.model:
        request["model"] = call.fault.model
    name = "chat_completion" if call.room is None else "chat_completion_on_chatroom"
    method = getattr(chat, name + ("_stream" if call.form in STREAMED else call.form))
    seen: list[str] = []
    try:
        answered = method(
            **{} if call.room is None else {"chatroom_id": call.room},
            chat_completion_request=request,
            _headers={"x-fault": call.fault.header, "x-question": quote(call.question)},
            _request_timeout=None if call.fault.seconds is None else (5, call.fault.seconds),
            _host_index=call.fault.host,
        )
        whole = _READ[call.form](answered, seen, call)
        return Outcome("".join(seen), whole)
    except Exception as error:
        return Outcome("".join(seen), error=error)


class _Change(Exception):
    """The program that reads a stream has changed its mind."""


def _whole(answer: Any, seen: list[str], call: Call) -> bool:
    seen.append(_text_of(answer))
    return True


def _raw(response: Any, seen: list[str], call: Call) -> bool:
    if response.status != 200:
        response.read()
        error = exception_class(response.status)(response.status)
        raise error.after([error] * (call.fault.attempts - 1))
    if not call.pieces:
        response.close()
        return False
    (choice,) = json.loads(response.data)["choices"]
    seen.append(choice["message"]["content"])
    return True


def _read_text(stream: Any, seen: list[str], call: Call) -> bool:
    seen.extend(stream.text)
    return _text_of(stream.merged) == "".join(seen)


def _read_chunks(stream: Any, seen: list[str], call: Call) -> bool:
    for chunk in stream:
        seen.append(_text_of(chunk))
    return True


def _leave(stream: Any, seen: list[str], call: Call) -> bool:
    with stream:
        seen.extend(islice(stream.text, call.pieces))
    return False


def _raise(stream: Any, seen: list[str], call: Call) -> bool:
    try:
        with stream:
            seen.extend(islice(stream.text, call.pieces))
            raise _Change
    except _Change:
        return False


def _drop(stream: Any, seen: list[str], call: Call) -> bool:
    seen.extend(islice(stream.text, call.pieces))
    return False  # and nobody holds the stream any more


_READ: dict[str, Callable[[Any, list[str], Call], bool]] = {
    "": _whole,
    "_with_http_info": lambda answer, seen, call: _whole(answer.data, seen, call),
    "_without_preload_content": _raw,
    "text": _read_text,
    "chunks": _read_chunks,
    "collect": lambda stream, seen, call: _whole(stream.collect(), seen, call),
    "leave": _leave,
    "raise": _raise,
    "drop": _drop,
}


def _text_of(answer: Any) -> str:
    return "".join(choice.delta.content or "" for choice in answer.choices)


def _fault(choices: random.Random, streamed: bool) -> Fault:
    name = choice = choices.choice(("status", "busy", "too busy", "garbage", "drop", "cut", "stall", "model"))
    end = choices.choice(("fin", "rst"))
    size = choices.choice((choices.randint(0, 400), choices.randint(0, 6000)))
    if choice == "status":
        status = choices.choice((400, 401, 402, 403, 404, 409, 422, 500, 504))
        return Fault(name, f"status {status} 9 -", (exception_class(status),), status=status)
    if choice == "busy":
        status, times = choices.choice((429, 502, 503)), choices.randint(1, 4)
        wait = choices.choice(("-", "0", "0", quote(PAST)))
        kind = exception_class(status)
        if times <= 2:
            return Fault(name, f"status {status} {times} {wait}", answers=True)
        return Fault("too busy", f"status {status} {times} {wait}", (kind,), status=status, attempts=3)
    if choice == "too busy":
        status = choices.choice((429, 502, 503))
        return Fault("wait too long", f"status {status} 9 3600", (exception_class(status),), status=status)
    if choice == "garbage":
        media_type, text = choices.choice(GARBAGE)
        return Fault(name, f"body {media_type} {quote(text)}", (ResponseDecodeException,), status=200)
    if choice == "drop":
        if choices.random() < 0.2:
            return Fault("refused", errors=(ConnectionException,), attempts=3, host=1)
        return Fault(name, f"drop {end}", (ConnectionException,))
    if choice == "cut":
        broken: Kinds = (ConnectionException, *((StreamTruncatedException,) if streamed else ()))
        return Fault(f"cut {end}", f"cut {size} {end}", broken, answers=True)
    if choice == "stall":
        silent: Kinds = (TimeoutException, *((StreamTimeoutException,) if streamed else ()))
        return Fault(name, f"stall {size}", silent, answers=True, seconds=SILENCE)
    return _harmless_or_model(choices, streamed)


def _harmless_or_model(choices: random.Random, streamed: bool) -> Fault:
    choice = choices.choice(("slow", "close", "error", "truncate", "delay"))
    if choice == "slow":
        return Fault(choice, f"slow {choices.randint(1, 200)}", answers=True)
    if choice == "close":
        return Fault(choice, "close", answers=True)
    if choice == "delay" and not streamed:
        return Fault(choice, model="local/slow", answers=True)
    if choice == "error":
        if streamed:
            return Fault(choice, errors=(StreamErrorException,), status=200, model="local/midstream-error")
        return Fault(choice, errors=(ServiceException,), status=500, model="local/midstream-error")
    kind = StreamTruncatedException if streamed else ConnectionException
    return Fault("truncate", errors=(kind,), model="local/truncate")


GARBAGE: list[tuple[str, str | bytes]] = [
    ("application/json", '{"choices": [{"index": 0, "delta": {"content": "Hel'),
    ("application/json", ""),
    ("application/json", b'{"choices": [{"delta": {"content": "\xff\xfe"}}]}'),
    ("application/json", "[" * 5000),
    ("application/json", '{"choices": NaN}'),
    ("text/html", "<html><title>Welcome</title></html>"),
    ("text/event-stream", "data: {no json}\n\n"),
    ("text/event-stream", 'data: {"choices": 5}\n\n'),
]
