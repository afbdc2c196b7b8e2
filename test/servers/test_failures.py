"""Requests that real servers refuse, and streams that end too early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from servers.processes import ServerProcess
from servers.targets import (
    DOOMED,
    INTERRUPTED,
    LITELLM_KEY,
    LLAMA_KEY,
    WITH_LLAMA,
    Target,
    litellm,
    llama_cpp_python,
)
from servers.tiny_model import ANSWER, CONTEXT, ENDLESS, GO_ON

from tachyon_sdk import (
    ApiException,
    BadRequestException,
    ChatApi,
    ConnectionException,
    ServiceException,
    Stream,
    StreamErrorException,
    StreamTruncatedException,
    TooManyRequestsException,
    UnauthorizedException,
)

HELLO = [{"role": "user", "content": "Hello"}]
ENDLESSLY = [{"role": "user", "content": GO_ON}]
TOO_LONG = [{"role": "user", "content": "x" * (CONTEXT + 1)}]
TRUNCATED = (StreamTruncatedException, ConnectionException)


def ask(target: Target, streamed: bool, **fields: Any) -> Any:
    request = {"model": target.model, "messages": HELLO, **fields}
    with target.chat(retries=0) as api:
        if not streamed:
            return api.chat_completion(chat_completion_request=request)
        with api.chat_completion_stream(chat_completion_request=request) as stream:
            return stream.collect()


# Refused


@pytest.mark.parametrize("streamed", [False, True])
def test_a_wrong_key(target: Target, streamed: bool) -> None:
    with pytest.raises(ApiException) as caught:
        ask(target._replace(key="sk-of-nobody"), streamed)
    error = caught.value
    if target.name == "llama-cpp-python":
        assert isinstance(error, UnauthorizedException)
        assert error.message == "Invalid API key"
    else:  # any key but the master key is read from a database
        assert isinstance(error, BadRequestException)
        assert error.message == "No connected db."


@pytest.mark.parametrize("streamed", [False, True])
def test_an_unknown_model(target: Target, streamed: bool) -> None:
    """llama-cpp-python answers with the model that it has."""
    if target.name == "llama-cpp-python":
        assert ask(target, streamed, model="unknown/model").text == "".join(ANSWER)
        return
    with pytest.raises(BadRequestException) as caught:
        ask(target, streamed, model="unknown/model")
    assert "unknown/model" in str(caught.value.message)
    assert caught.value.code == "400"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_malformed_request(target: Target, streamed: bool) -> None:
    """The mock validates nothing. The server answers 500, not 400 or 422."""
    if target.name not in WITH_LLAMA:
        assert ask(target, streamed, seed="seven").text == "".join(ANSWER)
        return
    with pytest.raises(ServiceException) as caught:
        ask(target, streamed, seed="seven")
    assert caught.value.status == 500
    assert "Input should be a valid integer" in str(caught.value.message)


def test_a_conversation_that_is_too_long(target: Target) -> None:
    model = target.model if target.name in WITH_LLAMA else "mock-context"
    with pytest.raises(BadRequestException) as caught:
        ask(target, False, model=model, messages=TOO_LONG)
    error = caught.value
    assert "context" in str(error.message)
    assert error.code == ("context_length_exceeded" if target.name == "llama-cpp-python" else "400")


def test_a_conversation_that_is_too_long_for_a_stream(target: Target) -> None:
    """llama-cpp-python sends 200 and no event. LiteLLM turns that into a complete, empty answer."""
    if target.name == "llama-cpp-python":
        with pytest.raises(StreamTruncatedException) as caught:
            ask(target, True, messages=TOO_LONG)
        assert caught.value.partial is None
    elif target.name in WITH_LLAMA:
        answer = ask(target, True, messages=TOO_LONG)
        assert (answer.text, answer.finish_reason) == ("", "stop")
    else:
        with pytest.raises(BadRequestException):
            ask(target, True, model="mock-context")


@pytest.mark.parametrize("streamed", [False, True])
def test_too_many_requests(proxy: ServerProcess, streamed: bool) -> None:
    target = Target("LiteLLM", proxy.host, LITELLM_KEY, "mock-429")
    with pytest.raises(TooManyRequestsException) as caught:
        ask(target, streamed)
    assert caught.value.code == "429"
    assert "mock rate limit error" in str(caught.value.message)


# Ended too early


def test_an_interrupted_stream(interrupting: ServerProcess) -> None:
    """When another request arrives, the server ends the stream with `[DONE]`, without a finish reason."""
    target = Target("llama-cpp-python", interrupting.host, LLAMA_KEY, "large")
    with target.chat() as api, begun(api, "large") as stream:
        other = api.chat_completion(chat_completion_request={"model": "large", "messages": HELLO})
        assert other.text == "".join(ANSWER)
        with pytest.raises(StreamTruncatedException) as caught:
            stream.collect()
        assert_endless(caught.value.partial.text)


def test_two_interrupted_streams(interrupting: ServerProcess) -> None:
    """Each is interrupted by the next one. Nothing interrupts the last one."""
    target = Target("llama-cpp-python", interrupting.host, LLAMA_KEY, "large")
    with target.chat() as api, begun(api, "large") as first, begun(api, "large") as second:
        request = {"model": "large", "messages": HELLO}
        with api.chat_completion_stream(chat_completion_request=request) as last:
            assert last.collect().text == "".join(ANSWER)
        for stream in (first, second):
            with pytest.raises(StreamTruncatedException):
                stream.collect()


def test_litellm_hides_an_interruption(interrupting: ServerProcess, proxy: ServerProcess) -> None:
    """It adds a finish reason. The client cannot detect it, so docs/Other_servers.md warns about it."""
    server = Target("llama-cpp-python", interrupting.host, LLAMA_KEY, "large")
    target = Target("LiteLLM", proxy.host, LITELLM_KEY, INTERRUPTED)
    with target.chat() as api, begun(api, INTERRUPTED) as stream:
        assert ask(server, False).text == "".join(ANSWER)
        answer = stream.collect()
    assert answer.finish_reason == "stop"
    assert_endless(answer.text)


def test_a_server_that_is_killed(folder: Path) -> None:
    with llama_cpp_python(folder) as server:
        target = Target("llama-cpp-python", server.host, LLAMA_KEY, "large")
        with target.chat() as api:
            with begun(api, "large") as stream:
                server.kill()
                with pytest.raises(TRUNCATED) as caught:
                    stream.collect()
                assert_endless(caught.value.partial.text)
            with pytest.raises(ConnectionException):
                api.chat_completion(chat_completion_request={"model": "large", "messages": HELLO})


def test_a_gateway_that_is_killed(folder: Path, proxy_config: dict[str, Any]) -> None:
    with litellm(folder, proxy_config) as server:
        target = Target("LiteLLM", server.host, LITELLM_KEY, "large")
        with target.chat() as api, begun(api, "large") as stream:
            server.kill()
            with pytest.raises(TRUNCATED) as caught:
                stream.collect()
            assert_endless(caught.value.partial.text)


def test_a_server_that_is_killed_behind_a_gateway(
    folder: Path, proxy: ServerProcess, doomed_port: int
) -> None:
    """The gateway sends an error in the stream. Then it ends the body, without `[DONE]`."""
    target = Target("LiteLLM", proxy.host, LITELLM_KEY, DOOMED)
    with llama_cpp_python(folder, port=doomed_port) as server:
        with target.chat() as api, begun(api, DOOMED) as stream:
            server.kill()
            with pytest.raises(StreamErrorException) as caught:
                stream.collect()
    assert "Connection error" in str(caught.value.message)
    assert caught.value.code == "500"
    assert_endless(caught.value.partial.text)


def test_a_server_that_starts_again(folder: Path) -> None:
    """The client still has a connection to the old process. It must not use it."""
    with llama_cpp_python(folder) as server:
        target = Target("llama-cpp-python", server.host, LLAMA_KEY, "large")
        with target.chat() as api:
            request = {"model": "large", "messages": HELLO}
            assert api.chat_completion(chat_completion_request=request).text == "".join(ANSWER)
            server.kill()
            with llama_cpp_python(folder, port=server.port):
                assert api.chat_completion(chat_completion_request=request).text == "".join(ANSWER)


def begun(api: ChatApi, model: str) -> Stream[Any]:
    """An endless stream, after its first text has arrived."""
    request = {"model": model, "messages": ENDLESSLY}
    stream = api.chat_completion_stream(chat_completion_request=request)
    for text in stream.text:
        if text:
            return stream
    raise AssertionError("the stream has no text")


def assert_endless(text: str) -> None:
    """It is a part of the endless text, from its beginning."""
    endless = "".join(ENDLESS) * (len(text) // len(ENDLESS[0]) + 1)
    assert text and endless.startswith(text)
