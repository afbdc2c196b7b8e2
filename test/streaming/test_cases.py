"""Responses after public reports of faults in comparable clients and servers, and what has to come of each.

The responses are in `data/cases`, one HTTP response each, as it is on the wire.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.messages import DATA
from support.raw_server import CLOSE, RawServer
from tachyon_sdk import ApiClient, ApiException, ChatApi, Configuration

# The call that gets the response, and what has to come of it; a list stands for any of its values.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "00a-empty-choices-first": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "00b-no-index-but-ids": (
        "stream",
        {"error": None, "calls": [["a", "w", '{"x":1}'], ["b", "w", '{"x":2}']]},
    ),
    "00c-name-in-every-fragment": ("stream", {"error": None, "calls": [["a", "w", '{"x":1}']]}),
    "00d-one-index-two-names": (
        "stream",
        {"error": None, "calls": [[None, "v", "{}"], [None, "w", '{"x":1}']]},
    ),
    "00e-base-resp-of-success": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "00f-code-and-message-beside-choices": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "00g-half-an-event": ("stream", {"error": "ResponseDecodeException", "partial_text": "Hi"}),
    "00h-stop-at-the-end-then-lost": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "00i-named-chunks": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "00j-text-page-for-a-stream": ("stream", {"error": "ResponseDecodeException"}),
    "00k-json-for-a-stream": ("stream", {"error": None, "text": "Hi", "finish": "stop", "pieces": ["Hi"]}),
    "00l-lost-in-the-middle": ("stream", {"error": "StreamTruncatedException", "partial_text": "Hi there"}),
    "00m-message-in-each-piece": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "00n-error-midstream-then-done": (
        "stream",
        {"error": "StreamErrorException", "message_has": "Compute error.", "partial_text": "Hi"},
    ),
    "01-object-error-midstream": (
        "stream",
        {"error": "StreamErrorException", "message_has": "engine died", "code": "500", "partial_text": "Hi"},
    ),
    "02-error-in-the-choice": (
        "stream",
        {"error": "StreamErrorException", "message_has": "provider disconnected", "partial_text": "Hi"},
    ),
    "04-error-in-the-choice-plain": (
        "plain",
        {"error": "StreamErrorException", "message_has": "provider disconnected", "code": "502"},
    ),
    "05-base-resp-plain": (
        "plain",
        {"error": "StreamErrorException", "message_has": "rate limit reached", "code": "1002"},
    ),
    "07-finish-error-alone": (
        "stream",
        {"error": ["StreamErrorException", "StreamTruncatedException"], "partial_text": "Hi"},
    ),
    "100-errors-list": (
        "plain",
        {"error": "NotFoundException", "message_has": "Could not route the request", "code": "7003"},
    ),
    "102-event-error-details": (
        "stream",
        {
            "error": "StreamErrorException",
            "message_has": "top_logprobs must be at most 20",
            "code": "400",
            "partial_text": "Hi",
        },
    ),
    "103-error-description": (
        "plain",
        {"error": "UnauthorizedException", "message_has": "The token has expired"},
    ),
    "104-web-page-with-200": (
        "stream",
        {"error": "ResponseDecodeException", "message_has": "Sign in to the gateway"},
    ),
    "105-empty-202": ("plain", {"error": "ResponseDecodeException", "message_has": "empty"}),
    "110-retry-after-ms": ("plain", {"error": "TooManyRequestsException", "retry_after": 1.5}),
    "120-last-event-without-blank-line": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "122-one-line-end-between-events": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "20-stop-on-every-chunk-then-lost": (
        "stream",
        {"error": "StreamTruncatedException", "partial_text": "One two thr"},
    ),
    "21-stop-then-half-a-tool-call": (
        "stream",
        {"error": "StreamTruncatedException", "partial_text": "Let me look"},
    ),
    "30-no-index-empty-id": ("stream", {"error": None, "calls": [["a", "w", '{"x":1}']]}),
    "31-name-in-pieces": ("stream", {"error": None, "calls": [["a", "get_weather", '{"x":1}']]}),
    "32-two-calls-one-index-no-ids": (
        "stream",
        {"error": None, "calls": [[None, "w", '{"x":1}'], [None, "w", '{"x":2}']]},
    ),
    "35-a-new-id-each-time-no-index": ("stream", {"error": None, "calls": [["a", "w", '{"x":1}']]}),
    "36-whole-call-told-again": ("stream", {"error": None, "calls": [["a", "w", '{"x":1}']]}),
    "37-name-grows": ("stream", {"error": None, "calls": [["a", "get_weather", '{"x":1}']]}),
    "40-created-with-fraction": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "41-usage-with-fraction": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "44-logprob-minus-infinity": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "45-usage-is-a-text": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "50-content-in-parts-streamed": ("stream", {"error": None, "text": "Hi there", "finish": "stop"}),
    "52-arguments-as-object-streamed": ("stream", {"error": None, "calls": [["a", "w", '{"x":1}']]}),
    "55-text-parts-plain": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "70-empty-data": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "71-ping-event-with-text": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "72-ping-text-unnamed": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "73-other-event-gets-into-the-answer": (
        "stream",
        {"error": None, "text": "Hi", "finish": "stop", "id": "c1"},
    ),
    "80-events-without-content-type": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "81-events-as-text-plain": ("stream", {"error": None, "text": "Hi", "finish": "stop"}),
    "83-json-error-as-event-stream": (
        "stream",
        {"error": "StreamErrorException", "message_has": "the model is overloaded", "code": "overloaded"},
    ),
    "85-json-with-bom": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "86-events-without-content-type-plain-call": ("plain", {"error": None, "text": "Hi", "finish": "stop"}),
    "90-whole-message-at-the-end": (
        "stream",
        {"error": None, "text": "Hello", "finish": "stop", "pieces": ["Hel", "lo"]},
    ),
    "95-emoji-in-two-pieces": ("stream", {"error": None, "text": ["a😀b", "a��b", "a�b"], "finish": "stop"}),
}


def outcome_of(name: str, call: str) -> dict[str, Any]:
    """What a program sees."""
    response = (DATA / "cases" / f"{name}.http").read_bytes()
    request = {"messages": [{"role": "user", "content": "Hello"}]}
    with RawServer([[response, CLOSE]]) as server:
        settings = Configuration(server.url, access_token="token", operator_id="tn_1", retries=0)
        with ApiClient(settings) as client:
            chat = ChatApi(client)
            outcome: dict[str, Any] = {"error": None, "pieces": None}
            try:
                if call == "stream":
                    with chat.chat_completion_stream(chat_completion_request=request) as stream:
                        outcome["pieces"] = list(stream.text)
                        answer = stream.collect()
                else:
                    answer = chat.chat_completion(chat_completion_request=request)
            except ApiException as error:
                told = {"code": error.code, "retry_after": error.retry_after}
                partial = error.partial.text if error.partial else None
                text = f"{error.message} {error}"
                return {"error": type(error).__name__, "message_has": text, "partial_text": partial, **told}
            calls = [[call.id, call.function.name, call.function.arguments] for call in answer.tool_calls]
            return {
                **outcome,
                "id": answer.id,
                "text": answer.text,
                "finish": answer.finish_reason,
                "calls": calls,
            }


@pytest.mark.parametrize("name", CASES)
def test_a_case(name: str) -> None:
    call, right = CASES[name]
    outcome = outcome_of(name, call)
    for property_name, value in right.items():
        if property_name == "message_has":
            assert value in outcome["message_has"]
        elif property_name == "calls":
            assert [[*call[:2], json.loads(call[2])] for call in outcome["calls"]] == [
                [*call[:2], json.loads(call[2])] for call in value
            ]
        elif isinstance(value, list) and property_name != "pieces":
            assert outcome[property_name] in value
        else:
            assert outcome[property_name] == value


def test_every_case_has_its_outcome() -> None:
    assert sorted(CASES) == sorted(path.stem for path in (DATA / "cases").glob("*.http"))
