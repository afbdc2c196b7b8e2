"""httpx with httpx-sse, and the JSON read by hand."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
from httpx_sse import connect_sse

REQUIREMENTS = ("httpx", "httpx-sse")

_HEADERS = {"Authorization": "Bearer dummy-token", "x-operator-id": "tn_xxxxxx"}
_PATH = "/v1/llms/chat/completions"
_MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello, who are you?"},
]


class Object(dict[str, Any]):
    """A JSON object with its members as attributes. A missing one is None."""

    __getattr__ = dict.get


def connect(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers=_HEADERS, timeout=600, limits=httpx.Limits(max_connections=200))


def plain(client: httpx.Client, model: str) -> str | None:
    response = client.post(_PATH, json={"model": model, "messages": _MESSAGES})
    response.raise_for_status()
    content: str | None = response.json()["choices"][0]["message"]["content"]
    return content


def stream(client: httpx.Client, model: str) -> Iterator[Any]:
    body = {"model": model, "messages": _MESSAGES, "stream": True}
    with connect_sse(client, "POST", _PATH, json=body) as source:
        source.response.raise_for_status()
        for event in source.iter_sse():
            if event.data == "[DONE]":
                return
            yield json.loads(event.data, object_hook=Object)


def collect(client: httpx.Client, model: str) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream(client, model))
