"""Models and JSON: values round-trip exactly, and the caller's values are not modified."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

import tachyon_sdk
from support.contract import (
    ANSWERS,
    NATURAL,
    OBJECTS,
    SCHEMAS,
    any_json,
    attribute,
    example,
    properties,
    validator,
    values,
)

pytestmark = pytest.mark.exhaustive

CLASSES = [*OBJECTS, *NATURAL]
thorough = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
brief = settings(thorough, max_examples=15)


def exact(value: Any) -> str:
    """A text that is the same only for the same JSON: 1 is not 1.0, 0.0 is not -0.0, and true is not 1."""
    return json.dumps(value, sort_keys=True)


def emptied(value: Any) -> None:
    """Empties every list and dict in a value, from the innermost."""
    if isinstance(value, (dict, list)):
        for item in list(value.values()) if isinstance(value, dict) else value:
            emptied(item)
        value.clear()


@pytest.mark.parametrize("name", CLASSES)
def test_valid_values_round_trip_exactly(name: str) -> None:
    model = getattr(tachyon_sdk, name)

    @thorough
    @given(values(SCHEMAS[name]))
    def comes_back(value: Any) -> None:
        wanted = exact(value)
        from_dict = model.from_dict(value)
        from_json = model.from_json(json.dumps(value))
        assert exact(from_dict.to_dict()) == wanted
        assert exact(from_json.to_dict()) == wanted
        assert exact(json.loads(from_dict.to_json())) == wanted
        assert exact(json.loads(from_json.to_json())) == wanted
        assert from_dict == from_json

    comes_back()


@pytest.mark.parametrize("name", CLASSES)
def test_copies_and_pickles_are_equal_and_share_nothing(name: str) -> None:
    model = getattr(tachyon_sdk, name)

    @brief
    @given(values(SCHEMAS[name]))
    def are_equal(value: Any) -> None:
        instance = model.from_dict(value)
        wanted = exact(instance.to_dict())
        for other in (copy.copy(instance), copy.deepcopy(instance), pickle.loads(pickle.dumps(instance))):
            assert other == instance
            assert type(other) is model
            assert exact(other.to_dict()) == wanted

    are_equal()


@pytest.mark.parametrize("name", CLASSES)
def test_the_callers_value_is_neither_changed_nor_shared(name: str) -> None:
    model = getattr(tachyon_sdk, name)

    @brief
    @given(values(SCHEMAS[name]))
    def is_left_alone(value: Any) -> None:
        before = exact(value)
        instance = model.from_dict(value)
        wanted = exact(instance.to_dict())
        emptied(instance.to_dict())
        assert exact(value) == before
        assert exact(instance.to_dict()) == wanted
        emptied(value)
        assert exact(instance.to_dict()) == wanted

    is_left_alone()


def test_changing_a_model_does_not_change_its_source() -> None:
    given_dict = {
        "messages": [{"role": "user", "content": "a", "own": {"list": [1]}}],
        "metadata": {"k": [1]},
    }
    wanted = exact(given_dict)
    request: Any = tachyon_sdk.ChatCompletionRequest.from_dict(given_dict)
    request.messages[0].content = "b"
    request.messages[0].own["list"].append(2)
    request.messages.append(tachyon_sdk.Message(role="user"))
    request.metadata["k"].append(2)
    assert exact(given_dict) == wanted


@pytest.mark.parametrize("name", OBJECTS)
@brief
@given(value=any_json)
def test_unknown_properties_are_attributes_as_well(name: str, value: Any) -> None:
    instance = getattr(tachyon_sdk, name).from_dict({**example(name), "unknown_one": value})
    assert exact(instance.unknown_one) == exact(value)
    instance.unknown_one = [value]
    assert exact(instance.to_dict()["unknown_one"]) == exact([value])


@pytest.mark.parametrize(("name", "key"), properties())
def test_absent_stays_absent(name: str, key: str) -> None:
    value = {name_: item for name_, item in example(name).items() if name_ != key}
    if key in SCHEMAS[name].get("required", ()) and name not in ANSWERS and name != "ChatCompletionRequest":
        with pytest.raises(ValidationError):
            getattr(tachyon_sdk, name).from_dict(value)
        return
    instance = getattr(tachyon_sdk, name).from_dict(value)
    getattr(instance, attribute(key))  # reading it does not set it
    repr(instance)
    assert key not in instance.to_dict()
    assert key not in json.loads(instance.to_json())


@pytest.mark.parametrize(("name", "key"), properties())
def test_null_stays_null(name: str, key: str) -> None:
    """Except for required properties: a request rejects null, a response reads it as empty."""
    model = getattr(tachyon_sdk, name)
    value = {**example(name), key: None}
    if key in SCHEMAS[name].get("required", ()) and not validator(name).is_valid(value):
        if name in ANSWERS:
            assert model.from_dict(value).to_dict()[key] in ([], {}, None)
        else:
            with pytest.raises(ValidationError):
                model.from_dict(value)
        return
    instance = model.from_dict(value)
    assert getattr(instance, attribute(key)) is None
    assert exact(instance.to_dict()) == exact(value)
    assert json.loads(instance.to_json())[key] is None


@pytest.mark.parametrize(
    "number", [0, 1, 2**53 + 1, 2**63, 10**40, -1, 0.0, -0.0, 1.0, 1e22, 5e-324, 1.7e308]
)
@pytest.mark.parametrize(
    ("name", "key"), [("Usage", "total_cost"), ("Usage", "unknown"), ("ErrorResponse", "code")]
)
def test_numbers_are_unchanged(name: str, key: str, number: float) -> None:
    model = getattr(tachyon_sdk, name)
    text = json.dumps({key: number})
    assert exact(model.from_dict({key: number}).to_dict()) == text
    assert exact(json.loads(model.from_dict({key: number}).to_json())) == text
    assert exact(json.loads(model.from_json(text).to_json())) == text


@pytest.mark.parametrize("number", [0, 1, 2, 0.5, 1.0, 2.0])
def test_numbers_of_a_request_are_unchanged(number: float) -> None:
    request = tachyon_sdk.ChatCompletionRequest(temperature=number)
    assert request.to_json() == f'{{"temperature":{number}}}'
    request.temperature = 1
    assert request.to_json() == '{"temperature":1}'


TEXTS = [
    "",
    "日本語 — “x”",
    "\U0001f9d1\u200d\U0001f680",
    "a\u0301",
    "\u2028\u2029",
    "\x00\x1f\x7f",
    '"\\/\b\f\n\r\t',
    "\ufeff",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_unchanged(text: str) -> None:
    for value in (
        {"role": text, "content": text, text or "-": text},
        {"role": "u", "deep": [{text: [text]}]},
    ):
        message = tachyon_sdk.Message.from_dict(value)
        assert message.to_dict() == value
        assert json.loads(message.to_json()) == value
        assert tachyon_sdk.Message.from_json(json.dumps(value, ensure_ascii=False)).to_dict() == value
        assert tachyon_sdk.Message.from_json(message.to_json_bytes()).to_dict() == value


def test_json_is_utf_8_without_white_space_or_escapes_that_it_does_not_need() -> None:
    message = tachyon_sdk.Message(role="user", content="日本 語")
    assert message.to_json() == '{"role":"user","content":"日本 語"}'
    assert message.to_json_bytes() == message.to_json().encode()
    assert tachyon_sdk.MessageContent("日本 語").to_json() == '"日本 語"'


def test_numbers_that_json_does_not_have_do_not_turn_into_null() -> None:
    # The complete request is validated later; see encode_body.
    message = tachyon_sdk.Message(role="user", least=float("nan"), most=float("inf"))
    assert message.to_json() == '{"role":"user","least":NaN,"most":Infinity}'
    assert repr(message.to_dict()) == "{'role': 'user', 'least': nan, 'most': inf}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
@pytest.mark.parametrize(
    "text",
    [
        '{"total_cost":%s}',
        '{"unknown":%s}',
        '{"unknown":{"deep":[1,%s]}}',
        '{"total_tokens":%s}',
    ],
)
def test_numbers_that_json_does_not_have_are_written_as_null(text: str, number: str) -> None:
    usage = tachyon_sdk.Usage.from_json(text % number)
    assert json.loads(usage.to_json()) == json.loads(text % "null")


def test_deep_nesting() -> None:
    deep = json.loads("[" * 150 + "]" * 150)
    message = tachyon_sdk.Message.from_dict({"role": "user", "deep": deep})
    assert message.to_dict()["deep"] == deep
    assert tachyon_sdk.Message.from_json(message.to_json()) == message
