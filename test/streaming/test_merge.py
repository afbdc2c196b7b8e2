"""Merging: what the chunks of a streamed answer amount to."""

from __future__ import annotations

import copy
import itertools
import json
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tachyon_sdk.models import ChatCompletionChunkResponse
from tachyon_sdk.streaming.merge import Merger

Chunk = dict[str, Any]


def merger_of(*chunks: Chunk) -> Merger:
    merger = Merger()
    for chunk in chunks:
        merger.add(encoded(chunk))
    return merger


def encoded(chunk: Chunk) -> bytes:
    return json.dumps(chunk).encode()


def merge(*chunks: Chunk) -> Any:
    """The merged answer; it has to be the same after a round trip through JSON and the model."""
    merged = merger_of(*chunks).merged()
    assert json.loads(json.dumps(merged)) == merged
    assert ChatCompletionChunkResponse.from_dict(merged).to_dict() == merged
    return merged


def delta(index: int = 0, **delta: Any) -> Chunk:
    return {"choices": [{"index": index, "delta": delta}]}


def deltas(*parts: Chunk) -> Any:
    """The merged delta of one choice."""
    (choice,) = merge(*({"choices": [{"index": 0, "delta": part}]} for part in parts))["choices"]
    return choice["delta"]


def calls(*fragments: Any) -> Any:
    """The merged tool calls of one choice; each fragment, or list of fragments, comes in a chunk of its own."""
    return deltas(*({"tool_calls": part if isinstance(part, list) else [part]} for part in fragments))[
        "tool_calls"
    ]


def fragment(arguments: str | None = None, name: str | None = None, **more: Any) -> Chunk:
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return {**more, "function": given}


# --- texts


def test_nothing_amounts_to_no_choices() -> None:
    assert merge() == {"choices": []}
    assert merge({}) == {"choices": []}
    assert merger_of().chunks == 0
    assert merger_of({}, {"choices": []}).chunks == 2


def test_a_single_chunk_is_the_answer() -> None:
    chunk = {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": {"total_tokens": 3},
        "x": {"y": [1, {"z": None}]},
    }
    assert merge(chunk) == chunk


def test_texts_are_joined() -> None:
    assert deltas({"role": "assistant"}, {"content": "日"}, {"content": ""}, {"content": "本 "}, {}) == {
        "role": "assistant",
        "content": "日本 ",
    }


def test_an_empty_text_is_a_text() -> None:
    assert deltas({"content": ""}) == {"content": ""}
    assert deltas({"content": ""}, {"content": None}) == {"content": ""}


def test_choices_are_joined_by_index_however_they_interleave() -> None:
    merged = merge(
        delta(1, content="b1"),
        delta(0, content="a1"),
        {"choices": [{"index": 1, "delta": {"content": "b2"}}, {"index": 0, "delta": {"content": "a2"}}]},
        delta(2, content="c1"),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        delta(1, content="b3"),
    )
    assert [(choice["index"], choice["delta"]["content"]) for choice in merged["choices"]] == [
        (0, "a1a2"),
        (1, "b1b2b3"),
        (2, "c1"),
    ]
    assert [choice.get("finish_reason") for choice in merged["choices"]] == ["stop", None, None]


@pytest.mark.parametrize("index", [{}, {"index": None}])
def test_a_choice_without_an_index_is_known_by_its_position(index: Chunk) -> None:
    chunks = [
        {"choices": [{**index, "delta": {"content": text}} for text in texts]} for texts in ("ab", "cd")
    ]
    merged = merge(*chunks, delta(1, content="!"))
    assert [choice["delta"]["content"] for choice in merged["choices"]] == ["ac", "bd!"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "refusal", "x_text"])
def test_other_texts_are_joined_as_well(field: str) -> None:
    assert deltas({field: "I "}, {field: "should", "content": "Hel"}, {"content": "lo"}, {field: "."}) == {
        field: "I should.",
        "content": "Hello",
    }


def test_a_role_that_repeats_is_one_role() -> None:
    parts = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": ""}]
    assert deltas(*parts) == {"role": "assistant", "content": "ab"}
    assert deltas({"role": None}, {"role": "assistant"}, {"role": None}) == {"role": "assistant"}
    assert deltas({"role": "narrator"}, {"role": "narrator"}) == {"role": "narrator"}


