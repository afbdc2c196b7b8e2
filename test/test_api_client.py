"""An ApiClient: timeouts, forms of a response, errors, connections, copies."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.calls import (
    PLAIN_PATH,
    QUESTION,
    SECRET,
    answer,
    ask,
    chat,
    chunk,
    client,
    open_clients,
    refused,
)
from support.raw_server import (
    AWAIT_CLOSE,
    CLOSE,
    Connection,
    Gate,
    RawServer,
    Response,
    closed_port,
    http_response,
    json_response,
    recorded,
    split_response,
    stream_response,
)
from tachyon_sdk import (
    ApiClient,
    ApiException,
    ApiTypeError,
    ApiValueError,
    ChatApi,
    ChatCompletionChunkResponse,
    Configuration,
    ConnectionException,
    NotFoundException,
    ResponseDecodeException,
    StreamTruncatedException,
    TimeoutException,
    TooManyRequestsException,
    UnauthorizedException,
)


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while open_clients:
        open_clients.pop().close()


# Timeouts


@pytest.mark.parametrize("form", ["", "_with_http_info", "_without_preload_content", "_stream"])
@pytest.mark.parametrize("timeout", [0.05, (30, 0.05), [None, 0.05]])
def test_a_server_that_never_answers_runs_into_the_timeout_of_the_call(timeout: Any, form: str) -> None:
    with RawServer() as server:
        call = getattr(chat(server), f"chat_completion{form}")
        with pytest.raises(TimeoutException) as caught:
            call(chat_completion_request=QUESTION, _request_timeout=timeout)
        server.wait_ended()
    assert caught.value.request_sent
    assert "read timeout" in str(caught.value)


def test_a_server_that_never_answers_runs_into_the_timeout_of_the_configuration() -> None:
    with RawServer() as server:
        with pytest.raises(TimeoutException):
            ask(chat(server, read_timeout=0.05))


def test_an_answer_that_stalls_runs_into_the_timeout() -> None:
    head, _ = split_response(answer())
    stalled: Response = [head + b"{", AWAIT_CLOSE]
    with RawServer([stalled]) as server:
        with pytest.raises(TimeoutException):
            ask(chat(server), _request_timeout=0.05)
        server.wait_ended()


def test_the_timeout_of_a_call_is_gone_with_it() -> None:
    def slow_but_in_time(connection: Connection) -> None:
        connection.read_request()
        connection.await_close() if connection.number == 0 else connection.send(answer())

    with RawServer(handler=slow_but_in_time) as server:
        api = chat(server)
        with pytest.raises(TimeoutException):
            ask(api, _request_timeout=0.05)
        assert ask(api).choices[0].delta.content == "Hi"


def test_a_body_may_take_longer_to_send_than_a_connection_may_to_make() -> None:
    gate = Gate()

    def busy_at_first(connection: Connection) -> None:
        connection.wait_for(gate)
        connection.read_request()
        connection.send(answer())

    body = {
        "messages": [{"role": "user", "content": "x" * 30_000_000}]
    }  # more than sockets hold for a reader
    later = threading.Timer(0.5, gate.open)
    with RawServer(handler=busy_at_first) as server:
        later.start()
        assert ask(chat(server), body, _request_timeout=(0.2, 30)).choices[0].delta.content == "Hi"
    later.join()


@pytest.mark.parametrize("timeout", [5, 5.5, (5, 5), (0.5, 60.5), None, (None, None)])
def test_timeouts_that_a_healthy_call_keeps(timeout: Any) -> None:
    with RawServer([answer()]) as server:
        assert ask(chat(server), _request_timeout=timeout).choices[0].delta.content == "Hi"


@pytest.mark.parametrize("timeout", [0, -1, math.nan, (1,), (1, 2, 3), "5", True, (1, "2"), 1e10])
def test_a_timeout_that_cannot_be_kept_is_refused(timeout: Any) -> None:
    error = refused(lambda api: ask(api, _request_timeout=timeout), ApiValueError, ApiTypeError)
    assert "_request_timeout" in str(error)


# The forms of an answer


def test_with_http_info_of_a_json_answer() -> None:
    raw = recorded("llama-nonstream")
    with RawServer([raw]) as server:
        response = chat(server).chat_completion_with_http_info(chat_completion_request=QUESTION)
    assert response.status_code == 200
    assert isinstance(response.data, ChatCompletionChunkResponse)
    assert response.data.choices[0].finish_reason
    assert response.headers is not None
    assert response.headers["content-type"] == response.headers["Content-Type"]
    assert response.raw_data == split_response(raw)[1]


def test_with_http_info_of_an_event_stream() -> None:
    raw = recorded("llama-stream")
    with RawServer([raw]) as server:
        api = chat(server)
        response = api.chat_completion_with_http_info(chat_completion_request={**QUESTION, "stream": True})
    assert (response.status_code, response.raw_data) == (200, split_response(raw)[1])
    assert response.data.choices[0].delta.content
    assert response.data.choices[0].finish_reason


def test_without_preload_content_hands_over_the_answer_unread() -> None:
    raw = recorded("llama-stream")
    body = split_response(raw)[1]
    with RawServer([raw, answer()]) as server:
        api = chat(server)
        response = api.chat_completion_without_preload_content(chat_completion_request=QUESTION)
        assert (response.status, response.reason) == (200, "OK")
        assert response.headers["content-type"] == "text/event-stream"
        assert response.read(7, decode_content=True) + response.data == body
        ask(api)
        assert server.connections == 1  # the connection was returned
    assert server.requests[0].json() == QUESTION  # `stream` is the caller's business here


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_without_preload_content_raises_no_error_status(status: int) -> None:
    error = json_response({"message": "no"}, status)
    with RawServer([error, answer()]) as server:
        api = chat(server)
        response = api.chat_completion_without_preload_content(chat_completion_request=QUESTION)
        assert (response.status, json.loads(response.data)) == (status, {"message": "no"})
        ask(api)
        assert server.connections == 1


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_every_success_status_is_one(status: int) -> None:
    _, body = split_response(answer())
    with RawServer([http_response(status, {"Content-Type": "application/json"}, body)]) as server:
        response = chat(server).chat_completion_with_http_info(chat_completion_request=QUESTION)
    assert (response.status_code, response.data.choices[0].delta.content) == (status, "Hi")


@pytest.mark.parametrize("raw", [http_response(204), http_response(200), http_response(200, body="<html>hi")])
def test_a_success_without_an_answer_is_an_error(raw: bytes) -> None:
    for form in ("chat_completion", "chat_completion_stream"):
        with RawServer([raw]) as server:
            with pytest.raises(ResponseDecodeException):
                list(getattr(chat(server), form)(chat_completion_request=QUESTION))


def test_an_error_status_carries_what_the_server_said() -> None:
    raw = json_response({"code": "no_room", "message": "no such room"}, 404, {"X-Request-Id": "r-1"})
    with RawServer([raw]) as server:
        with pytest.raises(NotFoundException) as caught:
            chat(server).chat_completion_on_chatroom_stream("x", chat_completion_request=QUESTION)
    error = caught.value
    assert (error.status, error.reason, error.code, error.message) == (
        404,
        "Not Found",
        "no_room",
        "no such room",
    )
    assert error.headers is not None and error.headers["x-request-id"] == error.request_id == "r-1"
    assert json.loads(error.body or "") == {"code": "no_room", "message": "no such room"}
    assert error.attempts == 1 and error.previous == ()


def test_an_error_body_that_breaks_off_leaves_the_status_error() -> None:
    raw = json_response({"message": "token expired"}, 401)
    with RawServer([[raw[:-4], CLOSE]]) as server:
        with pytest.raises(UnauthorizedException) as caught:
            ask(chat(server))
    assert "token exp" in (caught.value.body or "")


def test_an_error_body_is_read_up_to_a_mebibyte() -> None:
    size = 1024 * 1024
    for body, kept in ((b"x" * size, size), (b"x" * (size + 70_000), size)):
        with RawServer([http_response(400, body=body)]) as server:
            with pytest.raises(ApiException) as caught:
                ask(chat(server))
        assert caught.value.body == "x" * kept
        assert len(str(caught.value)) < 1000


# Redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("other_origin", [True, False])
@pytest.mark.parametrize("form", ["", "_stream"])
def test_a_redirect_is_an_error_that_names_its_target(status: int, other_origin: bool, form: str) -> None:
    answers: list[Response] = []
    with RawServer() as other, RawServer(answers) as server:
        target = f"{(other if other_origin else server).url}/elsewhere"
        answers.append(http_response(status, {"Location": target}))
        with pytest.raises(ApiException) as caught:
            getattr(chat(server, retries=2), f"chat_completion{form}")(chat_completion_request=QUESTION)
        assert other.connections == 0
    assert len(server.requests) == 1
    assert caught.value.status == status
    assert target in str(caught.value)


def test_a_redirect_without_a_target_and_one_to_a_path() -> None:
    with RawServer([http_response(302), http_response(307, {"Location": "/other"})]) as server:
        api = chat(server)
        for expected in ("302", "/other"):
            with pytest.raises(ApiException, match=expected):
                ask(api)
    assert len(server.requests) == 2


# The client between calls


def test_a_client_is_a_context_manager_and_usable_after_it() -> None:
    with RawServer(itertools.repeat(answer())) as server:
        with client(server) as one:
            assert isinstance(one, ApiClient)
            ask(ChatApi(one))
            ask(ChatApi(one))
        server.wait_ended(1)
        ask(ChatApi(one))
        one.close()
        server.wait_ended(2)
        one.close()
    assert server.connections == 2


def test_a_connection_is_used_again_in_every_form() -> None:
    stream = stream_response(chunk("Hi", "stop"), "[DONE]")
    with RawServer([answer(), stream, stream, answer(), json_response({}, 404), answer()]) as server:
        api = chat(server)
        ask(api)
        assert "".join(api.chat_completion_stream(chat_completion_request=QUESTION).text) == "Hi"
        ask(api)
        assert api.chat_completion_without_preload_content(chat_completion_request=QUESTION).data
        with pytest.raises(NotFoundException):
            ask(api)
        ask(api)
    assert server.connections == 1


def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    with RawServer([[answer(), CLOSE], answer()]) as server:
        api = chat(server)
        ask(api)
        server.wait_ended(1)
        ask(api)
    assert server.connections == 2


def test_a_connection_is_no_longer_used_after_a_broken_answer() -> None:
    raw = answer()
    with RawServer([[raw[:-5], CLOSE], raw, [b"SSH-2.0-x\r\n", CLOSE], raw]) as server:
        api = chat(server)
        for _ in range(2):
            with pytest.raises(ConnectionException):
                ask(api)
            assert ask(api).choices[0].delta.content == "Hi"


def test_a_refused_connection_is_no_timeout() -> None:
    with pytest.raises(ConnectionException) as caught:
        ask(chat(f"http://127.0.0.1:{closed_port()}"))
    assert type(caught.value) is ConnectionException
    assert not caught.value.request_sent and caught.value.status is None
    assert "refused" in str(caught.value) and PLAIN_PATH in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.fixture
def _defaults() -> Iterator[None]:
    before = ApiClient._default, Configuration._default
    ApiClient.set_default(None)
    Configuration.set_default(None)
    yield
    ApiClient._default, Configuration._default = before


@pytest.mark.usefixtures("_defaults")
def test_the_default_client() -> None:
    with RawServer(itertools.repeat(answer())) as server:
        Configuration.set_default(
            Configuration(host=server.url, operator_id="tn_default", access_token="t", retries=0)
        )
        api = ChatApi()
        assert api.api_client is ApiClient.get_default() is ChatApi().api_client
        assert api.api_client.configuration is Configuration.get_default()
        ask(api)
        other = ApiClient()
        assert other is not api.api_client and other.configuration is api.api_client.configuration
        ApiClient.set_default(other)
        assert ChatApi().api_client is other
        ApiClient.set_default(None)
        assert ChatApi().api_client is not other
    assert server.requests[0].get("x-operator-id") == "tn_default"


def test_one_client_serves_many_threads() -> None:
    threads, calls = 32, 8
    start = threading.Barrier(threads)

    def echo(connection: Connection) -> None:
        while True:
            question = connection.read_request().json()
            text = question["messages"][0]["content"]
            if question.get("stream"):
                connection.send(stream_response(chunk(text[:3]), chunk(text[3:], "stop"), "[DONE]"))
            else:
                connection.send(answer(text))

    def ask_often(name: int) -> list[tuple[str, str | None]]:
        start.wait()
        answers = []
        for number in range(calls):
            text = f"t{name:02}-{number}"
            body = {"messages": [{"role": "user", "content": text}]}
            if number % 2:
                with api.chat_completion_stream(chat_completion_request=body) as stream:
                    answers.append((text, stream.collect().choices[0].delta.content))
            else:
                answers.append((text, ask(api, body).choices[0].delta.content))
        return answers

    with RawServer(handler=echo) as server, ThreadPoolExecutor(threads) as pool:
        api = chat(server, connection_pool_maxsize=threads)
        results = list(pool.map(ask_often, range(threads)))
    assert all(asked == answered for result in results for asked, answered in result)
    assert len(server.requests) == threads * calls
    assert server.connections <= threads


# Copies


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_client_has_connections_of_its_own(twin_of: Callable[[ApiClient], ApiClient]) -> None:
    with RawServer(itertools.repeat(answer())) as server:
        one = client(server)
        one.set_default_header("X-One", "1")
        one.cookie = "a=1"
        ask(ChatApi(one))
        twin = twin_of(one)
        ask(ChatApi(twin))
        assert server.connections == 2
        twin.close()
        ask(ChatApi(one))
        assert server.connections == 2  # closing the copy left the original's connection alone
    first, second, _ = server.requests
    for name in ("X-One", "Cookie", "User-Agent", "x-operator-id", "Authorization"):
        assert first.get(name) == second.get(name) is not None


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("name", ["llama-nonstream", "llama-stream"])
def test_a_copy_of_an_answer_equals_it(twin_of: Callable[[Any], Any], name: str) -> None:
    with RawServer([recorded(name)]) as server:
        response = chat(server).chat_completion_with_http_info(chat_completion_request=QUESTION)
    twin = twin_of(response)
    assert twin == response and twin is not response
    assert twin.headers["CONTENT-TYPE"] == response.headers["content-type"]  # type: ignore[index]
    twin.status_code = 201
    assert twin != response


def broken_stream() -> Response:
    return [stream_response(chunk("Hi"), framing="until-close"), CLOSE]


@pytest.mark.parametrize(
    ("kind", "responses"),
    [
        (NotFoundException, [json_response({"message": "no"}, 404)]),
        (TooManyRequestsException, [json_response({}, 429, {"Retry-After": "0"})] * 2),
        (ConnectionException, [[CLOSE]]),
        (ResponseDecodeException, [http_response(200, body="<html>")]),
        (StreamTruncatedException, [broken_stream()]),
        (ApiException, [http_response(302, {"Location": "/x"})]),
    ],
)
@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_errors_of_real_calls_survive_copying(
    kind: type[ApiException], responses: list[Response], twin_of: Callable[[ApiException], ApiException]
) -> None:
    with RawServer(responses) as server:
        with pytest.raises(kind) as caught:
            chat(server, retries=1).chat_completion(chat_completion_request=QUESTION)  # type: ignore[arg-type]
    error, twin = caught.value, twin_of(caught.value)
    assert type(twin) is type(error) is kind
    assert str(twin) == str(error) and repr(twin) == repr(error)
    for name in ("status", "reason", "body", "code", "message", "attempts", "request_sent", "partial"):
        assert getattr(twin, name) == getattr(error, name)
    assert dict(twin.headers or {}) == dict(error.headers or {})
    assert [str(it) for it in twin.previous] == [str(it) for it in error.previous]


def test_no_secret_in_the_repr_of_a_client() -> None:
    one = ApiClient(Configuration(access_token=SECRET), "Authorization", f"Bearer {SECRET}", f"sid={SECRET}")
    assert SECRET not in f"{one} {one!r} {one.configuration!r} {one.rest_client!r}"
