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
from tachyon_sdk.streaming.decode import AnswerDecoder, StreamEnd
from tachyon_sdk.streaming.merge import Merger


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


def whole(value: Any, model: Any = ChatCompletionChunkResponse) -> Any:
    return decoder(model).whole(encoded(value))[0]


def event(value: Any, kind: str = "message", model: Any = ChatCompletionChunkResponse) -> Any:
    """The one chunk of an event. The short way, where it takes that, has to give the same."""
    read = decoder(model)
    found = [chunk for chunk, _ in read.event(kind, encoded(value), Merger())]
    short = decoder(model).plain({0: None, None: None})(kind, encoded(value))
    assert short is None or repr([short]) == repr(found)
    (chunk,) = found
    return chunk


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
    for answer in (whole(body, model), event(body, model=model)):
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
    "text": b'"Hello"',
    "list": b"[]",
    "list-of-answers": [{"choices": [CHOICE]}],
    "deep-lists": b"[" * 200_000,
    "deep-lists-closed": b"[" * 200_000 + b"]" * 200_000,
    "deep-objects": b'{"a":' * 200_000,
    "deep-objects-in-choices": b'{"choices":[{"delta":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}]}",
    "deep-nan": b'{"choices":[],"x":' + b"[" * 200_000 + b"NaN",
    "deep-unknown-property": b'{"choices":[],"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "invalid-utf-8": b'{"choices":[{"delta":{"content":"\xff\xfe"}}]}',
    "invalid-utf-8-key": b'{"\xc3":1,"choices":[]}',
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
    "tool-calls-text": {"choices": [{"delta": {"tool_calls": "weather"}}]},
    "tool-call-text": {"choices": [{"delta": {"tool_calls": ["weather"]}}]},
    "arguments-number": {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": 5}}]}}]},
    "huge-number": b'{"choices":[],"created":1' + b"0" * 10_000 + b"}",
}
NO_BODIES: dict[str, bytes] = {
    "empty": b"",
    "space": b" \n",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "html": "<html><head><title>日本</title></head><body>Welcome</body></html>".encode(),
    "plain-text": b"upstream is busy",
    "utf-16": '{"choices":[]}'.encode("utf-16"),
    "nan": b"NaN",
}


@pytest.mark.parametrize(
    ("case", "read"),
    [
        *((case, read) for case in NO_ANSWERS for read in (whole, event)),
        *((case, whole) for case in NO_BODIES),
    ],
)
def test_what_is_no_answer_is_an_error_with_the_body(case: str, read: Any) -> None:
    body = encoded((NO_ANSWERS | NO_BODIES)[case])
    with pytest.raises(ApiException) as caught:
        read(body)
    error = caught.value
    assert type(error) is ResponseDecodeException
    assert isinstance(error.__cause__, ValidationError)
    assert (error.status, error.reason, error.headers) == (200, "OK", Answered.headers)
    assert (error.body or "").startswith(body[:1000].decode(errors="replace")[:500])
    assert "the response is not a valid ChatCompletionChunkResponse: " in str(error)
    assert len(str(error)) < 500


# --- events that are no chunks


@pytest.mark.parametrize("kind", ["message", "ping", "tool.progress"])
@pytest.mark.parametrize(
    "data", [b"", b" ", b"\n", b"ping", b"keep-alive 5", b"null", b"true", b"1", b"NaN", b"2026-01-01"]
)
def test_an_event_that_does_not_begin_as_json_is_passed_over(data: bytes, kind: str) -> None:
    read = decoder()
    assert list(read.event(kind, data, Merger())) == []
    assert read.plain({})(kind, data) is None
    assert read.ignored == (data.strip() or None)


@pytest.mark.parametrize("data", [b'["running"]', b'"ping"', b'{"id": "call_9", "status": "running"}', b"{}"])
def test_an_event_of_another_type_without_choices_is_passed_over(data: bytes) -> None:
    assert list(decoder().event("tool.progress", data, Merger())) == []


def test_an_event_of_another_type_may_have_usage() -> None:
    assert event({"usage": {"total_tokens": 3}}, "usage").usage.total_tokens == 3
    assert event({"choices": [], "usage": None}, "chat.completion.chunk").choices == []


def test_several_objects_in_one_event_are_several_chunks() -> None:
    """Some servers put no blank line between events."""
    lines = [encoded({"choices": [{"index": 0, "delta": {"content": text}}]}) for text in ("a", "b")]
    read, texts = decoder(), []
    with pytest.raises(StreamEnd):
        for chunk, _ in read.event("message", b"\n".join([*lines, b"[DONE]"]), Merger()):
            texts.append(chunk.choices[0].delta.content)
    assert texts == ["a", "b"]


