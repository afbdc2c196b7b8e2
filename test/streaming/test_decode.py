"""Reading the shapes of an answer, and refusing what is none."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from tachyon_sdk.exceptions import ApiException, ResponseDecodeException, StreamErrorException
from tachyon_sdk.models import (
    ChatCompletionChunkResponse,
    ChatCompletionWithChatroomStreamResponse,
    ChunkChoice,
    DeltaMessage,
    ToolCall,
)
from tachyon_sdk.streaming.decode import AnswerDecoder


class Answered:
    """The response that a decoder reads."""

    status = 200
    reason: str | None = "OK"
    headers = {"X-Request-Id": "r-1"}  # noqa: RUF012


MODELS = [ChatCompletionChunkResponse, ChatCompletionWithChatroomStreamResponse]


def decoder(model: Any = ChatCompletionChunkResponse) -> AnswerDecoder[Any]:
    return AnswerDecoder(model, Answered())


def encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


def whole(value: Any) -> Any:
    return decoder().whole(encoded(value))


def event(value: Any, kind: str = "message") -> Any:
    return decoder().event(kind, encoded(value))


CHOICE = {"index": 0, "delta": {"role": "assistant", "content": "日本語"}, "finish_reason": "stop"}
MESSAGE = {"index": 0, "message": {"role": "assistant", "content": "日本語"}, "finish_reason": "stop"}


# --- what is an answer


@pytest.mark.parametrize("empty", [None, {}])
def test_a_message_beside_an_empty_delta_is_read(empty: Any) -> None:
    answer = whole({"id": "c", "choices": [{**MESSAGE, "delta": empty}, CHOICE]})
    assert [choice.delta.content for choice in answer.choices] == ["日本語", "日本語"]
    assert answer.id == "c"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("choice", [CHOICE, MESSAGE])
@pytest.mark.parametrize("created", [{}, {"created": None}, {"created": 1795407603}])
def test_a_chunk_and_a_whole_answer_are_read_alike(model: Any, choice: Any, created: Any) -> None:
    body = encoded({"id": "c", "object": "x", "model": "m", "choices": [choice], **created})
    for answer in (decoder(model).whole(body), decoder(model).event("message", body)):
        assert type(answer) is model
        assert answer.to_dict() == {"id": "c", "object": "x", "model": "m", "choices": [CHOICE], **created}


def test_unknown_properties_and_values_are_kept() -> None:
    answer = {
        "choices": [
            {**CHOICE, "delta": {"role": "narrator", "y": [1]}, "finish_reason": "tired", "x": {"a": 1}}
        ],
        "usage": {"total_tokens": 1, "cost": 0.5},
        "timings": {"ms": 1.5},
    }
    assert whole(answer).to_dict() == answer
    assert event(answer).to_dict() == answer


def test_any_property_may_be_null_or_absent() -> None:
    for answer in (
        {"choices": [{}]},
        {"choices": [{"index": None, "delta": {"role": None, "content": None}, "finish_reason": None}]},
        {"choices": [], "usage": None, "id": None, "model": None},
        {"usage": {"prompt_tokens": None}},
        {"id": "c"},
    ):
        assert whole(answer).to_dict() == answer
        assert event(answer).to_dict() == answer
    assert whole({"choices": None}).choices == []
    assert event({"choices": [{"delta": None}]}).choices[0].delta.content is None


def test_leading_and_trailing_space_is_no_part_of_the_answer() -> None:
    assert whole(b" \r\n\t" + encoded({"choices": [CHOICE]}) + b"\n\n").choices[0].delta.content == "日本語"


def test_what_was_merged_is_read_back() -> None:
    for model in MODELS:
        merged = decoder(model).merged({"choices": [CHOICE], "x": 1})
        assert type(merged) is model
        assert merged.to_dict() == {"choices": [CHOICE], "x": 1}
    assert decoder().merged({"choices": []}).choices == []


# --- what is none

NO_ANSWERS: dict[str, Any] = {
    "empty": b"",
    "space": b" \n",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"Hello"',
    "list": b"[]",
    "list-of-answers": [{"choices": [CHOICE]}],
    "html": "<html><head><title>日本</title></head><body>Welcome</body></html>".encode(),
    "plain-text": b"upstream is busy",
    "deep-lists": b"[" * 200_000,
    "deep-lists-closed": b"[" * 200_000 + b"]" * 200_000,
    "deep-objects": b'{"a":' * 200_000,
    "deep-objects-in-choices": b'{"choices":[{"delta":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}]}",
    "deep-nan": b'{"choices":[],"x":' + b"[" * 200_000 + b"NaN",
    "deep-unknown-property": b'{"choices":[],"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "invalid-utf-8": b'{"choices":[{"delta":{"content":"\xff\xfe"}}]}',
    "invalid-utf-8-key": b'{"\xc3":1,"choices":[]}',
    "utf-16": '{"choices":[]}'.encode("utf-16"),
    "lone-surrogate": rb'{"choices":[{"delta":{"content":"\ud83d"}}]}',
    "cut-off": b'{"choices":[{"delta":{"content":"Hel',
    "two-answers": b'{"choices":[]}{"choices":[]}',
    "trailing-comma": b'{"choices":[],}',
    "single-quotes": b"{'choices': []}",
    "control-character": b'{"choices":[{"delta":{"content":"\x00"}}]}',
    "choices-no-list": {"choices": {"0": CHOICE}},
    "choices-text": {"choices": "none"},
    "choice-no-object": {"choices": ["Hello"]},
    "choice-null": {"choices": [None]},
    "delta-no-object": {"choices": [{"delta": "Hello"}]},
    "content-number": {"choices": [{"delta": {"content": 1}}]},
    "content-parts": {"choices": [{"message": {"content": [{"type": "text", "text": "Hello"}]}}]},
    "index-text": {"choices": [{"index": "first"}]},
    "index-fraction": {"choices": [{"index": 0.5}]},
    "tool-calls-no-list": {"choices": [{"delta": {"tool_calls": {"id": "t"}}}]},
    "arguments-no-text": {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {}}}]}}]},
    "usage-no-object": {"choices": [], "usage": 3},
    "usage-below-zero": {"choices": [], "usage": {"total_tokens": -1}},
    "created-text": {"choices": [], "created": "today"},
    "id-number": {"choices": [], "id": 1},
    "huge-number": b'{"choices":[],"created":1' + b"0" * 10_000 + b"}",
}


@pytest.mark.parametrize("read", [whole, event])
@pytest.mark.parametrize("case", NO_ANSWERS)
def test_what_is_no_answer_is_an_error_with_the_body(case: str, read: Any) -> None:
    body = encoded(NO_ANSWERS[case])
    with pytest.raises(ApiException) as caught:
        read(body)
    error = caught.value
    assert type(error) is ResponseDecodeException
    assert isinstance(error.__cause__, ValidationError)
    assert (error.status, error.reason, error.headers) == (200, "OK", Answered.headers)
    assert (error.body or "").startswith(body[:1000].decode(errors="replace")[:500])
    assert "the response is not a valid ChatCompletionChunkResponse: " in str(error)
    assert len(str(error)) < 500


def test_the_error_says_where_the_fault_is() -> None:
    with pytest.raises(ResponseDecodeException) as caught:
        whole({"choices": [CHOICE, {"delta": {"content": 5}}]})
    assert "choices.1.delta.content: " in str(caught.value)
    assert "r-1" in str(caught.value)


@pytest.mark.parametrize(
    "body", [{}, {"message": "not here"}, {"status": "ok"}, {"detail": "gone"}, {"delta": {}}]
)
def test_a_body_that_has_nothing_of_an_answer_is_none(body: Any) -> None:
    with pytest.raises(ResponseDecodeException, match="not a valid ChatCompletionChunkResponse") as caught:
        whole(body)
    assert json.loads(caught.value.body or "") == body


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    "body",
    [
        "%s",
        "[%s]",
        '{"choices":[],"usage":{"total_cost":%s}}',
        '{"choices":[],"created":%s}',
        '{"choices":[],"timings":{"ms":[%s]}}',
        '{"choices":[{"logprobs":{"content":[{"logprob":%s}]}}]}',
    ],
)
def test_what_is_no_json_number_is_an_error(body: str, name: str) -> None:
    for read in (whole, event):
        with pytest.raises(ResponseDecodeException) as caught:
            read((body % name).encode())
        assert name in (caught.value.body or "")


def test_the_word_nan_in_a_text_is_a_word() -> None:
    answer = {
        "choices": [{"index": 0, "delta": {"content": "NaN, Infinity and -Infinity: NaN"}}],
        "NaN": "NaN",
    }
    assert whole(answer).to_dict() == answer
    assert event(answer).to_dict() == answer


# --- errors with a successful status

ERRORS: dict[str, tuple[Any, str | None, str]] = {
    "object": ({"error": {"message": "it broke", "type": "x", "code": "busy"}}, "busy", "it broke"),
    "number": ({"error": {"message": "it broke", "code": 503}}, "503", "it broke"),
    "text": ({"error": "it broke"}, None, "it broke"),
    "beside-an-answer": ({"choices": [CHOICE], "error": {"message": "it broke"}}, None, "it broke"),
    "beside-a-code": ({"error": "it broke", "code": "busy"}, "busy", "it broke"),
}


@pytest.mark.parametrize("read", [whole, event])
@pytest.mark.parametrize("case", ERRORS)
def test_an_error_in_spite_of_the_status(case: str, read: Any) -> None:
    body, code, message = ERRORS[case]
    with pytest.raises(StreamErrorException) as caught:
        read(body)
    error = caught.value
    assert (error.status, error.code, error.message, error.request_id) == (200, code, message, "r-1")
    assert json.loads(error.body or "") == body
    assert error.partial is None


@pytest.mark.parametrize("nothing", [None, "", {}, [], False])
def test_an_error_that_says_nothing_is_none(nothing: Any) -> None:
    answer = {"choices": [CHOICE], "error": nothing}
    assert whole(answer).to_dict() == answer
    assert event(answer).to_dict() == answer


EVENTS_NAMED_ERROR: dict[str, tuple[bytes, str | None, str | None]] = {
    "message": (b'{"message": "it broke", "code": 1}', "1", "it broke"),
    "error": (b'{"error": {"message": "it broke", "code": "busy"}}', "busy", "it broke"),
    "json-text": (b'"it broke"', None, "it broke"),
    "plain-text": (b"it broke", None, "it broke"),
    "invalid-utf-8": (b"it broke \xff", None, "it broke \ufffd"),
    "number": (b"5", None, "5"),
    "empty-object": (b"{}", None, None),
    "chunk": (encoded({"choices": [CHOICE]}), None, None),
}


@pytest.mark.parametrize("case", EVENTS_NAMED_ERROR)
def test_an_event_named_error_is_an_error(case: str) -> None:
    data, code, message = EVENTS_NAMED_ERROR[case]
    with pytest.raises(StreamErrorException) as caught:
        event(data, "error")
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.body == data.decode(errors="replace")


@pytest.mark.parametrize(
    "data", [b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000, b'{"error":' * 200_000, b""]
)
def test_an_event_named_error_may_hold_anything(data: bytes) -> None:
    with pytest.raises(StreamErrorException) as caught:
        event(data, "error")
    assert caught.value.body == data.decode()
    assert len(str(caught.value)) < 500


# --- an agent's events


def test_what_an_agent_says_is_the_text_of_the_first_choice() -> None:
    chunk = event({"type": "say", "text": "Noted. 日本", "id": "e-1"})
    assert chunk.to_dict() == {
        "id": "e-1",
        "type": "say",
        "text": "Noted. 日本",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Noted. 日本"}}],
    }


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}])
def test_an_agent_may_say_nothing(text: Any) -> None:
    assert event({"type": "say", **text}).choices[0].delta.content == ""


def test_done_ends_the_stream() -> None:
    assert event({"type": "done"}) is None
    assert event({"type": "done", "usage": {"total_tokens": 1}}) is None
    assert event(b"", "done") is None
    assert event(b"not even JSON", "done") is None


def test_other_events_of_an_agent_are_empty_chunks() -> None:
    for kind in ("think", "tool_call", "ask"):
        chunk = event({"type": kind, "text": "unseen"}, kind)
        assert chunk.choices == []
        assert chunk.type == kind


def test_a_chunk_that_has_a_type_is_a_chunk() -> None:
    for kind in ("say", "chunk"):
        chunk = {"type": kind, "choices": [CHOICE]}
        assert event(chunk).to_dict() == chunk


def test_the_name_of_an_event_does_not_matter() -> None:
    for kind in ("message", "chunk", "completion", ""):
        assert event({"choices": [CHOICE]}, kind).to_dict() == {"choices": [CHOICE]}


# --- anything

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
KNOWN = [ChatCompletionChunkResponse, ChunkChoice, DeltaMessage, ToolCall]
FIELDS = st.sampled_from(
    sorted(
        {"message", "error", "text", "arguments", *(name for model in KNOWN for name in model.model_fields)}
    )
)
OBJECTS = st.recursive(
    st.dictionaries(FIELDS, JSON, max_size=4),
    lambda values: st.dictionaries(FIELDS, values | st.lists(values, max_size=2), max_size=4),
    max_leaves=6,
)


@settings(deadline=None)
@given(OBJECTS, st.sampled_from(["message", "error", "done", "say"]))
def test_any_object_is_an_answer_or_one_of_our_errors(value: Any, kind: str) -> None:
    body = json.dumps(value).encode()
    for read in (lambda: decoder().whole(body), lambda: decoder().event(kind, body)):
        with contextlib.suppress(ResponseDecodeException, StreamErrorException):
            read()


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_an_answer_or_one_of_our_errors(body: bytes) -> None:
    for read in (whole, event):
        with pytest.raises((ResponseDecodeException, StreamErrorException)):
            read(body)
