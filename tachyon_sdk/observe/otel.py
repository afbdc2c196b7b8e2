"""OpenTelemetry: spans and metrics of calls. Needs the extra `otel`.

::

    client = ApiClient(configuration, hooks=[OpenTelemetryHook()])

Names follow the semantic conventions for generative AI, which are in development and may change:
https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextvars import Token
from typing import Any
from urllib.parse import unquote, urlsplit

from tachyon_sdk._version import __version__
from tachyon_sdk.exceptions import ApiException
from tachyon_sdk.hooks import Attempt, Call, Hook
from tachyon_sdk.observe.usage import UsageCounts, read_usage

try:
    from opentelemetry import context, propagate, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider, get_meter
except ImportError as error:
    raise ImportError(
        "OpenTelemetryHook needs the extra 'otel' of tachyon-chat-sdk: opentelemetry-api"
    ) from error

_SCOPE = "tachyon_sdk"
_PROVIDER = "tachyon"
# From the properties of a request to the attributes of its span, and the types that the conventions allow.
_REQUEST = {
    "model": ("gen_ai.request.model", str),
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "top_k": ("gen_ai.request.top_k", float),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "max_completion_tokens": ("gen_ai.request.max_tokens", int),
    "seed": ("gen_ai.request.seed", int),
}
_OUTPUT_TYPES = {"text": "text", "json_object": "json", "json_schema": "json"}
_USAGE = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "total_cost": "tachyon.usage.total_cost",
}
_METRIC_ATTRIBUTES = (
    *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model"),
    *("server.address", "server.port", "error.type"),
)
# The limits that the conventions recommend: powers of 4 tokens, and of 2 times 10 ms.
_TOKEN_BUCKETS = [4.0**power for power in range(14)]
_SECONDS_BUCKETS = [0.01 * 2**power for power in range(14)]


class _State:
    """What the hook keeps of a call."""

    def __init__(self, span: trace.Span, attributes: dict[str, Any]) -> None:
        self.span = span
        self.attributes = attributes
        self.token: Token[Context] | None = None


class OpenTelemetryHook(Hook):
    """Makes a span for each call, and records metrics of chat completions.

    The span of a chat completion is `chat {model}`, that of another operation has its name, such as `get_chatrooms`.
    It covers all attempts, and ends when the response was read. The span of a stream ends with the stream; its
    attribute `tachyon.stream.end` is `finished`, `broken` or `closed` (closed by the program before its end). Each
    attempt that is repeated is an event `tachyon.retry`. Requests carry the trace context (`traceparent`), and spans of
    instrumented HTTP libraries are children of the span. A pickle of the hook uses the global providers.

    Args:
        tracer_provider: Default: the global one.
        meter_provider: Default: the global one.
        record_content: Whether spans contain the messages of requests and responses (`gen_ai.input.messages`,
            `gen_ai.output.messages`). Data of images and files is left out.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        record_content: bool = False,
    ) -> None:
        self.record_content = record_content
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = get_meter(_SCOPE, __version__, meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS_BUCKETS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk.",
            explicit_bucket_boundaries_advisory=_SECONDS_BUCKETS,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None, None, self.record_content)

    def before_call(self, call: Call) -> None:
        address = urlsplit(call.url)
        attributes: dict[str, Any] = {
            "server.address": address.hostname or "",
            "server.port": address.port or (443 if address.scheme == "https" else 80),
        }
        name = call.operation
        if _is_chat(call):
            attributes |= _request_attributes(call, self.record_content)
            name = f"chat {attributes.get('gen_ai.request.model', '')}".rstrip()
        else:
            attributes["http.request.method"] = call.method
        if (room := _chatroom(address.path)) is not None:
            attributes["gen_ai.conversation.id"] = room
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        call.state[self] = _State(span, attributes)

    def before_attempt(self, attempt: Attempt) -> None:
        state = call_state(self, attempt.call)
        if state is not None:
            state.token = context.attach(trace.set_span_in_context(state.span))
            propagate.inject(attempt.headers)

    def after_attempt(self, attempt: Attempt) -> None:
        self._end_attempt(attempt, {"http.response.status_code": attempt.status or 0})

    def on_attempt_error(self, attempt: Attempt, error: BaseException) -> None:
        self._end_attempt(attempt, {"error.type": _error_type(error)})

    def _end_attempt(self, attempt: Attempt, outcome: dict[str, Any]) -> None:
        state = call_state(self, attempt.call)
        if state is None:
            return
        # It has none if the hook before this one refused the attempt.
        token, state.token = state.token, None
        if token is not None:
            context.detach(token)
        if attempt.delay is not None:
            details = {"tachyon.attempt": attempt.number, "tachyon.delay": attempt.delay}
            state.span.add_event("tachyon.retry", {**outcome, **details})

    def after_call(self, call: Call) -> None:
        self._end(call, None)

    def on_call_error(self, call: Call, error: BaseException) -> None:
        self._end(call, error)

    def _end(self, call: Call, error: BaseException | None) -> None:
        state: _State | None = call.state.pop(self, None)
        if state is None:
            return
        try:
            ended = _response_attributes(call, error)
            counts = UsageCounts()
            if call.usage is not None:
                read_usage(call.usage, counts)
                ended |= {
                    attribute: value for name, attribute in _USAGE.items() if (value := getattr(counts, name))
                }
            if self.record_content and _is_chat(call) and state.span.is_recording():
                ended |= _output(call)
            state.span.set_attributes(ended)
            if error is not None:
                state.span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            if _is_chat(call):
                self._measure(call, counts, {**state.attributes, **ended})
        finally:
            state.span.end()

    def _measure(self, call: Call, counts: UsageCounts, attributes: Mapping[str, Any]) -> None:
        common = {name: attributes[name] for name in _METRIC_ATTRIBUTES if name in attributes}
        self._duration.record(call.seconds, common)
        # The two others are not reported with an error type. A copy: the SDK may keep the attributes.
        common = {name: value for name, value in common.items() if name != "error.type"}
        if call.usage is not None:
            self._tokens.record(counts.prompt_tokens, {**common, "gen_ai.token.type": "input"})
            self._tokens.record(counts.completion_tokens, {**common, "gen_ai.token.type": "output"})
        if call.first_chunk_at is not None:
            self._first_chunk.record(call.first_chunk_at - call.started_at, common)


