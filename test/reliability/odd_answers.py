"""Responses with unexpected values: all positions in a response, and the values to put there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tachyon_sdk.models import ChatCompletionChunkResponse, ChunkChoice, DeltaMessage

Path = tuple[str | int, ...]
"""Keys and indices that lead to a place."""

# Every property that the contract names, and one that it does not at each level.
_FUNCTION = {"name": "f", "arguments": "{}", "unknown": "?"}
_CALL = {
    "index": 0,
    "id": "call-1",
    "type": "function",
    "function": _FUNCTION,
    "tool_id": "x",
    "tool_name": "y",
    "is_client_tool": True,
    "unknown": "?",
}
_DELTA = {
    "role": "assistant",
    "content": "Hello",
    "tool_calls": [_CALL],
    "refusal": "no",
    "function_call": _FUNCTION,
    "unknown": "?",
}
_CHOICE = {"index": 0, "finish_reason": "stop", "logprobs": {"content": [1]}, "unknown": "?"}
CHUNK = {
    "id": "chat-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "system_fingerprint": "f",
    "service_tier": "t",
    "choices": [{**_CHOICE, "delta": _DELTA}],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "total_cost": 0.5,
        "unknown": {"cached_tokens": 1},
    },
    "unknown": "?",
}
WHOLE = {**CHUNK, "choices": [{**_CHOICE, "message": _DELTA}]}
SAID = {"type": "say", "text": "Hello", "unknown": "?"}
"""What an agent says where a chunk is expected."""
ERRORS: list[Any] = [
    {"code": "c", "message": "m", "title": "t", "unknown": "?"},
    {"error": {"message": "m", "type": "t", "code": "c", "param": "p"}},
    {"detail": [{"loc": ["body", 0, "messages"], "msg": "m", "type": "t"}]},
]

# JSON text.
VALUES = [
    *("null", "true", "0", "-1", "-0.0", "1.0", "1.5", "1e-400", "9223372036854775808", "1" + "0" * 400),
    *('""', '"a"', '"12"', '"assistant"', r'"\u0000"', '"日本語🙂"', '"error"', '"say"', '"done"'),
    *("[]", "{}", "[null]", "[[]]", "[{}]", "[0,1]", '["a",{"b":[null]}]', '[{"index":0},{"index":1},{}]'),
    *('{"":""}', '{"index":null}', '{"content":"x"}', '{"a":1,"a":2}', '{"name":{"arguments":[1]}}'),
    # No JSON, or more than is read.
    *(
        "NaN",
        "-Infinity",
        "01",
        "+1",
        ".5",
        "tru",
        "'a'",
        '"',
        "",
        r'"\ud800"',
        r'"\udc00\ud800"',
        "9" * 5000,
    ),
    *('{"a":' * 195 + "1" + "}" * 195, "[" * 300 + "]" * 300, "[" * 2000),
]

# Attributes of every Python object, which a server may use as property names. Names with a meaning elsewhere in a
# response are omitted.
NAMES = sorted(
    {*dir(ChatCompletionChunkResponse), *dir({}), "", "a b", "日本語", "0", "$ref", "a.b", "\x00"}
    - {*ChunkChoice.model_fields, *DeltaMessage.model_fields}
)

# Lone surrogates as well: JSON can write them, UTF-8 cannot.
TEXTS = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, -(10**4000)]) | st.floats() | TEXTS,
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(NAMES), values, max_size=3)
    ),
    max_leaves=5,
)


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value, itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


def named(path: Path) -> str:
    """A path as the name of a test."""
    return ".".join(map(str, path)) or "all"


def with_each(answer: Any, path: Path, texts: list[str]) -> list[bytes]:
    """Yield a response as JSON with each of these JSON texts at one position."""
    before, after = json.dumps(_with(answer, path, "PLACE")).split('"PLACE"')
    return [f"{before}{text}{after}".encode() for text in texts]


def renamed(answer: Any, path: Path, name: str) -> Any:
    """Return a response with another name for the property at a path."""
    *level, old = path
    holder = answer
    for step in level:
        holder = holder[step]
    return _with(answer, tuple(level), {name if key == old else key: holder[key] for key in holder})


def _with(answer: Any, path: Path, value: Any) -> Any:
    root = holder = [json.loads(json.dumps(answer))]
    step: Any = 0
    for following in path:
        holder, step = holder[step], following
    holder[step] = value
    return root[0]


def _edited(answer: Any, edits: list[tuple[Path, Any]]) -> bytes:
    for path, value in edits:
        with contextlib.suppress(LookupError, TypeError):  # an earlier edit took this place away
            answer = _with(answer, path, value)
    return json.dumps(answer).encode()


PLACES: list[tuple[dict[str, Any], Path]] = [
    *((CHUNK, path) for path in paths_of(CHUNK)),
    *((WHOLE, path) for path in paths_of(WHOLE) if "message" in path),
    *((SAID, path) for path in paths_of(SAID)),
]
ANSWERS = st.builds(
    _edited,
    st.sampled_from([CHUNK, WHOLE, SAID]),
    st.lists(st.tuples(st.sampled_from([path for _, path in PLACES]), JSON), max_size=3),
)
"""Answers, as JSON, that have been changed in up to three places."""
