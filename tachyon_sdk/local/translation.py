"""Translates requests for the upstream, and its responses into those of the contract."""

from collections.abc import Sequence
from typing import Any

from tachyon_sdk.local.tokens import count, split
from tachyon_sdk.local.validation import ChatRequest
from tachyon_sdk.local.wire import DONE, ApiError, Envelope, Json, usage
from tachyon_sdk.models import ChatCompletionChunkResponse, ToolChoice
from tachyon_sdk.streaming.tool_calls import ToolCall, ToolCalls

# Properties of a request that only the Tachyon service knows.
_OF_THE_PLATFORM = frozenset(
    {"communication_style", "explanation_style", "technical_level", "memory_settings", "web_search"}
)
_FINISH_REASONS = {
    "complete": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "function_call": "tool_calls",
    "max_tokens": "length",
    "none": None,
    "null": None,
    "safety": "content_filter",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}
_OF_A_CALL = frozenset({"index", "id", "type", "function"})
_OF_A_FUNCTION = frozenset({"name", "arguments"})
_NO_ARGUMENTS = "{}"
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")


def upstream_request(
    request: ChatRequest, conversation: Sequence[Json], model: str | None
) -> tuple[Json, Json]:
    """Return a request for the upstream, and properties that are added if the upstream accepts them.

    Args:
        request: The request of the client.
        conversation: The history of the chatroom, if there is one, and the messages of the request.
        model: The name of the model, None if the upstream is to choose.
    """
    body = {
        name: value
        for name, value in request.body.items()
        if value is not None and name not in _OF_THE_PLATFORM
    }
    body["messages"] = [_message(message) for message in conversation]
    if model is not None:
        body["model"] = model
    if request.tool_choice == ToolChoice.ANY.value:
        body["tool_choice"] = "required"
    optional: Json = {}
    if request.stream and "stream_options" not in body:
        optional["stream_options"] = {"include_usage": True}
    if "max_completion_tokens" in body and "max_tokens" not in body:
        optional["max_tokens"] = body["max_completion_tokens"]  # the older name, which more servers know
    return body, optional


def _message(message: Json) -> Json:
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [_content_part(part) for part in content]}
    # Chat templates insert a null as a word.
    return {**message, "content": ""} if content is None else message


def _content_part(part: Json) -> Json:
    part = {name: value for name, value in part.items() if value is not None}
    if isinstance(image := part.get("image_url"), dict):
        part["image_url"] = {
            name: value for name, value in image.items() if name != "mime_type" and value is not None
        }
    return part


