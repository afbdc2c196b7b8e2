"""This package. `.` in the requirements is the checkout."""

from tachyon_sdk import (
    ApiClient,
    ChatApi,
    ChatCompletionChunkResponse,
    ChatCompletionRequest,
    Configuration,
    Message,
    Stream,
)

REQUIREMENTS = (".",)


def connect(url: str) -> ChatApi:
    return ChatApi(ApiClient(Configuration(host=url, access_token="dummy-token", operator_id="tn_xxxxxx")))


def plain(client: ChatApi, model: str) -> str | None:
    return client.chat_completion(chat_completion_request=_request(model)).choices[0].delta.content


def stream(client: ChatApi, model: str) -> Stream[ChatCompletionChunkResponse]:
    return client.chat_completion_stream(chat_completion_request=_request(model))


def collect(client: ChatApi, model: str) -> str:
    return stream(client, model).collect().text


def _request(model: str) -> ChatCompletionRequest:
    system = Message(role="system", content="Be brief.")
    user = Message(role="user", content="Hello, who are you?")
    return ChatCompletionRequest(model=model, messages=[system, user])
