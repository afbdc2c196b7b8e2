"""Tools under control: approval, errors, tools side by side, suspended conversations, and the usage of all rounds."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import dataclasses
import functools
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.chat import chat
from support.raw_server import AWAIT_CLOSE, RawServer, event_stream, json_response, stream_response
from support.tools import called, completion, failing, get_weather, message_with, nothing, result
from tachyon_sdk import (
    ApiTypeError,
    ApiValueError,
    Conversation,
    ConversationSuspended,
    Message,
    ServiceException,
    Toolbox,
    ToolCallResponse,
    ToolError,
    TooManyRoundsError,
    conversation_of,
    converse,
    converse_stream,
)
from tachyon_sdk.local import LocalServer

SAY = {"role": "user", "content": "天気は?"}
REQUEST = {"messages": [SAY]}
END = completion([], "done")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@contextlib.contextmanager
def scripted(*answers: Any) -> Iterator[tuple[RawServer, Any]]:
    """A server that sends these responses in order, and a ChatApi for it."""
    responses = [answer if isinstance(answer, (bytes, list)) else json_response(answer) for answer in answers]
    with RawServer(responses) as server, chat(server.url, retries=0) as api:
        yield server, api


def plain(api: Any, request: Any, toolbox: Toolbox, **options: Any) -> str:
    text: str = converse(api.chat_completion, request, toolbox, **options).text
    return text


def streamed(api: Any, request: Any, toolbox: Toolbox, **options: Any) -> str:
    with converse_stream(api.chat_completion_stream, request, toolbox, **options) as chunks:
        return "".join(chunk.text for chunk in chunks)


WAYS = pytest.mark.parametrize("way", [plain, streamed])


def dicts(messages: list[Message]) -> list[Any]:
    return [message.to_dict() for message in messages]


def sent(server: RawServer) -> list[Any]:
    return [request.json()["messages"] for request in server.requests]


def found(error: BaseException) -> Conversation:
    conversation = conversation_of(error)
    assert conversation is not None
    return conversation


def logged(*tools: str) -> tuple[Toolbox, list[str]]:
    """Tools that return their argument, and a list of what they were called with."""
    runs: list[str] = []
    toolbox = Toolbox()
    for name in tools:

        def tool(value: str = "", name: str = name) -> str:
            """Repeats."""
            runs.append(f"{name} {value}".strip())
            return value

        toolbox.add(tool, name=name)
    return toolbox, runs


# Messages


@WAYS
def test_a_message_is_handed_over_before_its_tools_run_and_a_result_when_it_is_there(way: Any) -> None:
    events: list[str] = []

    def work(value: str) -> str:
        """Works."""
        events.append(f"runs {value}")
        return value.upper()

    def note(message: Message) -> None:
        calls = [call.function.name for call in message.tool_calls or ()]
        events.append(f"{message.role} {message.content or calls}")

    calls = [called("work", '{"value": "a"}', "1"), called("work", '{"value": "b"}', "2")]
    with scripted(completion(calls), END) as (_, api):
        assert way(api, REQUEST, Toolbox(work), on_message=note) == "done"
    assert events == [
        "assistant ['work', 'work']",
        *("runs a", "tool A", "runs b", "tool B"),
        "assistant done",
    ]


# Errors of tools


class Slotted(Exception):
    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    text: str


class Picky(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("no attributes")


@WAYS
@pytest.mark.parametrize(
    "error", [KeyError("x"), Slotted("x"), Frozen("x"), Picky("x"), KeyboardInterrupt(), SystemExit(3)]
)
def test_an_error_of_a_tool_stays_the_same_and_has_the_conversation(way: Any, error: BaseException) -> None:
    calls = [called("a", "{}", "1"), called("fail", "{}", "2"), called("a", "{}", "3")]
    toolbox, runs = logged("a")
    toolbox.add(failing(error))
    with scripted(completion(calls)) as (_, api), pytest.raises(type(error)) as caught:
        way(api, REQUEST, toolbox)
    assert caught.value is error
    assert getattr(error, "__notes__", None) == ["in the tool fail, called with the arguments {}"]
    object.__setattr__(error, "__notes__", [])
    conversation = found(error)
    assert dicts(conversation.messages) == [SAY, message_with(calls), result("", "1")]
    assert [call.to_dict() for call in conversation.pending] == calls[1:]
    assert conversation.call is not None and conversation.call.id == "2"
    assert conversation.other_errors == () and conversation.usage is None
    assert runs == ["a"]


def test_an_error_without_a_conversation_has_none() -> None:
    assert conversation_of(ValueError("x")) is None


def test_the_conversation_survives_copies_and_pickles() -> None:
    with (
        scripted(completion([called("fail", "{}")])) as (_, api),
        pytest.raises(ValueError, match="x") as caught,
    ):
        plain(api, REQUEST, Toolbox(failing(ValueError("x"))))
    for twin in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert dicts(found(twin).messages) == dicts(found(caught.value).messages)


def test_long_arguments_are_shortened_in_the_note() -> None:
    def fail(text: str) -> None:
        """Fails."""
        raise ValueError("x")

    arguments = json.dumps({"text": "長" * 5000}, ensure_ascii=False)
    with (
        scripted(completion([called("fail", arguments)])) as (_, api),
        pytest.raises(ValueError, match="x") as caught,
    ):
        plain(api, REQUEST, Toolbox(fail))
    (note,) = getattr(caught.value, "__notes__")  # noqa: B009
    assert len(note) < 1100 and note.endswith(f"長... ({len(arguments)} characters)")
    assert found(caught.value).pending[0].function.arguments == arguments


@WAYS
def test_after_an_error_the_conversation_goes_on_with_the_calls_that_have_no_result(way: Any) -> None:
    broken = [True]

    def fragile() -> str:
        """Works the second time."""
        if broken.pop():
            broken.append(False)
            raise OSError("down")
        return "up"

    toolbox, runs = logged("a", "b")
    toolbox.add(fragile)
    calls = [called("a", "{}", "1"), called("fragile", "{}", "2"), called("b", "{}", "3")]
    with scripted(completion(calls), END) as (server, api):
        with pytest.raises(OSError, match="down") as caught:
            way(api, REQUEST, toolbox)
        messages = found(caught.value).messages
        assert way(api, {"messages": messages}, toolbox) == "done"
    assert runs == ["a", "b"]
    assert sent(server)[1] == [SAY, message_with(calls), result("", "1"), result("up", "2"), result("", "3")]


@WAYS
def test_after_an_error_the_program_may_answer_the_calls_itself(way: Any) -> None:
    calls = [called("fail", "{}", "1"), called("fail", "{}", "2")]
    toolbox = Toolbox(failing(OSError("down")))
    with scripted(completion(calls), END) as (server, api):
        with pytest.raises(OSError, match="down") as caught:
            way(api, REQUEST, toolbox)
        request = {"messages": found(caught.value).messages}
        assert way(api, request, toolbox, on_tool_call=lambda call: f"{call.id} is down") == "done"
    assert sent(server)[1][2:] == [result("1 is down", "1"), result("2 is down", "2")]


@WAYS
def test_an_error_of_the_server_has_the_conversation_so_far(way: Any) -> None:
    toolbox, runs = logged("a")
    failure = json_response({"message": "broken"}, status=500)
    with scripted(completion([called("a", "{}")]), failure, END) as (server, api):
        with pytest.raises(ServiceException) as caught:
            way(api, REQUEST, toolbox)
        conversation = found(caught.value)
        assert dicts(conversation.messages) == sent(server)[1]
        assert conversation.pending == [] and conversation.call is None
        assert way(api, {"messages": conversation.messages}, toolbox) == "done"
    assert sent(server)[2] == sent(server)[1]
    assert runs == ["a"]


@WAYS
def test_an_error_may_be_told_to_the_model(way: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> str:
        """Breaks."""
        return {"other": "text"}[text]

    def bad() -> object:
        """Returns what is not JSON."""
        return object()

    arguments = '{"text": "x"}'
    calls = [called("broken", arguments, "1"), called("bad", "{}", "2"), called("nothing", "{}", "3")]
    with scripted(completion(calls), END) as (server, api), caplog.at_level(logging.WARNING, "tachyon_sdk"):
        assert way(api, REQUEST, Toolbox(broken, bad, nothing), tool_errors="tell") == "done"
    one, two, three = sent(server)[1][2:]
    assert one == result("KeyError: 'x'", "1")
    assert two["content"].startswith("ApiTypeError: the result of bad cannot be serialized to JSON: ")
    assert three == result("null", "3")
    first, _ = caplog.records
    assert first.getMessage() == "the tool broken raised KeyError, which the model is told"
    assert first.exc_info and isinstance(first.exc_info[1], KeyError)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_a_program_is_not_told_to_the_model(error: BaseException, workers: int) -> None:
    with scripted(completion([called("fail", "{}")])) as (_, api), pytest.raises(type(error)):
        plain(api, REQUEST, Toolbox(failing(error)), tool_errors="tell", max_workers=workers)


@pytest.mark.parametrize("call", [converse, converse_stream])
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"tool_errors": "ignore"}, "^tool_errors must be 'raise' or 'tell', not 'ignore'$"),
        ({"max_workers": 0}, "^max_workers must be at least 1, not 0$"),
    ],
)
def test_a_wrong_option_is_a_mistake(call: Any, option: Any, says: str) -> None:
    with pytest.raises(ApiValueError, match=says):
        call(pytest.fail, REQUEST, Toolbox(), **option)


# Approval


@WAYS
@pytest.mark.parametrize("workers", [1, 3])
def test_a_call_is_approved_refused_answered_or_changed(way: Any, workers: int) -> None:
    toolbox, runs = logged("a")
    decisions: dict[str, Any] = {
        "1": True,
        "2": False,
        "3": "ask me tomorrow",
        "4": {"value": "other"},
        "5": ToolError("not on Sundays"),
    }

    def decide(call: ToolCallResponse) -> Any:
        assert runs == []  # before any tool of the round
        decision = decisions[call.id]
        if isinstance(decision, Exception):
            raise decision
        return decision

    calls = [called("a", json.dumps({"value": number}), number) for number in decisions]
    with scripted(completion(calls), END) as (server, api):
        assert way(api, REQUEST, toolbox, on_tool_call=decide, max_workers=workers) == "done"
    texts = ["1", "this call was refused; the tool did not run", "ask me tomorrow", "other", "not on Sundays"]
    assert sent(server)[1] == [
        SAY,
        message_with(calls),
        *(result(text, str(number)) for number, text in enumerate(texts, 1)),
    ]
    assert sorted(runs) == ["a 1", "a other"]


def test_only_calls_that_can_run_are_to_be_approved() -> None:
    seen: list[Any] = []

    def decide(call: ToolCallResponse) -> bool:
        seen.append(json.loads(call.function.arguments))
        call.function.arguments = "changed"  # a copy
        return True

    calls = [
        called("unknown", "{}", "1"),
        called("get_weather", '{"city": 5}', "2"),
        called("get_weather", '{"city": ', "3"),
        called("get_weather", json.dumps('{"city": "Oslo"}'), "4"),
        called("nothing", "", "5"),
    ]
    with scripted(completion(calls), END) as (server, api):
        plain(api, REQUEST, Toolbox(get_weather, nothing), on_tool_call=decide)
    assert seen == [{"city": "Oslo"}, {}]
    messages = sent(server)[1]
    assert [call["function"]["arguments"] for call in messages[1]["tool_calls"]][3:] == [
        json.dumps('{"city": "Oslo"}'),
        "{}",
    ]
    texts = [message["content"] for message in messages[2:]]
    assert texts[0] == "no tool is named unknown; available tools: get_weather, nothing"
    assert all(text.startswith("the arguments of get_weather are not valid: ") for text in texts[1:3])
    assert texts[3:] == ["Oslo: sunny for 1 days, 20 c", "null"]


@WAYS
@pytest.mark.parametrize("decision", [None, 1, ["a"], object()])
def test_a_decision_that_is_none_runs_nothing(way: Any, decision: Any) -> None:
    toolbox, runs = logged("a")
    calls = [called("a", "{}", "1"), called("a", "{}", "2")]
    with scripted(completion(calls)) as (_, api), pytest.raises(ApiTypeError) as caught:
        way(api, REQUEST, toolbox, on_tool_call=lambda call: call.id == "1" or decision)
    kind = type(decision).__name__
    assert (
        str(caught.value)
        == f"on_tool_call must return a bool, a text or a mapping with arguments, not {kind}"
    )
    assert runs == [] and len(found(caught.value).pending) == 2


@pytest.mark.parametrize(
    ("decision", "error", "says"),
    [
        ({"town": "x"}, ApiValueError, "^on_tool_call returned other arguments, but the arguments of a"),
        ({"value": object()}, ApiTypeError, "^the result of on_tool_call cannot be serialized"),
    ],
)
def test_changed_arguments_must_be_valid(decision: Any, error: type[Exception], says: str) -> None:
    toolbox, runs = logged("a")
    with scripted(completion([called("a", "{}")])) as (_, api), pytest.raises(error, match=says):
        plain(api, REQUEST, toolbox, on_tool_call=lambda _: decision)
    assert runs == []


def test_a_toolbox_of_ones_own_keeps_its_call() -> None:
    class Upper(Toolbox):
        def call(self, tool_call: Any) -> str:
            return super().call(tool_call).upper()

    toolbox = Upper(get_weather)
    with scripted(completion([called("get_weather", '{"city":"Oslo"}')]), END) as (server, api):
        plain(api, REQUEST, toolbox, on_tool_call=lambda _: {"city": "Rom"})
    assert sent(server)[1][2]["content"] == "ROM: SUNNY FOR 1 DAYS, 20 C"


# Tools side by side


@WAYS
def test_tools_run_side_by_side_and_their_results_are_sent_in_order(way: Any) -> None:
    both, second_is_told = threading.Barrier(2), threading.Event()
    variable = contextvars.ContextVar("variable", default="unset")
    threads: set[str] = set()

    def meet(value: str) -> str:
        """Ends when two run, the first not before the result of the second is told."""
        both.wait(20)
        threads.add(threading.current_thread().name)
        if value == "first":
            assert second_is_told.wait(20)
        return f"{value} {variable.get()}"

    told: list[Any] = []

    def note(message: Message) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append(message.content)
        if message.content == "second set":
            second_is_told.set()

    variable.set("set")
    calls = [called("meet", json.dumps({"value": value}), value) for value in ("first", "second")]
    with scripted(completion(calls), END) as (server, api):
        assert way(api, REQUEST, Toolbox(meet), on_message=note, max_workers=2) == "done"
    assert sent(server)[1][2:] == [result("first set", "first"), result("second set", "second")]
    assert told == [None, "second set", "first set", "done"]
    assert len(threads) == 2 and threading.main_thread().name not in threads


def test_no_more_tools_run_at_once_than_workers() -> None:
    lock, running, most = threading.Lock(), [0], [0]
    pair = threading.Barrier(2)

    def count() -> None:
        """Counts."""
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        pair.wait(20)
        with lock:
            running[0] -= 1
        pair.wait(20)

    calls = [called("count", "{}", str(number)) for number in range(6)]
    with scripted(completion(calls), END) as (_, api):
        plain(api, REQUEST, Toolbox(count), max_workers=2)
    assert most == [2]


@WAYS
def test_an_error_side_by_side_waits_for_the_tools_that_run_and_starts_no_other(way: Any) -> None:
    failed = threading.Event()
    ran: list[str] = []

    def work(name: str) -> str:
        """Works."""
        ran.append(name)
        if name == "bad":
            both.wait(20)
            failed.set()
            raise LookupError("bad")
        both.wait(20)
        assert failed.wait(20)
        return name

    both = threading.Barrier(2)
    told: list[Message] = []
    calls = [called("work", json.dumps({"name": name}), name) for name in ("good", "bad")]
    calls += [called("nothing", "{}", "refused"), called("nothing", "{}", "never")]
    toolbox = Toolbox(work, nothing)

    with scripted(completion(calls)) as (_, api), pytest.raises(LookupError, match="bad") as caught:
        way(
            api,
            REQUEST,
            toolbox,
            max_workers=2,
            on_message=told.append,
            on_tool_call=lambda call: "no" if call.id == "refused" else True,
        )
    conversation = found(caught.value)
    results = {message["tool_call_id"]: message["content"] for message in dicts(conversation.messages)[2:]}
    assert results["good"] == "good" and results["refused"] == "no" and "bad" not in results
    assert {message["tool_call_id"] for message in dicts(told)[1:]} == results.keys()
    assert conversation.call is not None and conversation.call.id == "bad"
    assert sorted(ran) == ["bad", "good"]


def test_an_error_starts_no_tool_that_has_to_wait() -> None:
    toolbox, runs = logged("a")
    toolbox.add(failing(LookupError("bad")))
    calls = [called("fail", "{}", "1"), called("a", "{}", "2"), called("a", "{}", "refused")]
    told: list[Message] = []
    with scripted(completion(calls)) as (_, api), pytest.raises(LookupError) as caught:
        options: dict[str, Any] = {"on_tool_call": lambda call: call.id != "refused"}
        plain(api, REQUEST, toolbox, on_message=told.append, **options)
    assert runs == [] and [call.id for call in found(caught.value).pending] == ["1", "2"]
    refusal = result("this call was refused; the tool did not run", "refused")
    assert dicts(found(caught.value).messages)[2:] == dicts(told)[1:] == [refusal]


def test_several_errors_side_by_side_are_all_there() -> None:
    both = threading.Barrier(2)

    def fail(value: str) -> None:
        """Fails."""
        both.wait(20)
        raise ValueError(value)

    calls = [called("fail", json.dumps({"value": value}), value) for value in ("a", "b")]
    with scripted(completion(calls)) as (_, api), pytest.raises(ValueError, match="a") as caught:
        plain(api, REQUEST, Toolbox(fail), max_workers=2)
    (other,) = found(caught.value).other_errors
    assert (str(caught.value), str(other)) == ("a", "b")
    assert getattr(other, "__notes__", None) == ['in the tool fail, called with the arguments {"value": "b"}']


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_on_message_keeps_the_results_of_the_tools_that_run(workers: int) -> None:
    raised = threading.Event()

    def refuse(message: Message) -> None:
        if message.role == "tool":
            raised.set()
            raise OSError("disk full")

    both = threading.Barrier(workers)

    def work(value: str) -> str:
        """Works."""
        both.wait(20)
        if value == "second":
            assert raised.wait(20)
        return "ok"

    calls = [called("work", json.dumps({"value": value}), value) for value in ("first", "second")]
    with scripted(completion(calls)) as (_, api), pytest.raises(OSError, match="disk full") as caught:
        plain(api, REQUEST, Toolbox(work), on_message=refuse, max_workers=workers)
    conversation = found(caught.value)
    assert len(conversation.pending) == 2 - workers
    assert conversation.call is None


INTERRUPTED = """
import os, signal, sys, threading
import tachyon_sdk
from tachyon_sdk import Toolbox, conversation_of, converse

