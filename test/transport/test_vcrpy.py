"""vcrpy, which records calls and replays them in tests of programs.

It replaces connections and responses of urllib3 with its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from support.chat import ANSWER, BODY, STREAM, TOKEN, ask, chat, chunk
from support.raw_server import (
    CLOSE,
    FRAMINGS,
    Framing,
    RawServer,
    Response,
    closed_port,
    json_response,
    recorded,
    reframe,
    stream_response,
)
from support.tls_server import TlsServer
from tachyon_sdk import ChatApi
from tachyon_sdk.exceptions import ApiException, ConnectionException

Call = Callable[[ChatApi], Any]


def cassette(path: Path, mode: str = "once", **settings: Any) -> Any:
    """Record into a file, or replay it. With the mode `none`, requests that are not in the file fail."""
    return vcr.VCR(record_mode=mode, **settings).use_cassette(str(path / "cassette.yaml"))


def plain_call(api: ChatApi) -> Any:
    response = api.chat_completion_with_http_info(chat_completion_request=BODY)
    return response.status_code, response.headers["Content-Type"], response.data.to_dict()


def streamed(api: ChatApi) -> Any:
    with api.chat_completion_stream(chat_completion_request=BODY) as stream:
        chunks = [chunk.to_dict() for chunk in stream]
    return stream.status, stream.headers["Content-Type"], chunks, stream.merged.to_dict()


def in_error(call: Call) -> Call:
    """Return a call that fails and returns the attributes of its error."""

    def described(api: ChatApi) -> Any:
        with pytest.raises(ApiException) as caught:
            call(api)
        error: Any = caught.value
        partial = getattr(error, "partial", None)
        return (
            (type(error), error.status, error.code, error.message, error.body, error.request_id),
            [previous.status for previous in error.previous],
            partial and partial.to_dict(),
        )

    return described


def three_ways(path: Path, responses: list[Response], call: Call) -> Any:
    """Make a call without vcrpy, while recording, and from the recording. Check that the results are equal."""
    with RawServer(responses) as server, chat(server.url) as api:
        expected = call(api)
    with RawServer(responses) as server, cassette(path), chat(server.url) as api:
        assert call(api) == expected
    with cassette(path, "none") as tape, chat(server.url) as api:
        assert call(api) == expected
    assert tape.all_played
    return expected


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_plain_call(tmp_path: Path, framing: Framing) -> None:
    status, _, response = three_ways(tmp_path, [reframe(ANSWER, framing)], plain_call)
    assert status == 200 and response["choices"][0]["delta"]["content"] == "Hello"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_streamed_call(tmp_path: Path, framing: Framing) -> None:
    status, _, chunks, merged = three_ways(tmp_path, [reframe(STREAM, framing)], streamed)
    assert status == 200 and len(chunks) == 3
    assert merged["choices"][0]["delta"]["content"] == "onetwothree"


def test_a_stream_without_an_end_marker(tmp_path: Path) -> None:
    # After a finish reason with more text, the stream is complete only if its framing says so. It is not recorded.
    response = stream_response(chunk("one", "stop"), chunk("two", "stop"))
    assert three_ways(tmp_path, [response], streamed)[0] == 200


@pytest.mark.parametrize(
    ("name", "call"), [("llama-nonstream", plain_call), ("litellm-tools-stream", streamed)]
)
def test_a_response_of_a_real_server(tmp_path: Path, name: str, call: Call) -> None:
    assert three_ways(tmp_path, [recorded(name)], call)[0] == 200


FAILURES: dict[str, list[Response]] = {
    "unauthorized": [json_response({"code": "unauthorized", "message": "no"}, 401, {"X-Request-Id": "r-1"})],
    "unavailable": [json_response({"message": f"error {number}"}, 503) for number in (1, 2, 3)],
    "no-json": [json_response("text")],
}
BROKEN_STREAMS: dict[str, list[Response]] = {
    "error-in-the-middle": [stream_response(chunk("one"), {"error": {"message": "failed"}})],
    "no-end": [stream_response(chunk("one"), chunk("two"))],
}


@pytest.mark.parametrize("call", [plain_call, streamed])
@pytest.mark.parametrize("failure", FAILURES)
def test_an_error(tmp_path: Path, failure: str, call: Call) -> None:
    (kind, *_), previous, _ = three_ways(tmp_path, FAILURES[failure], in_error(call))
    assert issubclass(kind, ApiException) and len(previous) == len(FAILURES[failure]) - 1


@pytest.mark.parametrize("failure", BROKEN_STREAMS)
def test_an_error_in_a_stream(tmp_path: Path, failure: str) -> None:
    _, _, partial = three_ways(tmp_path, BROKEN_STREAMS[failure], in_error(streamed))
    assert partial["choices"][0]["delta"]["content"].startswith("one")


def test_a_call_that_is_retried(tmp_path: Path) -> None:
    responses: list[Response] = [json_response({}, 503, {"Retry-After": "0"}), ANSWER]
    assert three_ways(tmp_path, responses, ask) == "Hello"


def test_calls_in_a_row(tmp_path: Path) -> None:
    def calls(api: ChatApi) -> Any:
        return [ask(api), streamed(api), ask(api)]

    responses: list[Response] = [ANSWER, STREAM, json_response(chunk("Bye", "stop"))]
    assert three_ways(tmp_path, responses, calls)[::2] == ["Hello", "Bye"]


def test_a_stream_that_is_left_early(tmp_path: Path) -> None:
    def calls(api: ChatApi) -> Any:
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            first = next(stream).to_dict()
        return first, ask(api)

    assert three_ways(tmp_path, [STREAM, ANSWER], calls)[1] == "Hello"


def test_an_unread_response(tmp_path: Path) -> None:
    def call(api: ChatApi) -> Any:
        return api.chat_completion_without_preload_content(chat_completion_request=BODY).data

    assert b"Hello" in three_ways(tmp_path, [ANSWER], call)


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the last vcrpy for this Python drops connections without closing them"
)
def test_one_client_with_and_without_cassettes(tmp_path: Path) -> None:
    responses: list[Response] = [json_response(chunk(text, "stop")) for text in ("1", "2", "3", "4")]
    with RawServer(responses) as server, chat(server.url) as api:
        assert ask(api) == "1"
        with cassette(tmp_path):
            assert ask(api) == "2"
        assert ask(api) == "3"
        with cassette(tmp_path, "none"):
            assert ask(api) == "2"
        assert ask(api) == "4"


def test_a_call_that_was_not_recorded(tmp_path: Path) -> None:
    with RawServer([ANSWER]) as server, cassette(tmp_path), chat(server.url) as api:
        ask(api)
    with cassette(tmp_path, "none"), chat(server.url) as api:
        ask(api)
        with pytest.raises(CannotOverwriteExistingCassetteException):
            ask(api)


def test_a_connection_lost_while_recording(tmp_path: Path) -> None:
    with RawServer([[STREAM[:-20], CLOSE]]) as server, cassette(tmp_path), chat(server.url) as api:
        with pytest.raises(ConnectionException) as caught:
            streamed(api)
    assert caught.value.request_sent and not caught.value.previous


def test_a_refused_connection_while_recording(tmp_path: Path) -> None:
    with cassette(tmp_path), chat(f"http://127.0.0.1:{closed_port()}") as api:
        with pytest.raises(ConnectionException) as caught:
            ask(api)
    assert not caught.value.request_sent and len(caught.value.previous) == 2


def test_tls(tmp_path: Path) -> None:
    with TlsServer([ANSWER, STREAM]) as server:
        settings = {"ssl_ca_cert": server.ca_file}
        with cassette(tmp_path), chat(server.url, **settings) as api:
            expected = [ask(api), streamed(api)]
        with cassette(tmp_path, "none"), chat(server.url, **settings) as api:
            assert [ask(api), streamed(api)] == expected
        assert len(server.requests) == 2
        assert expected[0] == "Hello"


def test_certificates_are_verified_while_recording(tmp_path: Path) -> None:
    with TlsServer() as server, cassette(tmp_path), chat(server.url) as api:
        with pytest.raises(ConnectionException, match="certificate"):
            ask(api)


def test_a_proxy(tmp_path: Path) -> None:
    host = "http://tachyon.example"
    with RawServer([ANSWER]) as proxy:
        with cassette(tmp_path), chat(host, proxy=proxy.url) as api:
            assert ask(api) == "Hello"
        assert proxy.requests[0].target.startswith(host)
    with cassette(tmp_path, "none"), chat(host, proxy=proxy.url) as api:
        assert ask(api) == "Hello"


def test_credentials_can_be_filtered(tmp_path: Path) -> None:
    with RawServer([ANSWER]) as server:
        with cassette(tmp_path, filter_headers=["authorization"]), chat(server.url) as api:
            ask(api)
        assert dict(server.requests[0].headers)["Authorization"] == f"Bearer {TOKEN}"
    text = (tmp_path / "cassette.yaml").read_text()
    assert "Hello" in text and TOKEN not in text
