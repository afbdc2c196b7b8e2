"""A test suite of a user, which `test_plugin.py` copies to where nothing but the package and pytest is."""

import pydantic
import pytest

import tachyon_sdk
from tachyon_sdk.local import CallTool, Fault, LocalServer

BODY = {"model": "large", "messages": [{"role": "user", "content": "Who is it?"}]}


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_plain(tachyon_server: LocalServer) -> None:
    tachyon_server.answers = ["It is Ken."]
    with tachyon_sdk.ApiClient() as api_client:  # the settings are in the environment
        answer = tachyon_sdk.ChatApi(api_client).chat_completion(chat_completion_request=BODY)
    assert answer.text == "It is Ken."
    (request,) = tachyon_server.requests
    assert request.operation == "chat_completion"
    assert request.chat_request.messages[0].content == "Who is it?"


def test_streamed(tachyon_server: LocalServer, tachyon_chat: tachyon_sdk.ChatApi) -> None:
    tachyon_server.answers = [["It is ", "Ken."]]
    with tachyon_chat.chat_completion_stream(chat_completion_request=BODY) as stream:
        assert list(stream.text) == ["It is ", "Ken."]


def test_tools(tachyon_server: LocalServer, tachyon_chat: tachyon_sdk.ChatApi) -> None:
    def find(name: str) -> str:
        """Finds a person."""
        return f"{name} is at home"

    tachyon_server.answers = [CallTool("find", {"name": "Ken"}), "At home."]
    toolbox = tachyon_sdk.Toolbox(find)
    assert tachyon_sdk.converse(tachyon_chat.chat_completion, BODY, toolbox).text == "At home."
    assert tachyon_server.requests[1].body["messages"][-1]["content"] == "Ken is at home"


def test_a_fault_and_a_retry(tachyon_server: LocalServer, tachyon_chat: tachyon_sdk.ChatApi) -> None:
    tachyon_server.answers = [Fault(503), "It is Ken.", Fault("cut", after="It is")]
    assert tachyon_chat.chat_completion(chat_completion_request=BODY).text == "It is Ken."
    assert tachyon_server.statuses == {503: 1, 200: 1}
    with tachyon_chat.chat_completion_stream(chat_completion_request=BODY) as stream:
        with pytest.raises(tachyon_sdk.StreamTruncatedException):
            stream.collect()


def test_structured(tachyon_server: LocalServer, tachyon_chat: tachyon_sdk.ChatApi) -> None:
    ken = Person(name="Ken", age=30)
    tachyon_server.answers = [ken]
    assert tachyon_sdk.ask_for(tachyon_chat.chat_completion, BODY, Person) == ken