def call_state(hook: OpenTelemetryHook, call: Call) -> _State | None:
    """Return what the hook keeps of a call, or None after its end."""
    return call.state.get(hook)


def _is_chat(call: Call) -> bool:
    return call.method == "POST" and call.url.endswith("/chat/completions")


def _chatroom(path: str) -> str | None:
    _, _, rest = path.partition("/chatrooms/")
    return unquote(rest.partition("/")[0]) or None


def _error_type(error: BaseException) -> str:
    if isinstance(error, ApiException) and isinstance(error.status, int) and error.status >= 400:
        return str(error.status)
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _request_attributes(call: Call, record_content: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": _PROVIDER}
    if call.stream:
        attributes["gen_ai.request.stream"] = True
    try:
        body = call.body
    except ValueError:  # call_api may send anything
        return attributes
    if not isinstance(body, dict):
        return attributes
    for name, (attribute, kind) in _REQUEST.items():
        value: Any = body.get(name)
        allowed = (int, float) if kind is float else kind
        if isinstance(value, allowed) and not isinstance(value, bool):
            attributes[attribute] = kind(value)
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop
    if isinstance(stops, list) and stops and all(isinstance(each, str) for each in stops):
        attributes["gen_ai.request.stop_sequences"] = stops
    choices = body.get("n")
    if isinstance(choices, int) and choices != 1:
        attributes["gen_ai.request.choice.count"] = choices
    form = body.get("response_format")
    output = _OUTPUT_TYPES.get(str(form.get("type"))) if isinstance(form, dict) else None
    if output is not None:
        attributes["gen_ai.output.type"] = output
    if record_content:
        attributes["gen_ai.input.messages"] = _to_json(
            [_message(each) for each in _list(body.get("messages"))]
        )
    return attributes


def _response_attributes(call: Call, error: BaseException | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if call.response_id and _is_chat(call):
        attributes["gen_ai.response.id"] = str(call.response_id)
    if call.model:
        attributes["gen_ai.response.model"] = call.model
    if call.finish_reasons:
        attributes["gen_ai.response.finish_reasons"] = list(call.finish_reasons)
    if call.first_chunk_at is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = call.first_chunk_at - call.started_at
    if call.status is not None:
        attributes["http.response.status_code"] = call.status
    if call.request_id:
        attributes["tachyon.request_id"] = call.request_id
    if call.attempts > 1:
        attributes["http.request.resend_count"] = call.attempts - 1
    if call.stream and call.status is not None and call.status < 400:
        attributes["tachyon.stream.end"] = (
            "broken" if error is not None else "finished" if call.complete else "closed"
        )
    if error is not None:
        attributes["error.type"] = _error_type(error)
    return attributes


def _output(call: Call) -> dict[str, Any]:
    response = call.response
    if not hasattr(response, "to_dict"):
        return {}
    messages = []
    for choice in _list(response.to_dict().get("choices")):
        message = _message(choice.get("message") or choice.get("delta") or {}, "assistant")
        messages.append({**message, "finish_reason": choice.get("finish_reason") or ""})
    return {"gen_ai.output.messages": _to_json(messages)} if messages else {}


def _message(message: Any, role: str = "user") -> dict[str, Any]:
    """Return a message in the form of the conventions."""
    if not isinstance(message, dict):
        return {"role": role, "parts": []}
    parts: list[dict[str, Any]]
    if message.get("role") == "tool":
        result = message.get("content")
        parts = [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": result}]
    else:
        parts = list(_parts(message.get("content")))
    for call in _list(message.get("tool_calls")):
        if isinstance(call, dict):
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            asked = {"name": function.get("name"), "arguments": function.get("arguments")}
            parts.append({"type": "tool_call", "id": call.get("id"), **asked})
    return {"role": message.get("role") or role, "parts": parts}


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "content": content}
    for part in _list(content):
        if isinstance(part, dict) and part.get("type") == "text":
            yield {"type": "text", "content": part.get("text")}
        elif isinstance(part, dict):
            yield {"type": str(part.get("type"))}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
