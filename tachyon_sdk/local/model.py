"""The built-in model: the same conversation always gives the same answer."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from tachyon_sdk.local import phrases
from tachyon_sdk.local.arguments import make_arguments
from tachyon_sdk.local.request import ChatRequest, read_json
from tachyon_sdk.local.tokens import images_in, is_japanese, split, text_of
from tachyon_sdk.local.wire import Json


class ToolCall(NamedTuple):
    """A call of a tool; `pieces` joined are the arguments as JSON text."""

    name: str
    pieces: list[str]


class Answer(NamedTuple):
    """One choice. `pieces` joined are its text, one token each. It has a text or calls, not both."""

    pieces: list[str]
    calls: list[ToolCall]
    finish_reason: str

    @property
    def tokens(self) -> int:
        """Tokens of the text and of the arguments of calls."""
        return len(self.pieces) + sum(len(call.pieces) for call in self.calls)


def answer(conversation: Sequence[Json], request: ChatRequest) -> list[Answer]:
    """As many answers as the request asks for, each cut at `max_completion_tokens`.

    `conversation` is the history of the room, if any, and the messages of the request.
    """
    calls = _calls(conversation, request)
    if calls:
        return [_cut([], calls, "tool_calls", request.max_completion_tokens)] * request.n
    answers = []
    for index in range(request.n):
        text = compose(conversation, index)
        if request.json_object:
            wanted = _wanted_object(conversation)
            text = json.dumps({"answer": text} if wanted is None else wanted, ensure_ascii=False)
        answers.append(_cut(split(text), [], "stop", request.max_completion_tokens))
    return answers


def is_instruction(message: Json) -> bool:
    """Whether a message tells the model how to behave, rather than being part of the talk."""
    return message["role"] in ("system", "developer")


def compose(conversation: Sequence[Json], index: int) -> str:
    """The text of the choice `index`, in Japanese when the user's last message is."""
    said = [message for message in conversation if not is_instruction(message)]
    place = next((i for i in reversed(range(len(said))) if said[i]["role"] == "user"), None)
    last = said[place] if place is not None else {}
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
        first = next(text_of(message) for message in said if message["role"] == "user")
        sentences.append(words.before.format(count=place, first=first))
    if index:
        sentences.append(words.choice.format(number=index + 1))
    return words.gap.join(sentences)


def _calls(conversation: Sequence[Json], request: ChatRequest) -> list[ToolCall]:
    """A call of each tool that the user names; with `tool_choice` `any`, else of the first tool."""
    if not request.tools or conversation[-1]["role"] == "tool":
        return []
    asked = next((text_of(message) for message in reversed(conversation) if message["role"] == "user"), "")
    functions = [tool["function"] for tool in request.tools]
    chosen = [function for function in functions if function["name"] and function["name"] in asked]
    if not chosen and request.tool_choice == "any":
        chosen = functions[:1]
    return [
        ToolCall(each["name"], split(json.dumps(make_arguments(each.get("parameters")), ensure_ascii=False)))
        for each in chosen
    ]


def _wanted_object(conversation: Sequence[Json]) -> Json | None:
    """An object that fits the JSON Schema in the last line of an instruction, where `ask_for` puts it."""
    for message in filter(is_instruction, reversed(conversation)):
        try:
            schema = read_json(text_of(message).rpartition("\n")[2].encode())
        except ValueError:
            continue
        if isinstance(schema, dict) and schema.get("type") == "object":
            return make_arguments(schema)
    return None


def _results(conversation: Sequence[Json]) -> list[tuple[str, str]]:
    """Name and result of the tools whose results are the last messages of the conversation."""
    names = {
        call["id"]: call["function"]["name"]
        for message in conversation
        for call in message.get("tool_calls") or ()
    }
    results: list[tuple[str, str]] = []
    for message in reversed(conversation):
        if message["role"] != "tool":
            break
        results.insert(0, (names.get(str(message.get("tool_call_id")), "tool"), text_of(message)))
    return results


def _cut(text: list[str], calls: list[ToolCall], finish_reason: str, limit: int) -> Answer:
    whole = Answer(text, calls, finish_reason)
    if whole.tokens <= limit:
        return whole
    kept, left = [], limit
    for call in calls:
        if left > 0:
            kept.append(call._replace(pieces=call.pieces[:left]))
            left -= len(call.pieces)
    return Answer(text[:limit], kept, "length")