@settings(deadline=None)
@given(st.text(), st.lists(st.integers(0, 40)))
def test_a_text_in_any_pieces_is_the_same_text(text: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:stop] for start, stop in itertools.pairwise(bounds)]
    assert deltas(*({"content": piece} for piece in pieces)) == {"content": text}
    assert deltas(*({"refusal": piece} for piece in pieces)) == {"refusal": text}
    rest = [fragment(piece, index=0) for piece in pieces]
    assert calls(fragment("", "f", index=0, id="t"), *rest) == [fragment(text, "f", index=0, id="t")]


# --- null and absent


def test_null_does_not_take_away_what_was_there() -> None:
    chunk = {
        "id": "c",
        "usage": {"total_tokens": 1},
        "x": 1,
        "choices": [
            {
                "index": 0,
                "delta": {
                    "content": "a",
                    "refusal": "b",
                    "y": 1,
                    "tool_calls": [fragment("{}", "f", id="t")],
                },
                "finish_reason": "stop",
                "logprobs": {"content": [{"token": "a"}]},
                "z": 1,
            }
        ],
    }
    nulls = {
        "id": None,
        "usage": None,
        "x": None,
        "choices": [
            {
                "index": 0,
                "delta": {"content": None, "refusal": None, "y": None, "tool_calls": None},
                "finish_reason": None,
                "logprobs": None,
                "z": None,
            }
        ],
    }
    assert merge(chunk, nulls) == chunk
    assert merge(nulls, chunk) == chunk
    assert merge(nulls, chunk, nulls) == chunk


def test_what_is_only_ever_null_stays_null_and_what_is_absent_stays_absent() -> None:
    chunk = {
        "usage": None,
        "choices": [
            {
                "index": 0,
                "delta": {"refusal": None, "function_call": None, "tool_calls": None, "x": None},
                "finish_reason": None,
                "logprobs": None,
            }
        ],
    }
    assert merge(chunk, chunk) == chunk
    assert merge({"choices": [{"delta": {}}]}) == {"choices": [{"delta": {}}]}


def test_a_text_that_is_only_ever_null_is_no_text() -> None:
    assert deltas({"role": "assistant", "content": None}, {"content": None}).get("content") is None


@pytest.mark.parametrize(
    "nothing", [{"choices": None}, {"choices": []}, {"choices": [{"index": 0, "delta": None}]}]
)
def test_a_chunk_may_have_nothing_to_add(nothing: Chunk) -> None:
    assert merge(delta(content="a"), nothing, delta(content="b"))["choices"] == [
        {"index": 0, "delta": {"content": "ab"}}
    ]


# --- the answer as a whole


def test_the_first_to_name_the_answer_names_it_and_created_may_move() -> None:
    names = ["id", "object", "model", "system_fingerprint", "service_tier"]
    first = dict.fromkeys(names, "first") | {"created": 10}
    second = dict.fromkeys(names, "second") | {"created": 11}
    assert merge(first, second) == {**first, "choices": []}
    empty: Chunk = dict.fromkeys(names, "") | {"created": 0}
    assert merge(empty, first, second) == {**first, "choices": []}
    assert merge({}, second, first) == {**second, "choices": []}


def test_the_last_usage_is_the_usage() -> None:
    usages = [{"usage": {"total_tokens": number, "x": {"y": number}}} for number in (1, 2, 3)]
    chunks = [{**delta(content="a"), **usages[0]}, usages[1], {"choices": [], **usages[2]}]
    merged = merge(*chunks, {"usage": None}, delta(content="b"))
    assert merged["usage"] == usages[2]["usage"]
    assert merged["choices"] == [{"index": 0, "delta": {"content": "ab"}}]
    assert merge(usages[2], {"usage": {"prompt_tokens": 7}})["usage"] == {"prompt_tokens": 7}


