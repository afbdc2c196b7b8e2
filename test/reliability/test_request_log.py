"""What the logger `tachyon_sdk` tells of each attempt, and that it tells nothing unasked."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from support.raw_server import (
    CLOSE,
    RawServer,
    Response,
    closed_port,
    http_response,
    json_response,
    stream_response,
)
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration, RetryPolicy

QUESTION = {"messages": [{"role": "user", "content": "confidential"}]}
CHUNK = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
ANSWER = json_response(CHUNK, headers={"X-Request-Id": "r-1"})
PATH = "/v1/llms/chat/completions"
LINE = re.compile(
    r"(?P<method>[A-Z]+) (?P<url>http\S+): (?P<outcome>.+) in (?P<seconds>\d+\.\d{3}) s"
    r" \(attempt (?P<attempt>\d+), request id (?P<request_id>.+)\)"
)
Call = Callable[[ChatApi], Any]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the package's logger says, and nobody else."""
    caplog.set_level(logging.DEBUG, "tachyon_sdk")
    return caplog


def ask(chat: ChatApi, **arguments: Any) -> Any:
    return chat.chat_completion(chat_completion_request=QUESTION, **arguments)


def stream(chat: ChatApi) -> Any:
    with chat.chat_completion_stream(chat_completion_request=QUESTION) as chunks:
        return list(chunks)


def raw(chat: ChatApi) -> Any:
    return chat.chat_completion_without_preload_content(chat_completion_request=QUESTION).data


def made(call: Call, *responses: Response, host: str | None = None) -> tuple[str, ApiException | None]:
    """The URL of the host, and the error of the call if it fails."""
    with RawServer(responses) as server:
        settings = Configuration(
            host or server.url, operator_id="tn_1", access_token="t", retries=RetryPolicy(backoff=0)
        )
        with ApiClient(settings) as client:
            try:
                call(ChatApi(client))
            except ApiException as error:
                return settings.host, error
    return settings.host, None


def lines(log: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    """The parts of each line."""
    found = []
    for record in log.records:
        assert (record.name, record.levelno) == ("tachyon_sdk", logging.DEBUG)
        assert record.getMessage().isprintable()
        match = LINE.fullmatch(record.getMessage())
        assert match is not None, record.getMessage()
        found.append(match.groupdict())
    return found


@pytest.mark.parametrize("call", [ask, stream, raw])
def test_an_attempt_is_one_line(call: Call, log: pytest.LogCaptureFixture) -> None:
    host, error = made(call, ANSWER)
    assert error is None
    (line,) = lines(log)
    assert float(line.pop("seconds")) >= 0
    assert line == {
        "method": "POST",
        "url": f"{host}{PATH}",
        "outcome": "200",
        "attempt": "1",
        "request_id": "r-1",
    }


def test_each_attempt_has_its_number_its_status_and_its_request_id(log: pytest.LogCaptureFixture) -> None:
    failures = [http_response(status, {"X-Request-Id": f"r-{status}"}) for status in (503, 429)]
    made(ask, *failures, ANSWER)
    assert [(line["attempt"], line["outcome"], line["request_id"]) for line in lines(log)] == [
        ("1", "503", "r-503"),
        ("2", "429", "r-429"),
        ("3", "200", "r-1"),
    ]


def test_an_error_status_that_is_not_tried_again_is_a_line_as_well(log: pytest.LogCaptureFixture) -> None:
    made(ask, http_response(401))
    assert [(line["outcome"], line["request_id"]) for line in lines(log)] == [("401", "-")]


def test_a_connection_that_cannot_be_made_is_a_line_for_each_attempt(log: pytest.LogCaptureFixture) -> None:
    _, error = made(ask, host=f"http://127.0.0.1:{closed_port()}")
    assert error is not None
    assert [line["attempt"] for line in lines(log)] == ["1", "2", "3"]
    assert all("refused" in line["outcome"] and line["request_id"] == "-" for line in lines(log))


def test_a_connection_lost_before_the_response_is_logged(log: pytest.LogCaptureFixture) -> None:
    made(ask, [CLOSE])
    (line,) = lines(log)
    assert "lost" in line["outcome"]


def test_a_truncated_response_is_logged(log: pytest.LogCaptureFixture) -> None:
    _, error = made(ask, [ANSWER[:-3], CLOSE])
    assert error is not None
    assert any("lost" in line["outcome"] for line in lines(log))
    assert {line["attempt"] for line in lines(log)} == {"1"}


@pytest.mark.parametrize(
    "name",
    [
        "x-request-id",
        "request-id",
        "x-correlation-id",
        "x-litellm-call-id",
        "x-amzn-requestid",
        "x-amz-request-id",
    ],
)
def test_the_request_id_is_that_of_the_error(name: str, log: pytest.LogCaptureFixture) -> None:
    _, error = made(ask, http_response(400, {name: "r-1"}))
    assert error is not None and error.request_id == "r-1"
    (line,) = lines(log)
    assert line["request_id"] == "r-1"


@pytest.mark.parametrize(
    "request_id", ["a\x1b[31mb", "a\x0bb", "a\x0cb", "a\x85b", "a\x00b", "a\r\n b", "x" * 9000]
)
def test_no_request_id_breaks_the_line_or_the_terminal(
    request_id: str, log: pytest.LogCaptureFixture
) -> None:
    made(ask, http_response(400, {"X-Request-Id": request_id}))
    (line,) = lines(log)
    assert len(line["request_id"]) < 300


def test_neither_query_nor_body_nor_headers_are_logged(log: pytest.LogCaptureFixture) -> None:
    auth = {"type": "api_key", "in": "query", "key": "key", "value": "s3cr3t"}
    made(lambda chat: ask(chat, _request_auth=auth, _headers={"X-Key": "s3cr3t"}), ANSWER)
    assert len(lines(log)) == 1
    assert not any(text in log.text for text in ("s3cr3t", "key", "confidential", "Hi", "tn_1"))


@pytest.mark.parametrize("room", ["100%s", "%(x)s %d", "a\nb", "日本", "{room}"])
def test_no_room_breaks_the_line(room: str, log: pytest.LogCaptureFixture) -> None:
    made(lambda chat: chat.chat_completion_on_chatroom(room, chat_completion_request=QUESTION), ANSWER)
    (line,) = lines(log)
    assert line["outcome"] == "200" and line["url"].isascii()


@pytest.mark.parametrize("call", [ask, stream])
def test_nothing_is_logged_by_default(
    call: Call, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = stream_response(CHUNK, "[DONE]")
    made(call, http_response(503), answer)
    made(call, http_response(500))
    made(call, [CLOSE])
    made(call, [answer[:-40], CLOSE])
    made(call, host=f"http://127.0.0.1:{closed_port()}")
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_it_is_enough_to_set_up_the_logging_of_the_program(log: pytest.LogCaptureFixture) -> None:
    made(ask, ANSWER)
    assert len(log.records) == 1
    logging.getLogger("tachyon_sdk").setLevel(logging.INFO)
    made(ask, ANSWER)
    assert len(log.records) == 1