def test_an_object_in_several_lines_is_one_chunk() -> None:
    laid_out = json.dumps({"choices": [CHOICE]}, indent=1).encode()
    assert event(laid_out).to_dict() == {"choices": [CHOICE]}
    assert event(b'{\n"choices": [\n{"delta": {}},\n{"index": 1,\n"delta": {}}]\n}').choices[1].index == 1


# --- values beside the text that do not fit

ODD: dict[str, Any] = {
    "created-fraction": {"created": 1757876416.57},
    "created-text": {"created": "today"},
    "id-number": {"id": 1},
    "model-list": {"model": ["m"]},
    "usage-text": {"usage": ""},
    "usage-number": {"usage": 3},
    "usage-fraction": {"usage": {"total_tokens": 6.25, "prompt_tokens": 4}},
    "usage-below-zero": {"usage": {"total_tokens": -1}},
    "role-number": {"choices": [{"index": 0, "delta": {"role": 5, "content": "Hi"}}]},
    "index-text": {"choices": [{"index": "first", "delta": {"content": "Hi"}}]},
    "index-fraction": {"choices": [{"index": 0.5, "delta": {"content": "Hi"}}]},
    "finish-reason-number": {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": 1}]},
    "refusal-object": {"choices": [{"index": 0, "delta": {"content": "Hi", "refusal": {"x": 1}}}]},
    "call-id-number": {"choices": [{"index": 0, "delta": {"content": "Hi", "tool_calls": [{"id": 7}]}}]},
}


@pytest.mark.parametrize("read", [whole, event])
@pytest.mark.parametrize("case", ODD)
def test_an_odd_value_beside_the_text_is_kept_as_it_came(case: str, read: Any) -> None:
    response = {"choices": [{"index": 0, "delta": {"content": "Hi"}}], **ODD[case]}
    made = read(response)
    assert made.choices[0].delta.content == "Hi"
    assert made.to_dict() == response
    assert json.loads(made.to_json()) == response
    assert decoder().merged(merged_of(response)).to_dict().keys() == response.keys()


def merged_of(response: Any) -> Any:
    merger = Merger()
    merger.add(encoded(response))
    return merger.merged()


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    "body",
    [
        '{"choices":[],"usage":{"total_cost":%s}}',
        '{"choices":[],"created":%s}',
        '{"choices":[],"timings":{"ms":[%s]}}',
        '{"choices":[{"logprobs":{"content":[{"logprob":%s}]}}]}',
    ],
)
def test_a_number_that_json_does_not_have_is_kept_and_written_as_null(body: str, name: str) -> None:
    for read in (whole, event):
        made = read((body % name).encode())
        assert json.loads(made.to_json()) == json.loads(body % "null")
        assert name.strip("-").lower()[:3] in repr(made)


# --- the same in another form


def content_of(message: Any) -> Any:
    return event({"choices": [{"index": 0, "delta": message}]}).choices[0].delta


@pytest.mark.parametrize("member", ["delta", "message"])
@pytest.mark.parametrize(
    ("content", "text", "others"),
    [
        ([{"type": "text", "text": "Hello"}], "Hello", None),
        ([{"type": "output_text", "text": "Hel"}, "lo"], "Hello", None),
        ({"type": "text", "text": "Hello"}, "Hello", None),
        ([{"text": "Hello"}], "Hello", None),
        ([], "", None),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}], "", 1),
        ([{"type": "reasoning", "text": "Hm"}, {"type": "text", "text": "Hi"}, 5], "Hi", 2),
        ([{"type": "text", "text": None}], "", 1),
    ],
)
def test_content_in_parts_is_read_as_its_text(
    content: Any, text: str, others: int | None, member: str
) -> None:
    body = {"choices": [{"index": 0, member: {"role": "assistant", "content": content}}]}
    for read in (whole, event):
        delta = read(body).choices[0].delta
        assert delta.content == text
        kept = (delta.model_extra or {}).get("content_parts")
        assert (kept and len(kept)) == others


@pytest.mark.parametrize("arguments", [{"x": 1}, {"a": {"b": ["日本"]}}, {}, []])
def test_arguments_as_an_object_are_read_as_their_text(arguments: Any) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "w", "arguments": arguments}}
    for body in ({"tool_calls": [call]}, {"tool_calls": call}):
        (made,) = content_of(body).tool_calls
        assert json.loads(made.function.arguments) == arguments
    old = content_of({"function_call": {"name": "w", "arguments": arguments}}).function_call
    assert json.loads(old.arguments) == arguments


@pytest.mark.parametrize("nothing", [{"tool_calls": {}}, {"tool_calls": ""}, {"function_call": ""}])
def test_an_empty_value_in_the_place_of_calls_is_none(nothing: Any) -> None:
    delta = content_of({"content": "Hi", **nothing})
    assert (delta.content, delta.tool_calls, delta.function_call) == ("Hi", None, None)


# --- halves of characters


