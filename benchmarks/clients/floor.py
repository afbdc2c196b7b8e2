"""The floor: urllib3 and ten small pydantic models, by hand, without any care for what may go wrong."""

from collections.abc import Iterator

from pydantic import BaseModel
from urllib3 import PoolManager, Timeout

REQUIREMENTS = ("pydantic", "urllib3")

_HEADERS = {
    "Accept": "text/event-stream, application/json",
    "Authorization": "Bearer dummy-token",
    "Content-Type": "application/json",
    "x-operator-id": "tn_xxxxxx",
}


class Message(BaseModel):
    role: str
    content: str | None = None


class Request(BaseModel):
    messages: list[Message]
    model: str | None = None
    stream: bool | None = None


class Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class ToolCall(BaseModel):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Delta(BaseModel):
    role: str | None = None
    content: str | None = None
    tool_calls: list[ToolCall] | None = None


class ChunkChoice(BaseModel):
    index: int
    delta: Delta
    finish_reason: str | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Chunk(BaseModel):
    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class Choice(BaseModel):
    index: int
    message: Message
    finish_reason: str | None = None


class Completion(BaseModel):
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class Client:
    def __init__(self, url: str) -> None:
        self.pool = PoolManager(timeout=Timeout(connect=5, read=600))
        self.url = url + "/v1/llms/chat/completions"

    def plain(self, request: Request) -> Completion:
        body = request.model_dump_json(exclude_none=True)
        response = self.pool.request("POST", self.url, body=body, headers=_HEADERS)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}")
        return Completion.model_validate_json(response.data)

    def stream(self, request: Request) -> Iterator[Chunk]:
        body = request.model_dump_json(exclude_none=True)
        response = self.pool.request("POST", self.url, body=body, headers=_HEADERS, preload_content=False)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}")
        if response.chunked:
            pieces = response.read_chunked(65536, decode_content=True)
        else:
            pieces = iter(lambda: response.read1(65536, decode_content=True), b"")
        rest = b""
        for piece in pieces:
            *events, rest = (rest + piece).split(b"\n\n")
            for event in events:
                data = event[6:]
                if data != b"[DONE]":
                    yield Chunk.model_validate_json(data)


def connect(url: str) -> Client:
    return Client(url)


def plain(client: Client, model: str) -> str | None:
    return client.plain(_request(model)).choices[0].message.content


def stream(client: Client, model: str) -> Iterator[Chunk]:
    return client.stream(_request(model, stream=True))


def collect(client: Client, model: str) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream(client, model))


def _request(model: str, stream: bool | None = None) -> Request:
    system = Message(role="system", content="Be brief.")
    user = Message(role="user", content="Hello, who are you?")
    return Request(model=model, messages=[system, user], stream=stream)
