"""For any response of a server, a call returns a usable object or raises an exception of the package."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from reliability.odd_answers import (
    ANSWERS,
    CHUNK,
    ERRORS,
    JSON,
    NAMES,
    PLACES,
    VALUES,
    Path,
    named,
    paths_of,
    renamed,
    with_each,
)

from support.raw_server import RawServer, http_response, stream_response
from tachyon_sdk import ApiClient, ChatApi, Configuration
from tachyon_sdk.exceptions import (
    ApiException,
    ResponseDecodeException,
    StreamErrorException,
    StreamTruncatedException,
    exception_class,
)
from tachyon_sdk.models import ChatCompletionChunkResponse
from tachyon_sdk.streaming.completion import Completion
from tachyon_sdk.streaming.decode import AnswerDecoder, StreamEnd
from tachyon_sdk.streaming.merge import Merger

pytestmark = pytest.mark.exhaustive

BODY = {"messages": [{"role": "user", "content": "Hello"}]}
GOOD = json.dumps(CHUNK).encode()
# No deadline: the machine may be busy.
several = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


class Answered:
    """The response that a decoder reads."""

    status = 200
    reason: str | None = "OK"
    headers: dict[str, str] = {}  # noqa: RUF012


def decoder() -> AnswerDecoder[Any]:
    return AnswerDecoder(ChatCompletionChunkResponse, Answered())


def whole(body: bytes) -> Any:
    """The response of a body."""
    return decoder().whole(body)[0]


def merged(*events: bytes) -> Any:
    """The response of the events of a stream."""
    read, merger, completion = decoder(), Merger(), Completion(1, True)
    with suppress(StreamEnd):
        for event in events:
            for chunk, text in read.event("message", event, merger):
                merger.add(text)
                completion.add(chunk.choices)
    assert completion.at_end(True) in (True, False)
    return read.merged(merger.merged())


def failed(event: bytes) -> Any:
    """The response of an event that is called an error."""
    return list(decoder().event("error", event, Merger()))


def check(read: Callable[..., Any], *bodies: bytes) -> None:
    """Reading returns a usable response, or raises an error with the body."""
    try:
        answer = read(*bodies)
    except (ResponseDecodeException, StreamErrorException) as caught:
        error = caught
    else:
        check_answer(answer)
        return
    assert error.body in [body.decode() for body in bodies]
    check_error(error)


def check_answer(answer: Any) -> None:
    """Everything in a response can be serialized to valid JSON (RFC 8259)."""
    assert json.loads(answer.to_json(), parse_constant=no_number) == answer.to_dict()
    for choice in answer.choices:
        assert choice.delta.content is None or isinstance(choice.delta.content, str)


def no_number(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def check_error(error: ApiException) -> None:
    """An error says in one line what it has to say, and can be pickled."""
    assert len(str(error).splitlines()) == 1
    if error.partial is not None:
        check_answer(error.partial)
    twin = pickle.loads(pickle.dumps(error))
    for name in ("status", "body", "code", "message"):
        assert getattr(twin, name) == getattr(error, name)


# --- any value in any place


@pytest.mark.parametrize(("answer", "path"), PLACES, ids=[named(path) for _, path in PLACES])
def test_any_value_anywhere_gives_a_response_or_an_error(answer: Any, path: Path) -> None:
    for body in with_each(answer, path, VALUES):
        check(whole, body)
        check(merged, body, GOOD, body)
        check(failed, body)


@pytest.mark.parametrize("path", [path for path in paths_of(CHUNK) if path[-1:] == ("unknown",)], ids=named)
def test_an_unknown_property_may_have_any_name(path: Path) -> None:
    for name in NAMES:
        answer = renamed(CHUNK, path, name)
        body = json.dumps(answer).encode()
        assert whole(body).to_dict() == answer, name
        assert merged(body).to_dict() == answer, name


@pytest.mark.parametrize("path", [("unknown",), ("usage", "total_cost"), ("created",)], ids=named)
def test_a_number_too_large_for_a_float_stays_valid_json(path: Path) -> None:
    (body,) = with_each(CHUNK, path, ["1e400"])
    check(whole, body)
    check(merged, body)


@several
@given(bodies=st.lists(ANSWERS, min_size=1, max_size=3))
def test_any_values_in_several_places_and_chunks(bodies: list[bytes]) -> None:
    check(whole, bodies[0])
    check(merged, *bodies)


# --- over the wire

Service = Callable[[bytes], ChatApi]
CALLS: dict[str, Callable[[ChatApi], Any]] = {
    "plain": lambda api: api.chat_completion(chat_completion_request=BODY),
    "stream": lambda api: api.chat_completion_stream(chat_completion_request=BODY).collect(),
    "text": lambda api: after_its_text(api.chat_completion_stream(chat_completion_request=BODY)),
    "chatroom": lambda api: api.chat_completion_on_chatroom("ch_1", chat_completion_request=BODY),
}
calls = st.sampled_from(sorted(CALLS))


def after_its_text(stream: Any) -> Any:
    assert isinstance("".join(stream.text), str)
    return stream.merged


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The API of a server that gives the next call this response, over one connection where that is possible."""
    responses: list[bytes] = []
    with RawServer(iter(responses.pop, None)) as server:
        # All that could come from the environment is said: it is cleared for each test, not for a module.
        settings = Configuration(
            host=server.url, operator_id="tn_1", access_token="token", proxy="", no_proxy="", retries=0
        )
        with ApiClient(settings) as client:
            api = ChatApi(client)

            def answering(response: bytes) -> ChatApi:
                responses.append(response)
                return api

            yield answering


