"""A name in a request that is probably misspelled gives a warning, and is sent unchanged."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.chat import ANSWER, BODY, STREAM, chat
from support.raw_server import RawServer
from tachyon_sdk import ChatApi, ChatCompletionRequest, ChatRole
from tachyon_sdk._contract import unknown
from tachyon_sdk._contract.model import KNOWN_ROLES

# Of OpenAI, vLLM, LiteLLM, Ollama, llama.cpp and OpenRouter.
REAL_NAMES = [
    "audio",
    "best_of",
    "extra_body",
    "fallbacks",
    "guided_json",
    "ignore_eos",
    "include_reasoning",
    "keep_alive",
    "logit_bias",
    "logprobs",
    "max_price",
    "metadata",
    "min_p",
    "min_tokens",
    "mirostat",
    "modalities",
    "mode",
    "models",
    "n_predict",
    "n_probs",
    "num_ctx",
    "num_retries",
    "options",
    "parallel_tool_calls",
    "plugins",
    "prediction",
    "prompt_cache_key",
    "provider",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "repeat_penalty",
    "route",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream_options",
    "structured_outputs",
    "tags",
    "think",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_n_sigma",
    "transforms",
    "typical_p",
    "usage",
    "verbosity",
    "web_search_options",
]


@pytest.fixture(autouse=True)
def nothing_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown, "_checked", set())


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(iter([ANSWER, ANSWER])) as server:
        yield server


def message(**properties: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hello", **properties}]}


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({**BODY, "temprature": 1}, "no property 'temprature'; did you mean 'temperature'?"),
        ({**BODY, "temperatrue": 1}, "did you mean 'temperature'?"),
        ({**BODY, "temperaturee": 1}, "did you mean 'temperature'?"),
        ({**BODY, "modal": "m"}, "did you mean 'model'?"),
        ({**BODY, "topP": 1}, "did you mean 'top_p'?"),
        ({**BODY, "max_tokens": 1}, "did you mean 'max_completion_tokens'?"),
        (message(tool_call=[]), "Message has no property 'tool_call'; did you mean 'tool_calls'?"),
        (message(content=[{"type": "text", "txt": "a"}]), "did you mean 'text'?"),
        ({**BODY, "memory_settings": {"max_memoris": 1}}, "did you mean 'max_memories'?"),
        (message(role="assitant"), "the role 'assitant' is not known; did you mean 'assistant'?"),
        (message(role="human"), "did you mean 'user'?"),
        (message(role="critic"), "known are system, user, assistant"),
    ],
)
@pytest.mark.parametrize("kind", [dict, ChatCompletionRequest.from_dict])
def test_it_warns_once_and_is_sent(
    body: dict[str, Any], hint: str, kind: Callable[[Any], Any], server: RawServer
) -> None:
    with chat(server.url) as api:
        with pytest.warns(UserWarning, match=re.escape(hint)) as caught:
            api.chat_completion(chat_completion_request=kind(body))
        api.chat_completion(chat_completion_request=kind(body))
    (warning,) = caught
    assert str(warning.message).endswith("It is sent unchanged.")
    assert warning.filename == __file__
    assert [request.json() for request in server.requests] == [body, body]


CALLS: list[Callable[[ChatApi, Any], Any]] = [
    lambda api, body: list(api.chat_completion_stream(chat_completion_request=body)),
    lambda api, body: api.chat_completion_on_chatroom("r", chat_completion_request=body),
    lambda api, body: list(api.chat_completion_on_chatroom_stream("r", chat_completion_request=body)),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_warns_at_the_line_of_the_caller(call: Callable[[ChatApi, Any], Any]) -> None:
    with RawServer([STREAM]) as server, chat(server.url) as api:
        with pytest.warns(UserWarning, match="max_completion_tokens") as caught:
            call(api, {**BODY, "max_tokens": 1})
    assert [warning.filename for warning in caught] == [__file__]
    assert server.requests[0].json()["max_tokens"] == 1


def test_as_an_error_it_is_raised_each_time_and_nothing_is_sent(server: RawServer) -> None:
    with chat(server.url) as api, warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(UserWarning, match="temperature"):
                api.chat_completion(chat_completion_request={**BODY, "temprature": 1})
    assert server.requests == []


def test_names_and_roles_of_other_servers_do_not_warn() -> None:
    messages = [{"role": role, "content": "a", "name": "b", "tool_call_id": "c"} for role in KNOWN_ROLES]
    with RawServer([ANSWER]) as server, chat(server.url) as api:
        body = {"messages": messages, **dict.fromkeys(REAL_NAMES, 1)}
        api.chat_completion(chat_completion_request=body)
    assert server.requests[0].json() == body


def test_the_roles_of_the_contract_are_known() -> None:
    assert {role.value for role in ChatRole} <= set(KNOWN_ROLES)