def test_unknown_fields_are_kept_at_every_level() -> None:
    merged = merge(
        {
            "timings": {"ms": 1},
            "x": "a",
            "choices": [
                {
                    "index": 0,
                    "delta": {"n": 1, "list": [1], "obj": {"text": "a", "id": "o", "inner": {"list": [1]}}},
                    "matched": {"stop": 1},
                }
            ],
        },
        {
            "timings": {"s": 2},
            "x": "b",
            "choices": [
                {
                    "index": 0,
                    "delta": {"n": 2, "list": [[2]], "obj": {"text": "b", "id": "o", "inner": {"list": [2]}}},
                    "matched": {"stop": 2},
                    "token": True,
                }
            ],
        },
    )
    assert merged == {
        "timings": {"s": 2},
        "x": "b",
        "choices": [
            {
                "index": 0,
                "delta": {
                    "n": 2,
                    "list": [1, [2]],
                    "obj": {"text": "ab", "id": "o", "inner": {"list": [1, 2]}},
                },
                "matched": {"stop": 2},
                "token": True,
            }
        ],
    }


def test_unknown_fields_of_tool_calls_are_kept() -> None:
    assert calls(
        {"index": 0, "id": "t", "x": {"y": "a"}, "function": {"name": "f", "z": [1]}},
        {"index": 0, "x": {"y": "b"}, "function": {"arguments": "{}", "z": [2]}},
    ) == [
        {"index": 0, "id": "t", "x": {"y": "ab"}, "function": {"name": "f", "arguments": "{}", "z": [1, 2]}}
    ]


def test_values_of_other_types_replace_each_other() -> None:
    """No server should, but none can break the merge."""
    for values in itertools.permutations([1, "a", {"b": 1}, ["c"], True], 2):
        assert deltas(*({"x": value} for value in (*values, None))) == {"x": values[1]}


def test_log_probabilities_are_strung_together() -> None:
    def chunk(*tokens: str, **more: Any) -> Chunk:
        content = [{"token": token, "top_logprobs": [{"token": token}]} for token in tokens]
        return {
            "choices": [{"index": 0, "delta": {}, "logprobs": {"content": content, "refusal": None, **more}}]
        }

    merged = merge(chunk("a"), {"choices": [{"index": 0, "logprobs": None}]}, chunk("b", "c"), chunk())
    (choice,) = merged["choices"]
    assert [item["token"] for item in choice["logprobs"]["content"]] == ["a", "b", "c"]
    assert choice["logprobs"]["refusal"] is None


# --- the end


def test_the_last_finish_reason_stays() -> None:
    reasons = ["stop", None, "tool_calls", ""]
    chunks = [{"choices": [{"index": 0, "finish_reason": reason}]} for reason in reasons]
    assert merge(*chunks)["choices"][0]["finish_reason"] == "tool_calls"


# --- tool calls

WEATHER = fragment('{"city": "Oslo"}', "weather", index=0, id="t-0", type="function")
TIME = fragment("{}", "time", index=1, id="t-1", type="function")


def test_a_tool_call_in_fragments() -> None:
    assert calls(
        fragment("", "weather", index=0, id="t-0", type="function"),
        fragment('{"city"', index=0),
        fragment(': "Oslo"', index=0),
        fragment("}", index=0),
    ) == [WEATHER]


def test_several_tool_calls_however_their_fragments_interleave() -> None:
    assert calls(
        fragment("", "time", index=1, id="t-1", type="function"),
        [fragment('{"city"', "weather", index=0, id="t-0", type="function"), fragment("{", index=1)],
        fragment(': "Oslo"}', index=0),
        fragment("}", index=1),
    ) == [WEATHER, TIME]


def test_tool_calls_of_several_choices_are_apart() -> None:
    merged = merge(
        delta(0, tool_calls=[fragment('{"city"', "weather", index=0, id="t-0", type="function")]),
        delta(1, tool_calls=[fragment("{", "time", index=0, id="t-1", type="function")]),
        delta(0, tool_calls=[fragment(': "Oslo"}', index=0)]),
        delta(1, tool_calls=[fragment("}", index=0)]),
    )
    assert [choice["delta"]["tool_calls"] for choice in merged["choices"]] == [
        [WEATHER],
        [{**TIME, "index": 0}],
    ]


def test_an_id_or_a_name_that_repeats_is_not_doubled() -> None:
    every = {"index": 0, "id": "t-0", "type": "function"}
    pieces = ['{"ci', 'ty": "Os', 'lo"}']
    assert calls(*(fragment(piece, "weather", **every) for piece in pieces)) == [WEATHER]
    assert calls(*(fragment(piece, "weather", id="t-0", type="function") for piece in pieces)) == [
        {key: value for key, value in WEATHER.items() if key != "index"}
    ]