def json_answer(body: bytes, status: int = 200) -> bytes:
    return http_response(status, {"Content-Type": "application/json"}, body)


@several
@given(bodies=st.lists(ANSWERS, min_size=1, max_size=3), call=calls)
def test_any_values_over_the_wire(service: Service, bodies: list[bytes], call: str) -> None:
    check(lambda body: CALLS[call](service(json_answer(body))), bodies[0])
    texts = [GOOD.decode(), *(body.decode() for body in bodies), "[DONE]"]
    check(lambda *_: CALLS[call](service(stream_response(*texts))), *bodies)


NO_ANSWERS = {
    "nothing": b"",
    "a page": b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Hello</body></html>",
    "text": "こんにちは".encode(),
    "no UTF-8": b'{"id": "\xff\xfe"}',
    "half a character": b'{"id": "\xf0\x9f\x99',
    "an empty object": b"{}",
    "another object": b'{"hello": "world"}',
    "half an answer": GOOD[:-1],
    "two answers": GOOD * 2,
    "too many digits": b'{"id": "c", "x": %b}' % (b"9" * 100_000),
    "deep lists": b'{"id": "c", "x": %b}' % (b"[" * 200_000 + b"]" * 200_000),
    "deep objects": b'{"":' * 200_000 + b"1" + b"}" * 200_000,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("case", NO_ANSWERS)
def test_an_invalid_response_is_an_error_with_its_beginning(service: Service, case: str, call: str) -> None:
    text = NO_ANSWERS[case].decode(errors="replace")
    with pytest.raises(ApiException) as caught:
        CALLS[call](service(json_answer(NO_ANSWERS[case])))
    assert type(caught.value) is ResponseDecodeException
    assert caught.value.status == 200
    shown = caught.value.body
    assert shown is not None
    assert text.startswith(shown) and len(shown) >= min(1000, len(text))
    check_error(caught.value)


@pytest.mark.parametrize("call", CALLS)
def test_a_property_that_comes_twice_is_one_of_the_two(service: Service, call: str) -> None:
    # RFC 8259, section 4, leaves it open which of them counts.
    answer = CALLS[call](service(json_answer(b'{"id":"a","model":"b","choices":[],"id":"c","choices":[{}]}')))
    assert (answer.id in ("a", "c")) and answer.model == "b" and len(answer.choices) in (0, 1)
    check_answer(answer)


@pytest.mark.parametrize("call", CALLS)
def test_a_number_may_have_hundreds_of_digits(service: Service, call: str) -> None:
    number = b"1" + b"0" * 400
    answer = CALLS[call](service(json_answer(b'{"id":"c","created":%b,"x":%b}' % (number, number))))
    assert answer.created == answer.x == json.loads(answer.to_json())["x"] == 10**400


@several
@given(body=st.binary(), call=calls)
def test_any_bytes_are_an_error_with_these_bytes(service: Service, body: bytes, call: str) -> None:
    assume(
        not body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b":", b"id:", b"data:"))
    )  # they begin a stream
    with pytest.raises(ResponseDecodeException) as caught:
        CALLS[call](service(json_answer(body)))
    assert caught.value.body == body.decode(errors="replace")
    check_error(caught.value)


TOKENS = [*(b"data", b"event", b": ", b":", b"\n", b"\n\n", b"\r", b"{", b"}", b"[DONE]", b"error", b"\xff")]


@several
@given(body=st.binary() | st.lists(st.sampled_from(TOKENS)).map(b"".join), call=calls)
def test_any_bytes_as_a_stream_are_an_error(service: Service, body: bytes, call: str) -> None:
    response = http_response(200, {"Content-Type": "text/event-stream"}, body)
    with pytest.raises((ResponseDecodeException, StreamErrorException, StreamTruncatedException)) as caught:
        CALLS[call](service(response))
    check_error(caught.value)


# --- errors


def check_status(service: Service, status: int, body: bytes, call: str) -> None:
    with pytest.raises(ApiException) as caught:
        CALLS[call](service(json_answer(body, status)))
    error = caught.value
    assert type(error) is exception_class(status)
    assert (error.status, error.body) == (status, body.decode(errors="replace"))
    assert all(text is None or isinstance(text, str) for text in (error.code, error.message))
    check_error(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: "-".join(error))
def test_any_value_in_any_place_of_an_error_is_that_error(service: Service, error: Any) -> None:
    for number, path in enumerate(paths_of(error)):
        for body in with_each(error, path, VALUES):
            check_status(service, 400 + number * 37 % 200, body, "plain")


@several
@given(
    status=st.integers(400, 599),
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(),
    call=calls,
)
def test_any_error_body_is_the_error_of_its_status(
    service: Service, status: int, body: bytes, call: str
) -> None:
    check_status(service, status, body, call)


@pytest.mark.parametrize("case", NO_ANSWERS)
def test_an_invalid_response_may_be_the_body_of_an_error(service: Service, case: str) -> None:
    check_status(service, 400, NO_ANSWERS[case], "stream")