ready = threading.Event()

def quick() -> str:
    '''Ends.'''
    return "quick"

def hang() -> str:
    '''Never ends.'''
    ready.set()
    threading.Event().wait()

def interrupt(message):
    if message.content == "quick":
        ready.wait()
        threading.Thread(target=os.kill, args=[os.getpid(), signal.SIGINT]).start()

configuration = tachyon_sdk.Configuration(host=sys.argv[1], access_token="t", operator_id="o")
with tachyon_sdk.ApiClient(configuration) as client:
    request = {"messages": [{"role": "user", "content": "call quick and hang"}]}
    try:
        converse(
            tachyon_sdk.ChatApi(client).chat_completion, request, Toolbox(quick, hang),
            max_workers=2, on_message=interrupt,
        )
    except KeyboardInterrupt as error:
        found = conversation_of(error)
        print([call.function.name for call in found.pending], found.messages[-1].content)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_does_not_wait_for_a_tool_in_a_thread() -> None:
    with LocalServer() as server:
        command = [sys.executable, "-W", "error", "-X", "dev", "-c", INTERRUPTED, server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['hang'] quick\n", "")


# Suspended conversations

RESUMING = """
import json, sys
from pathlib import Path
import tachyon_sdk
from tachyon_sdk import Toolbox, converse

def delete(name: str) -> str:
    '''Deletes a file.'''
    print("deletes", name)
    return name + " is gone"

configuration = tachyon_sdk.Configuration(host=sys.argv[1], access_token="t", operator_id="o")
with tachyon_sdk.ApiClient(configuration) as client:
    request = {"messages": json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))}
    approve = lambda call: call.id != "3"
    response = converse(tachyon_sdk.ChatApi(client).chat_completion, request, Toolbox(delete), on_tool_call=approve)
    print(response.text)
"""


def needs_approval(*ids: str) -> Callable[[ToolCallResponse], bool]:
    def decide(call: ToolCallResponse) -> bool:
        if call.id in ids:
            raise ConversationSuspended(f"{call.id} is dangerous")
        return True

    return decide


@WAYS
def test_a_suspended_conversation_goes_on_in_another_process(way: Any, tmp_path: Path) -> None:
    calls = [
        called("delete", '{"name": "古い.txt"}', "1"),
        called("look", '{"name": "seen"}', "2"),
        called("delete", '{"name": "b"}', "3"),
    ]

    def delete(name: str) -> str:
        """Deletes."""
        raise AssertionError("it ran")

    def look(name: str) -> str:
        """Looks."""
        return name

    decide = needs_approval("1", "3")
    with scripted({**completion(calls), "usage": {"total_tokens": 5}}, END) as (server, api):
        with pytest.raises(ConversationSuspended, match=r"^1 is dangerous$") as caught:
            way(api, REQUEST, Toolbox(delete, look), on_tool_call=decide)
        suspended = caught.value
        assert dicts(suspended.messages) == [SAY, message_with(calls), result("seen", "2")]
        assert [call.id for call in suspended.pending] == ["1", "3"]
        assert suspended.usage is not None and suspended.usage.total_tokens == 5
        assert found(suspended).messages == suspended.messages
        file = tmp_path / "conversation.json"
        file.write_text(json.dumps(dicts(suspended.messages)), encoding="utf-8")
        command = [
            sys.executable,
            "-W",
            "error",
            "-X",
            "dev",
            "-X",
            "utf8",
            "-c",
            RESUMING,
            server.url,
            str(file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["deletes 古い.txt", "done"]
    assert sent(server)[1] == [
        SAY,
        message_with(calls),
        result("古い.txt is gone", "1"),
        result("seen", "2"),
        result("this call was refused; the tool did not run", "3"),
    ]


@WAYS
def test_a_tool_may_suspend_the_conversation_itself(way: Any) -> None:
    class Waiting(ConversationSuspended):
        pass

    def ask() -> None:
        """Asks a person."""
        raise Waiting("no answer yet")

    toolbox, runs = logged("a")
    toolbox.add(ask)
    calls = [called("ask", "{}", "1"), called("a", "{}", "2")]
    with scripted(completion(calls)) as (_, api), pytest.raises(Waiting, match="no answer yet") as caught:
        way(api, REQUEST, toolbox, tool_errors="tell")
    assert [call.id for call in caught.value.pending] == ["1"]
    assert runs == ["a"]
    assert found(caught.value).other_errors == ()


def test_it_may_be_suspended_again_and_by_several_calls() -> None:
    toolbox, runs = logged("a")
    calls = [called("a", "{}", "1"), called("a", "{}", "2")]
    with scripted(completion(calls), END) as (server, api):
        with pytest.raises(ConversationSuspended, match="1 is") as caught:
            plain(api, REQUEST, toolbox, on_tool_call=needs_approval("1", "2"))
        (other,) = found(caught.value).other_errors
        assert str(other) == "2 is dangerous"
        request = {"messages": caught.value.messages}
        with pytest.raises(ConversationSuspended, match="1 is") as caught:
            plain(api, request, toolbox, on_tool_call=needs_approval("1"))
        assert dicts(caught.value.messages) == [SAY, message_with(calls), result("", "2")]
        assert plain(api, {"messages": caught.value.messages}, toolbox) == "done"
        assert len(server.requests) == 2
    assert sent(server)[1][2:] == [result("", "1"), result("", "2")]
    assert runs == ["a", "a"]


def test_a_suspended_conversation_in_a_tool_suspends_the_outer_one() -> None:
    inner, _ = logged("b")

    with scripted(completion([called("agent", "{}", "outer")]), completion([called("b", "{}", "inner")])) as (
        _,
        api,
    ):

        def agent() -> str:
            """Another agent."""
            return plain(api, REQUEST, inner, on_tool_call=needs_approval("inner"))

        with pytest.raises(ConversationSuspended, match=r"^inner is dangerous$") as caught:
            plain(api, REQUEST, Toolbox(agent))
    assert [call.id for call in caught.value.pending] == ["outer"]
    assert isinstance(caught.value.__cause__, ConversationSuspended)
    assert [call.id for call in caught.value.__cause__.pending] == ["inner"]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("has_all_results", [False, True])
def test_in_a_chatroom_it_goes_on_with_the_results_alone(streams: bool, has_all_results: bool) -> None:
    toolbox, _ = logged("a")
    rule = {"role": "system", "content": "Be brief."}
    calls = [called("a", '{"value": "x"}', "1"), called("a", '{"value": "y"}', "2")]
    messages = [rule, SAY, message_with(calls), result("y", "2")]
    if has_all_results:
        messages.append(result("x", "1"))
    with scripted(END) as (server, api):
        if streams:
            room = functools.partial(api.chat_completion_on_chatroom_stream, "r")
            list(converse_stream(functools.partial(room, _headers={}), {"messages": messages}, toolbox))
        else:
            converse(functools.partial(api.chat_completion_on_chatroom, "r"), {"messages": messages}, toolbox)
    assert sent(server) == [[rule, result("x", "1"), result("y", "2")]]


def test_a_suspended_conversation_in_a_chatroom_of_a_real_server() -> None:
    def never(call: ToolCallResponse) -> bool:
        raise ConversationSuspended

    toolbox, runs = logged("look")
    request = {"messages": [{"role": "user", "content": "look"}]}
    with LocalServer() as server, chat(server.url) as api:
        ask = functools.partial(api.chat_completion_on_chatroom, "r")
        with pytest.raises(ConversationSuspended) as caught:
            converse(ask, request, toolbox, on_tool_call=never)
        saved = json.loads(json.dumps(dicts(caught.value.messages)))
        response = converse(ask, {"messages": saved}, toolbox)
        assert 'The tool look answered: ""' in response.text
        assert [message["role"] for message in server.requests[-1].body["messages"]] == ["tool"]
    assert runs == ["look"]


@pytest.mark.parametrize(
    "messages",
    [
        [SAY, message_with([called("a", "{}")]), result("x")],
        [SAY, message_with([called("a", "{}")]), SAY],
        [SAY, message_with([], "done")],
        [result("x")],
        [],
    ],
)
def test_other_conversations_are_sent_as_they_are(messages: Any) -> None:
    toolbox, runs = logged("a")
    with scripted(END) as (server, api):
        plain(api, {"messages": messages}, toolbox)
    assert sent(server) == [messages]
    assert runs == []


def test_calls_with_the_same_id_are_told_apart_by_their_order() -> None:
    toolbox, runs = logged("a", "b")
    calls = [called("a", "{}", "same"), called("b", "{}", "same")]
    messages = [SAY, message_with(calls), result("x", "same"), result("y", "foreign")]
    last = called("a", "{}", "last")
    more = [SAY, message_with([*calls, last]), result("x", "same"), result("y", "same")]
    with scripted(END, END) as (server, api):
        plain(api, {"messages": messages}, toolbox)
        plain(api, {"messages": more}, toolbox)
    assert runs == ["b", "a"]
    first, second = sent(server)
    assert first[2:] == [result("x", "same"), result("", "same"), result("y", "foreign")]
    assert second == [*more, result("", "last")]


def test_a_forced_call_is_not_forced_again_after_a_suspension() -> None:
    toolbox, _ = logged("a")
    request = {"messages": [SAY, message_with([called("a", "{}")])], "tool_choice": "required"}
    with scripted(END) as (server, api):
        plain(api, request, toolbox)
    assert "tool_choice" not in server.requests[0].json()


@WAYS
def test_after_the_last_round_it_goes_on(way: Any) -> None:
    toolbox, runs = logged("a")
    with scripted({**completion([called("a", "{}")]), "usage": {"total_tokens": 5}}, END) as (_, api):
        with pytest.raises(TooManyRoundsError) as caught:
            way(api, REQUEST, toolbox, max_rounds=1)
        assert found(caught.value).messages == caught.value.messages
        assert caught.value.usage is not None and caught.value.usage.total_tokens == 5
        messages = [*caught.value.messages, caught.value.answer.to_message()]
        assert way(api, {"messages": messages}, toolbox, max_rounds=1) == "done"
    assert runs == ["a"]


# Usage


def used(answer: dict[str, Any], **usage: Any) -> dict[str, Any]:
    return {**answer, "usage": usage}


USAGES: list[dict[str, Any]] = [
    {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_cost": 0.5,
        "details": {"cached": 3, "tier": "a", "kept": None},
        "seconds": 0.25,
        "by_kind": [{"kind": "text", "n": 1}],
        "final": True,
        "cache_read_input_tokens": None,
    },
    {
        "prompt_tokens": 20,
        "completion_tokens": 3,
        "total_cost": 1,
        "details": {"cached": 4, "tier": "b", "audio": 1},
        "seconds": 0.5,
        "by_kind": [{"kind": "text", "n": 2}],
        "final": True,
        "cache_read_input_tokens": 7,
        "new": 9,
    },
]
TOTAL = {
    "prompt_tokens": 30,
    "completion_tokens": 5,
    "total_cost": 1.5,
    "details": {"cached": 7, "tier": "b", "kept": None, "audio": 1},
    "seconds": 0.75,
    "by_kind": [{"kind": "text", "n": 1}, {"kind": "text", "n": 2}],
    "final": True,
    "cache_read_input_tokens": 7,
    "new": 9,
}


def test_the_usage_of_the_response_is_that_of_all_rounds() -> None:
    first, second = USAGES
    seen: list[Any] = []
    call = completion([called("nothing", "{}")])
    with scripted(used(call, **first), call, used(END, **second)) as (_, api):

        def ask(**arguments: Any) -> Any:
            seen.append(api.chat_completion(**arguments))
            return seen[-1]

        response = converse(ask, REQUEST, Toolbox(nothing))
    assert response.usage.to_dict() == TOTAL
    assert (response.text, response.finish_reason) == ("done", "stop")
    assert seen[-1].usage.to_dict() == second  # the response itself does not change


def test_only_rounds_that_report_their_usage_count() -> None:
    call = completion([called("nothing", "{}")])
    with scripted(call, used(END, total_tokens=5)) as (_, api):
        response = converse(api.chat_completion, REQUEST, Toolbox(nothing))
        assert response.usage is not None and response.usage.total_tokens == 5
    with scripted(used(call, total_tokens=5), END) as (_, api):
        response = converse(api.chat_completion, REQUEST, Toolbox(nothing))
        assert response.usage is not None and response.usage.total_tokens == 5
    with scripted(call, END) as (_, api):
        response = converse(api.chat_completion, REQUEST, Toolbox(nothing))
        assert "usage" not in response.model_fields_set


def test_the_usage_of_streams_is_added_up() -> None:
    first, second = USAGES
    call = event_stream(
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **called("nothing", "{}")}]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": first},
        "[DONE]",
    )
    last = stream_response(
        {"choices": [{"index": 0, "delta": {"content": "done"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": second},
        "[DONE]",
    )
    told: list[Any] = []
    with scripted([HEAD, call], last) as (_, api):
        toolbox = Toolbox(nothing)
        with converse_stream(api.chat_completion_stream, REQUEST, toolbox, on_message=told.append) as chunks:
            assert chunks.usage is None and dicts(chunks.messages) == [SAY]
            for chunk in chunks:
                if chunk.text:
                    assert chunks.usage is not None and chunks.usage.to_dict() == first
        assert chunks.usage is not None and chunks.usage.to_dict() == TOTAL
        assert dicts(chunks.messages) == [SAY, *dicts(told)]
        assert chunks.messages[-1].content == "done"


# The stream as a context manager


def test_a_stream_is_closed_at_the_end_of_its_block() -> None:
    chunk = event_stream({"choices": [{"index": 0, "delta": {"content": "one"}}]})
    with scripted([HEAD, chunk, AWAIT_CLOSE]) as (server, api):
        with converse_stream(api.chat_completion_stream, REQUEST, Toolbox(nothing)) as chunks:
            assert next(chunks).text == "one"
        server.wait_ended()
        assert list(chunks) == []


def test_a_stream_is_a_generator() -> None:
    chunk = event_stream({"choices": [{"index": 0, "delta": {"content": "one"}}]})
    with scripted([HEAD, chunk, chunk, AWAIT_CLOSE]) as (server, api):
        chunks = converse_stream(api.chat_completion_stream, REQUEST, Toolbox(nothing))
        assert chunks.send(None).text == "one"
        for one in chunks:
            assert one.text == "one"
            break
        with pytest.raises(KeyError, match="x"):
            chunks.throw(KeyError("x"))
        server.wait_ended()
        chunks.close()
        assert next(chunks, None) is None