def test_a_whole_call_may_come_in_one_fragment() -> None:
    assert calls(WEATHER, TIME) == [WEATHER, TIME]
    assert calls([WEATHER, TIME]) == [WEATHER, TIME]
    assert calls(TIME, WEATHER) == [WEATHER, TIME]


@pytest.mark.parametrize("name", ["time", "weather"])
def test_calls_with_the_same_index_are_apart_by_id_and_name(name: str) -> None:
    second = fragment("{}", name, index=0, id="t-1")
    assert calls(WEATHER, second) == [WEATHER, second]
    assert calls([WEATHER, second]) == [WEATHER, second]
    assert calls(
        WEATHER,
        fragment("", name, index=0, id="t-1"),
        fragment("{", index=0),
        fragment("}", index=0, id="t-1"),
    ) == [WEATHER, second]


def test_a_new_id_alone_does_not_begin_another_call() -> None:
    assert calls(
        fragment("", "weather", index=0, id="t-0", type="function"),
        fragment('{"city"', index=0, id="t-1"),
        fragment(': "Oslo"}', "", index=0, id="t-2"),
    ) == [WEATHER]


@pytest.mark.parametrize("index", [{}, {"index": None}])
def test_calls_without_an_index(index: Chunk) -> None:
    assert calls(
        fragment('{"city"', "weather", id="t-0", **index),
        fragment(': "Oslo"}', **index),
        fragment("{", "time", id="t-1", **index),
        fragment("}", **index),
    ) == [
        fragment('{"city": "Oslo"}', "weather", id="t-0", **index),
        fragment("{}", "time", id="t-1", **index),
    ]


def test_calls_without_an_index_by_id() -> None:
    assert calls(
        fragment("{", "a", id="t-0"),
        fragment("{", "b", id="t-1"),
        fragment("0}", id="t-0"),
        fragment("1}", id="t-1"),
    ) == [fragment("{0}", "a", id="t-0"), fragment("{1}", "b", id="t-1")]


def test_a_fragment_that_names_no_call_goes_on_with_the_last_one() -> None:
    assert calls(
        fragment("{", "a", id="t-0"),
        fragment("{", "b", id="t-1"),
        fragment("0", id="t-0"),
        fragment("}"),
    ) == [fragment("{0}", "a", id="t-0"), fragment("{", "b", id="t-1")]


def test_calls_of_one_index_without_ids_are_told_apart_by_their_names() -> None:
    first, second = fragment("{}", "a", index=0), fragment("{}", "b", index=0)
    assert calls(first, second) == [first, second]
    assert calls(first, fragment("{}", "a", index=0)) == [first, first]


def test_calls_without_index_and_id_are_one() -> None:
    assert calls(fragment("{", "a"), fragment("}")) == [fragment("{}", "a")]


def test_calls_in_the_declared_form() -> None:
    first = {"tool_id": "x", "tool_name": "search", "is_client_tool": False}
    second = {"tool_id": "y", "tool_name": "fetch"}
    assert calls([first, second]) == [first, second]
    assert calls(first, second, first) == [first, second]
    assert calls(first, {"tool_id": "x", "is_client_tool": True}) == [{**first, "is_client_tool": True}]


# --- fragments in the forms that servers send


def shown(*fragments: Any) -> list[list[Any]]:
    """The id, the name and the arguments of each call."""
    return [
        [call.get("id"), call["function"].get("name"), call["function"].get("arguments")]
        for call in calls(*fragments)
    ]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_an_empty_id_or_name_is_none(index: Chunk) -> None:
    rest = [fragment(text, "", id="", type="", **index) for text in ('{"x"', ":1}")]
    assert shown(fragment("", "w", id="a", type="function", **index), *rest) == [["a", "w", '{"x":1}']]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
@pytest.mark.parametrize("later", [{}, {"type": "function"}, {"id": "", "type": "function"}, {"id": "a"}])
def test_a_name_in_pieces(index: Chunk, later: Chunk) -> None:
    first = fragment("", "get_", id="a", type="function", **index)
    names = [fragment("", name, **index, **later) for name in ("wea", "ther")]
    arguments = [fragment(text, **index) for text in ('{"x"', ":1}")]
    assert shown(first, *names, *arguments) == [["a", "get_weather", '{"x":1}']]


