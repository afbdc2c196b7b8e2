"""`ask_for_stream`: partial objects, the value at the end, and errors."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import itertools
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator
from typing_extensions import NotRequired, TypedDict

from support.raw_server import RawServer, json_response, stream_response
from support.streams import BODY, DONE, connected, piece, serving
from support.tools import called
from tachyon_sdk import (
    ApiException,
    ApiTypeError,
    ObjectStream,
    StreamErrorException,
    StreamTruncatedException,
    StructuredOutputError,
    ask_for,
    ask_for_stream,
    parse_as,
)
from tachyon_sdk._typed.json_prefix import JsonInText, JsonPrefix
from tachyon_sdk._typed.partial import PartialBuilder


class Mood(enum.Enum):
    CALM = "calm"


class Author(BaseModel):
    name: str
    born: datetime.date | None = None


class Article(BaseModel):
    title: str = Field(min_length=5)
    words: int
    tags: list[str] = []
    author: Author

    @model_validator(mode="after")
    def check(self) -> Article:
        assert self.title.strip()
        return self

    @field_validator("words")
    @classmethod
    def half(cls, value: int) -> int:
        return value // 2


@dataclass
class Point:
    x: int
    label: str
    z: int = 3
    more: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.label.upper()


class Entry(TypedDict):
    key: str
    value: NotRequired[int]


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str
    tricks: list[str] = []


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    full_name: str = Field(alias="fullName")


class Names(RootModel[list[str]]):
    pass


class Tree(BaseModel):
    name: str
    branches: list[Tree] = []


class Pair(NamedTuple):
    a: int
    b: int


def answer(text: str, step: int = 1, finish: str = "stop") -> bytes:
    pieces = [piece(text[start : start + step]) for start in range(0, len(text), step)]
    return stream_response(*pieces, piece(finish=finish), DONE)


def objects(kind: Any, text: str, step: int = 1) -> list[Any]:
    with serving(answer(text, step)) as api:
        with ask_for_stream(api.chat_completion_stream, BODY, kind) as stream:
            return list(stream)


ARTICLE = '{"title": "Tides", "words": 12, "tags": ["sea", "moon"], "author": {"name": "Ken", "born": "1990-02-03"}}'


def test_a_model_grows() -> None:
    *partial, last = objects(Article, ARTICLE)
    assert last == parse_as(Article, ARTICLE)
    assert last.words == 6
    assert all(type(each) is Article for each in partial)
    first = partial[0]
    assert (first.title, first.words, first.tags, first.author) == (None, None, [], None)
    titles = list(dict.fromkeys(each.title for each in partial))
    # A title that is complete is valid; one that grows may be shorter.
    assert titles == [None, "", "T", "Ti", "Tid", "Tide", "Tides"]
    assert {each.words for each in partial} == {None, 12}
    assert ["sea", "mo"] in [each.tags for each in partial]
    authors = [each.author for each in partial if each.author]
    assert {each.born for each in authors} == {None, datetime.date(1990, 2, 3)}
    assert Author(name="Ken") in authors
    assert all(one != other for one, other in itertools.pairwise(partial))
    assert partial[3].model_fields_set == {"title"}


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (" \n", "\n "),
        ("```json\n", "\n```"),
        ('<think>Which one? {"title": "no"} </think>\n', ""),
        ("[THINK]true? [1] [/THINK]", ""),
        ("{maybe}</thinking>```\n", "\n```\n"),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>", ""),
        ("<think>a</think>b</think>", ""),
    ],
)
def test_what_stands_around_the_json_is_skipped(before: str, after: str, step: int) -> None:
    *partial, last = objects(Article, before + ARTICLE + after, step)
    assert last == parse_as(Article, ARTICLE)
    assert all(each.title is None or "Tides".startswith(each.title) for each in partial)
    if step < 6:
        assert any(each.tags == ["sea", "moon"] for each in partial)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Point, '{"x": 1, "label": "here", "more": [1, 2]}', Point),
        (Entry, '{"key": "ab", "value": 5}', dict),
        (list[Point], '[{"x": 1, "label": "a"}, {"x": 2, "label": "b"}]', list),
        (Cat | Dog, '{"kind": "dog", "name": "Rex", "tricks": ["sit"]}', Dog),
        (Annotated[Cat | Dog, Field(discriminator="kind")], '{"kind": "dog", "name": "Rex"}', Dog),
        (Author | None, '{"name": "Ken"}', Author),
        (str | list[str], '["a", "b"]', list),
        (dict[str, Author], '{"a": {"name": "Ken"}, "b": {"name": "Bo"}}', dict),
        (Aliased, '{"fullName": "Ken Ito"}', Aliased),
        (Names, '["Ken", "Bo"]', Names),
        (Tree, '{"name": "a", "branches": [{"name": "b", "branches": [{"name": "c"}]}]}', Tree),
        (set[str], '["a", "b"]', set),
        (tuple[int, ...], "[1, 2, 3]", tuple),
        (dict[str, Any], '{"a": {"b": [1, {"c": "d"}]}}', dict),
        (str, '"Hello"', str),
    ],
)
def test_types(kind: Any, text: str, expected: type) -> None:
    *partial, last = objects(kind, text)
    assert last == parse_as(kind, text)
    assert len(partial) >= 2
    assert all(isinstance(each, expected) for each in partial)
    assert all(one != other for one, other in itertools.pairwise(partial))
    # Names and elements never go away again.
    sizes = [
        len(json.dumps(each, default=lambda value: getattr(value, "__dict__", str(value))))
        for each in partial
    ]
    assert sizes[-1] > sizes[0] and len(set(sizes)) > 1


@pytest.mark.parametrize(
    ("kind", "text"), [(int, "123"), (Pair, "[1, 2]"), (Mood, '"calm"'), (tuple[int, str], '[1, "a"]')]
)
def test_types_without_partial_objects(kind: Any, text: str) -> None:
    assert objects(kind, text) == [parse_as(kind, text)]


def test_a_partial_object_is_of_the_member_that_fits() -> None:
    text = '{"name": "Rex", "kind": "dog", "tricks": []}'
    kinds = [type(each) for each in objects(Cat | Dog, text)]
    assert kinds[0] is Cat and kinds[-1] is Dog
    assert kinds == sorted(kinds, key=[Cat, Dog].index)


def test_a_class_that_needs_its_fields_has_no_partial_objects() -> None:
    class Needy(BaseModel):
        a: str
        b: str

        def model_post_init(self, context: Any) -> None:
            assert self.a + self.b

    assert [each.b for each in objects(Needy, '{"a": "x", "b": "yz"}')] == ["", "y", "yz", "yz"]


def test_text_that_is_cut_inside_an_escape() -> None:
    text = r'"a\n\\u12\u00e9\ud83d\ude00\"b\\"'
    whole = json.loads(text)
    *partial, last = objects(str, text)
    assert last == whole
    assert partial == [whole[:end] for end in range(len(whole) + 1)]


def test_the_value_can_be_read_alone() -> None:
    with serving(answer(ARTICLE, 9), answer(ARTICLE, 9)) as api:
        with ask_for_stream(api.chat_completion_stream, BODY, Article) as stream:
            assert isinstance(stream, ObjectStream)
            assert stream.value == stream.value == parse_as(Article, ARTICLE)
            assert list(stream) == []
            assert stream.stream.status == 200
            assert repr(stream).startswith("<ObjectStream of <Stream: finished, 1 choice, ")
        with ask_for_stream(api.chat_completion_stream, BODY, Article) as stream:
            assert next(stream).title is None
            assert stream.value.words == 6


def test_the_request_is_that_of_ask_for() -> None:
    with RawServer([json_response({"choices": []}), answer(ARTICLE)]) as server, connected(server) as api:
        with pytest.raises(StructuredOutputError):
            ask_for(api.chat_completion, BODY, Article)
        assert ask_for_stream(api.chat_completion_stream, BODY, Article).value.words == 6
        plain, streamed = (json.loads(request.body) for request in server.requests)
    assert streamed.pop("stream") is True
    plain.pop("stream", None)
    assert streamed == plain


def test_a_response_that_is_not_streamed() -> None:
    whole = json_response(
        {"choices": [{"index": 0, "message": {"content": ARTICLE}, "finish_reason": "stop"}]}
    )
    with serving(whole) as api:
        assert list(ask_for_stream(api.chat_completion_stream, BODY, Article)) == [parse_as(Article, ARTICLE)]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (answer('{"title": "no"}'), "not a valid Article: title: "),
        (answer("Here it is: " + ARTICLE), "not a valid Article: Invalid JSON"),
        (answer('{"title": "Tides", x', 4), "not a valid Article: Invalid JSON"),
        (answer(ARTICLE[:40], finish="length"), "truncated at a length limit"),
        (answer(ARTICLE, finish="content_filter"), "withheld"),
        (answer(""), "no text"),
        (
            stream_response(
                {"choices": [{"index": 0, "delta": {"refusal": "No."}, "finish_reason": "stop"}]}, DONE
            ),
            "refused: No.",
        ),
        (
            stream_response(
                {
                    "choices": [
                        {
                            "index": 0,
                            "delta": {"tool_calls": [called("f", "{}")]},
                            "finish_reason": "tool_calls",
                        }
                    ]
                },
                DONE,
            ),
            "called f instead",
        ),
    ],
)
def test_errors_are_those_of_ask_for(response: bytes, message: str) -> None:
    with serving(response) as api:
        stream = ask_for_stream(api.chat_completion_stream, BODY, Article)
        with pytest.raises(StructuredOutputError, match=message) as caught:
            for _ in stream:
                pass
        assert caught.value.answer.text == caught.value.text
        with pytest.raises(StructuredOutputError) as again:
            _ = stream.value
        assert again.value is caught.value


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (stream_response(piece('{"title": "Ti'), {"error": {"message": "it failed"}}), StreamErrorException),
        (stream_response(piece('{"title": "Ti')), StreamTruncatedException),
    ],
)
def test_errors_of_the_stream_come_after_what_arrived(response: bytes, error: type[ApiException]) -> None:
    with serving(response) as api:
        stream = ask_for_stream(api.chat_completion_stream, BODY, Article)
        assert next(stream).title == "Ti"
        with pytest.raises(error) as caught:
            next(stream)
        assert caught.value.partial.text == '{"title": "Ti'
        with pytest.raises(StreamTruncatedException):
            _ = stream.value


def test_a_stream_that_was_closed_has_no_value() -> None:
    with serving(answer(ARTICLE)) as api:
        with ask_for_stream(api.chat_completion_stream, BODY, Article) as stream:
            next(stream)
        with pytest.raises(StreamTruncatedException):
            _ = stream.value
        assert "closed" in repr(stream)


def test_an_unusable_type_is_an_error_before_anything_is_sent() -> None:
    def ask(**_: Any) -> Any:
        raise AssertionError

    with pytest.raises(ApiTypeError):
        ask_for_stream(ask, BODY, Callable[[], int])


def test_long_json_does_not_take_quadratic_time() -> None:
    """Most pieces of a long text are not parsed."""
    items = [{"x": number, "label": "x" * 20} for number in range(3000)]
    text = json.dumps(items)
    parsed = len(objects(list[Point], text, 40))
    assert 40 < parsed < len(text) / 40


@pytest.mark.parametrize(
    "text", ['{"a": [1, {"b": "c\\"}"}], "d": null}', "[]", '"a"', "[[[], {}], 1.5e3, false]"]
)
def test_where_a_json_text_ends(text: str) -> None:
    for step in (1, 2, 3):
        prefix = JsonPrefix()
        for start in range(0, len(text), step):
            assert not prefix.complete
            prefix.parsed()
            prefix.feed(text[start : start + step])
        assert prefix.complete
        prefix.feed("```")
        assert prefix.text == text


def test_text_that_is_searched_for_json_is_not_kept() -> None:
    arriving = JsonInText()
    tracemalloc.start()
    for _ in range(5000):
        arriving.feed("I think about it. " * 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000
    arriving.feed("</think>[1")
    assert arriving.json is not None and arriving.parsed() is not None


def test_invalid_values_are_not_there() -> None:
    class Bounded(BaseModel):
        size: int = Field(ge=0)
        name: str

    prefix = JsonPrefix()
    prefix.feed('{"size": -1, "name": "x')
    incomplete = prefix.parsed()
    assert incomplete is not None
    built = PartialBuilder(Bounded).build(incomplete)
    assert (built.size, built.name) == (None, "x")


def test_a_value_is_there_once_it_is_complete() -> None:
    prefix = JsonPrefix()
    builder = PartialBuilder(Point)
    sizes = []
    for text in ('{"x": 1', "2", ","):
        prefix.feed(text)
        incomplete = prefix.parsed()
        assert incomplete is not None
        sizes.append(builder.build(incomplete).x)
    assert sizes == [None, None, 12]


def test_objects_that_cannot_be_compared_are_not_repeated() -> None:
    @dataclass(eq=False)
    class Plain:
        a: str
        b: str

    seen = [(each.a, each.b) for each in objects(Plain, '{"a": "x"   ,   "b": "y"}')]
    assert seen == [(None, None), ("", None), ("x", None), ("x", ""), ("x", "y"), ("x", "y")]
