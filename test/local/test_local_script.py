"""Scripted answers: `LocalServer(answers=...)`."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pydantic
import pytest
from local.client import Client, connection, raw_request, read_until, user

import tachyon_sdk
from tachyon_sdk.local import Answer, CallTool, Fault, LocalServer, RecordedRequest

BODY: dict[str, Any] = {"model": "large", "messages": [{"role": "user", "content": "Who is it?"}]}


class Person(pydantic.BaseModel):
    name: str
    age: int


@contextmanager
def chatting(server: LocalServer, **settings: Any) -> Iterator[tachyon_sdk.ChatApi]:
    configuration = tachyon_sdk.Configuration(
        host=server.url, access_token="dummy-token", operator_id="tn_1", proxy="", **settings
    )
    with tachyon_sdk.ApiClient(configuration) as api_client:
        yield tachyon_sdk.ChatApi(api_client)


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    with contextlib.suppress(AssertionError):
        running.verify()  # forgets what the test before has left
    running.answers = []
    running.requests.clear()
    running.statuses.clear()
    return running


@pytest.fixture
def own_server() -> Iterator[LocalServer]:
    """A server that the test may stop."""
    with LocalServer() as server:
        yield server


@pytest.fixture
def chat(server: LocalServer) -> Iterator[tachyon_sdk.ChatApi]:
    with chatting(server) as chat:
        yield chat


def ask(chat: tachyon_sdk.ChatApi, **more: Any) -> tachyon_sdk.ChatCompletionChunkResponse:
    return chat.chat_completion(chat_completion_request={**BODY, **more})


def stream(chat: tachyon_sdk.ChatApi, **more: Any) -> list[str]:
    with chat.chat_completion_stream(chat_completion_request={**BODY, **more}) as stream:
        return list(stream.text)


# What an answer may be


def test_a_text(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["It is Ken.", "It is Ken.", "これは潮です"]
    assert ask(chat).text == "It is Ken."
    assert stream(chat) == ["It", " is", " Ken", "."]
    assert "".join(stream(chat)) == "これは潮です"
    server.verify()


@pytest.mark.parametrize("pieces", [["It is ", "Ken."], ("It is ", "Ken."), ["", "It is Ken."]])
def test_a_list_of_chunks(server: LocalServer, chat: tachyon_sdk.ChatApi, pieces: list[str]) -> None:
    server.answers = [pieces, pieces]
    assert stream(chat) == [piece for piece in pieces if piece]
    assert ask(chat).text == "It is Ken."


@pytest.mark.parametrize("empty", ["", [], Answer()])
def test_an_empty_answer(server: LocalServer, chat: tachyon_sdk.ChatApi, empty: Any) -> None:
    server.answers = [empty, empty]
    assert ask(chat).text == ""
    assert stream(chat) == []


@pytest.mark.parametrize("ken", [{"name": "Ken", "age": 30}, Person(name="Ken", age=30)])
def test_an_object(server: LocalServer, chat: tachyon_sdk.ChatApi, ken: Any) -> None:
    server.answers = [ken, ken]
    assert tachyon_sdk.ask_for(chat.chat_completion, BODY, Person) == Person(name="Ken", age=30)
    assert json.loads("".join(stream(chat))) == {"name": "Ken", "age": 30}


def test_a_tool_call_and_the_answer_to_its_result(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    def get_tide(harbour: str) -> str:
        """The tide."""
        return f"14:20 in {harbour}"

    for call in (chat.chat_completion, chat.chat_completion_stream):
        server.answers = [
            CallTool("get_tide", {"harbour": "Oslo"}),
            lambda request: f"High tide: {request.body['messages'][-1]['content']}",
        ]
        toolbox = tachyon_sdk.Toolbox(get_tide)
        if call == chat.chat_completion:
            said = tachyon_sdk.converse(chat.chat_completion, BODY, toolbox).text
        else:
            chunks = tachyon_sdk.converse_stream(chat.chat_completion_stream, BODY, toolbox)
            said = "".join(chunk.text for chunk in chunks)
        assert said == "High tide: 14:20 in Oslo"
        server.verify()


def test_several_tool_calls_with_a_text(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    calls: list[str | CallTool] = ["Let me ", "see.", CallTool("a", {"x": 1}), CallTool("b", id="call_b")]
    server.answers = [calls, calls]
    whole = ask(chat)
    with chat.chat_completion_stream(chat_completion_request=BODY) as streamed:
        joined = streamed.collect()
    for answer in (whole, joined):
        assert answer.text == "Let me see."
        assert answer.finish_reason == "tool_calls"
        assert [(call.function.name, call.function.arguments) for call in answer.tool_calls] == [
            ("a", '{"x": 1}'),
            ("b", "{}"),
        ]
        assert answer.tool_calls[1].id == "call_b" != answer.tool_calls[0].id


def test_the_first_chunk_says_whether_there_is_a_text(server: LocalServer) -> None:
    server.answers = [CallTool("a"), ["text", CallTool("a")], "text"]
    client = Client(server.url)
    first = [client.ask("Hello", stream=True).chunks[0]["choices"][0]["delta"]["content"] for _ in range(3)]
    client.pool.clear()
    assert first == [None, "", ""]


def test_arguments_that_are_not_valid(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = [CallTool("a", '{"x": '), CallTool("a", '{"x": ')]
    assert ask(chat).tool_calls[0].function.arguments == '{"x": '
    with chat.chat_completion_stream(chat_completion_request=BODY) as streamed:
        assert streamed.collect().tool_calls[0].function.arguments == '{"x": '


def test_settings_of_an_answer(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    answer = Answer(
        "It is Ken.", finish_reason="content_filter", usage={"total_cost": 0.25}, headers={"X-Own": "1"}
    )
    server.answers = [answer, answer]
    reply = chat.chat_completion_with_http_info(chat_completion_request=BODY)
    assert reply.headers["x-own"] == "1"
    with chat.chat_completion_stream(chat_completion_request=BODY) as streamed:
        joined = streamed.collect()
    assert streamed.headers["x-own"] == "1"
    for each in (reply.data, joined):
        assert each.finish_reason == "content_filter"
        assert each.usage.total_cost == 0.25 and each.usage.completion_tokens == 4


def test_delay_and_pause_change_nothing_else(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = [Answer(["a", "b"], delay=0.001, pause=0.001), Answer(["a", "b"], pause=600)]
    assert stream(chat) == ["a", "b"]
    assert ask(chat).text == "ab", "a pause is for streams"


def test_nothing_is_sent_during_a_delay(server: LocalServer) -> None:
    slow: list[Any] = [Answer("a", delay=600), Fault(503, delay=600), Fault("disconnect", delay=600)]
    server.answers = [*slow, *slow, Answer(["a"], pause=600)]
    with connection(server.url) as last:
        for number in range(6):
            with connection(server.url) as sock:
                sock.sendall(raw_request({**BODY, "stream": number > 2}))
                with chatting(server) as chat:
                    ask(chat, model="local/echo")
                sock.setblocking(False)
                with pytest.raises(BlockingIOError):
                    sock.recv(1)
        last.sendall(raw_request({**BODY, "stream": True}))
        assert b'"content":"a"' not in read_until(last, b'"role":"assistant"')
    assert server.statuses == {200: 7}


def test_several_choices(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["Ken", "Ken"]
    assert [choice.delta.content for choice in ask(chat, n=2).choices] == ["Ken", "Ken"]
    with chat.chat_completion_stream(chat_completion_request={**BODY, "n": 2}) as streamed:
        assert [choice.delta.content for choice in streamed.collect().choices] == ["Ken", "Ken"]


# Faults


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 422, 429, 500, 502, 503, 504])
def test_an_error_status(server: LocalServer, status: int, streamed: bool) -> None:
    server.answers = [Fault(status, code="own", message="because", headers={"X-Own": "1"})]
    with chatting(server, retries=0) as chat:
        with pytest.raises(tachyon_sdk.ApiException) as caught:
            (stream if streamed else ask)(chat)
    error = caught.value
    assert (error.status, error.code, error.message) == (status, "own", "because")
    assert error.headers["x-own"] == "1"
    assert error.headers.get("retry-after") == ("0" if status in (429, 502, 503) else None)


def test_the_usual_code_and_message(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = [Fault(402)]
    with pytest.raises(tachyon_sdk.PaymentRequiredException) as caught:
        ask(chat)
    assert (caught.value.code, caught.value.message) == (
        "insufficient_credit",
        "not enough credit; nothing was stored",
    )


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        (Fault(429, retry_after=7), "7"),
        (Fault(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), "Wed, 21 Oct 2026 07:28:00 GMT"),
        (Fault(429, retry_after=None), None),
        (Fault(503, headers={"Retry-After": "3"}), "3"),
    ],
)
def test_retry_after(server: LocalServer, fault: Fault, header: str | None) -> None:
    server.answers = [fault]
    with chatting(server, retries=0) as chat, pytest.raises(tachyon_sdk.ApiException) as caught:
        ask(chat)
    assert caught.value.headers.get("retry-after") == header


@pytest.mark.parametrize("streamed", [False, True])
def test_a_fault_that_is_retried(server: LocalServer, chat: tachyon_sdk.ChatApi, streamed: bool) -> None:
    server.answers = [Fault(503), Fault(429), ["It is ", "Ken."]]
    assert "".join((stream if streamed else lambda chat: ask(chat).text)(chat)) == "It is Ken."
    assert server.statuses == {503: 1, 429: 1, 200: 1}
    server.verify()


@pytest.mark.parametrize(
    ("fault", "error", "partial"),
    [
        (Fault("cut", after=["It is ", "K"]), tachyon_sdk.StreamTruncatedException, "It is K"),
        (Fault("cut"), tachyon_sdk.StreamTruncatedException, ""),
        (Fault("error", after=["It is "]), tachyon_sdk.StreamErrorException, "It is "),
        (Fault("error", code="own", message="because"), tachyon_sdk.StreamErrorException, ""),
        (Fault("disconnect", after="It is"), tachyon_sdk.StreamTruncatedException, "It is"),
        (Fault("disconnect"), tachyon_sdk.StreamTruncatedException, ""),
    ],
)
def test_a_stream_that_breaks_off(
    server: LocalServer, chat: tachyon_sdk.ChatApi, fault: Fault, error: type[Exception], partial: str
) -> None:
    server.answers = ["first", fault]
    assert ask(chat).text == "first"  # the connection is used again
    with chat.chat_completion_stream(chat_completion_request=BODY) as streamed:
        with pytest.raises(error) as caught:
            list(streamed)
    assert type(caught.value) is error
    assert streamed.merged.text == partial
    if fault.kind == "error":
        expected = (fault.code or "provider_error", fault.message or "the model provider failed")
        assert caught.value.code == expected[0]  # type: ignore[attr-defined]
        assert caught.value.message.startswith(expected[1])  # type: ignore[attr-defined]
    server.verify()


@pytest.mark.parametrize("after", ["", "It is Ken"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut", tachyon_sdk.ConnectionException),
        ("disconnect", tachyon_sdk.ConnectionException),
        ("error", tachyon_sdk.ServiceException),
    ],
)
def test_a_plain_response_that_breaks_off(
    server: LocalServer, chat: tachyon_sdk.ChatApi, kind: Any, error: type[Exception], after: str
) -> None:
    server.answers = ["first", Fault(kind, after=after, code="own")]
    assert ask(chat).text == "first"
    with pytest.raises(error) as caught:
        ask(chat)
    assert type(caught.value) is error
    if kind == "error":
        assert (caught.value.status, caught.value.code) == (500, "own")  # type: ignore[attr-defined]
    server.verify()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("after", "last"), [("It is Ken", b'"object"'), ("", b"")])
def test_a_stall_lasts_until_the_client_leaves(
    own_server: LocalServer, streamed: bool, after: str, last: bytes
) -> None:
    server = own_server
    server.answers = [Fault("stall", after=after)] * 2
    for _ in range(2):
        with connection(server.url) as sock:
            sock.sendall(raw_request({**BODY, "stream": streamed}))
            if last:
                read_until(sock, b'" Ken"' if streamed else last)
            with chatting(server) as chat:
                ask(chat, model="local/echo")
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                while sock.recv(65536):
                    assert last, "not even the headers are sent"
    server.stop()  # also while one stalls
    server.verify()


def test_a_stall_is_a_timeout(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = [Fault("stall"), Fault("stall", after=["It is "])]
    with pytest.raises(tachyon_sdk.TimeoutException):
        chat.chat_completion(chat_completion_request=BODY, _request_timeout=(5, 0.2))
    with pytest.raises(tachyon_sdk.StreamTimeoutException):
        with chat.chat_completion_stream(chat_completion_request=BODY, _request_timeout=(5, 0.2)) as streamed:
            list(streamed)
    assert streamed.merged.text == "It is "


# Functions


def test_a_function_gets_the_request(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    seen: list[RecordedRequest] = []

    def answer(request: RecordedRequest) -> Fault | str:
        seen.append(request)
        return request.body["messages"][-1]["content"].upper() if len(seen) > 1 else Fault(503)

    server.answers = [answer, answer]
    assert ask(chat).text == "WHO IS IT?"
    assert seen == server.requests
    server.answers = answer  # for all
    assert [ask(chat).text for _ in range(3)] == ["WHO IS IT?"] * 3
    server.verify()


@pytest.mark.parametrize("error", [AssertionError("wrong"), StopIteration(), KeyboardInterrupt(), "type"])
def test_a_function_that_fails(
    server: LocalServer, chat: tachyon_sdk.ChatApi, error: BaseException | str
) -> None:
    def answer(request: RecordedRequest) -> Any:
        if isinstance(error, str):
            return 5
        raise error

    server.answers = [answer]
    with pytest.raises(tachyon_sdk.ServiceException, match="the answer to request 1 failed") as caught:
        ask(chat)
    assert (caught.value.status, caught.value.code) == (500, "failed_answer")
    with pytest.raises(AssertionError, match="the answer to request 1 failed") as verified:
        server.verify()
    cause = verified.value.__cause__
    assert isinstance(cause, TypeError) if error == "type" else cause is error
    server.verify()  # it is told once


def test_a_function_may_block(own_server: LocalServer) -> None:
    server = own_server
    go = threading.Event()

    def answer(request: RecordedRequest) -> str:
        go.wait()
        return "late"

    server.answers = [answer, "other", answer]
    with ThreadPoolExecutor() as pool, chatting(server) as chat:
        waiting = pool.submit(ask, chat)
        while len(server.requests) < 1:
            pass
        assert ask(chat).text == "other"
        go.set()
        assert waiting.result().text == "late"
    go.clear()
    with connection(server.url) as sock:
        sock.sendall(raw_request(BODY))
        while server.answers:
            pass
        server.stop()  # does not wait for the function
    go.set()


# The order, and the end


def test_no_answer_is_left(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["one"]
    assert ask(chat).text == "one"
    with pytest.raises(tachyon_sdk.ServiceException) as caught:
        stream(chat)
    text = "no answer is left for request 2, POST /v1/llms/chat/completions"
    assert (caught.value.status, caught.value.code) == (500, "unexpected_request")
    assert caught.value.message == f"the local server is scripted: {text}"
    assert len(server.requests) == 2, "it is not retried"
    with pytest.raises(AssertionError, match=f"^{text}$"):
        server.verify()


def test_answers_that_were_not_used(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["one", "two"]
    ask(chat)
    with pytest.raises(AssertionError, match=r"^1 answer was not used: 'two'$"):
        server.verify()
    server.answers = ["1", "2", "3", Fault(503)]
    with pytest.raises(AssertionError, match=r"^4 answers were not used: '1', '2', '3', \.\.\.$"):
        server.verify()
    server.answers = None
    server.verify()


def test_new_answers_do_not_hide_what_went_wrong_before(
    server: LocalServer, chat: tachyon_sdk.ChatApi
) -> None:
    with pytest.raises(tachyon_sdk.ServiceException):
        ask(chat)
    server.answers = None
    assert "Who is it?" in ask(chat).text
    with pytest.raises(AssertionError, match="no answer is left for request 1"):
        server.verify()


def test_the_list_can_be_looked_at_and_added_to(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    given = ["one", "two"]
    server.answers = given
    ask(chat)
    assert server.answers == ["two"]
    server.answers.append("three")
    assert [ask(chat).text, ask(chat).text] == ["two", "three"]
    assert server.answers == [] and given == ["one", "two"]


def test_what_is_added_is_checked_when_it_is_used(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers.append(5)
    with pytest.raises(tachyon_sdk.ServiceException, match="not int"):
        ask(chat)
    with pytest.raises(AssertionError, match="not int"):
        server.verify()


def test_an_iterator(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = itertools.chain([Fault(503)], itertools.repeat("Hello"))
    assert [ask(chat).text for _ in range(3)] == ["Hello"] * 3
    server.verify()
    server.answers = iter(["one"])
    assert ask(chat).text == "one"
    with pytest.raises(tachyon_sdk.ServiceException, match="no answer is left for request 2"):
        ask(chat)
    server.answers = (1 / 0 for _ in range(2))
    with pytest.raises(tachyon_sdk.ServiceException, match="ZeroDivisionError"):
        ask(chat)
    with pytest.raises(AssertionError, match=r"no answer is left.*; .*ZeroDivisionError"):
        server.verify()


def test_many_threads_take_each_answer_once(server: LocalServer) -> None:
    server.answers = [str(number) for number in range(60)]
    with chatting(server) as chat, ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: ask(chat).text, range(60)))
    assert sorted(texts, key=int) == [str(number) for number in range(60)]
    server.verify()


@pytest.mark.parametrize(
    "answers",
    ["text", b"bytes", {"name": "Ken"}, Person(name="Ken", age=30), Fault(503), 5, [5], [b"bytes"], [None],
     [["a", 5]], [{1: object()}], [[Fault(503)]]],
)  # fmt: skip
def test_answers_that_are_none(server: LocalServer, answers: Any) -> None:
    with pytest.raises(TypeError):
        LocalServer(answers=answers)
    with pytest.raises(TypeError):
        server.answers = answers
    server.verify()


@pytest.mark.parametrize(
    ("kind", "more"),
    [(200, {}), (399, {}), (600, {}), ("refused", {}), (503, {"after": "text"})],
)
def test_faults_that_are_none(kind: Any, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="status"):
        Fault(kind, **more)


# Which requests take an answer


def test_requests_that_are_refused_take_none(server: LocalServer) -> None:
    server.answers = ["one"]
    client = Client(server.url)
    assert client.ask("Hello", headers={}).status == 401
    assert client.post({"messages": "text"}).status == 422
    assert client.ask("Hello", "missing").status == 404
    assert client.request("GET", "/v1/llms/models").status == 200
    assert client.ask("Hello", model="local/error-503").status == 503
    assert client.ask("Hello", model="no-such-model").text == "one"
    client.pool.clear()
    server.verify()


def test_the_model_of_the_request_is_that_of_the_answer(
    server: LocalServer, chat: tachyon_sdk.ChatApi
) -> None:
    server.answers = ["one", "two"]
    assert ask(chat, model="openai/gpt").model == "openai/gpt"
    assert chat.chat_completion(chat_completion_request={"messages": [user("Hi")]}).model == "local/echo"


@pytest.mark.parametrize("streamed", [False, True])
def test_answers_are_stored_in_chatrooms(
    server: LocalServer, chat: tachyon_sdk.ChatApi, room: str, streamed: bool
) -> None:
    server.answers = [
        Fault("cut", after="lost"),
        Fault(500),
        "It is Ken.",
        lambda request: f"{len(request.body['messages'])} sent",
    ]
    listing = tachyon_sdk.DefaultApi(chat.api_client)

    def call() -> None:
        if streamed:
            with chat.chat_completion_on_chatroom_stream(room, chat_completion_request=BODY) as stream:
                stream.collect()
        else:
            chat.chat_completion_on_chatroom(room, chat_completion_request=BODY)

    for _ in range(2):
        with pytest.raises(tachyon_sdk.ApiException):
            call()
    call()
    call()
    said = [m.content.to_dict()["text"] for m in tachyon_sdk.paged(listing.get_chatroom_messages, room)]
    assert said == ["Who is it?", "It is Ken.", "Who is it?", "1 sent"]


def test_answers_come_before_an_upstream() -> None:
    with LocalServer(upstream="http://127.0.0.1:1/v1", answers=["one"]) as server, chatting(server) as chat:
        assert ask(chat).text == "one"


def test_a_server_that_is_started_again_goes_on_with_the_answers() -> None:
    server = LocalServer(answers=["one", "two"])
    for text in ("one", "two"):
        with server, chatting(server) as chat:
            assert ask(chat).text == text
    server.verify()


# The requests it got


def test_operations_and_typed_requests(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["one", "two"]
    rooms, listing = tachyon_sdk.ChatroomApi(chat.api_client), tachyon_sdk.DefaultApi(chat.api_client)
    ask(chat, temperature=0.5)
    room = rooms.create_chatroom(create_chat_room_request={"name": "a"}).chatroom.id
    chat.chat_completion_on_chatroom(room, chat_completion_request=BODY)
    rooms.update_chatroom(room, update_chatroom_request={"name": "b"})
    listing.get_chatrooms(limit=1)
    listing.get_chatroom_messages(room, limit=1, offset=0, search="")
    rooms.delete_chatroom(room)
    tachyon_sdk.ModelsApi(chat.api_client).get_models()
    Client(server.url).request("GET", "/nowhere")
    operations = [request.operation for request in server.requests]
    assert operations == [
        "chat_completion",
        "create_chatroom",
        "chat_completion_on_chatroom",
        "update_chatroom",
        "get_chatrooms",
        "get_chatroom_messages",
        "delete_chatroom",
        "get_models",
        None,
    ]
    for name in operations[:-1]:
        assert any(hasattr(api, str(name)) for api in (chat, rooms, listing, tachyon_sdk.ModelsApi))
    request = server.requests[0].chat_request
    assert (request.model, request.temperature, request.messages[0].role) == ("large", 0.5, "user")
    with pytest.raises(ValueError, match="messages"):
        RecordedRequest("POST", "/", {}, None, b'{"messages": 5}').chat_request  # noqa: B018


def test_credentials_are_not_printed(server: LocalServer, chat: tachyon_sdk.ChatApi) -> None:
    server.answers = ["one"]
    ask(chat)
    assert server.requests[0].headers["authorization"] == "Bearer dummy-token"
    assert "dummy-token" not in repr(server.requests)
    assert "Who is it?" in repr(server.requests) and "tn_1" in repr(server.requests)


def test_answers_cannot_be_changed() -> None:
    for each in (Answer("a"), Fault(503), CallTool("a")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            each.delay = 1  # type: ignore[misc]