@pytest.mark.parametrize("ids", [{}, {"id": "a"}])
def test_a_name_that_grows(ids: Chunk) -> None:
    parts = [fragment("", name, index=0, **ids) for name in ("get", "get_wea", "get_weather", "get_weather")]
    assert shown(*parts, fragment('{"x":1}', "get_weather", index=0, **ids)) == [
        [ids.get("id"), "get_weather", '{"x":1}']
    ]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_after_whole_arguments_a_name_begins_another_call(index: Chunk) -> None:
    first, second = fragment('{"x":1}', "w", **index), fragment('{"x":2}', "w", **index)
    halves = [fragment('{"x"', "w", **index), fragment(":3}", **index)]
    assert shown(first, second, *halves) == [[None, "w", text] for text in ('{"x":1}', '{"x":2}', '{"x":3}')]
    assert shown([first, second]) == [[None, "w", '{"x":1}'], [None, "w", '{"x":2}']]
    assert shown(first, first) == [[None, "w", '{"x":1}']] * 2


def test_calls_of_one_index_and_one_id_are_told_apart_by_whole_arguments() -> None:
    assert shown(
        fragment('{"x":1}', "v", index=0, id="call"),
        fragment('{"y":2}', "w", index=0, id="call"),
        fragment('{"z":3}', "w", index=0, id="call"),
    ) == [["call", "v", '{"x":1}'], ["call", "w", '{"y":2}'], ["call", "w", '{"z":3}']]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_a_new_id_in_every_fragment_goes_on_where_no_function_is_named(index: Chunk) -> None:
    rest = [fragment(text, name, id=f"b{text}", **index) for text, name in (('{"x"', ""), (":1}", None))]
    assert shown(fragment("", "w", id="a", **index), *rest) == [["a", "w", '{"x":1}']]


def test_a_new_index_in_every_fragment_goes_on_where_no_function_is_named() -> None:
    assert shown(
        fragment("", "v", index=0, id="a"),
        fragment('{"x"', index=1),
        fragment(":1}", index=2),
        fragment("{}", "w", index=3, id="b"),
    ) == [["a", "v", '{"x":1}'], ["b", "w", "{}"]]


@pytest.mark.parametrize(
    "again", ['{"x":1, "y":{"z":2}}', '{ "y": {"z": 2}, "x": 1 }', '{"x":1,"y":{"z":2}}']
)
@pytest.mark.parametrize("ids", [{"id": "a", "name": "w"}, {}])
def test_a_whole_call_that_comes_again_is_the_same_call(ids: Chunk, again: str) -> None:
    pieces = [
        fragment('{"x":1, ', "w", index=0, id="a"),
        fragment('"y":', index=0),
        fragment('{"z":2}', index=0),
        fragment("}", index=0),
    ]
    (call,) = shown(*pieces, fragment(again, index=0, **ids))
    assert call[:2] == ["a", "w"]
    assert json.loads(call[2]) == {"x": 1, "y": {"z": 2}}


@pytest.mark.parametrize("named", [{"id": "a", "name": "w"}, {}])
def test_arguments_that_grow_are_not_added_to_themselves(named: Chunk) -> None:
    texts = ['{"x"', '{"x":[1', '{"x":[1]}', '{"x":[1]}']
    first = fragment(texts[0], "w", index=0, id="a")
    assert shown(first, *(fragment(text, index=0, **named) for text in texts[1:])) == [["a", "w", texts[-1]]]


def test_an_empty_object_before_the_arguments_is_none() -> None:
    parts = [fragment("{}", "w", index=0, id="a"), fragment('{"x"', index=0), fragment(":1}", index=0)]
    assert shown(*parts) == [["a", "w", '{"x":1}']]
    assert shown(parts[0]) == [["a", "w", "{}"]]


def test_a_nested_object_is_a_continuation() -> None:
    texts = ['{"a":', '{"b":', '{"c": "{}"', "}", "}", "}"]
    first, *rest = [fragment(text, index=0) for text in texts]
    first = fragment(texts[0], "w", index=0, id="a")
    assert shown(first, *rest) == [["a", "w", "".join(texts)]]
    named = [fragment(text, "w", index=0, id="a") for text in texts]
    assert shown(*named) == [["a", "w", "".join(texts)]]