class ResponseTranslator:
    """Translates a response of the upstream, whole or in chunks.

    Args:
        envelope: The properties that all chunks share. It gets those of the upstream that the client may see.
        conversation: The messages that the upstream got, to estimate a usage that it does not report.
    """

    def __init__(self, envelope: Envelope, conversation: Sequence[Json]) -> None:
        envelope.system_fingerprint = None
        self._envelope = envelope
        self._conversation = conversation
        self._choices: dict[int, _Choice] = {}
        self._usage: Json | None = None
        self._usage_was_sent = False
        self._tokens = 0

    @property
    def is_finished(self) -> bool:
        """Whether each choice has a finish reason."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def event(self, chunk: ChatCompletionChunkResponse) -> bytes | None:
        """Return the event of a chunk; None if it has nothing for the client."""
        choices = self._read(chunk)
        for choice, own in choices:
            if choice["finish_reason"] and (missing := own.missing_arguments()):
                delta = choice["delta"]
                delta["tool_calls"] = [*(delta.get("tool_calls") or ()), *missing]
        if choices:
            return self._envelope.chunk([choice for choice, _ in choices])
        return self._usage_event() if self._usage is not None else None

    def last_events(self) -> list[bytes]:
        """Return the events after those of the upstream's chunks."""
        return [DONE] if self._usage_was_sent else [self._usage_event(), DONE]

    def whole(self, response: ChatCompletionChunkResponse) -> Json:
        """Return a whole response as a `chat.completion`.

        Raises:
            ApiError: It has no choices.
        """
        choices = self._read(response)
        if not choices:
            raise ApiError(502, "provider_error", "the upstream failed: its response has no choices")
        for choice, _ in choices:
            message = choice["message"] = {"content": None, **choice.pop("delta")}
            for call in message.get("tool_calls") or ():
                call.pop("index", None)
                if "function" in call and not call["function"]["arguments"].strip():
                    call["function"]["arguments"] = _NO_ARGUMENTS
        return self._envelope.response([choice for choice, _ in choices], self._full_usage())

    def message(self, merged: ChatCompletionChunkResponse) -> Json:
        """Return the message of the first choice, for the history, with the ids that the client got."""
        message = merged.to_message().to_dict()
        first = self._choices.get(0)
        ids = first.call_ids() if first else []
        for call, call_id in zip(message.get("tool_calls") or (), ids, strict=False):
            call["id"] = call_id
        return message

    def _read(self, chunk: ChatCompletionChunkResponse) -> list[tuple[Json, "_Choice"]]:
        sent = chunk.to_dict()
        envelope = self._envelope
        envelope.model = envelope.model or str(sent.get("model") or "")
        envelope.system_fingerprint = sent.get("system_fingerprint") or envelope.system_fingerprint
        if isinstance(sent.get("usage"), dict):
            self._usage = sent["usage"]
        choices = []
        for position, choice in enumerate(sent.get("choices") or ()):
            index = choice.get("index")
            index = index if isinstance(index, int) else position
            own = self._choices.get(index)
            if own is None:
                own = self._choices[index] = _Choice(envelope, index)
            delta = own.delta(choice.get("delta") or {})
            self._tokens += _tokens_in(delta)
            reason = own.reason(choice.get("finish_reason"))
            logprobs = choice.get("logprobs")
            choices.append(
                (
                    {**choice, "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason},
                    own,
                )
            )
        return choices

    def _usage_event(self) -> bytes:
        self._usage_was_sent = True
        return self._envelope.chunk([], self._full_usage())

    def _full_usage(self) -> Json:
        """Return what the upstream reported, with estimates of what it did not."""
        reported = self._usage or {}
        estimated = {**usage(count(self._conversation), self._tokens), "total_cost": None}
        known = {name: value for name, value in reported.items() if value is not None}
        for name in _TOKENS:
            if not isinstance(known.get(name), int) or known[name] < 0:
                known.pop(name, None)
        used = {**estimated, **known}
        if "total_tokens" not in known:
            used["total_tokens"] = used["prompt_tokens"] + used["completion_tokens"]
        details = known.get("prompt_tokens_details")
        if used["cache_read_input_tokens"] is None and isinstance(details, dict):
            used["cache_read_input_tokens"] = details.get("cached_tokens")
        return used


def _tokens_in(delta: Json) -> int:
    texts = [
        delta.get("content"),
        *(call.get("function", {}).get("arguments") for call in delta.get("tool_calls") or ()),
    ]
    return sum(len(split(text)) for text in texts if text)


class _Choice:
    """What was sent to the client of one choice."""

    def __init__(self, envelope: Envelope, index: int) -> None:
        self.finish_reason: str | None = None
        self._envelope = envelope
        self._index = index
        self._has_begun = False
        self._fragments = ToolCalls()
        self._calls: list[_Call] = []

    def delta(self, delta: Json) -> Json:
        """Return a delta with the role, if it is the first, and with complete fragments of tool calls."""
        if not self._has_begun:
            self._has_begun = True
            delta = {**delta, "role": delta.get("role") or "assistant"}
        if "tool_calls" in delta:
            fragments = [self._fragment(fragment) for fragment in delta["tool_calls"] or ()]
            delta = {**delta, "tool_calls": fragments}
            if not fragments:
                del delta["tool_calls"]
        return delta

    def reason(self, reason: Any) -> str | None:
        """Return a finish reason in the words of the contract."""
        if not isinstance(reason, str) or not reason:
            return None
        own: str | None = _FINISH_REASONS.get(reason.lower(), reason)
        if own == "stop" and self._calls:  # several servers do not distinguish the two
            own = "tool_calls"
        self.finish_reason = own or self.finish_reason
        return own

    def missing_arguments(self) -> list[Json]:
        """Return fragments that complete the calls without arguments: these are an empty object."""
        fragments = []
        for position, call in enumerate(self._calls):
            if call.takes_none:
                call.arguments = _NO_ARGUMENTS
                fragments.append({"index": position, "function": {"arguments": _NO_ARGUMENTS}})
        return fragments

    def call_ids(self) -> list[str]:
        """Return the ids of the calls in the order in which `ToolCalls` has the calls."""
        calls = list(self._calls)
        if all(isinstance(call.index, int) for call in calls):
            calls.sort(key=lambda call: call.index)
        return [call.id for call in calls]

    def _fragment(self, fragment: Json) -> Json:
        if not isinstance(fragment.get("function"), dict):
            return fragment  # of a tool that the upstream itself runs
        merged = self._fragments.add_one(fragment)
        position = next((i for i, call in enumerate(self._calls) if call.merged is merged), None)
        sent: Json = {name: value for name, value in fragment.items() if name not in _OF_A_CALL}
        if position is None:
            position = len(self._calls)
            self._calls.append(
                _Call(merged, fragment.get("index"), self._new_id(fragment.get("id"), position))
            )
            sent |= {"id": self._calls[position].id, "type": "function"}
        function = {name: value for name, value in fragment["function"].items() if name not in _OF_A_FUNCTION}
        return {"index": position, **sent, "function": {**function, **self._calls[position].news()}}

    def _new_id(self, given: Any, position: int) -> str:
        taken = {call.id for call in self._calls}
        if isinstance(given, (str, int)) and given != "" and str(given) not in taken:
            return str(given)
        return self._envelope.call_id(self._index, position)


class _Call:
    """What was sent to the client of one tool call.

    Args:
        merged: What has arrived of it.
        index: Its index at the upstream.
        call_id: Its id for the client.
    """

    def __init__(self, merged: ToolCall, index: Any, call_id: str) -> None:
        self.merged = merged
        self.index = index
        self.id = call_id
        self.name = ""
        self.arguments = ""

    @property
    def takes_none(self) -> bool:
        """Whether it has no arguments."""
        return not self.arguments.strip()

    def news(self) -> Json:
        """Return what has arrived since the last time."""
        function = self.merged.function_as_json()
        name, arguments = function.get("name") or "", function.get("arguments") or ""
        news = {}
        if name != self.name:
            news["name"] = name.removeprefix(self.name)
            self.name = name
        # A server that sends the arguments again as a whole adds nothing.
        news["arguments"] = arguments[len(self.arguments) :] if arguments.startswith(self.arguments) else ""
        self.arguments += news["arguments"]
        return news
