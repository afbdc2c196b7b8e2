"""mistralai. Its tool calls have no fragments without a name; it fails on a stream of such."""

from collections.abc import Iterator
from typing import Any

from mistralai.client import Mistral

REQUIREMENTS = ("mistralai",)

_MESSAGES: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello, who are you?"},
]


def connect(url: str) -> Any:
    return Mistral(api_key="dummy-token", server_url=url)


def plain(client: Any, model: str) -> str | None:
    content: str | None = client.chat.complete(model=model, messages=_MESSAGES).choices[0].message.content
    return content


def stream(client: Any, model: str) -> Iterator[Any]:
    return (event.data for event in client.chat.stream(model=model, messages=_MESSAGES))


def collect(client: Any, model: str) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream(client, model))