@pytest.mark.parametrize(
    "texts", [('{"', '{": 1}'), ('{":', '{":1}'), ('{",": "', '{",": "}'), ('{"a{', '{":1}')]
)
def test_a_string_that_begins_like_an_object_is_a_continuation(texts: tuple[str, ...]) -> None:
    first, *rest = [fragment(text, index=0) for text in texts]
    assert shown({**first, "id": "a", "function": {"name": "w", "arguments": texts[0]}}, *rest) == [
        ["a", "w", "".join(texts)]
    ]


def test_what_a_provider_adds_to_a_call_is_kept_once() -> None:
    extra = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    parts = [fragment(text, "w", index=0, id="a", **extra) for text in ('{"x"', ":1}")]
    assert calls(*parts) == [fragment('{"x":1}', "w", index=0, id="a", **extra)]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from(["first", "id", "both"]),
)
def test_arguments_in_any_pieces_are_the_same_arguments(value: Any, cuts: list[int], named: str) -> None:
    text = json.dumps(value)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:stop] for start, stop in itertools.pairwise(bounds)]
    again: Chunk = {"first": {}, "id": {"id": "a"}, "both": {"id": "a", "name": "w"}}[named]
    first = fragment("", "w", index=0, id="a")
    (call,) = shown(first, *(fragment(piece, index=0, **again) for piece in pieces))
    assert call == ["a", "w", text]


def test_many_fragments_that_look_like_whole_calls_take_linear_time() -> None:
    """Each names the function and begins like an object, but the arguments never are one."""
    first = fragment('{"x":"', "w", index=0, id="a")
    (call,) = calls(first, *([fragment("{}", "w", index=0, id="a")] * 20_000))
    assert len(call["function"]["arguments"]) == 6 + 2 * 20_000


# --- a whole message after its pieces


def news(message: Chunk, *parts: Chunk, member: str = "delta") -> Chunk:
    chunks = [{"choices": [{"index": 0, member: part}]} for part in parts]
    return merger_of(*chunks).news_in(message, 0)


@pytest.mark.parametrize(
    ("message", "new"),
    [
        ({"role": "assistant", "content": "Hello"}, {"content": ""}),
        ({"content": "Hello!"}, {"content": "!"}),
        ({"content": "hello"}, {"content": ""}),
        ({"content": None}, {}),
        ({"content": "Hello", "annotations": [1]}, {"content": "", "annotations": [1]}),
        ({"content": "Hello", "tool_calls": [WEATHER]}, {"content": "", "tool_calls": [WEATHER]}),
    ],
)
def test_a_whole_message_adds_what_is_new_in_it(message: Chunk, new: Chunk) -> None:
    assert news(message, {"role": "assistant"}, {"content": "Hel"}, {"content": "lo"}) == new


def test_a_whole_message_without_pieces_before_it_is_all_new() -> None:
    message = {"role": "assistant", "content": "Hello"}
    assert news(message) == message
    assert news(message, {"role": "assistant"}) == {"content": "Hello"}
    assert merger_of(delta(1, content="Hello")).news_in(message, 0) == message


def test_calls_and_thoughts_of_a_whole_message_are_not_added_again() -> None:
    whole = {"content": None, "reasoning_content": "Hm", "tool_calls": [WEATHER]}
    assert news(whole, {"reasoning_content": "H"}, {"reasoning_content": "m"}, {"tool_calls": [WEATHER]}) == {
        "content": None
    }


def test_messages_may_be_the_pieces() -> None:
    assert news({"content": "a"}, {"content": "a"}, member="message") == {"content": "a"}


# --- what is kept


def test_a_long_stream_is_merged_like_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [{**RICH[number % 2], "n": number, "x": f"日本\x1e, {number}"} for number in range(500)]
    expected = merge(*chunks)
    monkeypatch.setattr("tachyon_sdk.streaming.merge._MAX_PENDING_BYTES", 2000)
    assert merge(*chunks) == expected
    monkeypatch.setattr("tachyon_sdk.streaming.merge._MAX_PACKED_BYTES", 2000)
    merger = merger_of(*chunks)
    assert merger.merged() == expected
    merger.add(encoded(delta(content="!")))
    assert (
        merger.merged()["choices"][0]["delta"]["content"] == expected["choices"][0]["delta"]["content"] + "!"
    )


