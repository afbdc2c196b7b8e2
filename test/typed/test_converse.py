"""The conversation loop with tools, plain and streamed."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import pytest

from support.chat import chat
from support.raw_server import AWAIT_CLOSE, Gate, RawServer, event_stream, json_response, stream_response
from support.tools import (
    called,
    completion,
    failing,
    get_weather,
    message_with,
    nothing,
    result,
)
from tachyon_sdk import (
    ApiValueError,
    ChatCompletionRequest,
    Message,
    OpenApiException,
    StreamTruncatedException,
    Toolbox,
    TooManyRoundsError,
    converse,
    converse_stream,
)
from tachyon_sdk.local import LocalServer

SAY = {"role": "user", "content": "天気は?"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


# The whole conversation


@contextlib.contextmanager
def scripted(*answers: Any) -> Iterator[tuple[RawServer, Any]]:
    """A server that sends these responses in order, and a ChatApi for it."""
    responses = [answer if isinstance(answer, (bytes, list)) else json_response(answer) for answer in answers]
    with RawServer(responses) as server, chat(server.url) as api:
        yield server, api


def sent(server: RawServer) -> list[Any]:
    return [request.json() for request in server.requests]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("in_room", [False, True])
def test_a_conversation_with_a_real_server(in_room: bool, streamed: bool) -> None:
    toolbox = Toolbox(get_weather)
    request = {"messages": [{"role": "user", "content": "Please use get_weather"}]}
    with LocalServer() as server, chat(server.url) as api:
        if streamed:
            stream = api.chat_completion_stream
            room = functools.partial(api.chat_completion_on_chatroom_stream, "r")
            chunks = list(converse_stream(room if in_room else stream, request, toolbox))
            text = "".join(chunk.text for chunk in chunks)
        else:
            ask = functools.partial(api.chat_completion_on_chatroom, "r") if in_room else api.chat_completion
            text = converse(ask, request, toolbox).text
        first, second = (each.body["messages"] for each in server.requests)
    assert 'The tool get_weather answered: "city: sunny for 1 days, 20 c".' in text
    assert first == request["messages"]
    asked = [] if in_room else [*first, second[1]]
    assert second == [*asked, result("city: sunny for 1 days, 20 c", second[-1]["tool_call_id"])]
    if not in_room:
        (call,) = second[1]["tool_calls"]
        assert call["id"] == second[-1]["tool_call_id"]
        assert second[1] == message_with([called("get_weather", '{"city": "city"}', call["id"])])


def test_a_model_corrects_itself() -> None:
    wrong, right = (
        called("get_weather", '{"town":"大阪"}', "a"),
        called("get_weather", '{"city":"大阪"}', "b"),
    )
    with scripted(completion([wrong]), completion([right], "もう一度"), completion([], "晴れ")) as (
        server,
        api,
    ):
        answer = converse(api.chat_completion, {"messages": [SAY]}, Toolbox(get_weather))
    assert answer.text == "晴れ"
    fault = "city: Missing required argument; town: Unexpected keyword argument"
    says = result(f"the arguments of get_weather are not valid: {fault}", "a")
    messages = [SAY, message_with([wrong]), says, message_with([right], "もう一度")]
    messages.append(result("大阪: sunny for 1 days, 20 c", "b"))
    assert [body["messages"] for body in sent(server)] == [messages[:1], messages[:3], messages]
    assert server.connections == 1


def test_several_calls_in_streamed_fragments() -> None:
    def fragments(*calls: Any, finish_reason: str | None = None) -> dict[str, Any]:
        delta = {"tool_calls": calls} if calls else {}
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    def more(index: int, text: str) -> dict[str, Any]:
        return fragments({"index": index, "function": {"arguments": text}})

    first = stream_response(
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "見ます。"}}]},
        fragments({"index": 0, **called("get_weather", "", "a")}, {"index": 1, **called("nothing", "", "b")}),
        *(more(0, text) for text in ('{"city', '":"大', "阪 👋", '"}')),
        more(1, "{}"),
        fragments(finish_reason="tool_calls"),
        "[DONE]",
    )
    second = stream_response(
        {"choices": [{"index": 0, "delta": {"content": "晴れ"}, "finish_reason": "stop"}]}
    )
    with scripted(first, second) as (server, api):
        chunks = list(
            converse_stream(api.chat_completion_stream, {"messages": [SAY]}, Toolbox(get_weather, nothing))
        )
    assert "".join(chunk.text for chunk in chunks) == "見ます。晴れ"
    assert len(chunks) == 9
    calls = [called("get_weather", '{"city":"大阪 👋"}', "a"), called("nothing", "{}", "b")]
    results = [result("大阪 👋: sunny for 1 days, 20 c", "a"), result("null", "b")]
    bodies = sent(server)
    assert [body["stream"] for body in bodies] == [True, True]
    assert bodies[1]["messages"] == [SAY, message_with(calls, "見ます。"), *results]
    assert server.connections == 1


CALL = completion([called("nothing", "{}")])
END = completion([], "done")


def test_the_request_is_left_as_it_is_and_its_own_settings_and_tools_are_sent() -> None:
    own = Toolbox()
    own.add(get_weather, name="mine", description="Mine.")
    own.add(nothing, description="As the request has it.")
    request = ChatCompletionRequest(
        messages=[Message(role="user", content="?")], model="large", tools=own.definitions, temperature=0
    )
    before = request.to_json()
    for given in (request, request.to_dict()):
        with scripted(CALL, END) as (server, api):
            converse(api.chat_completion, given, Toolbox(get_weather, nothing))
        for body in sent(server):
            settings = {name: value for name, value in body.items() if name not in ("messages", "tools")}
            assert settings == {"model": "large", "temperature": 0}
            functions = [tool["function"] for tool in body["tools"]]
            assert [each["name"] for each in functions] == ["mine", "nothing", "get_weather"]
            assert functions[1]["description"] == "As the request has it."
        assert (
            given if isinstance(given, ChatCompletionRequest) else request.from_dict(given)
        ).to_json() == before


def test_without_tools_it_is_a_call_like_any_other() -> None:
    with scripted(END) as (server, api):
        assert converse(api.chat_completion, {"messages": [SAY]}, Toolbox()).text == "done"
    (body,) = sent(server)
    assert "tools" not in body


NAMED = {"type": "function", "function": {"name": "nothing"}}


@pytest.mark.parametrize(
    "choice",
    [
        *("any", "required", "ANY", "nothing", NAMED, {"function": {"name": "nothing"}}),
        *({"type": "any"}, {"type": "tool", "name": "nothing"}),
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_must_be_called_in_the_first_round_only(choice: Any, streamed: bool) -> None:
    assert choices_sent(choice, streamed) == [choice, None, None]


@pytest.mark.parametrize(
    "choice",
    [
        *(None, "auto", "none", "AUTO", "", {}, {"type": "auto"}, {"type": "none"}),
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}},
    ],
)
def test_another_choice_holds_in_each_round(choice: Any) -> None:
    assert choices_sent(choice) == [choice] * 3


def choices_sent(choice: Any, streamed: bool = False) -> list[Any]:
    request = {"messages": [SAY], "tool_choice": choice}
    with scripted(CALL, CALL, END) as (server, api):
        if streamed:
            list(converse_stream(api.chat_completion_stream, request, Toolbox(nothing)))
        else:
            converse(api.chat_completion, request, Toolbox(nothing))
    return [body.get("tool_choice") for body in sent(server)]


def test_in_a_chatroom_the_instructions_are_sent_each_time() -> None:
    rules = [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}]
    with scripted(CALL, CALL, END) as (server, api):
        ask = functools.partial(api.chat_completion_on_chatroom, "r")
        converse(ask, {"messages": [rules[0], SAY, rules[1]]}, Toolbox(nothing))
    first, *others = (body["messages"] for body in sent(server))
    assert first == [rules[0], SAY, rules[1]]
    assert others == [[*rules, result("null")]] * 2


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("rounds", [1, 3])
def test_the_rounds_have_a_bound(rounds: int, streamed: bool) -> None:
    runs: list[int] = []

    def again() -> None:
        """Once more."""
        runs.append(1)

    round_trip = [message_with([called("again", "{}")]), result("null")]
    with scripted(*[completion([called("again", "{}")])] * rounds) as (server, api):
        with pytest.raises(TooManyRoundsError, match=r"^the last round ended with calls of again$") as caught:
            if streamed:
                list(converse_stream(api.chat_completion_stream, {"messages": [SAY]}, Toolbox(again), rounds))
            else:
                converse(api.chat_completion, {"messages": [SAY]}, Toolbox(again), max_rounds=rounds)
        assert len(server.requests) == rounds
    error = caught.value
    assert isinstance(error, OpenApiException)
    assert len(runs) == rounds - 1
    assert [message.to_dict() for message in error.messages] == [SAY, *round_trip * (rounds - 1)]
    assert error.messages[-1].to_dict() == sent(server)[-1]["messages"][-1]
    # It can go on from here.
    assert [message.to_dict() for message in Toolbox(again).results(error.answer)] == round_trip[1:]


@pytest.mark.parametrize("call", [converse, converse_stream])
def test_a_bound_of_nothing_is_a_mistake(call: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^max_rounds must be at least 1, not 0$"):
        call(pytest.fail, {"messages": [SAY]}, Toolbox(), 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_the_messages_are_handed_over_as_the_conversation_grows(streamed: bool) -> None:
    messages: list[Any] = [SAY]
    request = {"messages": messages}
    with scripted(CALL, END) as (server, api):
        if streamed:
            toolbox = Toolbox(nothing)
            list(converse_stream(api.chat_completion_stream, request, toolbox, on_message=messages.append))
        else:
            converse(api.chat_completion, request, Toolbox(nothing), on_message=messages.append)
    rest = [message.to_dict() for message in messages[1:]]
    assert rest == [message_with([called("nothing", "{}")]), result("null"), message_with([], "done")]
    assert [len(body["messages"]) for body in sent(server)] == [1, 3]


def test_an_error_of_a_tool_ends_the_conversation() -> None:
    messages: list[Message] = []
    broken = Toolbox(failing(LookupError("broken")))
    with scripted(completion([called("fail", "")])) as (server, api):
        with pytest.raises(LookupError, match="broken"):
            converse(api.chat_completion, {"messages": [SAY]}, broken, on_message=messages.append)
        assert len(server.requests) == 1
    # The call is there before its tool runs, so a next conversation can run it again.
    assert [message.to_dict() for message in messages] == [message_with([called("fail", "{}")])]


def test_only_the_calls_of_the_first_choice_are_run() -> None:
    answer = completion([], "done")
    answer["choices"].append({**CALL["choices"][0], "index": 1})
    with scripted(answer) as (_, api):
        assert converse(api.chat_completion, {"messages": [SAY], "n": 2}, Toolbox(nothing)).text == "done"


# Streamed, the moment it arrives


def event(*calls: Any, content: str | None = None, finish_reason: str | None = None) -> bytes:
    delta = {"content": content, "tool_calls": list(calls) or None}
    return event_stream({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def test_each_chunk_of_each_round_is_delivered_when_it_arrives() -> None:
    gate, ran = Gate(), []

    def work() -> str:
        """Works."""
        ran.append(True)
        return "ok"

    last = event(finish_reason="stop")
    rounds = [
        [HEAD, gate, event(content="one"), gate, event(called("work", "{}")), gate, last],
        [HEAD, gate, event(content="two"), gate, last],
    ]
    with scripted(*rounds) as (server, api):
        chunks = converse_stream(api.chat_completion_stream, {"messages": [SAY]}, Toolbox(work))
        assert server.requests == []  # nothing is asked before the first chunk is wanted
        for text, times in (("one", 0), ("", 0), ("", 0), ("two", 1), ("", 1)):
            gate.open()
            assert next(chunks).text == text
            assert len(ran) == times
        assert next(chunks, None) is None


@pytest.mark.parametrize("leave", ["close", "drop", "with"])
def test_left_early_it_closes_its_connection(leave: str) -> None:
    with scripted([HEAD, event(content="one"), AWAIT_CLOSE]) as (server, api):
        chunks = converse_stream(api.chat_completion_stream, {"messages": [SAY]}, Toolbox(nothing))
        if leave == "with":
            with contextlib.closing(chunks):
                assert next(chunks).text == "one"
        else:
            assert next(chunks).text == "one"
            if leave == "close":
                chunks.close()
            del chunks
        server.wait_ended()


def test_a_truncated_stream_runs_no_tool() -> None:
    broken = event(called("fail", "{}"))
    with scripted([HEAD, broken]) as (server, api):
        toolbox = Toolbox(failing(AssertionError("it ran")))
        with pytest.raises(StreamTruncatedException):
            list(converse_stream(api.chat_completion_stream, {"messages": [SAY]}, toolbox))
        assert len(server.requests) == 1
