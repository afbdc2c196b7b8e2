"""The built-in model: the same conversation always has the same response."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from tachyon_sdk.local import phrases
from tachyon_sdk.local.arguments import make_arguments
from tachyon_sdk.local.parts import tool_names
from tachyon_sdk.local.tokens import images_in, is_japanese, split, text_of
from tachyon_sdk.local.validation import ChatRequest, read_json
from tachyon_sdk.local.wire import Json


class ToolCall(NamedTuple):
    """A tool call; `pieces` joined are the arguments as JSON text. An id of None is made from the response's."""

    name: str
    pieces: list[str]
    id: str | None = None


class Choice(NamedTuple):
    """One alternative response. `pieces` joined are its text; those of the built-in model are one token each."""

    pieces: list[str]
    calls: list[ToolCall]
    finish_reason: str

    @property
    def tokens(self) -> int:
        """Number of tokens of the text and of the arguments of calls."""
        return len(self.pieces) + sum(len(call.pieces) for call in self.calls)


def generate(conversation: Sequence[Json], request: ChatRequest) -> list[Choice]:
    """Return as many choices as the request asks for, each cut at `max_completion_tokens`.

    Args:
        conversation: The history of the chatroom, if there is one, and the messages of the request.
        request: The request.
    """
    calls = _calls(conversation, request)
    if calls:
        return [_cut([], calls, "tool_calls", request.max_completion_tokens)] * request.n
    choices = []
    for index in range(request.n):
        text = compose(conversation, index)
        if request.json_object:
            schema_object = _object_of_schema(conversation)
            text = json.dumps(
                {"answer": text} if schema_object is None else schema_object, ensure_ascii=False
            )
        choices.append(_cut(split(text), [], "stop", request.max_completion_tokens))
    return choices


def halved(choice: Choice) -> Choice:
    """Return the first half of a choice, at least one token of it."""
    return _cut(choice.pieces, choice.calls, choice.finish_reason, max(1, choice.tokens // 2))


def is_instruction(message: Json) -> bool:
    """Return whether a message tells the model how to behave. Chatrooms do not store these."""
    return message["role"] in ("system", "developer")


def compose(conversation: Sequence[Json], index: int) -> str:
    """Return the text of the choice `index`, in Japanese if the last user message is Japanese."""
    messages = [message for message in conversation if not is_instruction(message)]
    place = next((i for i in reversed(range(len(messages))) if messages[i]["role"] == "user"), None)
    last = messages[place] if place is not None else {}
    words = phrases.JAPANESE if is_japanese(text_of(last)) else phrases.ENGLISH
    sentences = [words.greeting if not place else words.greeting_again]
    results = _results(conversation)
    if results:
        sentences += [words.tool_result.format(name=name, result=result) for name, result in results]
    else:
        sentences.append(words.echo.format(text=text_of(last)) if text_of(last) else words.silence)
    if images_in(last):
        sentences.append(words.images.format(count=images_in(last)))
    instructions = [text_of(message) for message in conversation if is_instruction(message)]
    if instructions:
        sentences.append(words.instruction.format(text=instructions[-1]))
    if place:
        first = next(text_of(message) for message in messages if message["role"] == "user")
        sentences.append(words.before.format(count=place, first=first))
    if index:
        sentences.append(words.choice.format(number=index + 1))
    return words.gap.join(sentences)


def _calls(conversation: Sequence[Json], request: ChatRequest) -> list[ToolCall]:
    """Return a call of each tool that the user names; with `tool_choice` `any`, otherwise of the first tool."""
    if not request.tools or conversation[-1]["role"] == "tool":
        return []
    last = next((text_of(message) for message in reversed(conversation) if message["role"] == "user"), "")
    functions = [tool["function"] for tool in request.tools]
    chosen = [function for function in functions if function["name"] and function["name"] in last]
    if not chosen and request.tool_choice == "any":
        chosen = functions[:1]
    return [
        ToolCall(each["name"], split(json.dumps(make_arguments(each.get("parameters")), ensure_ascii=False)))
        for each in chosen
    ]


def _object_of_schema(conversation: Sequence[Json]) -> Json | None:
    """Return an object that fits the JSON Schema in the last line of an instruction, where `ask_for` puts it."""
    for message in filter(is_instruction, reversed(conversation)):
        try:
            schema = read_json(text_of(message).rpartition("\n")[2].encode())
        except ValueError:
            continue
        if isinstance(schema, dict) and schema.get("type") == "object":
            return make_arguments(schema)
    return None


def _results(conversation: Sequence[Json]) -> list[tuple[str, str]]:
    """Return name and result of the tools whose results are the last messages of the conversation."""
    names = tool_names(conversation)
    results: list[tuple[str, str]] = []
    for message in reversed(conversation):
        if message["role"] != "tool":
            break
        results.insert(0, (names.get(str(message.get("tool_call_id")), "tool"), text_of(message)))
    return results


def _cut(text: list[str], calls: list[ToolCall], finish_reason: str, limit: int) -> Choice:
    whole = Choice(text, calls, finish_reason)
    if whole.tokens <= limit:
        return whole
    kept, left = [], limit
    for call in calls:
        if left > 0:
            kept.append(call._replace(pieces=call.pieces[:left]))
            left -= len(call.pieces)
    return Choice(text[:limit], kept, "length")