def test_a_chunk_may_be_nested_as_deep_as_the_parser_allows() -> None:
    def nested(depth: int) -> bytes:
        return b'{"choices":[{"index":0,"delta":{"content":"a"}}],"x":%b}' % (b"[" * depth + b"]" * depth)

    deepest = next(depth for depth in range(150, 1000) if not is_valid(nested(depth + 1)))
    merger = Merger()
    for depth in (1, deepest, 2):
        merger.add(nested(depth))
    assert merger.merged()["choices"][0]["delta"]["content"] == "aaa"


def is_valid(chunk: bytes) -> bool:
    try:
        ChatCompletionChunkResponse.model_validate_json(chunk)
    except ValueError:
        return False
    return True


def test_what_is_kept_of_a_long_stream_is_bounded() -> None:
    """A random string in each chunk cannot be compressed, and is no part of the response."""
    merger, text = Merger(), random.Random(7)
    tracemalloc.start()
    try:
        for number in range(20_000):
            padding = "".join(text.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=60))
            merger.add(
                b'{"choices":[{"index":0,"delta":{"content":"x"}}],"n":%d,"p":"%b"}'
                % (number, padding.encode())
            )
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_100_000
    assert peak < 5_000_000
    assert merger.merged()["choices"][0]["delta"]["content"] == "x" * 20_000


def test_no_tool_calls_are_null() -> None:
    assert calls([], []) is None
    assert deltas({"tool_calls": None}) == {"tool_calls": None}


def test_a_function_call_of_the_old_form() -> None:
    assert deltas(
        {"function_call": {"name": "weather", "arguments": ""}},
        {"function_call": {"arguments": '{"city":'}},
        {"function_call": {"name": "weather", "arguments": ' "Oslo"}'}},
        {"function_call": None},
    ) == {"function_call": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


def test_arguments_may_be_null() -> None:
    assert calls(
        {"index": 0, "id": "t", "function": {"name": "f", "arguments": None}},
        {"index": 0, "id": None, "function": {"name": None, "arguments": "{}"}},
        {"index": 0, "function": None},
    ) == [fragment("{}", "f", index=0, id="t")]


# --- results are independent

RICH: list[Chunk] = [
    {
        "id": "c",
        "usage": {"total_tokens": 1, "details": {"x": [1]}},
        "x": {"y": [1, {"z": 2}]},
        "choices": [
            {
                "index": 0,
                "delta": {
                    "role": "assistant",
                    "content": text,
                    "obj": {"list": [1, {"a": 1}]},
                    "tool_calls": [WEATHER, {**TIME, "x": [{"y": 1}]}],
                    "function_call": {"name": "f", "arguments": "{"},
                },
                "logprobs": {"content": [{"token": "a", "top": [1]}]},
                "x": {"list": [1]},
            }
        ],
    }
    for text in "ab"
]


def spoil(value: Any) -> None:
    """Changes a JSON value in place, at every level."""
    if isinstance(value, (dict, list)):
        for part in list(value.values() if isinstance(value, dict) else value):
            spoil(part)
        value.clear()


def test_each_result_is_new() -> None:
    merger = merger_of(*RICH)
    first = merger.merged()
    kept = copy.deepcopy(first)
    second = merger.merged()
    assert second == kept
    spoil(first)
    assert second == kept
    assert merger.merged() == kept
    merger.add(encoded(RICH[0]))
    assert merger.merged() != kept
    assert second == kept


def test_a_result_is_what_came_so_far() -> None:
    merger = Merger()
    for number, text in enumerate(["a", "b", "c"], 1):
        merger.add(encoded(delta(content=text)))
        assert merger.merged()["choices"][0]["delta"]["content"] == "abc"[:number]
        assert merger.chunks == number


def test_a_hundred_thousand_chunks() -> None:
    text = encoded(delta(content="ab", reasoning_content="c"))
    call = encoded(delta(tool_calls=[fragment("d", index=0)]))
    merger = Merger()
    for _ in range(50_000):
        merger.add(text)
        merger.add(call)
    (choice,) = merger.merged()["choices"]
    assert choice["delta"] == {
        "content": "ab" * 50_000,
        "reasoning_content": "c" * 50_000,
        "tool_calls": [fragment("d" * 50_000, index=0)],
    }