def joined(*pieces: str, place: str = '{"content":%s}') -> str:
    """The text of pieces, each the JSON of a string, as one decoder reads them."""
    read, merger = decoder(), Merger()
    for piece in pieces:
        data = b'{"choices":[{"index":0,"delta":%b}]}' % (place % piece).encode()
        for chunk, text in read.event("message", data, merger):
            merger.add(text)
            assert json.dumps(chunk.to_dict(), ensure_ascii=False).encode()
    merged = merger.merged()["choices"][0]["delta"]
    return (
        merged.get("content")
        or merged.get("reasoning_content")
        or merged["tool_calls"][0]["function"]["arguments"]
    )


@pytest.mark.parametrize(
    "place",
    [
        '{"content":%s}',
        '{"reasoning_content":%s}',
        '{"tool_calls":[{"index":0,"function":{"arguments":%s}}]}',
    ],
)
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([r'"a\ud83d"', r'"\ude00b"'], "a😀b"),
        ([r'"\ud83d"', r'"\ude00"'], "😀"),
        ([r'"a\ud83d\ude00b"'], "a😀b"),
        ([r'"a\ud83d"', r'""', r'"\ude00b"'], "a😀b"),
        ([r'"a\ud83d"', r'"b"', r'"c"'], "a\ufffdbc"),
        ([r'"a\ude00b"'], "a\ufffdb"),
        ([r'"a\ud83db"'], "a\ufffdb"),
        ([r'"a\ud83d"', r'"\ud83d\ude00"'], "a\ufffd😀"),
        ([r'"a\ud83d"', r'"\ude00\ud83d"', r'"\ude00"'], "a😀😀"),
        ([r'"a"', r'"\ud83d"', '"x"', r'"\ude00"'], "a\ufffdx\ufffd"),
    ],
)
def test_a_character_that_was_cut_in_two_is_joined_or_replaced(
    pieces: list[str], text: str, place: str
) -> None:
    assert joined(*pieces, place=place) == text


def test_halves_of_several_choices_are_apart() -> None:
    read, merger = decoder(), Merger()
    for texts in ((r"\ud83d", r"\ud83d"), (r"\ude00", r"\ude01")):
        choices = ",".join(
            f'{{"index":{index},"delta":{{"content":"{text}"}}}}' for index, text in enumerate(texts)
        )
        for _, text in read.event("message", f'{{"choices":[{choices}]}}'.encode(), merger):
            merger.add(text)
    assert [choice["delta"]["content"] for choice in merger.merged()["choices"]] == ["😀", "😁"]


def test_the_error_says_where_the_fault_is() -> None:
    with pytest.raises(ResponseDecodeException) as caught:
        whole({"choices": [CHOICE, {"delta": {"content": 5}}]})
    assert "choices.1.delta.content: " in str(caught.value)
    assert "r-1" in str(caught.value)


@pytest.mark.parametrize(
    "body", [{}, {"message": "not here"}, {"status": "ok"}, {"detail": "gone"}, {"delta": {}}]
)
def test_a_body_that_has_nothing_of_an_answer_is_none(body: Any) -> None:
    with pytest.raises(ResponseDecodeException, match="it has none of its properties") as caught:
        whole(body)
    assert json.loads(caught.value.body or "") == body


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


@pytest.mark.parametrize(
    ("data", "kind", "declared"),
    [
        ({"type": "done"}, "message", True),
        ({"type": "done", "usage": {"total_tokens": 1}}, "message", True),
        (b"", "done", True),
        (b"not even JSON", "done", True),
        (b"[DONE]", "message", False),
        (b" [DONE] ", "message", False),
        (b"[DONE]", "end", False),
    ],
)
def test_the_end_of_a_stream(data: Any, kind: str, declared: bool) -> None:
    with pytest.raises(StreamEnd) as caught:
        event(data, kind)
    assert caught.value.declared is declared


def test_the_end_after_an_agent_has_spoken_is_that_of_an_agent() -> None:
    read = decoder()
    assert len(list(read.event("message", b'{"type": "say", "text": "Noted."}', Merger()))) == 1
    with pytest.raises(StreamEnd) as caught:
        list(read.event("message", b"[DONE]", Merger()))
    assert caught.value.declared


def test_other_events_of_an_agent_are_no_part_of_the_response() -> None:
    for kind in ("think", "tool_call", "ask"):
        data = encoded({"type": kind, "text": "unseen"})
        assert list(decoder().event(kind, data, Merger())) == []
        assert event(data).choices == []


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
    for read in (lambda: decoder().whole(body), lambda: list(decoder().event(kind, body, Merger()))):
        with contextlib.suppress(ResponseDecodeException, StreamErrorException, StreamEnd):
            read()


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_an_answer_or_one_of_our_errors(body: bytes) -> None:
    with pytest.raises((ResponseDecodeException, StreamErrorException)):
        whole(body)
    with contextlib.suppress(ResponseDecodeException, StreamErrorException, StreamEnd):
        assert list(decoder().event("message", body, Merger())) == []
