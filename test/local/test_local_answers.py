"""The form of a plain answer, and what the built-in model says."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from local.client import Client, user

from tachyon_sdk.local.tokens import split

SYSTEM = {"role": "system", "content": "Be brief."}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_a_plain_answer(client: Client) -> None:
    before = int(time.time())
    reply = client.ask("Hello", model="large")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json
    assert before <= answer.pop("created") <= time.time()
    assert answer.pop("id").startswith("chatcmpl-")
    assert answer == {
        "object": "chat.completion",
        "model": "large",
        "system_fingerprint": "fp_local",
        "service_tier": None,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": 'Hello! You said: "Hello".'},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 9,
            "total_tokens": 10,
            "cache_creation_input_tokens": None,
            "cache_read_input_tokens": None,
            "total_cost": 0.0,
        },
    }


def test_each_answer_has_its_own_id(client: Client) -> None:
    first, second = client.ask("Hello"), client.ask("Hello")
    assert first.json["id"] != second.json["id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_a_model_answers_when_none_is_named(client: Client) -> None:
    assert client.ask("Hello").json["model"] == "local/echo"


def test_the_same_conversation_has_the_same_answer(client: Client) -> None:
    assert client.ask("Hello").json["choices"] == client.ask("Hello").json["choices"]


def test_the_plain_operation_has_no_memory(client: Client) -> None:
    client.ask("My name is Ken")
    assert "Ken" not in client.ask("Hello").text


def test_the_conversation_is_known(client: Client) -> None:
    reply = client.post({"messages": [user("My name is Ken"), assistant("Hi Ken"), user("Who am I?")]})
    assert reply.text == (
        'Hello again! You said: "Who am I?". Messages before this one: 2. You first said: "My name is Ken".'
    )


def test_the_system_message_is_acknowledged_and_not_counted(client: Client) -> None:
    reply = client.post({"messages": [SYSTEM, user("Hello")]})
    assert reply.text == 'Hello! You said: "Hello". My instruction is: "Be brief.".'


def test_japanese_is_answered_in_japanese(client: Client) -> None:
    reply = client.post({"messages": [user("私はケンです"), assistant("どうも"), user("こんにちは")]})
    assert reply.text == (
        "またお会いしましたね。あなたは「こんにちは」と言いました。"
        "これより前のメッセージは2件です。最初のメッセージは「私はケンです」でした。"
    )
    assert "こんにちは".encode() in reply.body, "non-ASCII text goes over the wire as it is"


def test_image_parts_are_acknowledged(client: Client) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": "What is this?"}, image, image]
    reply = client.post({"messages": [{"role": "user", "content": parts}]})
    assert reply.text == 'Hello! You said: "What is this?". Images I received: 2.'
    assert reply.json["usage"]["prompt_tokens"] == len(split("What is this?")) + 2


@pytest.mark.parametrize("message", [{"role": "user"}, {"role": "user", "content": ""}, assistant("Hi")])
def test_there_is_an_answer_to_silence(client: Client, message: dict[str, Any]) -> None:
    assert client.post({"messages": [message]}).text == "Hello! You sent no text."


def test_braces_in_a_message_are_text(client: Client) -> None:
    assert "{text} {0}" in client.ask("{text} {0}").text


def test_n_gives_as_many_different_choices(client: Client) -> None:
    answer = client.ask("Hello", n=10).json
    assert [choice["index"] for choice in answer["choices"]] == list(range(10))
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert len(set(texts)) == 10
    assert answer["usage"]["completion_tokens"] == sum(len(split(text)) for text in texts)


def test_max_completion_tokens_cuts(client: Client) -> None:
    whole = client.ask("Hello").text
    cut = client.ask("Hello", max_completion_tokens=3).json
    assert cut["choices"][0]["message"]["content"] == "".join(split(whole)[:3])
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 3


def test_an_answer_that_just_fits_is_not_cut(client: Client) -> None:
    whole = client.ask("Hello").json
    exact = client.ask("Hello", max_completion_tokens=whole["usage"]["completion_tokens"]).json
    assert exact["choices"] == whole["choices"]


def test_an_answer_has_at_most_ten_thousand_tokens_if_nothing_is_said(client: Client) -> None:
    cut = client.ask("word " * 11_000).json
    assert cut["usage"]["completion_tokens"] == 10_000
    assert cut["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("n", [1, 2])
def test_json_object_gives_an_object(client: Client, n: int) -> None:
    fields: dict[str, Any] = {"response_format": {"type": "json_object"}, "n": n}
    for index, choice in enumerate(client.ask('He said "no"', **fields).json["choices"]):
        assert json.loads(choice["message"]["content"])["answer"].startswith(
            'Hello! You said: "He said "no"".'
        )
        assert choice["index"] == index


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {
                "type": "object",
                "properties": {"name": {"type": "string", "examples": ["Ken"]}, "age": {"type": "integer"}},
                "required": ["name"],
            },
            {"name": "Ken"},
        ),
        ({"type": "object"}, {}),
    ],
)
@pytest.mark.parametrize("role", ["system", "developer"])
def test_json_object_follows_the_schema_of_an_instruction(
    schema: dict[str, Any], expected: dict[str, Any], role: str, client: Client
) -> None:
    told = {"role": role, "content": f"Be brief.\n\nIt must be valid against this:\n{json.dumps(schema)}"}
    body = {"messages": [told, user("Hello")], "response_format": {"type": "json_object"}}
    assert json.loads(client.post(body).text) == expected
    assert client.post({**body, "response_format": {"type": "text"}}).text.startswith("Hello!")


@pytest.mark.parametrize(
    "line", ["", "{", "[1]", "1", '{"type": "array"}', '{"type": "object"} please', "{}"]
)
def test_json_object_has_the_text_where_no_instruction_ends_with_a_schema(line: str, client: Client) -> None:
    told = {"role": "system", "content": f"Be brief.\n{line}"}
    said = user('Hello\n{"type": "object"}')
    answer = client.post({"messages": [told, said], "response_format": {"type": "json_object"}})
    assert json.loads(answer.text)["answer"].startswith("Hello!")


def test_response_format_text_changes_nothing(client: Client) -> None:
    assert client.ask("Hello", response_format={"type": "text"}).text == client.ask("Hello").text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("日本語 abc", ["日", "本", "語", " abc"]),
        ("ｶﾅ", ["ｶ", "ﾅ"]),
        ("naïve_1  x\n", ["naïve_1", "  x", "\n"]),
        ("👩‍👩‍👧", ["👩", "\u200d", "👩", "\u200d", "👧"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens
