"""openai-python."""

from collections.abc import Iterator
from typing import Any

from openai import OpenAI

REQUIREMENTS = ("openai",)

_MESSAGES: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello, who are you?"},
]


def connect(url: str) -> Any:
    return OpenAI(base_url=url + "/v1", api_key="dummy-token")


def plain(client: Any, model: str) -> str | None:
    answer = client.chat.completions.create(model=model, messages=_MESSAGES)
    content: str | None = answer.choices[0].message.content
    return content


def stream(client: Any, model: str) -> Iterator[Any]:
    return iter(client.chat.completions.create(model=model, messages=_MESSAGES, stream=True))


def collect(client: Any, model: str) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream(client, model))
