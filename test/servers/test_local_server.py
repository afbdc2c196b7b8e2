"""The local server in front of real servers: what it adds, and what it passes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from servers.processes import ServerProcess
from servers.targets import DOOMED, LITELLM_KEY, LLAMA_KEY, TARGETS, WITH_LLAMA, llama_cpp_python
from servers.tiny_model import ANSWER, CONTEXT, ENDLESS, GO_ON, RESULT

from tachyon_sdk import (
    ApiClient,
    ApiException,
    BadRequestException,
    ChatApi,
    ChatroomApi,
    Configuration,
    DefaultApi,
    ModelsApi,
    NotFoundException,
    ServiceException,
    StreamErrorException,
    Toolbox,
    converse,
    converse_stream,
    paged,
)
from tachyon_sdk.local import LocalServer

HELLO = [{"role": "user", "content": "Hello"}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}


class Behind(NamedTuple):
    """A real server, as the upstream."""

    name: str
    url: str
    key: str
    models: dict[str, str]

    @contextmanager
    def client(self, data: Path | None = None, **settings: Any) -> Iterator[ApiClient]:
        """A client of a local server in front of it."""
        settings = {"upstream_key": self.key, "models": self.models, "create_rooms": False, **settings}
        with LocalServer(data, upstream=self.url, **settings) as server:
            configuration = Configuration(
                server.url, access_token="dummy-token", operator_id="tn_x", proxy="", retries=0
            )
            with ApiClient(configuration) as client:
                yield client


@pytest.fixture(params=TARGETS)
def behind(request: pytest.FixtureRequest) -> Behind:
    """Each of the servers."""
    if request.param == TARGETS[0]:
        host = request.getfixturevalue("llama").host
        return Behind(request.param, f"{host}/v1", LLAMA_KEY, {"large": "tiny"})
    host = request.getfixturevalue("proxy").host
    model = "mock" if request.param == "LiteLLM, mock" else "large"
    return Behind(request.param, f"{host}/v1/llms", LITELLM_KEY, {"large": model, "tools": "mock-tools"})


def get_weather(city: Literal["Oslo"], days: int) -> str:
    """The weather forecast of a city."""
    return f"{city}, {days} days: 晴れ"


TOOLBOX = Toolbox(get_weather)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call(behind: Behind, streamed: bool) -> None:
    request = {"model": "large", "messages": HELLO}
    with behind.client() as client:
        chat = ChatApi(client)
        if streamed:
            with chat.chat_completion_stream(chat_completion_request=request) as stream:
                pieces = list(stream.text)
            response = stream.merged
            assert "".join(pieces) == response.text
            assert len(pieces) > 3
        else:
            response = chat.chat_completion(chat_completion_request=request)
    assert (response.text, response.finish_reason, response.model) == ("".join(ANSWER), "stop", "large")
    used = response.usage
    assert used is not None and used.total_tokens == used.prompt_tokens + used.completion_tokens > 0


def test_a_limit_that_the_upstream_knows_by_its_older_name(behind: Behind) -> None:
    if behind.name not in WITH_LLAMA:
        pytest.skip("a mock ignores it")
    messages = [{"role": "user", "content": GO_ON}]
    request = {"model": "large", "messages": messages, "max_completion_tokens": len(ENDLESS)}
    with behind.client() as client:
        response = ChatApi(client).chat_completion(chat_completion_request=request)
    assert (response.text, response.finish_reason) == ("".join(ENDLESS), "length")


def test_a_stream_that_is_left_is_ended_at_the_upstream(behind: Behind) -> None:
    if behind.name not in WITH_LLAMA:
        pytest.skip("the text of a mock is short")
    request = {"model": "large", "messages": [{"role": "user", "content": GO_ON}]}
    with behind.client() as client:
        chat = ChatApi(client)
        for _ in range(3):
            with chat.chat_completion_stream(chat_completion_request=request) as stream:
                assert next(text for text in stream.text if text) == ENDLESS[0]
        # The server behind answers one request at a time, so it has stopped with the others.
        assert chat.chat_completion(chat_completion_request={**request, "messages": HELLO}).text


@pytest.mark.parametrize("streamed", [False, True])
def test_tools(behind: Behind, streamed: bool) -> None:
    if behind.name not in WITH_LLAMA:
        pytest.skip("a mock calls a tool in each round, or never")
    request = {"model": "large", "messages": HELLO, "tool_choice": NAMED}
    with behind.client() as client:
        chat = ChatApi(client)
        if streamed:
            chunks = list(converse_stream(chat.chat_completion_stream, request, TOOLBOX))
            text = "".join(chunk.text for chunk in chunks)
        else:
            text = converse(chat.chat_completion, request, TOOLBOX).text
    assert text == "".join(RESULT)


def test_the_calls_of_a_mock(behind: Behind) -> None:
    """Its finish reason is `stop`, which the server corrects. Its streams have no calls."""
    if behind.name in WITH_LLAMA:
        pytest.skip("not a mock")
    request = {"model": "tools", "messages": HELLO, "tools": TOOLBOX.definitions, "tool_choice": "any"}
    with behind.client() as client:
        response = ChatApi(client).chat_completion(chat_completion_request=request)
    assert response.finish_reason == "tool_calls"
    (call,) = response.tool_calls
    assert (call.id, call.type, call.function.name) == ("call_a", "function", "get_weather")
    assert [result.content for result in TOOLBOX.results(response)] == ["Oslo, 2 days: 晴れ"]


def test_a_room_that_outlives_the_server(behind: Behind, tmp_path: Path) -> None:
    """A streamed conversation with tools, where the server behind has tools, continued after a restart."""
    tools = {"tools": TOOLBOX.definitions, "tool_choice": NAMED} if behind.name in WITH_LLAMA else {}
    with behind.client(tmp_path / "rooms.db") as client:
        room = ChatroomApi(client).create_chatroom(create_chat_room_request={"name": "trip"}).chatroom
        request = {"model": "large", "messages": HELLO, **tools}
        chat = ChatApi(client)
        first = chat.chat_completion_on_chatroom_stream(room.id, chat_completion_request=request).collect()
        results = [result.to_dict() for result in TOOLBOX.results(first)] if tools else HELLO
    with behind.client(tmp_path / "rooms.db") as client:
        chat, default = ChatApi(client), DefaultApi(client)
        assert [each.name for each in paged(default.get_chatrooms, limit=1)] == ["trip"]
        request = {"model": "large", "messages": results}
        second = chat.chat_completion_on_chatroom_stream(room.id, chat_completion_request=request).collect()
        assert second.text == "".join(RESULT if tools else ANSWER)
        history = list(paged(default.get_chatroom_messages, room.id, limit=2))
        kinds = [message.content.type for message in history]
        with pytest.raises(NotFoundException):
            chat.chat_completion_on_chatroom("another", chat_completion_request=request)
    assert kinds == ["text", "tool-call", "tool-result", "text"] if tools else ["text"] * 4
    assert history[-1].content.text == second.text


def test_the_models(behind: Behind) -> None:
    with behind.client() as client:
        listed = ModelsApi(client).get_models().models
        assert [model.id for model in listed] == list(behind.models)
    with behind.client(models=None) as client:
        models = [model.id for model in ModelsApi(client).get_models().models]
        assert models
        if behind.name not in WITH_LLAMA[:1]:
            assert {"mock", "large", "mock-tools"} <= set(models)


@pytest.mark.parametrize("streamed", [False, True])
def test_errors(behind: Behind, streamed: bool) -> None:
    def failure(message: str = "Hello", model: str = "large", **settings: Any) -> ApiException:
        request = {"model": model, "messages": [{"role": "user", "content": message}]}
        with behind.client(**settings) as client, pytest.raises(ApiException) as caught:
            chat = ChatApi(client)
            if streamed:
                chat.chat_completion_stream(chat_completion_request=request).collect()
            else:
                chat.chat_completion(chat_completion_request=request)
        assert caught.value.request_id is not None
        assert caught.value.partial is None
        return caught.value

    # LiteLLM without a database answers 400 to a key that it does not know.
    wrong = failure(upstream_key="sk-of-nobody")
    assert isinstance(wrong, ServiceException if behind.name == TARGETS[0] else BadRequestException)
    assert failure(model="unknown").code == "unsupported_model"
    # llama-cpp-python ends a stream that is too long without an event, and LiteLLM makes a complete one of it.
    if behind.name == TARGETS[0] or (behind.name in WITH_LLAMA and not streamed):
        assert failure("x" * (CONTEXT + 1)).status == (502 if streamed else 400)


def test_a_server_that_is_killed_behind_it(folder: Path) -> None:
    with llama_cpp_python(folder) as server:
        behind = Behind("llama-cpp-python", f"{server.host}/v1", LLAMA_KEY, {"large": "tiny"})
        with behind.client(create_rooms=True) as client:
            request = {"model": "large", "messages": [{"role": "user", "content": GO_ON}]}
            stream = ChatApi(client).chat_completion_on_chatroom_stream("r", chat_completion_request=request)
            next(text for text in stream.text if text)
            server.kill()
            with pytest.raises(StreamErrorException) as caught:
                stream.collect()
            assert caught.value.code == "provider_error"
            assert "the upstream failed" in str(caught.value.message)
            assert caught.value.partial.text.startswith(ENDLESS[0])
            assert DefaultApi(client).get_chatrooms().chatrooms == []
            with pytest.raises(ServiceException) as refused:
                ChatApi(client).chat_completion(chat_completion_request=request)
            assert (refused.value.status, refused.value.code) == (502, "provider_error")


def test_a_gateway_whose_server_is_killed(folder: Path, proxy: ServerProcess, doomed_port: int) -> None:
    behind = Behind("LiteLLM", f"{proxy.host}/v1/llms", LITELLM_KEY, {"large": DOOMED})
    with llama_cpp_python(folder, port=doomed_port) as server, behind.client() as client:
        request = {"model": "large", "messages": [{"role": "user", "content": GO_ON}]}
        stream = ChatApi(client).chat_completion_stream(chat_completion_request=request)
        next(text for text in stream.text if text)
        server.kill()
        with pytest.raises(StreamErrorException) as caught:
            stream.collect()
        assert "Connection error" in str(caught.value.message)
